"""What a subscriber's link carries, from its transport-wide feedback: the parts of congestion control put together.

```
arrivals ─▶ delivery ─▶ trendline ─▶ ┐
                        standing  ─▶ ├ rate ─▶ the estimate
                        probe     ─▶ ┘
```
A subscriber whose sections have no transport-cc is `bandwidth.py`'s: REMB and receiver reports.
"""

from __future__ import annotations

from attrs import define, field

from media.forwarder.plain.arrivals import Arrivals
from media.forwarder.plain.delivery import Outstanding
from media.forwarder.plain.probe import Prober
from media.forwarder.plain.rate import LONG_QUEUE_S, RateControl
from media.forwarder.plain.standing import StandingQueue, Throughput
from media.forwarder.plain.trendline import DelayGradient, Usage

#: A round trip before one is known.
USUAL_RTT_S = 0.1
#: Seconds between two estimates that are told, unless it fell, and the smallest change.
TOLD_EVERY_S, TOLD_CHANGE = 0.3, 0.05


@define
class SendSide:
    """Of one subscriber's transport. `rtt_s`: by its receiver reports."""

    outstanding: Outstanding = field(factory=Outstanding)
    prober: Prober = field(factory=Prober)
    rate: RateControl = field(factory=RateControl)
    _gradient: DelayGradient = field(factory=DelayGradient)
    _queue: StandingQueue = field(factory=StandingQueue)
    _through: Throughput = field(factory=Throughput)
    is_heard: bool = False  # feedback has come; while nothing is sent none does
    _told_bps: int = 0
    _told_at: float = float("-inf")

    @property
    def estimate_bps(self) -> int:
        return int(self.rate.bitrate_bps)

    def reported(self, arrivals: Arrivals, rtt_s: float | None, now: float) -> None:
        """One message of the subscriber."""
        delivered, lost = self.outstanding.reported(arrivals)
        if not delivered and not lost:
            return
        self.is_heard = True
        over = media = False
        for packet in delivered:
            self._through.delivered(packet.arrived_at, packet.size)
            if packet.probe:
                self.prober.delivered(packet)
                self._queue.padding(packet.sent_at, packet.arrived_at)
                continue
            media = True
            self._queue.delivered(packet.sent_at, packet.arrived_at, packet.size)
            self._gradient.delivered(packet.sent_at * 1000, packet.arrived_at * 1000)
            over = over or self._gradient.usage is Usage.OVER
        usage = Usage.OVER if over else self._gradient.usage
        wait_s = self._queue.judge()
        rate, through = self.rate, self._through.bitrate_bps
        before = rate.bitrate_bps
        rtt_s = USUAL_RTT_S if rtt_s is None else min(rtt_s, 1.0)
        if media and rate.update(usage, wait_s, through, self._queue.busy_bps, rtt_s, now):
            self._queue.longer_way()  # padding says nothing of delays
            wait_s = 0.0
        rate.reported(len(delivered), lost, through, now)
        found = self.prober.judge(rate.bitrate_bps, self._queue.fastest_s, now)
        if rate.bitrate_bps < before or (media and wait_s > LONG_QUEUE_S):
            self.prober.put_off(now)
        elif found is not None:
            rate.probed(found)

    def train(self, now: float) -> tuple[int, int] | None:
        """A train of padding that is to leave now: its number, and how many packets it has."""
        return self.prober.poll(self.rate.bitrate_bps, now) if self.is_heard else None

    def poll(self, now: float) -> int | None:
        """The estimate, when it is time to tell it."""
        if not self.is_heard:
            return None
        estimate = self.estimate_bps
        change = abs(estimate - self._told_bps) / max(1, self._told_bps)
        fell = estimate < self._told_bps
        if change < TOLD_CHANGE or (not fell and now - self._told_at < TOLD_EVERY_S):
            return None
        self._told_bps, self._told_at = estimate, now
        return estimate
