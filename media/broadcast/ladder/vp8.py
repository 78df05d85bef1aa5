"""VP8 in RTP (RFC 7741): packets in their order in, whole pictures out that build on nothing that is missing. Pure."""

from __future__ import annotations

from collections import Counter

from attrs import define, field

from media.broadcast.cmaf.clocks import StreamClock
from media.broadcast.cmaf.pictures import Unseen
from media.broadcast.ladder.values import LARGEST, Coded
from media.forwarder.plain.rtp import Malformed, RtpPacket
from media.forwarder.plain.sequence import seq_delta
from media.forwarder.plain.vp8 import parse_descriptor

#: A number so far behind the last one is not late: the sender began anew (RFC 3550 A.1).
_ANEW = 3_000
#: Bytes of a picture's first partition that are looked at: frame tag and, in a key frame, start code and size.
_TAG, _KEY_HEAD = 3, 10
_START_CODE = b"\x9d\x01\x2a"  # RFC 6386 9.1
#: Packets of one picture at most; a large key frame of 1080p has some hundred.
MOST_PACKETS = 4_096


@define(eq=False)
class Vp8Source:
    """One layer of one encoder, as the forwarder hears it. After a loss nothing is given out until a key frame.

    Attributes:
        unseen: pictures that were left out, by reason.
        wants_key: a key frame must be asked for.
    """

    _clock: StreamClock
    unseen: Counter[Unseen] = field(factory=Counter)
    wants_key: bool = True
    _sequence: int | None = None
    _timestamp: int | None = None  # of the picture at hand; None: there is none
    _pieces: list[bytes] = field(factory=list)
    _size: int = 0
    _broken: bool = False  # the picture at hand has a hole

    def take(self, packet: RtpPacket, now: int) -> list[Coded]:
        """The pictures that end with this packet: none, one, or two if the one before had no marker."""
        if self._sequence is not None:
            delta = seq_delta(packet.sequence, self._sequence)
            if -_ANEW < delta <= 0:
                return []
            if delta != 1:
                self._lose()
        self._sequence = packet.sequence
        if not packet.payload:  # padding, which probes a link
            return []
        done: list[Coded] = []
        if packet.timestamp != self._timestamp:
            done += self._end(now)
            self._timestamp = packet.timestamp
        self._unpack(packet.payload)
        if packet.marker:
            done += self._end(now)
        return done

    def _unpack(self, payload: bytes) -> None:
        if self._broken:
            return
        try:
            descriptor = parse_descriptor(payload)
        except Malformed:
            self._lose()
            return
        if descriptor.start != (not self._pieces):
            self._lose()
            return
        self._size += len(payload) - descriptor.size
        if self._size > LARGEST or len(self._pieces) >= MOST_PACKETS:
            self._lose()
            return
        self._pieces.append(payload[descriptor.size :])

    def _lose(self) -> None:
        """The picture at hand has a hole, or the one between it and the last."""
        self._broken = self.wants_key = True
        self._pieces.clear()
        self._size = 0

    def _end(self, now: int) -> list[Coded]:
        """The picture at hand is complete, or given up."""
        timestamp, broken = self._timestamp, self._broken
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size, self._broken, self._timestamp = 0, False, None
        if timestamp is None:
            return []
        if broken or not data:
            self.unseen[Unseen.AFTER_LOSS] += 1
            return []
        key = is_key(data)
        if key is None:
            self.unseen[Unseen.MALFORMED] += 1
            self.wants_key = True
            return []
        ticks = self._clock.ticks(timestamp, now)
        if self.wants_key and not key:
            self.unseen[Unseen.AFTER_LOSS] += 1
            return []
        self.wants_key = False
        return [Coded(ticks, key, data)]


def is_key(data: bytes) -> bool | None:
    """Whether a whole picture is a key frame (RFC 6386 9.1); None: no decoder understands its beginning."""
    if len(data) < _TAG:
        return None
    tag = int.from_bytes(data[:_TAG], "little")
    if tag >> 5 > len(data) - _TAG:  # the first partition is longer than what there is
        return None
    if tag & 1:
        return False
    if len(data) < _KEY_HEAD or data[_TAG:6] != _START_CODE:
        return None
    return None if size_of(data) is None else True


def size_of(key: bytes) -> tuple[int, int] | None:
    """Width and height of a key frame; None: it has none, or more than is decoded here."""
    width = int.from_bytes(key[6:8], "little") & 0x3FFF
    height = int.from_bytes(key[8:10], "little") & 0x3FFF
    return (width, height) if 0 < width <= 4096 and 0 < height <= 4096 else None
