"""Whether packets take longer and longer: the sign of a queue that grows.

draft-ietf-rmcat-gcc-02, 5.1 to 5.4, with libwebrtc's line through the last delays in place of the Kalman filter of 5.3
(`trendline_estimator.cc`, `inter_arrival_delta.cc`), and its numbers. Times in milliseconds here, as there.
"""

from __future__ import annotations

import enum

from attrs import define, field

#: 5.2: packets sent within so many ms are one group; so are those that arrive as close and gain on each other.
BURST_MS = 5.0
#: A burst is never longer than this.
LONGEST_BURST_MS = 100.0
#: Groups that the line goes through, and how much of the smoothed delay is kept at each.
WINDOW, KEPT = 20, 0.9
#: The slope is weighed by the number of groups, up to so many, and by this factor.
MOST_WEIGHT, GAIN = 60, 4.0
#: 5.4: del_var_th(0), its bounds, K_u and K_d for a line (a millisecond), and by how much an outlier is above it.
THRESHOLD, THRESHOLD_MIN, THRESHOLD_MAX = 12.5, 6.0, 600.0
RISING, FALLING, OUTLIER = 0.0087, 0.039, 15.0
#: 5.4: overuse_time_th, ms that the slope stays above the threshold.
OVER_MS = 10.0
#: A gap in either clock after which everything begins anew: somebody slept.
GAP_MS = 3_000.0


class Usage(enum.Enum):
    """5.4: of the link."""

    NORMAL = "normal"
    OVER = "over"
    UNDER = "under"


@define
class _Group:
    first_sent: float
    sent: float
    first_arrived: float
    arrived: float


@define
class DelayGradient:
    """Of one subscriber's link. Packets come in the order in which they were sent."""

    usage: Usage = Usage.NORMAL
    _group: _Group | None = None
    _before: _Group | None = None
    _deltas: int = 0
    _accumulated: float = 0.0
    _smoothed: float = 0.0
    _line: list[tuple[float, float]] = field(factory=list)  # since the first arrival, delay
    _began: float = 0.0
    _slope: float = 0.0
    _threshold: float = THRESHOLD
    _judged_at: float | None = None
    _over_ms: float | None = None  # how long the slope has been above the threshold
    _over_groups: int = 0

    def delivered(self, sent_ms: float, arrived_ms: float) -> None:
        """One packet more."""
        group = self._group
        if group is None:
            self._group = _Group(sent_ms, sent_ms, arrived_ms, arrived_ms)
            return
        if (
            abs(sent_ms - group.sent) > GAP_MS
            or abs(arrived_ms - group.arrived) > GAP_MS
            or sent_ms < group.first_sent
        ):
            self._restart()
            self._group = _Group(sent_ms, sent_ms, arrived_ms, arrived_ms)
            return
        if sent_ms - group.first_sent <= BURST_MS or _is_burst(group, sent_ms, arrived_ms):
            group.sent = max(group.sent, sent_ms)
            group.arrived = max(group.arrived, arrived_ms)
            return
        before, self._before = self._before, group
        self._group = _Group(sent_ms, sent_ms, arrived_ms, arrived_ms)
        if before is not None:
            sent_delta, arrived_delta = group.sent - before.sent, group.arrived - before.arrived
            if arrived_delta >= 0:
                self._follow(arrived_delta - sent_delta, sent_delta, group.arrived)

    def _restart(self) -> None:
        self._before, self._judged_at, self._over_ms = None, None, None
        self._deltas, self._over_groups = 0, 0
        self._accumulated = self._smoothed = self._slope = 0.0
        self._line = []
        self.usage = Usage.NORMAL

    def _follow(self, delta: float, sent_delta: float, arrived: float) -> None:
        """5.3: one group took `delta` longer than the one before."""
        if self._deltas == 0:
            self._began = arrived
        self._deltas = min(self._deltas + 1, MOST_WEIGHT)
        self._accumulated += delta
        self._smoothed = KEPT * self._smoothed + (1 - KEPT) * self._accumulated
        self._line.append((arrived - self._began, self._smoothed))
        if len(self._line) > WINDOW:
            del self._line[0]
        slope = _slope(self._line) if len(self._line) == WINDOW else None
        self._judge(self._slope if slope is None else slope, sent_delta, arrived)

    def _judge(self, slope: float, sent_delta: float, arrived: float) -> None:
        """5.4: over-use must last, and grow."""
        weighed = self._deltas * slope * GAIN
        if weighed > self._threshold:
            over = self._over_ms
            self._over_ms = sent_delta / 2 if over is None else over + sent_delta
            self._over_groups += 1
            if self._over_ms > OVER_MS and self._over_groups > 1 and slope >= self._slope:
                self._over_ms, self._over_groups = 0.0, 0
                self.usage = Usage.OVER
        else:
            self._over_ms, self._over_groups = None, 0
            self.usage = Usage.UNDER if weighed < -self._threshold else Usage.NORMAL
        self._slope = slope
        self._adapt(abs(weighed), arrived)

    def _adapt(self, weighed: float, arrived: float) -> None:
        """5.4: the threshold follows, so that flows which fill the queue do not starve this one."""
        passed = 0.0 if self._judged_at is None else min(arrived - self._judged_at, 100.0)
        self._judged_at = arrived
        if weighed > self._threshold + OUTLIER:
            return
        gain = FALLING if weighed < self._threshold else RISING
        moved = self._threshold + gain * (weighed - self._threshold) * passed
        self._threshold = min(max(moved, THRESHOLD_MIN), THRESHOLD_MAX)


def _is_burst(group: _Group, sent_ms: float, arrived_ms: float) -> bool:
    """Packets that waited for one another, somewhere on the way, and then came at once."""
    arrived_delta, sent_delta = arrived_ms - group.arrived, sent_ms - group.sent
    return (
        arrived_delta - sent_delta < 0
        and arrived_delta <= BURST_MS
        and arrived_ms - group.first_arrived < LONGEST_BURST_MS
    )


def _slope(line: list[tuple[float, float]]) -> float | None:
    """Of the line with the least squares; None where all came at one time."""
    mean_x = mean_y = 0.0
    for x, y in line:
        mean_x += x
        mean_y += y
    mean_x /= len(line)
    mean_y /= len(line)
    rise = run = 0.0
    for x, y in line:
        rise += (x - mean_x) * (y - mean_y)
        run += (x - mean_x) * (x - mean_x)
    return rise / run if run > 0 else None
