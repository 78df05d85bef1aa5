"""Pictures towards one subscriber, when more of them come at once than its link takes.

A large keyframe is a hundred packets in a millisecond: in a narrow link's queue they push each other, and voices, out.
So what is more than an ordinary picture waits here and leaves at two and a half times the estimate, in its order.
Voices, what is sent again, and trains (`probe.py`) do not wait; what was sent again counts.

What waits is in the histories of its down tracks already: here are numbers only.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field

#: Of the estimate (libwebrtc's kDefaultPaceMultiplier).
FACTOR = 2.5
#: Seconds at that rate that leave at once: at 30 a second one picture of what the link carries takes 13 ms.
BURST_S = 0.02
#: Seconds at that rate that leave together afterwards.
STEP_S = 0.005
#: Seconds in which most of what waits leaves, whatever the estimate is. With half a second a link that became narrow
#: stayed full for so much longer: the last large pictures went into it.
DRAINED_S = 0.15
#: Packets that wait; beyond, the oldest leave. Less than a history keeps (`history.py`).
MOST = 400


@define
class Pacer:
    """Of one subscriber. Times in seconds."""

    _free_at: float = float("-inf")  # when what has left is through, at the rate
    _waiting: deque[tuple[int, int, int]] = field(factory=deque)  # SSRC, number, bytes
    _bytes: int = 0

    def may_go(self, now: float) -> bool:
        """Whether a packet that comes now leaves at once."""
        return not self._waiting and self._free_at <= now + BURST_S

    def went(self, size: int, bitrate_bps: int, now: float) -> None:
        """A datagram of pictures left. `bitrate_bps`: the estimate; 0: the link is not measured, and nothing waits."""
        if bitrate_bps <= 0:
            return
        rate = max(FACTOR * bitrate_bps, self._bytes * 8 / DRAINED_S)
        self._free_at = max(self._free_at, now) + size * 8 / rate

    def hold(self, ssrc: int, number: int, size: int) -> None:
        """`ssrc`: of its down track; `number`: unrolled, as the subscriber sees it."""
        self._waiting.append((ssrc, number, size))
        self._bytes += size

    @property
    def is_full(self) -> bool:
        return len(self._waiting) > MOST

    def take(self, now: float) -> tuple[int, int] | None:
        """SSRC and number of what is to leave now, the oldest first."""
        if not self._waiting or (self._free_at > now + STEP_S and not self.is_full):
            return None
        ssrc, number, size = self._waiting.popleft()
        self._bytes -= size
        return ssrc, number

    def forget(self, ssrc: int) -> None:
        """Its down track is gone, and what waits of it."""
        if any(each[0] == ssrc for each in self._waiting):
            self._waiting = deque(each for each in self._waiting if each[0] != ssrc)
            self._bytes = sum(each[2] for each in self._waiting)

    def next_wakeup(self) -> float | None:
        return self._free_at if self._waiting else None
