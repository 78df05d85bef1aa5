"""One MP4 whose `moov` comes first, from tracks whose samples are known (ISO/IEC 14496-12). Pure.

Pictures of another size have another sample description, so it stays one file: FFmpeg's muxer would not do that.
Nothing is coded anew.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from attrs import define, field

from media.broadcast.cmaf.boxes import box, full_box, u16, u32, u64
from media.broadcast.hls.values import HZ

_MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4  # "und"
_LATEST_32 = 2**32 - 1
#: Sample descriptions of one track.
MOST_ENTRIES = 1_000


@define
class Track:
    """Attributes:
    entries: sample descriptions; each chunk has one of them.
    sizes: octets of each sample.
    keys: numbers of samples that one can begin with, from 1.
    chunks: offset, samples, description from 0; offsets count from the first octet of media.
    """

    sound: bool
    entries: list[bytes] = field(factory=list)
    width: int = 0
    height: int = 0
    sizes: array[int] = field(factory=lambda: array("I"))
    keys: array[int] = field(factory=lambda: array("I"))
    chunks: list[tuple[int, int, int]] = field(factory=list)
    _lengths: list[list[int]] = field(factory=list, init=False)  # samples, ticks of each
    _ticks: int = field(default=0, init=False)

    @property
    def ticks(self) -> int:
        return self._ticks

    def entry(self, description: bytes) -> int:
        """Its number; a new one where it is not known."""
        if description not in self.entries:
            if len(self.entries) >= MOST_ENTRIES:
                raise ValueError("too many sample descriptions")
            self.entries.append(description)
        return self.entries.index(description)

    def lasts(self, ticks: int) -> None:
        """One more sample's length is known."""
        self._ticks += ticks
        if self._lengths and self._lengths[-1][1] == ticks:
            self._lengths[-1][0] += 1
        else:
            self._lengths.append([1, ticks])

    @property
    def lengths(self) -> Sequence[Sequence[int]]:
        return self._lengths


def head(tracks: Sequence[Track], media_octets: int) -> bytes:
    """`ftyp`, `moov` and the beginning of `mdat`; the media follows."""
    ftyp = box(b"ftyp", b"isom", u32(0x200), b"isom", b"iso6", b"mp41")
    large = media_octets > _LATEST_32 - 100_000_000
    size = u32(1) + b"mdat" + u64(16 + media_octets) if large else u32(8 + media_octets) + b"mdat"
    length = len(ftyp) + len(_moov(tracks, 0, large)) + len(size)
    return ftyp + _moov(tracks, length, large) + size


def _moov(tracks: Sequence[Track], start: int, large: bool) -> bytes:
    ticks = max(one.ticks for one in tracks)
    header = full_box(
        b"mvhd", 1, 0, u64(0, 0), u32(HZ), u64(ticks), u32(0x10000), u16(0x0100, 0), u32(0, 0), _MATRIX,
        bytes(24), u32(len(tracks) + 1),
    )  # fmt: skip
    traks = [_trak(number, one, start, large) for number, one in enumerate(tracks, 1)]
    return box(b"moov", header, *traks)


def _trak(number: int, track: Track, start: int, large: bool) -> bytes:
    tkhd = full_box(
        b"tkhd", 1, 7, u64(0, 0), u32(number, 0), u64(track.ticks), u32(0, 0),
        u16(0, 0, 0x0100 if track.sound else 0, 0), _MATRIX, u32(track.width << 16, track.height << 16),
    )  # fmt: skip
    mdhd = full_box(b"mdhd", 1, 0, u64(0, 0), u32(HZ), u64(track.ticks), u16(_UNDETERMINED, 0))
    handler = b"soun" if track.sound else b"vide"
    hdlr = full_box(b"hdlr", 0, 0, u32(0), handler, bytes(12), b"\0")
    media = full_box(b"smhd", 0, 0, u32(0)) if track.sound else full_box(b"vmhd", 0, 1, bytes(8))
    here = box(b"dinf", full_box(b"dref", 0, 0, u32(1), full_box(b"url ", 0, 1)))
    return box(
        b"trak",
        tkhd,
        box(b"mdia", mdhd, hdlr, box(b"minf", media, here, _stbl(track, start, large))),
    )


def _stbl(track: Track, start: int, large: bool) -> bytes:
    lengths = b"".join(u32(*one) for one in track.lengths)
    numbers = u64 if large else u32
    offsets = b"".join(numbers(start + offset) for offset, _, _ in track.chunks)
    parts = [
        full_box(b"stsd", 0, 0, u32(len(track.entries)), *track.entries),
        full_box(b"stts", 0, 0, u32(len(track.lengths)), lengths),
        _stsc(track),
        full_box(b"stsz", 0, 0, u32(0, len(track.sizes)), _big_endian(track.sizes)),
        full_box(b"co64" if large else b"stco", 0, 0, u32(len(track.chunks)), offsets),
    ]
    if not track.sound:
        parts.append(full_box(b"stss", 0, 0, u32(len(track.keys)), _big_endian(track.keys)))
    return box(b"stbl", *parts)


def _stsc(track: Track) -> bytes:
    """Only where something changes."""
    rows: list[tuple[int, int, int]] = []
    for number, (_, samples, entry) in enumerate(track.chunks, 1):
        if not rows or rows[-1][1:] != (samples, entry + 1):
            rows.append((number, samples, entry + 1))
    return full_box(b"stsc", 0, 0, u32(len(rows)), b"".join(u32(*row) for row in rows))


def _big_endian(numbers: array[int]) -> bytes:
    swapped = array("I", numbers)
    swapped.byteswap()
    return swapped.tobytes()
