"""How a broadcast arrives: viewers, their delay, whose picture stops; from heartbeats. Pure, bounded.

Nobody is named in what comes out. One account is one viewer, on however many devices.
"""

from __future__ import annotations

from collections import OrderedDict
from statistics import median

from attrs import define, evolve, field, frozen

from media.broadcast.pages.heartbeat import EVERY_S, Heartbeat
from media.broadcast.pages.shown import Figures

#: Seconds without a heartbeat after which somebody is gone; browsers slow a page in the background.
GONE_S = 2.5 * EVERY_S
#: Viewers that are remembered; twice what a broadcast is made for.
MOST = 20_000
#: Seconds that figures are good for: making them reads every viewer's line, 4 ms for 10,000.
FRESH_S = 2.0


@frozen
class _Line:
    """The last heartbeat of a viewer. `stops`: pictures stopped between it and the one before."""

    at: float
    latency_s: float | None
    rebuffers: int
    stops: int


@define
class Audience:
    """Of one broadcast.

    Attributes:
        rebuffers: how often pictures stopped, all viewers together, since it began.
    """

    most: int = MOST
    rebuffers: int = 0
    _lines: OrderedDict[str, _Line] = field(factory=OrderedDict, init=False, repr=False)
    _made: Figures = field(factory=Figures, init=False)
    _made_at: float = field(default=float("-inf"), init=False)

    def beat(self, viewer: str, beat: Heartbeat, now: float) -> int:
        """Count it; → how often this viewer's picture has stopped since the heartbeat before."""
        before = self._lines.pop(viewer, None)
        # A page that was loaded again counts from nothing.
        known = before.rebuffers if before is not None and before.rebuffers <= beat.rebuffers else 0
        stops = beat.rebuffers - known
        self.rebuffers += stops
        self._lines[viewer] = _Line(now, beat.latency_s, beat.rebuffers, stops)
        while len(self._lines) > self.most:
            self._lines.popitem(last=False)
        return stops

    def figures(self, now: float, hands: int = 0) -> Figures:
        """What hosts see. Made anew every FRESH_S seconds at most; hands are always those of now."""
        if now - self._made_at >= FRESH_S:
            self._forget(now)
            lines = self._lines.values()
            delays = [one.latency_s for one in lines if one.latency_s is not None]
            stopped = sum(1 for one in lines if one.stops)
            self._made_at = now
            self._made = Figures(
                viewers=len(lines),
                delay_s=median(delays) if delays else None,
                stalled=stopped / len(lines) if lines else 0.0,
            )
        return evolve(self._made, hands=hands)

    def _forget(self, now: float) -> None:
        """The oldest stand first: each heartbeat moves its viewer to the end."""
        while self._lines and now - next(iter(self._lines.values())).at > GONE_S:
            self._lines.popitem(last=False)
