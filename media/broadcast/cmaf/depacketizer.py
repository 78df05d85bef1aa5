"""H.264 in RTP (RFC 6184, non-interleaved): packets in their order, NAL units of whole pictures out."""

from __future__ import annotations

from attrs import define, field, frozen

from media.broadcast.cmaf.pictures import DELIMITER, LARGEST_PICTURE, MOST_NALS, SPS
from media.forwarder.plain.rtp import Malformed, RtpPacket
from media.forwarder.plain.sequence import seq_delta

_STAP_A, _FU_A = 24, 28  # RFC 6184 5.2
_LAST_SINGLE = 23
#: A number so far behind the last one is not late: the sender began anew (RFC 3550 A.1).
_ANEW = 3_000


@frozen
class Units:
    """NAL units of one picture, none missing.

    Attributes:
        timestamp: RTP, uint32 at 90 kHz.
        after_loss: something between this picture and the one before is missing.
    """

    timestamp: int
    nals: tuple[bytes, ...] = field(repr=False)
    after_loss: bool


@define
class Depacketizer:
    """One stream of one encoder.

    Packets come in their order, repaired as far as NACK could; a number that is missing now stays missing, and the
    picture it belongs to is not given out. A number that is not newer than the last one is nobody's any more.
    """

    _sequence: int | None = None
    _timestamp: int = -1  # of the picture at hand; none yet
    _nals: list[bytes] = field(factory=list)
    _fragments: list[bytes] = field(factory=list)
    _size: int = 0
    _broken: bool = False  # the picture at hand has a hole
    _lost: bool = False  # and so had one since the last that was given out

    def take(self, packet: RtpPacket) -> list[Units]:
        """The pictures that end with this packet: none, one, or two if the one before had no marker."""
        hole = self._sequence is None  # what came before the first packet is not known either
        if self._sequence is not None:
            delta = seq_delta(packet.sequence, self._sequence)
            if -_ANEW < delta <= 0:
                return []
            if delta != 1:
                hole = True
                self._break()
        self._sequence = packet.sequence
        if not packet.payload:  # padding, which probes a link, has the last picture's time
            return []
        done = []
        if packet.timestamp != self._timestamp:
            done += self._end()
            self._timestamp = packet.timestamp
            # What was missing may have been this picture's beginning, with parameter sets of its own.
            self._broken = hole and not _begins_picture(packet.payload)
        if not self._broken:
            try:
                self._unpack(packet.payload)
            except Malformed:
                self._break()
        if packet.marker:
            done += self._end()
        return done

    def _unpack(self, payload: bytes) -> None:
        first = payload[0]
        kind = first & 0x1F
        if first & 0x80:
            raise Malformed("forbidden bit is set")
        if self._fragments and kind != _FU_A:
            raise Malformed("another unit before the last fragment")
        if kind == _FU_A:
            self._take_fragment(payload)
        elif kind == _STAP_A:
            self._take_aggregate(payload)
        elif 0 < kind <= _LAST_SINGLE:
            self._take_unit(payload)
        else:  # STAP-B, MTAPs and FU-B are for packetization-mode 2, which no answer of ours takes
            raise Malformed("packet of another packetization mode")

    def _take_unit(self, nal: bytes) -> None:
        self._count(len(nal))
        if len(self._nals) >= MOST_NALS:
            raise Malformed("picture has too many units")
        self._nals.append(nal)

    def _take_aggregate(self, payload: bytes) -> None:
        at = 1
        while at < len(payload):
            size = int.from_bytes(payload[at : at + 2], "big")
            nal = payload[at + 2 : at + 2 + size]
            if size == 0 or len(nal) < size:
                raise Malformed("aggregated unit is cut off")
            self._take_unit(nal)
            at += 2 + size

    def _take_fragment(self, payload: bytes) -> None:
        if len(payload) < 3:
            raise Malformed("fragment is empty")
        indicator, header = payload[0], payload[1]
        start, end = bool(header & 0x80), bool(header & 0x40)
        if start == bool(self._fragments) or (start and end):
            raise Malformed("fragments do not follow each other")
        if start:
            self._fragments.append(bytes((indicator & 0x60 | header & 0x1F,)))
        self._count(len(payload) - 2)
        self._fragments.append(payload[2:])
        if end:
            nal = b"".join(self._fragments)
            self._fragments.clear()
            if len(self._nals) >= MOST_NALS:
                raise Malformed("picture has too many units")
            self._nals.append(nal)

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > LARGEST_PICTURE:
            raise Malformed("picture is too large")

    def _break(self) -> None:
        self._broken = self._lost = True
        self._forget()

    def _end(self) -> list[Units]:
        """The picture at hand is complete, or given up."""
        if self._fragments:
            self._break()
        nals, broken = tuple(self._nals), self._broken
        self._broken = False
        self._forget()
        if broken or not nals:
            return []
        units = Units(self._timestamp, nals, self._lost)
        self._lost = False
        return [units]

    def _forget(self) -> None:
        self._nals.clear()
        self._fragments.clear()
        self._size = 0


def _begins_picture(payload: bytes) -> bool:
    """Whether nothing of its picture comes before this: a delimiter or parameter sets begin one (H.264 7.4.1.2.3)."""
    if payload[0] & 0x1F == _STAP_A and len(payload) > 3:
        return payload[3] & 0x1F in {SPS, DELIMITER}
    return payload[0] & 0x1F in {SPS, DELIMITER}
