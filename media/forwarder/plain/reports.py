"""How well a publisher's stream arrives: what receiver reports say (RFC 3550 6.4, A.3, A.8)."""

from __future__ import annotations

from attrs import define

from media.forwarder.plain.rtcp import ReportBlock
from media.forwarder.plain.sequence import SEQ_MOD
from media.forwarder.plain.timestamps import ClockReading


@define
class ReceptionStatistics:
    """Of one SSRC. Numbers are unrolled; packets that RTX brought back count as lost, as RFC 4588 wants."""

    clock_rate: int
    _first: int | None = None
    _highest: int = 0
    _received: int = 0
    _expected_before: int = 0
    _received_before: int = 0
    _jitter: float = 0.0  # RTP units
    _transit: float | None = None
    _timestamp: int | None = None

    @property
    def jitter_s(self) -> float:
        return self._jitter / self.clock_rate

    def restart(self) -> None:
        self._first = None
        self._received = self._expected_before = self._received_before = 0
        self._transit = None

    def arrived(self, seq: int, timestamp: int, now: float) -> None:
        if self._first is None:
            self._first = self._highest = seq
        self._highest = max(self._highest, seq)
        self._received += 1
        if timestamp == self._timestamp:
            return  # packets of one frame leave one after the other: that is no jitter of the network
        transit = now * self.clock_rate - timestamp
        if self._transit is not None:
            change = abs(transit - self._transit)
            if change < 5 * self.clock_rate:  # else the timestamp wrapped or jumped
                self._jitter += (change - self._jitter) / 16
        self._transit = transit
        self._timestamp = timestamp

    def interval(self) -> tuple[int, int]:
        """(expected, lost) since the last call."""
        expected = self._highest - self._first + 1 if self._first is not None else 0
        lost = (expected - self._expected_before) - (self._received - self._received_before)
        result = (expected - self._expected_before, max(0, lost))
        self._expected_before = expected
        self._received_before = self._received
        return result

    def block(
        self, ssrc: int, interval: tuple[int, int], clock: ClockReading | None, now: float
    ) -> ReportBlock:
        """RFC 3550 6.4.1; `interval` as the method of this name answered."""
        expected, lost = interval
        all_expected = self._highest - self._first + 1 if self._first is not None else 0
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=min(255, lost * 256 // expected) if expected > 0 else 0,
            packets_lost=max(-0x800000, min(0x7FFFFF, all_expected - self._received)),
            highest_sequence=self._highest - SEQ_MOD & 0xFFFFFFFF,
            jitter=int(self._jitter) & 0xFFFFFFFF,
            last_sr=clock.ntp >> 16 & 0xFFFFFFFF if clock else 0,
            delay_since_last_sr=int((now - clock.received_at) * 65536) & 0xFFFFFFFF if clock else 0,
        )
