"""A participant made of a WebSocket and a socket, for what no SDK would send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
from aiortc.rtcdatachannel import RTCDataChannel
from attrs import define
from livekit.protocol import models, rtc

from media.sdp.api import parse
from media.transport.api import IceCredentials
from media.transport.listener import PortListener
from tests.media.signal.test_doors import Raw, raw
from tests.media.transport.raw_client import CERTIFICATE, RawClient
from tests.media.world import World, eventually

#: Of the microphone that its offer announces.
SSRC, PAYLOAD_TYPE = 0x0BADCAFE, 111


@define
class Intruder:
    """`wire` is the publisher's connection of v0, with SRTP keys and data channels."""

    signal: Raw
    wire: RawClient
    local: IceCredentials  # the server's, as its answer says
    reliable: RTCDataChannel
    lossy: RTCDataChannel

    async def rtp(self, ssrc: int, number: int = 0, payload: bytes = b"hello") -> None:
        """An SRTP packet made with its own keys."""
        head = bytes((0x80, PAYLOAD_TYPE)) + number.to_bytes(2, "big") + bytes(4)
        await self.wire.dtls._send_rtp(head + ssrc.to_bytes(4, "big") + payload)

    async def rtcp(self, packet: bytes) -> None:
        await self.wire.dtls._send_rtp(packet)

    def data(self, topic: str, payload: bytes, *, reliable: bool = True) -> None:
        packet = models.DataPacket(user=models.UserPacket(topic=topic, payload=payload))
        (self.reliable if reliable else self.lossy).send(packet.SerializeToString())


def offer(client: RawClient, cid: str) -> str:
    """Data channels, and a microphone that sends, if `cid` says which."""
    fingerprint = CERTIFICATE.getFingerprints()[0]
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    lines.append("a=group:BUNDLE 0 1" if cid else "a=group:BUNDLE 0")
    transport = [
        "c=IN IP4 0.0.0.0",
        f"a=ice-ufrag:{client.ufrag}",
        f"a=ice-pwd:{client.pwd}",
        f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}",
        "a=setup:actpass",
    ]
    lines += ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", *transport, "a=mid:0"]
    lines += ["a=sctp-port:5000", "a=max-message-size:65536"]
    if cid:
        lines += [f"m=audio 9 UDP/TLS/RTP/SAVPF {PAYLOAD_TYPE}", *transport, "a=mid:1"]
        lines += ["a=sendonly", "a=rtcp-mux", f"a=rtpmap:{PAYLOAD_TYPE} opus/48000/2"]
        lines += [f"a=msid:- {cid}", f"a=ssrc:{SSRC} cname:x"]
    return "\r\n".join((*lines, ""))


@asynccontextmanager
async def intruder(
    world: World, identity: str, *, cid: str = "", **grants: Any
) -> AsyncIterator[Intruder]:
    """Connected; announces nothing by itself, but its offer may have a microphone."""
    client = RawClient()
    listener = cast(PortListener, world.node.services.listener)
    async with raw(world, identity, **grants) as signal:
        await signal.until("join")
        text = offer(client, cid)
        await signal.say(offer=rtc.SessionDescription(type="offer", sdp=text, id=1))
        answered = parse((await signal.until("answer")).answer.sdp).transport
        local = IceCredentials(answered.ufrag, answered.pwd)
        await client.open(listener)
        await client.checked(local)
        await client.connect(listener)
        reliable, lossy = client.channel("_reliable"), client.channel("_lossy", max_retransmits=0)
        await eventually(
            lambda: (reliable.readyState, lossy.readyState) == ("open", "open"), "channels open"
        )
        try:
            yield Intruder(signal, client, local, reliable, lossy)
        finally:
            await client.close()


async def until_closed(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Cut off by the server."""
    await eventually(lambda: socket.closed, "it is cut off")


async def breathe() -> None:
    """Let the server work: attacks share its loop."""
    await asyncio.sleep(0)
