"""What may be sent over a link, from what its delays and losses say. draft-ietf-rmcat-gcc-02, 5.5 and 6.

Up while nothing waits, slowly where the link was full before; down to a little less than what arrives when a queue
grows. Nothing is learnt from what is not sent: the rate is never raised above one and a half times what arrives.
"""

from __future__ import annotations

import math

from attrs import define, field

from media.forwarder.plain.bandwidth import COLLAPSE, LITTLE_LOSS, MAX_BPS, MUCH_LOSS, START_BPS
from media.forwarder.plain.trendline import Usage

#: Less is not believed of a link: one small picture goes on, late rather than not at all.
MIN_BPS = 100_000.0
#: 5.5: eta a second, beta.
UP, DOWN = 0.08, 0.85
#: 5.5: A_hat is never above so much of R_hat, and bits a second that are added.
MOST_OVER, MORE_BPS = 1.5, 10_000.0
#: Above so much of what may be sent, what arrives is about that: it is less while somebody else's burst passes, and a
#: fall to it would leave the smaller of two flows the smaller for ever.
ABOUT = 0.7
#: Seconds between two falls beside the round trip: after them it is seen whether one was enough.
GENTLY_S, SETTLE_S = 0.8, 0.2
#: libwebrtc's `link_capacity_estimator.cc`: weight of a sample, variance at first and its bounds, kbit/s.
WEIGHT, VARIANCE, VARIANCE_MIN, VARIANCE_MAX = 0.05, 0.4, 0.4, 2.5
#: 5.5, additive: half a packet of the average a response time; a picture has so many pictures a second.
PICTURES, PACKET_BITS, RESPONSE_S = 30.0, 9_600.0, 0.06
#: A queue of so many seconds, beside a slope, is a full link; one of that many lets nothing grow, and when it has not
#: emptied so long after a fall, there is another. The last one hurries; before it a fall is to the half at most.
QUEUE_S, LONG_QUEUE_S, DRAIN_S, ALARM_S = 0.05, 0.08, 2.0, 0.2
#: A queue out of which less than so much comes as when it filled gets shorter. One that is as long as it was after
#: `DRAIN_S`, to so many seconds, without losses, is none: the way has become longer (Wi-Fi to mobile), and no fall was
#: right.
EASED, SAME_S = 0.8, 0.03
#: What comes through a full link is what it carries. A fall keeps so much of it: by the rest the queue gets shorter.
#: What was sent before stands in it for a second or two, and every message of that time would ask for another fall.
KEEPS = 0.6
#: 6: packets over which loss is counted, and seconds between two falls for it.
LEAST_PACKETS, LOSS_EVERY_S = 100, 0.5


@define
class Capacity:
    """What came through when the link was full, kbit/s, as far as one number says it."""

    kbps: float | None = None
    _variance: float = VARIANCE

    @property
    def spread(self) -> float:
        return 0.0 if self.kbps is None else 3.0 * math.sqrt(self._variance * self.kbps)

    def full(self, through_kbps: float) -> None:
        """One more time; one far below the others means that it is another link now."""
        if self.kbps is None or through_kbps < self.kbps - self.spread:
            self.kbps, self._variance = through_kbps, VARIANCE
            return
        self.kbps = (1 - WEIGHT) * self.kbps + WEIGHT * through_kbps
        error = self.kbps - through_kbps
        variance = (1 - WEIGHT) * self._variance + WEIGHT * error * error / max(self.kbps, 1.0)
        self._variance = min(max(variance, VARIANCE_MIN), VARIANCE_MAX)


