"""From the clocks of a publisher's encoders to the broadcast's one clock: 48,000 ticks a second since it began.

RTP timestamps begin anywhere and say nothing of each other. A sender report (RFC 3550 6.4.1) ties each stream's to one
wall clock of the publisher, so lips and voice agree to the tick; that wall clock is tied to ours by when things came.
Until a stream's first report its first packet is taken to be as old as it is new: it happened when it came.
"""

from __future__ import annotations

from attrs import define, field

from media.forwarder.plain.timestamps import ts_delta

RATE = 48_000
#: A stream that is so far from when it comes has a clock that jumped: it is tied anew. A stalled network is shorter.
JUMP = 3 * RATE
#: A report that moves a stream by less is noise of the sender's own clocks.
NOISE = RATE // 200
#: The least that a publisher's streams lagged over a `WINDOW`: beyond these its quartz has drifted (100 ppm are 200 ms
#: in 33 minutes), and all its streams move together.
SLOW, FAST = RATE // 5, -RATE // 20
WINDOW = 20 * RATE


@define(eq=False)
class PublisherClock:
    """The wall clock of one publisher, shared by its streams."""

    _offset: int | None = None  # ticks of ours at its zero
    _streams: list[StreamClock] = field(factory=list)
    _window_ends: int | None = None
    _least: int = 0

    def stream(self, rate: int) -> StreamClock:
        """The clock of another stream, `rate` RTP units a second."""
        clock = StreamClock(self, rate)
        self._streams.append(clock)
        return clock

    def ticks_of(self, ntp: int, now: int) -> int:
        """When `ntp` (32.32 bits) was on our clock; the first time, and after a jump, it is `now`."""
        theirs = ntp * RATE >> 32
        if self._offset is None or abs(theirs + self._offset - now) > JUMP:
            self._offset = now - theirs
        return theirs + self._offset

    def lagged(self, lag: int, now: int) -> None:
        """Something came `lag` ticks after its time. Once in a `WINDOW` the clock is set right, if it has drifted."""
        if self._window_ends is None:
            self._window_ends, self._least = now + WINDOW, lag
            return
        self._least = min(self._least, lag)
        if now < self._window_ends:
            return
        moved = 0 if FAST <= self._least <= SLOW else self._least
        self._window_ends = None
        if moved:
            if self._offset is not None:
                self._offset += moved
            for stream in self._streams:
                stream.move(moved)


@define(eq=False)
class StreamClock:
    """The clock of one stream: RTP timestamps in, ticks out."""

    _publisher: PublisherClock = field(repr=False)
    _rate: int
    _newest: int | None = None  # unrolled timestamp, to unroll the next
    _anchor: int = 0  # unrolled timestamp …
    _ticks: int = 0  # … and its time

    def ticks(self, timestamp: int, now: int) -> int:
        """When this packet's moment was; it comes `now`."""
        unrolled = self._unroll(timestamp)
        if self._newest is None:
            self._tie(unrolled, now)
        at = self._at(unrolled)
        if abs(at - now) > JUMP:
            self._tie(unrolled, now)
            at = now
        self._newest = unrolled
        self._publisher.lagged(now - at, now)
        return at

    def report(self, ntp: int, timestamp: int, now: int) -> None:
        """A sender report of this stream came: at `ntp` its clock showed `timestamp`."""
        unrolled = self._unroll(timestamp)
        ticks = self._publisher.ticks_of(ntp, now)
        if self._newest is None or abs(self._at(unrolled) - ticks) > NOISE:
            self._tie(unrolled, ticks)
        if self._newest is None:
            self._newest = unrolled

    def move(self, ticks: int) -> None:
        self._ticks += ticks

    def _unroll(self, timestamp: int) -> int:
        if self._newest is None:
            return timestamp
        return self._newest + ts_delta(timestamp, self._newest & 0xFFFFFFFF)

    def _tie(self, unrolled: int, ticks: int) -> None:
        self._anchor, self._ticks = unrolled, ticks

    def _at(self, unrolled: int) -> int:
        return self._ticks + (unrolled - self._anchor) * RATE // self._rate
