"""One tapped stream: packets in their order, and what they are, on the broadcast's clock. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from attrs import define, evolve, field

from media.broadcast.cmaf.clocks import RATE, PublisherClock, StreamClock
from media.broadcast.cmaf.pictures import Picture, Unseen
from media.broadcast.cmaf.source import PictureSource
from media.broadcast.ladder.values import Coded
from media.broadcast.ladder.vp8 import Vp8Source
from media.broadcast.program.reorder import Reorder
from media.forwarder.api import Codec
from media.forwarder.plain.red import primary_block
from media.forwarder.plain.rtp import Malformed, RtpPacket, parse_rtp

#: RTP units a second: of pictures, of Opus.
PICTURE_RATE, SOUND_RATE = 90_000, 48_000
#: A missing packet of a voice is waited for less long: the mixer waits for no voice longer.
VOICE_PATIENCE = RATE * 3 // 20

T = TypeVar("T", Picture, Coded)
T_co = TypeVar("T_co", covariant=True)


class Source(Protocol[T_co]):
    """What makes whole pictures of packets: `PictureSource`, `Vp8Source`."""

    unseen: Counter[Unseen]
    wants_key: bool

    def take(self, packet: RtpPacket, now: int) -> Sequence[T_co]: ...


@define(eq=False)
class CameraIn(Generic[T]):
    """One layer of a picture's track.

    Attributes:
        came: when its last packet came, ticks.
        size: bytes that came.
    """

    source: Source[T]
    clock: StreamClock
    came: int
    size: int = 0
    malformed: int = 0
    _order: Reorder = field(factory=Reorder)

    def take(self, data: bytes, now: int, *, known: bool = True) -> list[T]:
        """The pictures that this packet completes; of one that is not `known` only the number counts."""
        packet = _parsed(data)
        if packet is None:
            self.malformed += 1
            return []
        self.came = now
        self.size += len(data)
        return self._read(self._order.take(packet if known else _empty(packet), now), now)

    def look(self, now: int) -> list[T]:
        """Those for which something was waited in vain."""
        return self._read(self._order.look(now), now)

    def _read(self, packets: Sequence[RtpPacket], now: int) -> list[T]:
        return [picture for one in packets for picture in self.source.take(one, now)]


@define(eq=False)
class VoiceIn:
    """A microphone: packets of Opus and their times. `came` as of a camera."""

    clock: StreamClock
    came: int
    malformed: int = 0
    _order: Reorder = field(factory=lambda: Reorder(patience=VOICE_PATIENCE))

    def take(self, data: bytes, now: int, codec: Codec | None) -> list[tuple[bytes, int]]:
        """Sound without copies of earlier sound (RFC 2198)."""
        packet = _parsed(data)
        if packet is None:
            self.malformed += 1
            return []
        if codec is Codec.RED:
            packet = self._primary(packet)
        elif codec is not Codec.OPUS:
            packet = _empty(packet)
        self.came = now
        return self._read(self._order.take(packet, now), now)

    def _primary(self, packet: RtpPacket) -> RtpPacket:
        try:
            return evolve(packet, payload=primary_block(packet.payload))
        except Malformed:
            self.malformed += 1
            return _empty(packet)

    def look(self, now: int) -> list[tuple[bytes, int]]:
        return self._read(self._order.look(now), now)

    def _read(self, packets: Sequence[RtpPacket], now: int) -> list[tuple[bytes, int]]:
        return [
            (one.payload, self.clock.ticks(one.timestamp, now)) for one in packets if one.payload
        ]


def camera_in(
    codec: Codec, publisher: PublisherClock, now: int
) -> CameraIn[Picture] | CameraIn[Coded] | None:
    """None: this codec is not understood here."""
    if codec is Codec.H264:
        clock = publisher.stream(PICTURE_RATE)
        return CameraIn(PictureSource(clock), clock, now)
    if codec is Codec.VP8:
        clock = publisher.stream(PICTURE_RATE)
        return CameraIn(Vp8Source(clock), clock, now)
    return None


def voice_in(publisher: PublisherClock, now: int) -> VoiceIn:
    return VoiceIn(publisher.stream(SOUND_RATE), now)


def _empty(packet: RtpPacket) -> RtpPacket:
    return evolve(packet, payload=b"")


def _parsed(data: bytes) -> RtpPacket | None:
    try:
        return parse_rtp(data)
    except Malformed:
        return None
