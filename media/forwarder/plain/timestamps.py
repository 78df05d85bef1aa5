"""RTP time for one subscriber, continuous when its picture changes to another layer; sender reports in that time."""

from __future__ import annotations

from attrs import define, frozen

TS_MOD = 1 << 32
#: Seconds that two ways of reckoning may differ before the publisher's reports are not believed.
BELIEVED_S = 3


def ts_delta(newer: int, older: int) -> int:
    """Signed distance on the 32-bit circle, in [-2**31, 2**31)."""
    d = (newer - older) % TS_MOD
    return d - TS_MOD if d >= TS_MOD // 2 else d


@frozen
class ClockReading:
    """A sender report: at NTP time `ntp` (RFC 3550 4: 32.32 bits) this stream's clock showed `rtp`."""

    ntp: int
    rtp: int
    received_at: float


@define
class TimestampMap:
    """Incoming RTP time plus an offset; the offset changes with the source."""

    clock_rate: int  # Hz
    first: int  # uint32, where the subscriber's time begins
    offset: int = 0
    _last: int | None = None  # newest sent, uint32
    _last_at: float = 0.0
    # The publisher's wall clock against the time that this subscriber sees.
    _reference: ClockReading | None = None

    def leave(self) -> None:
        """The source is gone; nothing is known of the next one's clock."""
        self._reference = None

    @property
    def newest(self) -> int | None:
        return self._last

    def begin(self, timestamp: int, now: float, clock: ClockReading | None) -> None:
        """Another source starts with `timestamp`; `clock` is its last sender report.

        With reports of both sources the same moment of capture keeps its time; else the time that passed here
        decides. Never backwards, and never twice the same: a second frame with one timestamp would be one frame.
        """
        if self._last is None:
            out = self.first
        else:
            passed = max(1, int((now - self._last_at) * self.clock_rate))
            step = passed
            if clock is not None and self._reference is not None:
                reported = self._since_last(timestamp, clock, self._reference)
                if abs(reported - passed) <= BELIEVED_S * self.clock_rate:
                    step = max(1, reported)
            out = (self._last + step) % TS_MOD
        self.offset = (out - timestamp) % TS_MOD
        if clock is not None:
            self.report(clock)

    def _since_last(self, timestamp: int, clock: ClockReading, reference: ClockReading) -> int:
        """RTP units from the newest packet sent to the moment `timestamp` names in `clock`'s stream."""
        assert self._last is not None
        between = (clock.ntp - reference.ntp) * self.clock_rate >> 32
        expected = reference.rtp + between + ts_delta(timestamp, clock.rtp)
        return ts_delta(expected, self._last)

    def forward(self, timestamp: int, now: float) -> int:
        """Outgoing uint32 for a packet that is not late."""
        out = (timestamp + self.offset) % TS_MOD
        if self._last is None or ts_delta(out, self._last) > 0:
            self._last = out
            self._last_at = now
        return out

    def late(self, timestamp: int) -> int:
        return (timestamp + self.offset) % TS_MOD

    def report(self, clock: ClockReading) -> None:
        """The current source's sender report came."""
        self._reference = ClockReading(
            clock.ntp, (clock.rtp + self.offset) % TS_MOD, clock.received_at
        )

    def reading(self, now: float) -> tuple[int, int] | None:
        """(NTP, RTP) of a sender report to the subscriber, at `now`; None before the publisher's first."""
        if self._reference is None:
            return None
        elapsed = max(0.0, now - self._reference.received_at)
        ntp = (self._reference.ntp + int(elapsed * (1 << 32))) & 0xFFFFFFFFFFFFFFFF
        rtp = (self._reference.rtp + int(elapsed * self.clock_rate)) % TS_MOD
        return ntp, rtp
