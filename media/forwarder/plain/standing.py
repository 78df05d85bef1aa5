"""How long packets wait in the queue of a link, and how much comes through it: what the last second really was.

A slope of delays alone (`trendline.py`) takes a computer that stumbles for a queue that grows. Packets that waited
are later than the fastest ones of the last seconds; after a stumble the next packet is on time again.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field

#: Seconds of arrivals of which the least delayed counts, with the packet before them; and how many at least. A computer
#: that stood still for longer takes in at its end what came meanwhile: the packet before says that nothing waited.
RECENT_S, LEAST = 0.15, 5
#: Packets of that time at most, and of `THROUGH_S`: three times what 20 Mbit/s are. A subscriber's clock that stands
#: still, or goes back, makes nobody keep more.
MOST_RECENT, MOST_THROUGH = 1_024, 4_096
#: Seconds for which the fastest packet is remembered, at least; at most twice that.
FASTEST_KEPT_S = 5.0
#: Seconds of arrivals that throughput is counted over, and at least, in the beginning.
THROUGH_S, THROUGH_LEAST_S = 0.5, 0.15


@define
class StandingQueue:
    """Of one subscriber's link.

    Attributes:
        busy_bps: bits a second that came out of the queue in the last moment. While something stands in it that is what
            the link carries, however little was sent before.
    """

    wait_s: float = 0.0
    busy_bps: float | None = None
    _recent: deque[tuple[float, float, int]] = field(factory=deque)  # arrived, way, bytes
    _fastest: float = float("inf")
    _fastest_before: float = float("inf")
    _since: float = float("-inf")
    _newest: float = float("-inf")  # arrival

    def delivered(self, sent_at: float, arrived_at: float, size: int) -> None:
        """One packet more. The clocks of both ends differ by any constant."""
        way = arrived_at - sent_at
        self._remember(way, arrived_at)
        recent = self._recent
        recent.append((arrived_at, way, size))
        oldest = arrived_at - RECENT_S
        while len(recent) > LEAST and (recent[1][0] < oldest or len(recent) > MOST_RECENT):
            recent.popleft()

    def padding(self, sent_at: float, arrived_at: float) -> None:
        """A packet of a train, which stands behind its own: only the first can be the fastest."""
        self._remember(arrived_at - sent_at, arrived_at)

    def _remember(self, way: float, arrived_at: float) -> None:
        """Of a silence before this packet nothing is remembered: the way may be another one now."""
        silence_s = arrived_at - self._newest
        if arrived_at - self._since > FASTEST_KEPT_S:
            before = self._fastest if silence_s <= FASTEST_KEPT_S else way
            self._fastest_before, self._fastest = before, way
            self._since = arrived_at
        self._fastest = min(self._fastest, way)
        self._newest = arrived_at

    @property
    def fastest_s(self) -> float:
        """What the fastest packet of the last seconds took, by both clocks."""
        return min(self._fastest, self._fastest_before)

    def judge(self) -> float:
        """Seconds that packets wait now: by the one of the last moment that waited least."""
        least, total = float("inf"), 0
        for _, way, size in self._recent:
            least, total = min(least, way), total + size
        if len(self._recent) >= LEAST:
            self.wait_s = least - self.fastest_s
            first, last = self._recent[0], self._recent[-1]
            took = last[0] - first[0]
            self.busy_bps = (total - first[2]) * 8 / took if took > 0 else None
        return self.wait_s

    def longer_way(self) -> None:
        """What packets take now is what the fastest take."""
        self._fastest = self._fastest_before = self.fastest_s + self.wait_s
        self.wait_s = 0.0


@define
class Throughput:
    """Bits a second that arrive, of the last `THROUGH_S` (draft-ietf-rmcat-gcc-02, 5.5: R_hat)."""

    bitrate_bps: float | None = None
    _arrived: deque[tuple[float, int]] = field(factory=deque)
    _bytes: int = 0
    _began: float | None = None

    def delivered(self, arrived_at: float, size: int) -> None:
        """One packet more, of any kind."""
        arrived = self._arrived
        if self._began is None or (arrived and abs(arrived_at - arrived[-1][0]) > 3.0):
            arrived.clear()
            self._began, self._bytes = arrived_at, 0
        arrived.append((arrived_at, size))
        self._bytes += size
        while arrived[0][0] <= arrived_at - THROUGH_S or len(arrived) > MOST_THROUGH:
            self._bytes -= arrived.popleft()[1]
        span = min(arrived_at - self._began, THROUGH_S)
        if span >= THROUGH_LEAST_S:
            self.bitrate_bps = self._bytes * 8 / span
