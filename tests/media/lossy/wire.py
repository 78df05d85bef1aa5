"""What a bad network does to one direction: loses, delays, reorders, repeats, and lets so much through. Pure.

The same chances and the same datagrams at the same times come out the same way. Time comes in as `now`, seconds.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, frozen

#: Seconds by which a packet that is overtaken is later: about thirty packets of a 720p camera's peak.
OVERTAKEN_S = 0.03


@frozen(kw_only=True)
class Condition:
    """Attributes:
    loss, reordered, duplicated: shares of all datagrams, 0..1.
    delay_s, jitter_s: every datagram takes the first, and up to the second more, in order.
    bandwidth_bps: None: any; datagrams above it wait up to `queue_s`, then they are lost.
    out: nothing comes through.
    """

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    reordered: float = 0.0
    duplicated: float = 0.0
    bandwidth_bps: int | None = None
    queue_s: float = 0.3
    out: bool = False


GOOD = Condition()
OUT = Condition(out=True)
#: Of each direction: 5 % loss, 100 ms delay, reordering. A packet that is sent again is 300 ms late.
BAD = Condition(loss=0.05, delay_s=0.1, jitter_s=0.01, reordered=0.02, duplicated=0.01)


@define
class Wire:
    """One direction of somebody's line."""

    chance: Callable[[], float]  # 0..1, `random` of a seeded Random
    condition: Condition = GOOD
    passed: int = 0
    lost: int = 0
    crowded_out: int = 0  # of `lost`: no place in the queue
    _free_at: float = 0.0  # when the last bit that waits has gone
    _latest: float = 0.0

    def arrivals(self, size: int, now: float) -> tuple[float, ...]:
        """When a datagram of `size` bytes arrives: never, once or twice."""
        its = self.condition
        if its.out or self.chance() < its.loss:
            self.lost += 1
            return ()
        gone = now
        if its.bandwidth_bps is not None:
            begins = max(now, self._free_at)
            if begins - now > its.queue_s:
                self.lost += 1
                self.crowded_out += 1
                return ()
            gone = self._free_at = begins + size * 8 / its.bandwidth_bps
        self.passed += 1
        arrives = gone + its.delay_s + its.jitter_s * self.chance()
        if self.chance() < its.reordered:
            arrives += OVERTAKEN_S
        else:
            arrives = self._latest = max(arrives, self._latest)
        if self.chance() < its.duplicated:
            return arrives, arrives + its.jitter_s * self.chance()
        return (arrives,)
