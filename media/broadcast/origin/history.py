"""What a journal says of a broadcast: where everything is, how it may go on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from attrs import frozen

from media.broadcast.hls.timeline import First
from media.broadcast.hls.values import HZ, Segment
from media.broadcast.origin.journal import Begun, Entry, InitAt, Over, PartAt, Place

#: Numbers that are left out after a start: what was given out and not yet written when the process was killed. As many
#: parts as wait to be written at most, and more.
SERIALS, SEGMENTS, DISCONTINUITIES = 2_000, 500, 100


@frozen(kw_only=True)
class History:
    """Attributes:
    first: where the numbers of another process begin.
    past: whole segments by rendition; all renditions end at the same moment.
    parts: all of them, by rendition, in order.
    inits: by rendition and discontinuity.
    ended: it was said to be over.
    """

    first: First
    past: Mapping[str, tuple[Segment, ...]]
    parts: Mapping[str, tuple[PartAt, ...]]
    inits: Mapping[tuple[str, int], Place]
    began_ms: int
    ended: bool

    @property
    def segments(self) -> dict[tuple[str, int], Place]:
        """Where each segment is; its parts stand one after another."""
        found: dict[tuple[str, int], Place] = {}
        for name, parts in self.parts.items():
            for one in parts:
                known = found.get((name, one.segment))
                place = one.place
                if known is not None:
                    place = Place(known.offset, place.offset + place.size - known.offset)
                found[name, one.segment] = place
        return found


def history_of(
    entries: Sequence[Entry], sizes: Mapping[str, int], renditions: Sequence[str]
) -> History:
    """What can be relied on.

    Args:
        sizes: octets that each rendition's file has.
    """
    begun = {one.discontinuity: one for one in entries if isinstance(one, Begun)}
    inits = {
        (one.rendition, one.discontinuity): one.place
        for one in entries
        if isinstance(one, InitAt) and _is_there(one.rendition, one.place, sizes)
    }
    parts: dict[str, list[PartAt]] = {name: [] for name in renditions}
    for one in entries:
        if (
            isinstance(one, PartAt)
            and one.rendition in parts
            and (one.rendition, one.discontinuity) in inits
            and one.discontinuity in begun
            and _is_there(one.rendition, one.place, sizes)
        ):
            parts[one.rendition].append(one)
    together = min((sum(one.ticks for one in some) for some in parts.values()), default=0)
    whole = {name: _until(some, together) for name, some in parts.items()}
    all_parts = [one for one in entries if isinstance(one, PartAt)]
    return History(
        first=First(
            segment=1 + max((one.segment for one in all_parts), default=-1) + SEGMENTS,
            discontinuity=1 + max(begun, default=-1) + DISCONTINUITIES,
            serial=1 + max((one.serial for one in all_parts), default=-1) + SERIALS,
        ),
        past={name: _segments(some, begun) for name, some in whole.items()},
        parts=whole,
        inits=inits,
        began_ms=begun[min(begun)].wall_ms if begun else 0,
        ended=any(isinstance(one, Over) for one in entries),
    )


def _is_there(rendition: str, place: Place, sizes: Mapping[str, int]) -> bool:
    return place.offset + place.size <= sizes.get(rendition, 0)


def _until(parts: Sequence[PartAt], ticks: int) -> tuple[PartAt, ...]:
    kept, at = [], 0
    for one in parts:
        at += one.ticks
        if at > ticks:
            break
        kept.append(one)
    return tuple(kept)


def _segments(parts: Sequence[PartAt], begun: Mapping[int, Begun]) -> tuple[Segment, ...]:
    found: list[Segment] = []
    at, since, last_wall = 0, 0, 0
    for number, grouped in groupby(parts, key=lambda one: one.segment):
        group = list(grouped)
        discontinuity = group[0].discontinuity
        breaks = bool(found) and found[-1].discontinuity != discontinuity
        if breaks or not found:
            since = at
        beginning = begun[discontinuity]
        wall = max(last_wall, beginning.wall_ms + (at - since) * 1000 // HZ)
        ticks = sum(one.ticks for one in group)
        found.append(
            Segment(
                number,
                discontinuity,
                breaks,
                starts_at=at,
                wall_ms=wall,
                media_at=beginning.media_at + at - since,
                ticks=ticks,
            )
        )
        at += ticks
        last_wall = wall + ticks * 1000 // HZ
    return tuple(found)
