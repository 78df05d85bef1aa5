"""Captions that a person types, as WebVTT segments (W3C WebVTT; RFC 8216bis 3.1.4). Pure.

A line is shown from the moment at which it came: what players already have is never changed. A segment of captions
can be fetched when its segment is whole; the line stays until those who could only then fetch it have read it.
Lines are kept as long as their segment can be gone back to; another process is told of them (`take_up`). The recording
has them in a file beside it (`webvtt`).
"""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from itertools import islice, takewhile

from attrs import define, field, frozen

from media.broadcast.hls.values import HZ, Segment, Shape

#: Characters of one line; more than two rows of a screen nobody reads in time.
MOST_CHARS = 200
#: Characters that a child reads in a second; captions for children are made for 10 to 13.
READS_PER_S = 12
#: Seconds a line is shown at least.
LEAST_S = 2
#: Lines in one second of the broadcast.
MOST_PER_S = 2
#: Lines of a broadcast that are kept.
MOST_KEPT = 20_000
#: MPEG-2's clock, which WebVTT is tied to, and where it begins anew.
MPEG_HZ, MPEG_WRAP = 90_000, 1 << 33

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Unsayable(enum.Enum):
    """Why a line is not taken. The values are stable: counted, tested."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    TOO_FAST = "too_fast"


@frozen
class Cue:
    """Ticks since the timeline began."""

    number: int
    starts_at: int
    ends_at: int
    text: str = field(repr=False)
    discontinuity: int = 0


@define
class CaptionTrack:
    """Lines of one broadcast, as long as a segment can still want them.

    Attributes:
        keeps: lines that are kept: one in two seconds, which nobody types for as long as rewind playlists reach back.
    """

    shape: Shape
    keeps: int = MOST_KEPT
    _cues: deque[Cue] = field(factory=deque, init=False)
    _number: int = field(default=0, init=False)

    def say(self, text: str, edge: int, discontinuity: int = 0) -> Unsayable | None:
        """A line that came when the timeline was `edge` long, in this stretch of it; never before another one."""
        edge = max(edge, self._cues[-1].starts_at if self._cues else 0)
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        if not line:
            return Unsayable.EMPTY
        if len(line) > MOST_CHARS:
            return Unsayable.TOO_LONG
        newest = takewhile(lambda one: one.starts_at > edge - HZ, reversed(self._cues))
        if sum(1 for _ in islice(newest, MOST_PER_S)) >= MOST_PER_S:
            return Unsayable.TOO_FAST
        until = edge + self.shape.target_s * HZ + _reads(line)
        self._cues.append(Cue(self._number, edge, until, line, discontinuity))
        self._number += 1
        while len(self._cues) > self.keeps:
            self._cues.popleft()
        return None

    @property
    def newest(self) -> Cue | None:
        """The line that came last."""
        return self._cues[-1] if self._cues else None

    def take_up(self, cues: Iterable[Cue]) -> None:
        """Lines that an earlier process was told, the oldest first; players know them by their numbers."""
        for one in cues:
            if self._cues and (
                one.number < self._number or one.starts_at < self._cues[-1].starts_at
            ):
                continue
            self._cues.append(one)
            self._number = one.number + 1
        while len(self._cues) > self.keeps:
            self._cues.popleft()

    def forget(self, before: int) -> None:
        """No segment that ends before can be asked for any more."""
        while self._cues and self._cues[0].ends_at <= before:
            self._cues.popleft()

    def segment(self, segment: Segment) -> str:
        """One file; of a whole segment it is always the same. A line that goes on is in the next file too."""
        # From one moment for all files until the media's own time jumps: what a file of its own rounds differently is
        # another line for players, and a line that goes on would stand there twice.
        mpeg = (segment.media_at - segment.starts_at) * MPEG_HZ // HZ % MPEG_WRAP
        blocks = [f"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:{_clock(0)},MPEGTS:{mpeg}"]
        # No line is shown for longer than this.
        longest = self.shape.target_s * HZ + MOST_CHARS * HZ // READS_PER_S
        first = bisect_left(self._cues, segment.starts_at - longest, key=lambda one: one.starts_at)
        near = takewhile(
            lambda one: one.starts_at < segment.ends_at, islice(self._cues, first, None)
        )
        blocks += [
            f"{one.number}\n{_clock(one.starts_at)} --> {_clock(one.ends_at)}\n{one.text.translate(_ESCAPES)}"
            for one in near
            if one.ends_at > segment.starts_at
            # Behind a discontinuity players reckon anew, by a hair differently: it would be another line for them.
            and (one.starts_at >= segment.starts_at or one.discontinuity == segment.discontinuity)
        ]
        return "\n\n".join(blocks) + "\n"


def webvtt(cues: Iterable[Cue], ticks: int) -> str:
    """The file beside a recording of this length: each line as long as it takes to read. "": there is no line in it.

    A recording goes on where a process that was killed left off, so a line may be a moment early there.
    """
    blocks = [
        f"{one.number}\n{_clock(one.starts_at)} --> {_clock(min(one.starts_at + _reads(one.text), ticks))}\n"
        f"{one.text.translate(_ESCAPES)}"
        for one in cues
        if one.starts_at + HZ // 1000 < ticks
    ]
    return "\n\n".join(["WEBVTT", *blocks]) + "\n" if blocks else ""


def _reads(line: str) -> int:
    """Ticks for reading it."""
    return max(LEAST_S * HZ, len(line) * HZ // READS_PER_S)


def _clock(ticks: int) -> str:
    ms = ticks * 1000 // HZ
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"
