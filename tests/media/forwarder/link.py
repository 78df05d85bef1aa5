"""A link with a narrowest place, a queue, losses and jitter, and senders of pictures who share it. Deterministic.

::

    line = Line(bandwidth_bps=1_000_000)
    masha = Sender(line)
    run([masha], until=10.0)
"""

from __future__ import annotations

import heapq
import random  # noqa: TID251 -- seeded: the dice of the network
from bisect import bisect_right
from collections.abc import Callable, Sequence

from attrs import define, field

from media.forwarder.plain.arrivals import read_arrivals
from media.forwarder.plain.feedback import TransportFeedback
from media.forwarder.plain.probe import PACKET_BYTES
from media.forwarder.plain.sending import SendSide

STEP_S = 0.005
PICTURE_S = 1 / 30
MOST_BYTES = 1_200
#: Pictures differ by so much; every three hundredth is a keyframe of four times the size.
UNEVEN = 0.4
#: How far the subscriber's clock is from ours, seconds.
CLOCK_S = 4_321.0


@define(eq=False)
class Line:
    """What a packet meets. `cross_bps`: of others, who send whatever happens."""

    bandwidth_bps: float
    delay_s: float = 0.02
    queue_s: float = 0.5
    loss: float = 0.0
    jitter_s: float = 0.0
    cross_bps: float = 0.0
    crowded_out: int = 0
    _free_at: float = 0.0
    _latest: float = 0.0
    _dice: random.Random = field(factory=lambda: random.Random(1))  # noqa: S311 -- no secret

    def arrival(self, size: int, now: float) -> float | None:
        """When it arrives; None: lost."""
        begins = max(now, self._free_at)
        if begins - now > self.queue_s:
            self.crowded_out += 1
            return None
        self._free_at = begins + size * 8 / max(1.0, self.bandwidth_bps - self.cross_bps)
        if self._dice.random() < self.loss:
            return None
        self._latest = max(
            self._latest, self._free_at + self.delay_s + self.jitter_s * self._dice.random()
        )
        return self._latest


@define(eq=False)
class Host:
    """A computer with other things to do: for `busy` of the time it stands still, `least_s` to `most_s` each time."""

    busy: float = 0.0
    least_s: float = 0.005
    most_s: float = 0.05
    seed: int = 3
    _until: float = 0.0  # so far its pauses are known
    _begins: list[float] = field(factory=list)  # of pauses
    _ends: list[float] = field(factory=list)
    _dice: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 -- no secret

    def runs(self, now: float) -> float:
        """When it goes on, now or later."""
        if not self.busy:
            return now
        while self._until <= now:
            pause = self._dice.uniform(self.least_s, self.most_s)
            rests = pause * (1 / self.busy - 1) * self._dice.uniform(0.0, 2.0)
            self._begins.append(self._until + rests)
            self._until += rests + pause
            self._ends.append(self._until)
        pause = bisect_right(self._begins, now) - 1
        return max(now, self._ends[pause]) if pause >= 0 else now


@define(eq=False)
class Sender:
    """Sends pictures at its estimate, or at `most_bps`, and what its prober says.

    Attributes:
        sound: numbered too; clients are sent voices without numbers.
        here, there: our computer, and the subscriber's.
        waits: (when, seconds in the queue) of each packet of media.
        estimates: (when, bits a second).
    """

    line: Line
    most_bps: float = float("inf")
    seed: int = 2
    picture_s: float = PICTURE_S
    sound: bool = True
    here: Host = field(factory=Host)
    there: Host = field(factory=Host)
    side: SendSide = field(factory=SendSide)
    waits: list[tuple[float, float]] = field(factory=list)
    estimates: list[tuple[float, int]] = field(factory=list)
    sent_bytes: int = 0
    _pictures: int = 0
    _picture_at: float = 0.0
    _sound_at: float = 0.0
    _feedback: TransportFeedback = field(factory=TransportFeedback)
    _coming: list[tuple[float, int]] = field(factory=list)
    _answers: list[tuple[float, bytes]] = field(factory=list)
    _dice: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 -- no secret
        self._pictures = 37 * self.seed

    def step(self, now: float) -> None:
        """What happens in these 5 ms, at both ends."""
        back = self.line.delay_s
        if self.there.runs(now) == now:
            while self._coming and self._coming[0][0] <= now:
                at, number = heapq.heappop(self._coming)
                self._feedback.arrived(number & 0xFFFF, 7, self.there.runs(at) + CLOCK_S)
            self._answers += [(now + back, each) for each in self._feedback.poll(now + CLOCK_S)]
        if self.here.runs(now) > now:
            return
        while self._answers and self._answers[0][0] <= now:
            _, message = self._answers.pop(0)
            self.side.reported(read_arrivals(message[12:]), 2 * back, now)
        while self.sound and now >= self._sound_at:
            self._sound_at += 0.02
            self._send(90, now)
        while now >= self._picture_at:
            self._picture_at += self.picture_s
            self._picture(now)
        train = self.side.train(now)
        if train is not None:
            for _ in range(train[1]):
                self._send(PACKET_BYTES, now, train[0])
        self.estimates.append((now, self.side.estimate_bps))

    def _picture(self, now: float) -> None:
        self._pictures += 1
        size = (
            self._bitrate_bps()
            * self.picture_s
            / 8
            * (1 - UNEVEN + 2 * UNEVEN * self._dice.random())
        )
        if self._pictures % 300 == 0:
            size *= 4
        while size > 0:
            self._send(int(min(size, MOST_BYTES)) + 40, now)
            size -= MOST_BYTES

    def _bitrate_bps(self) -> float:
        """Of the picture that is sent now."""
        return max(0.0, min(self.side.rate.bitrate_bps, self.most_bps) - 36_000)

    def _send(self, size: int, now: float, probe: int = 0) -> None:
        number = self.side.outstanding.number()
        self.side.outstanding.sent(number, size, now, probe)
        self.sent_bytes += size
        at = self.line.arrival(size, now)
        if at is not None:
            heapq.heappush(self._coming, (at, number))
            if not probe:
                self.waits.append((now, at - now - self.line.delay_s))

    def mean_bps(self, since: float, until: float) -> float:
        """Of the estimate."""
        told = [bps for at, bps in self.estimates if since <= at < until]
        return sum(told) / len(told)

    def wait_s(self, share: float, since: float) -> float:
        """So many packets waited less."""
        waits = sorted(wait for at, wait in self.waits if at >= since)
        return waits[int(share * (len(waits) - 1))]


def run(
    senders: Sequence[Sender],
    until: float,
    *,
    begin: float = 0.0,
    each: Callable[[float], None] = lambda _: None,
) -> None:
    """`each` is called before every step."""
    for number in range(int(begin / STEP_S), int(until / STEP_S)):
        now = number * STEP_S
        each(now)
        for sender in senders:
            sender.step(now)