@define
class RateControl:
    """Of one subscriber's link. `through_bps` in calls: what arrives (R_hat), None before it is known."""

    bitrate_bps: float = float(START_BPS)
    _capacity: Capacity = field(factory=Capacity)
    _holds: bool = False  # 5.5's Hold; what is not it is Increase
    _updated_at: float | None = None
    _fell_at: float = float("-inf")
    _expected: int = 0
    _lost: int = 0
    _loss_fell_at: float = float("-inf")
    _lossy: bool = False  # between 2 and 10 %: nothing grows
    _filled_bps: float | None = None  # what came through at the first fall, while packets wait
    _before_bps: float = 0.0  # the rate before that fall
    _fell_wait_s: float = 0.0
    _since_fall: tuple[int, int] = (0, 0)  # packets, and those of them that were lost

    def update(
        self,
        usage: Usage,
        wait_s: float,
        through_bps: float | None,
        busy_bps: float | None,
        rtt_s: float,
        now: float,
    ) -> bool:
        """5.5, after every message. Whether what looked like a queue is a longer way.

        `wait_s`: how long packets stand in the queue; `busy_bps`: what comes out of it, which is more than
        `through_bps` where little was sent until a moment ago.
        """
        passed = 0.0 if self._updated_at is None else min(now - self._updated_at, 1.0)
        self._updated_at = now
        if wait_s <= LONG_QUEUE_S:
            self._filled_bps = None
        if usage is Usage.OVER and wait_s > QUEUE_S:
            self._fall(wait_s, _larger(through_bps, busy_bps), rtt_s, now)
        elif wait_s > LONG_QUEUE_S and through_bps and now - self._fell_at >= DRAIN_S:
            if self._is_longer(wait_s, through_bps):
                self.probed(self._before_bps)
                return True
            self._fall(wait_s, min(through_bps, self.bitrate_bps), rtt_s, now)
        elif usage is not Usage.NORMAL or wait_s > LONG_QUEUE_S:
            self._holds = True
        elif self._holds:
            self._holds = False
        elif through_bps is not None and not self._lossy:
            self._rise(through_bps, rtt_s, passed)
        return False

    def _is_longer(self, wait_s: float, through_bps: float) -> bool:
        """Less has come through for a while, all of it, and nothing waits shorter or longer."""
        packets, lost = self._since_fall
        return (
            self._filled_bps is not None
            and through_bps < EASED * self._filled_bps
            and abs(wait_s - self._fell_wait_s) <= SAME_S
            and lost < LITTLE_LOSS * packets
        )

    def _rise(self, through_bps: float, rtt_s: float, passed: float) -> None:
        capacity = self._capacity
        if capacity.kbps is not None and through_bps / 1000 > capacity.kbps + capacity.spread:
            capacity.kbps = None
        if capacity.kbps is None:
            raised = self.bitrate_bps * (1 + UP * passed)
        else:
            picture = self.bitrate_bps / PICTURES
            packet = picture / max(1.0, math.ceil(picture / PACKET_BITS))
            raised = self.bitrate_bps + max(4_000.0, packet / (RESPONSE_S + rtt_s)) * passed
        raised = min(raised, MOST_OVER * through_bps + MORE_BPS, float(MAX_BPS))
        self.bitrate_bps = max(self.bitrate_bps, raised)

    def _fall(self, wait_s: float, through_bps: float | None, rtt_s: float, now: float) -> None:
        self._holds = True
        through = self.bitrate_bps if through_bps is None else through_bps
        about = through > ABOUT * self.bitrate_bps
        gently = about and wait_s < ALARM_S
        if now - self._fell_at < (GENTLY_S if gently else SETTLE_S) + rtt_s:
            return
        self._capacity.full(through / 1000)
        if self._filled_bps is None:
            self._filled_bps, self._before_bps = through, self.bitrate_bps
        self._fell_wait_s, self._since_fall = wait_s, (0, 0)
        lower = DOWN * (self.bitrate_bps if about else through)
        if wait_s < ALARM_S:
            lower = max(lower, self.bitrate_bps / 2)
        lower = max(lower, KEEPS * through)
        if lower < self.bitrate_bps:
            self.bitrate_bps = max(lower, MIN_BPS)
        self._fell_at = now

    def reported(self, received: int, lost: int, through_bps: float | None, now: float) -> None:
        """6: packets of one message. Above a fifth, which no radio link loses for long, down to what came through."""
        packets, gone = self._since_fall
        self._since_fall = packets + received + lost, gone + lost
        self._expected += received + lost
        self._lost += lost
        if self._expected < LEAST_PACKETS:
            return
        share = self._lost / self._expected
        self._expected = self._lost = 0
        self._lossy = share >= LITTLE_LOSS
        if share <= MUCH_LOSS or now - max(self._fell_at, self._loss_fell_at) < LOSS_EVERY_S:
            return
        lower = self.bitrate_bps * (1 - share / 2)
        if share > COLLAPSE and through_bps is not None:
            lower = min(lower, through_bps)
        lower = max(lower, min(self.bitrate_bps, KEEPS * (through_bps or 0.0)))
        self.bitrate_bps = max(lower, MIN_BPS)
        self._loss_fell_at = now

    def probed(self, bitrate_bps: float) -> None:
        """A train of packets came through at this rate, or others did until the way became longer."""
        if bitrate_bps > self.bitrate_bps:
            self.bitrate_bps = min(bitrate_bps, float(MAX_BPS))
            self._capacity.kbps = None


def _larger(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)
