"""The boxes of a part that came from another school: is it one of our form, and when does it begin. Pure; bounded."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from media.broadcast.origin.publication import MOST_INIT_BYTES, MOST_PART_BYTES
from media.forwarder.plain.rtp import Malformed

_HEAD = Struct("!I4s")
_TIME = Struct("!Q")
#: Boxes at one level; ours have three.
MOST_BOXES = 32


def check_init(data: bytes) -> None:
    """An init segment: `ftyp`, `moov`.

    Raises:
        Malformed: something else, or too large.
    """
    if len(data) > MOST_INIT_BYTES or [kind for kind, _ in _boxes(data)] != [b"ftyp", b"moov"]:
        raise Malformed("no init segment of ours")


def media_at(data: bytes) -> int:
    """When the first sample of a part is decoded, in the media's own ticks (tfdt, ISO/IEC 14496-12 8.8.12).

    Raises:
        Malformed: not `prft moof mdat`, or too large.
    """
    if len(data) > MOST_PART_BYTES:
        raise Malformed("a part is too large")
    parts = list(_boxes(data))
    if [kind for kind, _ in parts] != [b"prft", b"moof", b"mdat"]:
        raise Malformed("no part of ours")
    times = []
    for kind, traf in _boxes(parts[1][1]):
        if kind == b"traf":
            times += [_time(tfdt) for inner, tfdt in _boxes(traf) if inner == b"tfdt"]
    if not times:
        raise Malformed("a part without a time")
    return min(times)


def _time(tfdt: memoryview) -> int:
    if len(tfdt) != 12 or tfdt[0] != 1:
        raise Malformed("a time of another form")
    (ticks,) = _TIME.unpack_from(tfdt, 4)
    return int(ticks)


def _boxes(data: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    view = memoryview(data)
    at = 0
    for _ in range(MOST_BOXES):
        if at == len(view):
            return
        if len(view) - at < _HEAD.size:
            raise Malformed("a box is cut off")
        size, kind = _HEAD.unpack_from(view, at)
        if not _HEAD.size <= size <= len(view) - at:
            raise Malformed("a box is longer than what it is in")
        yield kind, view[at + _HEAD.size : at + size]
        at += size
    raise Malformed("too many boxes")
