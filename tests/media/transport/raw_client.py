"""A client made of aiortc's own DTLS and SCTP on a socket of ours: over UDP or TCP, with losses where wanted."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import cast

from aioice import stun
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport

from media.sdp.values import Fingerprint, Setup
from media.transport.api import IceCredentials, RemoteParameters
from media.transport.framing import Framer, frame
from media.transport.listener import PortListener

CERTIFICATE = RTCCertificate.generateCertificate()
#: Whether the n-th datagram (0, 1, …) of a direction is lost.
Loses = Callable[[int], bool]


def never(_: int) -> bool:
    return False


class RawClient(asyncio.DatagramProtocol):
    """`role`, `_recv` and `_send` are what aiortc's DTLS asks of its ICE transport."""

    role = "controlling"

    def __init__(
        self,
        *,
        loses_up: Loses = never,
        loses_down: Loses = never,
        certificate: RTCCertificate = CERTIFICATE,
    ) -> None:
        self.ufrag, self.pwd = secrets.token_hex(4), secrets.token_hex(16)
        self.loses_up, self.loses_down = loses_up, loses_down
        self.answers_checks = True
        self.sent = self.received = 0
        self.media: list[bytes] = []
        self.answers: asyncio.Queue[stun.Message] = asyncio.Queue()
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._framer = Framer()
        self._udp: asyncio.DatagramTransport | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Future[None] | None = None
        self._certificate = certificate
        self.dtls = RTCDtlsTransport(cast(RTCIceTransport, self), [certificate])
        self.dtls._set_role("client")
        self.sctp = RTCSctpTransport(self.dtls)

    @property
    def credentials(self) -> IceCredentials:
        return IceCredentials(self.ufrag, self.pwd)

    @property
    def remote_parameters(self) -> RemoteParameters:
        """What its SDP would say."""
        fingerprint = self._certificate.getFingerprints()[0]
        return RemoteParameters(
            ufrag=self.ufrag,
            pwd=self.pwd,
            fingerprints=(Fingerprint(fingerprint.algorithm, fingerprint.value),),
            setup=Setup.ACTIVE,
        )

    async def open(self, listener: PortListener, *, tcp: bool = False) -> None:
        if not tcp:
            self._udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: self, remote_addr=("127.0.0.1", listener.udp_port)
            )
            return
        reader, self._writer = await asyncio.open_connection("127.0.0.1", listener.tcp_port)
        self._reading = asyncio.ensure_future(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65536):
            for packet in self._framer.feed(data):
                self.datagram_received(packet, None)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.received += 1
        if self.loses_down(self.received - 1):
            return
        if data[0] <= 3:
            self._heard(stun.parse_message(data))
        elif data[0] >= 128:
            self.media.append(data)
        else:
            self._inbox.put_nowait(data)

    def _heard(self, message: stun.Message) -> None:
        """Answers the server's checks, as every browser does."""
        if message.message_class is not stun.Class.REQUEST:
            self.answers.put_nowait(message)
        elif self.answers_checks and message.check_message_integrity(self.pwd.encode()):
            answer = stun.Message(
                stun.Method.BINDING,
                stun.Class.RESPONSE,
                message.transaction_id,
                {"XOR-MAPPED-ADDRESS": ("127.0.0.1", 9)},
            )
            answer.add_message_integrity(self.pwd.encode())
            self.send(bytes(answer))

    def send(self, data: bytes) -> None:
        self.sent += 1
        if self.loses_up(self.sent - 1):
            return
        if self._udp is not None:
            self._udp.sendto(data)
        elif self._writer is not None:
            self._writer.write(frame(data))

    def check(self, local: IceCredentials, *, use_candidate: bool = True) -> None:
        """Send a binding request made with the server's credentials; its answer comes into `answers`."""
        self.send(binding_request(local, self.ufrag, use_candidate=use_candidate))

    async def checked(self, local: IceCredentials, *, use_candidate: bool = True) -> stun.Message:
        """Check until answered: datagrams may be lost."""
        while True:
            self.check(local, use_candidate=use_candidate)
            try:
                return await asyncio.wait_for(self.answers.get(), 0.1)
            except TimeoutError:
                continue

    async def _recv(self) -> bytes:
        return await self._inbox.get()

    async def _send(self, data: bytes) -> None:
        self.send(data)

    async def connect(self, listener: PortListener) -> None:
        """DTLS and SCTP, once checked."""
        fingerprint = listener.fingerprint
        await self.dtls.start(
            RTCDtlsParameters([RTCDtlsFingerprint(fingerprint.algorithm, fingerprint.value)])
        )
        if self.dtls.state == "connected":
            await self.sctp.start(RTCSctpCapabilities(maxMessageSize=65536), 5000)

    def channel(self, label: str, *, max_retransmits: int | None = None) -> RTCDataChannel:
        return RTCDataChannel(
            self.sctp,
            RTCDataChannelParameters(
                label=label, maxRetransmits=max_retransmits, ordered=max_retransmits is None
            ),
        )

    async def close(self) -> None:
        await self.sctp.stop()
        await self.dtls.stop()
        if self._udp is not None:
            self._udp.close()
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.close()


def binding_request(
    local: IceCredentials,
    remote_ufrag: str,
    *,
    use_candidate: bool = True,
    controlled: bool = False,
    pwd: str | None = None,
) -> bytes:
    """As a browser makes it; `pwd` for a wrong one."""
    attributes: dict[str, object] = {
        "USERNAME": f"{local.ufrag}:{remote_ufrag}",
        "PRIORITY": 1,
        "ICE-CONTROLLED" if controlled else "ICE-CONTROLLING": 7,
    }
    if use_candidate:
        attributes["USE-CANDIDATE"] = None
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes=attributes)
    message.add_message_integrity((pwd or local.pwd).encode())
    return bytes(message)
