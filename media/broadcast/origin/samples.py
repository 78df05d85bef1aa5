"""Samples of CMAF parts, as the packager's boxes say where they are (ISO/IEC 14496-12). Pure; nothing is copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct, error, unpack_from

from attrs import frozen

#: What one part may have: 4 s of 240 pictures or 47 frames of sound a second, and more.
MOST_SAMPLES = 4_000
#: Boxes beside one another.
MOST_BOXES = 200

_HEADER = Struct("!I4s")
#: Where boxes begin in a sample description of pictures (12.1.3).
_VISUAL = 86
_NOT_SYNC = 0x10000
_OFFSET, _FIRST_FLAGS, _DURATION, _SIZE, _FLAGS, _SHIFT = 1, 4, 0x100, 0x200, 0x400, 0x800


class Unreadable(ValueError):
    """Not a part, or not an init segment, of ours."""


@frozen
class Run:
    """Samples of one track, which stand one after another.

    Attributes:
        begins: tfdt.
        offset: of the first one's octets, from the beginning of the part.
        samples: ticks, octets, whether a player can begin with it.
    """

    track: int
    begins: int
    offset: int
    samples: Sequence[tuple[int, int, bool]]


@frozen
class Described:
    """A track of an init segment.

    Attributes:
        entry: the box in its stsd, whole.
    """

    id: int
    sound: bool
    entry: bytes
    width: int
    height: int


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, beginning of the content, end."""
    for _ in range(MOST_BOXES):
        if at == end:
            return
        size, kind = _HEADER.unpack_from(data, at)
        if size < 8 or at + size > end:
            break
        yield kind, at + 8, at + size
        at += size
    raise Unreadable("boxes")


def _only(data: bytes, at: int, end: int, *path: bytes) -> tuple[int, int]:
    for kind in path:
        found = [(a, e) for k, a, e in _boxes(data, at, end) if k == kind]
        if len(found) != 1:
            raise Unreadable(kind.decode("latin-1"))
        at, end = found[0]
    return at, end


def described(init: bytes) -> list[Described]:
    """Tracks of an init segment.

    Raises:
        Unreadable: it is none of ours.
    """
    try:
        at, end = _only(init, 0, len(init), b"moov")
        return [_track(init, a, e) for kind, a, e in _boxes(init, at, end) if kind == b"trak"]
    except error:
        raise Unreadable("cut off") from None


def _track(data: bytes, at: int, end: int) -> Described:
    tkhd, _ = _only(data, at, end, b"tkhd")
    version = data[tkhd]
    (track,) = unpack_from("!I", data, tkhd + (20 if version else 12))
    width, height = unpack_from("!II", data, tkhd + (88 if version else 76))
    hdlr, _ = _only(data, at, end, b"mdia", b"hdlr")
    stsd, last = _only(data, at, end, b"mdia", b"minf", b"stbl", b"stsd")
    return Described(
        track,
        data[hdlr + 8 : hdlr + 12] == b"soun",
        data[stsd + 8 : last],
        width >> 16,
        height >> 16,
    )


def parameter_sets(entry: bytes) -> bytes:
    """SPS and PPS of a sample description, as they stand in samples: each after its length in four octets.

    Raises:
        Unreadable: it is none of ours.
    """
    try:
        avcc, end = _only(entry, _VISUAL, len(entry), b"avcC")
        at, found = avcc + 5, b""
        for mask in (0x1F, 0xFF):
            count = entry[at] & mask
            at += 1
            for _ in range(count):
                (size,) = unpack_from("!H", entry, at)
                found += size.to_bytes(4, "big") + entry[at + 2 : at + 2 + size]
                at += 2 + size
    except (error, IndexError):
        raise Unreadable("avcC") from None
    if at > end:
        raise Unreadable("avcC")
    return found


def runs(part: bytes) -> list[Run]:
    """All samples of a part.

    Raises:
        Unreadable: it is none of ours.
    """
    try:
        return [
            _run(part, start, *traf)
            for kind, start, end in _boxes(part, 0, len(part))
            if kind == b"moof"
            for inner, *traf in _boxes(part, start, end)
            if inner == b"traf"
        ]
    except error:
        raise Unreadable("cut off") from None


def _run(data: bytes, moof: int, at: int, end: int) -> Run:
    tfhd, _ = _only(data, at, end, b"tfhd")
    flags, track = unpack_from("!II", data, tfhd)
    if flags & 3:
        raise Unreadable("tfhd")
    tfhd += 8
    defaults = [0, 0, 0]
    for index, bit in enumerate((0x8, 0x10, 0x20)):
        if flags & bit:
            (defaults[index],) = unpack_from("!I", data, tfhd)
            tfhd += 4
    tfdt, _ = _only(data, at, end, b"tfdt")
    (begins,) = unpack_from("!Q" if data[tfdt] else "!I", data, tfdt + 4)
    trun, _ = _only(data, at, end, b"trun")
    flags, count = unpack_from("!II", data, trun)
    if not flags & _OFFSET or flags & (_FIRST_FLAGS | _SHIFT) or count > MOST_SAMPLES:
        raise Unreadable("trun")
    (offset,) = unpack_from("!i", data, trun + 8)
    present = [bool(flags & bit) for bit in (_DURATION, _SIZE, _FLAGS)]
    width = sum(present)
    numbers = unpack_from(f"!{count * width}I", data, trun + 12)
    columns: list[Sequence[int]] = []
    for default, there in zip(defaults, present, strict=True):
        columns.append(
            numbers[sum(present[: len(columns)]) :: width] if there else [default] * count
        )
    samples = [
        (ticks, size, not flag & _NOT_SYNC) for ticks, size, flag in zip(*columns, strict=True)
    ]
    start = moof - 8 + offset
    if start < 0 or start + sum(size for _, size, _ in samples) > len(data):
        raise Unreadable("trun")
    return Run(track, begins, start, samples)
