"""One ICE and DTLS connection of a light participant, on a UDP socket of its own; what comes stays encrypted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable, Iterable
from typing import Any, cast

from aioice import stun
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport
from attrs import field, frozen
from OpenSSL import SSL

from bench.light_sdp import Candidate, Ours, Theirs
from media.forwarder.api import SrtpKeys, SrtpProfile
from media.transport.api import IceCredentials
from media.transport.dtls import PROFILES
from tests.media.transport.raw_client import binding_request

CERTIFICATE = RTCCertificate.generateCertificate()
#: Seconds between two checks: until the first is answered, and afterwards (consent, RFC 7675).
FIRST_S, LATER_S = 0.1, 4.0


def _new() -> Ours:
    mine = next(one for one in CERTIFICATE.getFingerprints() if one.algorithm == "sha-256")
    return Ours(secrets.token_hex(4), secrets.token_hex(12), f"{mine.algorithm} {mine.value}")


@frozen
class Handed:
    """Attributes:

    fd: a UDP socket connected to the server; whoever has it closes it.
    check: a binding request, to be sent every few seconds (consent, RFC 7675).
    pwd: of our end, for answers to the server's checks.
    """

    fd: int
    keys: SrtpKeys
    check: bytes = field(repr=False)
    pwd: str = field(repr=False)


def srtp_keys(connection: SSL.Connection, *, begun: bool) -> SrtpKeys:
    """RFC 5764 4.2: rx is what the server sends. `begun`: by us, so that we are DTLS's client."""
    chosen = connection.get_selected_srtp_profile()
    profile = next(one for one in PROFILES if one.openssl_profile == chosen)
    key, size = profile.key_length, 2 * (profile.key_length + profile.salt_length)
    material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", size)
    tx, rx = (profile.get_key_and_salt(material, side) for side in (not begun, begun))
    return SrtpKeys(SrtpProfile(chosen.decode()), rx[:key], rx[key:], tx[:key], tx[key:])


class Wire(asyncio.DatagramProtocol):
    """`role`, `_recv` and `_send` are what aiortc's DTLS asks of its ICE transport."""

    role = "controlling"

    def __init__(self, media: Callable[[bytes, float], None], host: str = "127.0.0.1") -> None:
        self.ours = _new()
        self._host = host
        self.connected = asyncio.Event()
        self._media = media
        self._theirs: Theirs | None = None
        self._port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._checked = asyncio.Event()
        self._udp: asyncio.DatagramTransport | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._dtls: Any = RTCDtlsTransport(cast(RTCIceTransport, self), [CERTIFICATE])
        self._sctp = RTCSctpTransport(self._dtls)
        self._now = asyncio.get_running_loop().time

    def renew(self) -> None:
        """Another ufrag, for an ICE restart of ours; the same length, the same fingerprint."""
        self.ours = Ours(secrets.token_hex(4), self.ours.pwd, self.ours.fingerprint)

    def meet(self, theirs: Theirs) -> None:
        """The server's end as its description says; another ufrag is a restart."""
        before, self._theirs = self._theirs, theirs
        self.reach(theirs.candidates)
        if before is None:
            self._tasks.append(asyncio.ensure_future(self._connect(theirs)))
            self._tasks.append(asyncio.ensure_future(self._check()))
        elif before.ufrag != theirs.ufrag:
            self._send_check()

    def reach(self, candidates: Iterable[Candidate]) -> None:
        """The first on the address that we talk to is taken; nothing is ever sent elsewhere."""
        for candidate in candidates:
            if candidate.address == self._host and not self._port.done():
                self._port.set_result(candidate.port)

    async def _connect(self, theirs: Theirs) -> None:
        loop = asyncio.get_running_loop()
        port = await self._port
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: self, remote_addr=(self._host, port)
        )
        for _ in range(
            2
        ):  # as browsers do; what we send also bounds what an unproved address is sent
            self._send_check()
        await self._checked.wait()
        self._dtls._set_role("server" if theirs.begins else "client")
        algorithm, value = theirs.fingerprint.split()
        await self._dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(algorithm, value)]))
        if self._dtls.state == "connected":
            self.connected.set()
            await self._sctp.start(RTCSctpCapabilities(maxMessageSize=65536), 5000)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(LATER_S if self._checked.is_set() else FIRST_S)
            self._send_check()

    def _send_check(self) -> None:
        if self._udp is not None and self._theirs is not None:
            local = IceCredentials(self._theirs.ufrag, self._theirs.pwd)
            self._udp.sendto(binding_request(local, self.ours.ufrag))

    def datagram_received(self, data: bytes, _addr: object) -> None:
        first = data[0]
        if first >= 128:
            self._media(data, self._now())
        elif first == 1:
            self._checked.set()
        elif first == 0:
            self._answer(data)
        else:
            self._inbox.put_nowait(data)

    def _answer(self, question: bytes) -> None:
        """The server asks whether we are where our checks come from."""
        assert self._udp is not None
        asked = stun.parse_message(question)
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, asked.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = self._udp.get_extra_info("peername")
        response.add_message_integrity(self.ours.pwd.encode())
        self._udp.sendto(bytes(response))

    def error_received(self, _exc: Exception) -> None:
        """The server's port is closed: it is gone."""

    async def _recv(self) -> bytes:
        return await self._inbox.get()

    async def _send(self, data: bytes) -> None:
        if self._udp is not None:
            self._udp.sendto(data)

    def send_media(self, packet: bytes) -> None:
        if self._udp is not None:
            self._udp.sendto(self._dtls._tx_srtp.protect(packet))

    def send_control(self, packet: bytes) -> None:
        if self._udp is not None and self.connected.is_set():
            self._udp.sendto(self._dtls._tx_srtp.protect_rtcp(packet))

    @property
    def is_settled(self) -> bool:
        """The handshakes are done, the data channels' too: what comes from now on is media."""
        return self.connected.is_set() and self._sctp.state == "connected"

    def hand_over(self) -> Handed:
        """The socket and its keys, for somebody else to go on with; here nothing is sent or read any more."""
        assert self._udp is not None
        assert self._theirs is not None
        for task in self._tasks:
            task.cancel()
        fd = os.dup(self._udp.get_extra_info("socket").fileno())
        self._close_socket()
        local = IceCredentials(self._theirs.ufrag, self._theirs.pwd)
        check = binding_request(local, self.ours.ufrag)
        return Handed(
            fd, srtp_keys(self._dtls._ssl, begun=self._dtls._role == "client"), check, self.ours.pwd
        )

    async def close(self, *, silently: bool = False) -> None:
        """`silently`: the server is told nothing."""
        for task in self._tasks:
            task.cancel()
        if silently:
            self._close_socket()
        with contextlib.suppress(ConnectionError):
            await self._sctp.stop()
            await self._dtls.stop()
        self._close_socket()

    def _close_socket(self) -> None:
        if self._udp is not None:
            self._udp.close()
            self._udp = None
