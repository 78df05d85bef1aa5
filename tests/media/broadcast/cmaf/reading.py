"""Reads what was written, without the code that wrote it: boxes of a part, frames through FFmpeg."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from struct import unpack_from

import av
from attrs import frozen

from media.broadcast.cmaf.parts import Init, Output, Part, Rendition


@frozen
class Sample:
    track: int
    ticks: int
    duration: int
    key: bool
    data: bytes


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size, kind = unpack_from("!I4s", data, at)
        assert size >= 8
        assert at + size <= len(data)
        yield kind, data[at + 8 : at + size]
        at += size


def samples(part: bytes) -> list[Sample]:
    """All samples of one part; every byte of its `mdat` is in one."""
    kinds = [kind for kind, _ in boxes(part)]
    assert kinds == [b"prft", b"moof", b"mdat"]
    moof_at = unpack_from("!I", part)[0]
    moof = dict(boxes(part))[b"moof"]
    found: list[Sample] = []
    for kind, traf in boxes(moof):
        if kind == b"traf":
            found += _track(dict(boxes(traf)), part, moof_at)
    assert sum(len(each.data) for each in found) == len(dict(boxes(part))[b"mdat"])
    return found


def _track(traf: dict[bytes, bytes], part: bytes, moof_at: int) -> Iterator[Sample]:
    flags, track = unpack_from("!II", traf[b"tfhd"])
    default = unpack_from("!II", traf[b"tfhd"], 8) if flags & 0x28 else (0, 0)
    (ticks,) = unpack_from("!Q", traf[b"tfdt"], 4)
    trun = traf[b"trun"]
    flags, count, offset = unpack_from("!IIi", trun)
    at, place = 12, moof_at + offset
    for _ in range(count):
        duration, key = default
        if flags & 0x100:
            (duration,) = unpack_from("!I", trun, at)
            at += 4
        (size,) = unpack_from("!I", trun, at)
        at += 4
        if flags & 0x400:
            (key,) = unpack_from("!I", trun, at)
            at += 4
        yield Sample(track, ticks, duration, key & 0x10000 == 0, part[place : place + size])
        ticks += duration
        place += size
    assert at == len(trun)


def parts_of(out: Iterable[Output], rendition: Rendition) -> list[Part]:
    return [each for each in out if isinstance(each, Part) and each.rendition is rendition]


def inits_of(out: Iterable[Output], rendition: Rendition) -> list[Init]:
    return [each for each in out if isinstance(each, Init) and each.rendition is rendition]


def file_of(out: Sequence[Output], rendition: Rendition, discontinuity: int) -> bytes:
    """Init segment and parts of one discontinuity number, as a player puts them together."""
    chosen = [
        each
        for each in out
        if isinstance(each, (Init, Part))
        and (each.rendition, each.discontinuity) == (rendition, discontinuity)
    ]
    return b"".join(each.data for each in chosen)


def decoded(data: bytes) -> tuple[list[int], list[int]]:
    """Times of all frames of sound and of pictures that FFmpeg gets out, in ticks."""
    return _times(data, "audio"), _times(data, "video")


def _times(data: bytes, kind: str) -> list[int]:
    with av.open(BytesIO(data), "r") as container:
        chosen = [stream for stream in container.streams if stream.type == kind]
        if not chosen:
            return []
        return [frame.pts for frame in container.decode(chosen) if frame.pts is not None]
