"""One rendition's timeline: parts come, whole segments leave. Pure."""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections import deque

from attrs import define, evolve, field, frozen

from media.broadcast.hls.values import HZ, Part, Placed, Segment, Shape, fits_target, is_full


class Unfit(enum.Enum):
    """Why a part is not taken: players would stop at it. The values are stable: counted, tested."""

    ENDED = "ended"
    NOT_BEGUN = "not_begun"  # its discontinuity has no init segment yet
    OUT_OF_ORDER = "out_of_order"
    TOO_LONG = "too_long"  # than PART-TARGET
    AFTER_SHORT = "after_short"  # only the last part of a segment may be short
    SEGMENT_TOO_LONG = "segment_too_long"  # a new segment has to begin


@frozen
class First:
    """Where the numbers begin. A restarted origin goes on above every number it ever gave out: players keep answers.

    Attributes:
        serial: of the first part's file.
    """

    segment: int = 0
    discontinuity: int = 0
    serial: int = 0


@frozen
class _Begun:
    """A discontinuity: its init segment, and the wall clock at its start."""

    number: int
    wall_ms: int
    media_at: int
    starts_at: int | None = None  # unknown until its first part


@define
class Timeline:
    """All that is known of one rendition.

    Attributes:
        past: whole segments, without their parts, that an earlier process wrote: the rewind playlist begins with them.
        rewind: every whole segment of the rewind playlist, without its parts.
        rewind_full: it has reached its length and is closed.
        version: grows whenever a playlist changes.
    """

    rendition: str
    shape: Shape
    first: First = First()
    past: tuple[Segment, ...] = ()
    growing: Segment | None = field(default=None, init=False)
    rewind: list[Segment] = field(factory=list, init=False)
    rewind_full: bool = field(default=False, init=False)
    ended: bool = field(default=False, init=False)
    version: int = field(default=0, init=False)
    _whole: deque[Segment] = field(factory=deque, init=False)  # listed in the live playlist
    _kept: deque[Segment] = field(factory=deque, init=False)  # listed no more, still fetched
    _begun: _Begun | None = field(default=None, init=False)
    _serial: int = field(init=False)
    _edge: int = field(default=0, init=False)
    _wall_ms: int = field(default=0, init=False)
    _media_at: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._serial = self.first.serial
        if self.past:
            last = self.past[-1]
            self.rewind.extend(self.past)
            self._edge = last.ends_at
            self._wall_ms = last.wall_ms + last.ticks * 1000 // HZ

    @property
    def edge(self) -> int:
        """Ticks since the timeline began."""
        return self._edge

    @property
    def whole(self) -> tuple[Segment, ...]:
        """Complete segments of the live playlist, oldest first."""
        return tuple(self._whole)

    @property
    def last_whole(self) -> int:
        """Number of the newest complete segment; one less than the first while there is none."""
        if self._whole:
            return self._whole[-1].number
        return (self.growing.number if self.growing else self.first.segment) - 1

    @property
    def next_serial(self) -> int:
        """Of the part that comes next, whichever segment it will be in."""
        return self._serial

    def begin(self, discontinuity: int, wall_ms: int, media_at: int | None = None) -> Unfit | None:
        """Its init segment is there.

        Args:
            wall_ms: of its first sample, milliseconds since 1970.
            media_at: the media's own time there, ticks; None: it goes on as if nothing had changed.

        A wall clock that was set back is not followed: dates in a playlist never go back.
        """
        refusal = self.may_begin(discontinuity)
        if refusal is not None:
            return refusal
        goes_on = self._media_at if media_at is None else media_at
        self._begun = _Begun(discontinuity, max(wall_ms, self._wall_ms), goes_on)
        return None

    def may_begin(self, discontinuity: int) -> Unfit | None:
        """Whether this discontinuity is the next one."""
        if self.ended:
            return Unfit.ENDED
        return None if discontinuity == self.next_discontinuity else Unfit.OUT_OF_ORDER

    @property
    def next_discontinuity(self) -> int:
        """One that has no part yet may begin once more."""
        if self._begun is None:
            return self.first.discontinuity
        return self._begun.number + (self._begun.starts_at is not None)

    def add(self, part: Part) -> Unfit | None:
        """One more part; the first of another segment makes the earlier one complete."""
        refusal = self._judge(part)
        if refusal is not None:
            return refusal
        if self.growing is None or part.segment != self.growing.number:
            self.close()
            self.growing = self._opened(part)
        self.growing = evolve(
            self.growing,
            ticks=self.growing.ticks + part.ticks,
            parts=(*self.growing.parts, Placed(part, self._serial)),
        )
        self._serial += 1
        self._edge += part.ticks
        self._media_at = self.growing.media_at + self.growing.ticks
        self._wall_ms = self.growing.wall_ms + self.growing.ticks * 1000 // HZ
        self.version += 1
        return None

    def close(self) -> None:
        """The newest segment is complete: whoever knows it before the next part comes says so."""
        if self.growing is None:
            return
        self._whole.append(self.growing)
        self._remember(self.growing)
        self.growing = None
        self.version += 1
        self._slide()

    def end(self) -> None:
        """Nothing more comes."""
        self.close()
        self.ended = True
        self.version += 1

    def find_part(self, serial: int) -> Part | None:
        """The part whose file has this name, while players may still ask for it."""
        for segment in (self.growing, *reversed(self._whole), *reversed(self._kept)):
            if segment is not None and segment.parts and segment.parts[0].serial <= serial:
                index = serial - segment.parts[0].serial
                return segment.parts[index].part if index < len(segment.parts) else None
        return None

    def find_segment(self, number: int) -> Segment | None:
        """A complete segment with its parts, listed in the live playlist or just gone from it."""
        for some in (self._whole, self._kept):
            if some and some[0].number <= number <= some[-1].number:
                return some[number - some[0].number]
        return None

    def find_old(self, number: int) -> Segment | None:
        """A complete segment of the rewind playlist, without its parts. Some numbers are nobody's (`First`)."""
        at = bisect_left(self.rewind, number, key=lambda one: one.number)
        found = self.rewind[at] if at < len(self.rewind) else None
        return found if found is not None and found.number == number else None

    @property
    def oldest_kept(self) -> int:
        """Where the oldest complete segment that can be asked for begins, ticks."""
        if self.rewind:
            return self.rewind[0].starts_at
        return next((some[0].starts_at for some in (self._kept, self._whole) if some), 0)

    @property
    def oldest_number(self) -> int:
        """Of the oldest segment that `find_segment` knows, or of the growing one."""
        return next(
            (some[0].number for some in (self._kept, self._whole) if some), self.last_whole + 1
        )

    def close_rewind(self) -> None:
        """What comes from now on cannot be gone back to."""
        self.rewind_full = True
        self.version += 1

    def has_segment(self, number: int) -> bool:
        """Whether a complete segment may be there: listed, just gone, or between the ends of the rewind playlist."""
        if self.find_segment(number) is not None:
            return True
        return bool(self.rewind) and self.rewind[0].number <= number <= self.rewind[-1].number

    def has_init(self, discontinuity: int) -> bool:
        """Of every discontinuity since the first one here, and of those of the past."""
        if self.past and self.past[0].discontinuity <= discontinuity <= self.past[-1].discontinuity:
            return True
        return (
            self._begun is not None
            and self.first.discontinuity <= discontinuity <= self._begun.number
        )

    def _judge(self, part: Part) -> Unfit | None:
        if self.ended:
            return Unfit.ENDED
        if self._begun is None or part.discontinuity > self._begun.number:
            return Unfit.NOT_BEGUN
        if part.rendition != self.rendition or part.discontinuity != self._begun.number:
            return Unfit.OUT_OF_ORDER
        if part.ticks > self.shape.part_ticks:
            return Unfit.TOO_LONG
        growing = self.growing
        if growing is None or part.segment != growing.number:
            in_order = (part.segment, part.number) == (self._next_segment, 0)
            return None if in_order else Unfit.OUT_OF_ORDER
        if part.number != len(growing.parts) or part.discontinuity != growing.discontinuity:
            return Unfit.OUT_OF_ORDER
        if not is_full(growing.parts[-1].part, self.shape):
            return Unfit.AFTER_SHORT
        if not fits_target(growing.ticks + part.ticks, self.shape):
            return Unfit.SEGMENT_TOO_LONG
        return None

    @property
    def _next_segment(self) -> int:
        return self.last_whole + (1 if self.growing is None else 2)

    def _opened(self, part: Part) -> Segment:
        begun = self._begun
        assert begun is not None
        first_of_all = part.segment == self.first.segment and not self.past
        breaks = begun.starts_at is None and not first_of_all
        if begun.starts_at is None:
            begun = self._begun = evolve(begun, starts_at=self._edge)
        assert begun.starts_at is not None
        since = self._edge - begun.starts_at
        return Segment(
            part.segment,
            part.discontinuity,
            breaks,
            starts_at=self._edge,
            wall_ms=begun.wall_ms + since * 1000 // HZ,
            media_at=begun.media_at + since,
        )

    def _remember(self, segment: Segment) -> None:
        """Into the rewind playlist, which only grows: it closes when it is full."""
        begins = self.rewind[0].starts_at if self.rewind else segment.starts_at
        if self.rewind_full or segment.ends_at - begins > self.shape.dvr_s * HZ:
            self.rewind_full = True
            return
        self.rewind.append(evolve(segment, parts=()))

    def _slide(self) -> None:
        """Segments older than the window leave the playlist, and are kept until no player can want them.

        RFC 8216bis 6.2.2: for its own length and that of the longest playlist that had it.
        """
        window, target = self.shape.window_s * HZ, self.shape.target_s * HZ
        while self._edge - self._whole[0].ends_at >= window:
            self._kept.append(self._whole.popleft())
        while self._kept and self._edge - self._kept[0].ends_at > 2 * window + 3 * target:
            self._kept.popleft()
