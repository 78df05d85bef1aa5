"""How long parts and segments are, and when a key frame is asked for so that a segment can end with it."""

from __future__ import annotations

from attrs import define, frozen

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.sound import FRAME

#: From asking for a key frame to its moment: what is believed before the first one, and at most.
_FIRST_LATENCY, _LONGEST_LATENCY = RATE // 5, RATE
#: Without an answer it is asked again after so long. The forwarder sends one request a second at most, too.
ASKED_AGAIN = RATE
#: The last part of a segment should be as long as others: at least this share of a part (RFC 8216bis 4.4.4.9).
ENOUGH = 0.85


@frozen
class Rhythm:
    """Lengths of a broadcast's parts and segments, constant for all of it: players are told them once.

    Attributes:
        frames: of AAC in a whole part. No part is longer.
        parts: a segment ends with the key frame that comes next to so many of them.
        most_parts: or without one, after so many.
    """

    frames: int
    parts: int
    most_parts: int

    def __attrs_post_init__(self) -> None:
        if not (1 <= self.frames <= 1_000 and 2 <= self.parts < self.most_parts <= 100):
            raise ValueError("a segment has 2 parts or more, and fewer than it has at most")

    @property
    def part_ticks(self) -> int:
        return self.frames * FRAME

    @property
    def shortest(self) -> int:
        """A key frame before so many ticks of a segment does not end it."""
        return (self.parts - 1) * self.part_ticks

    @property
    def usual(self) -> int:
        return self.parts * self.part_ticks

    @property
    def longest(self) -> int:
        """Ticks of the longest segment; TARGETDURATION is this, rounded."""
        return self.most_parts * self.part_ticks


#: 1.024 s in segments of 4.096 s; publishers that ask for nobody's wishes (OBS) may take 6.144 s.
USUAL = Rhythm(frames=48, parts=4, most_parts=6)
#: 0.512 s in segments of 2.048 s, or 4.096 s.
LOW_LATENCY = Rhythm(frames=24, parts=4, most_parts=8)


@define
class KeyFrameAsker:
    """When to ask the publisher for a key frame.

    It is asked for as much earlier as the last ones took to come, and a little more than they varied (as RFC 6298 waits
    for acknowledgements), so that the last part of a segment is somewhat shorter than others, and not a little piece
    after a whole one: that would be a request more for every viewer. Ticks in, yes or no out.
    """

    rhythm: Rhythm
    _latency: int = _FIRST_LATENCY
    _spread: int = 0
    _asked: int | None = None  # first time for the key frame that is awaited
    _again: int = 0  # not before

    def ask(self, now: int, segment_begins: int, *, urgent: bool) -> bool:
        """Whether to ask now. `urgent`: nothing can be shown without one."""
        spare = int((1 - ENOUGH) / 2 * self.rhythm.part_ticks)
        due = segment_begins + self.rhythm.usual - spare - self._latency - self._spread
        if now < self._again or not (urgent or now >= due):
            return False
        if self._asked is None:
            self._asked = now
        self._again = now + ASKED_AGAIN
        return True

    def came(self, ticks: int) -> None:
        """A key frame came that was shown at `ticks`."""
        if self._asked is None:
            return
        taken = min(max(0, ticks - self._asked), _LONGEST_LATENCY)
        self._spread = (7 * self._spread + abs(taken - self._latency)) // 8
        self._latency = (7 * self._latency + taken) // 8
        self._asked = None
