"""The journal of a broadcast: which octets of which file are what. Pure: values and lines of text.

Each rendition has one file, to which init segments and parts are appended; the journal says where each begins. It is
read up to the first line that is not whole: a process that is killed leaves half a line at most.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import field, frozen
from attrs.validators import ge

from media.broadcast.hls.values import is_name

#: What a line may have; ours have a hundred.
MOST_LINE = 400


def _name(_: object, __: object, value: str) -> None:
    if not is_name(value):
        raise ValueError("no name of a rendition")


@frozen
class Place:
    """Octets of a rendition's file."""

    offset: int = field(validator=ge(0))
    size: int = field(validator=ge(0))


@frozen
class Begun:
    """A discontinuity; its init segments follow."""

    discontinuity: int = field(validator=ge(0))
    wall_ms: int = field(validator=ge(0))
    media_at: int = field(default=0)


@frozen
class InitAt:
    rendition: str = field(validator=_name)
    discontinuity: int = field(validator=ge(0))
    place: Place


@frozen
class PartAt:
    rendition: str = field(validator=_name)
    discontinuity: int = field(validator=ge(0))
    segment: int = field(validator=ge(0))
    number: int = field(validator=ge(0))
    serial: int = field(validator=ge(0))
    ticks: int = field(validator=ge(1))
    independent: bool
    place: Place


@frozen
class Over:
    """The broadcast has ended."""


Entry = Begun | InitAt | PartAt | Over


def line(entry: Entry) -> bytes:
    """One line."""
    values: list[Any]
    match entry:
        case Begun():
            values = ["begun", entry.discontinuity, entry.wall_ms, entry.media_at]
        case InitAt(place=place):
            values = ["init", entry.rendition, entry.discontinuity, place.offset, place.size]
        case PartAt(place=place):
            values = [
                "part", entry.rendition, entry.discontinuity, entry.segment, entry.number, entry.serial,
                entry.ticks, int(entry.independent), place.offset, place.size,
            ]  # fmt: skip
        case Over():
            values = ["over"]
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def read(lines: Iterable[bytes]) -> Sequence[Entry]:
    """All entries up to the first that is not whole."""
    entries: list[Entry] = []
    for one in lines:
        entry = _entry(one)
        if entry is None:
            break
        entries.append(entry)
    return entries


def _entry(text: bytes) -> Entry | None:
    if not text.endswith(b"\n") or len(text) > MOST_LINE:
        return None
    try:
        values = json.loads(text)
        if not isinstance(values, list):
            return None
        if not all(isinstance(one, int) for one in values if not isinstance(one, str)):
            return None
        match values:
            case ["begun", discontinuity, wall_ms, media_at]:
                return Begun(discontinuity, wall_ms, media_at)
            case ["init", str(rendition), discontinuity, offset, size]:
                return InitAt(rendition, discontinuity, Place(offset, size))
            case ["part", str(rendition), d, segment, number, serial, ticks, key, offset, size]:
                place = Place(offset, size)
                return PartAt(rendition, d, segment, number, serial, ticks, bool(key), place)
            case ["over"]:
                return Over()
    except (ValueError, TypeError):
        return None
    return None
