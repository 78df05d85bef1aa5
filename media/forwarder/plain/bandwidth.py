"""How many bits a second one subscriber's link carries: from what it reports (RR, REMB). Simple, and bounded.

The loss rule is that of Google's congestion control (draft-ietf-rmcat-gcc-02, 6): up by 8 % while less than 2 % is
lost, down by half the loss above 10 %.
"""

from __future__ import annotations

from attrs import define

#: Where it begins: enough for a 720p camera, so that a good link is not kept waiting.
START_BPS = 2_500_000
MIN_BPS = 100_000
MAX_BPS = 20_000_000
#: A REMB below this share of what we send says that the link is full; above, only that we sent no more.
FULL = 1.1
#: Seconds between two estimates, unless it fell.
TOLD_EVERY_S = 1.0
#: A change smaller than this is not told.
TOLD_CHANGE = 0.05


@define
class Downlink:
    """Of one subscriber. `sent_bps` in calls: what was really sent to it lately."""

    estimate_bps: int = START_BPS
    _raised_at: float = float("-inf")
    _told_bps: int = 0
    _told_at: float = float("-inf")

    def loss_reported(self, lost: float, sent_bps: int, now: float) -> None:
        """`lost`: share 0..1, over all streams of one receiver report."""
        if lost > 0.10:
            base = min(self.estimate_bps, max(sent_bps, MIN_BPS))
            self.estimate_bps = max(MIN_BPS, int(base * (1 - lost / 2)))
        elif lost < 0.02 and now - self._raised_at >= 1.0:
            self.estimate_bps = min(MAX_BPS, int(self.estimate_bps * 1.08))
            self._raised_at = now

    def remb(self, bitrate_bps: int, sent_bps: int, beside_bps: int = 0) -> None:
        """`sent_bps`: of what the REMB is about. libwebrtc leaves voices out of it: `beside_bps`, which fit as well."""
        if bitrate_bps < FULL * sent_bps:
            self.estimate_bps = max(MIN_BPS, min(self.estimate_bps, bitrate_bps + beside_bps))

    def poll(self, now: float) -> int | None:
        """The estimate, when it is time to tell it."""
        change = abs(self.estimate_bps - self._told_bps) / max(1, self._told_bps)
        fell = self.estimate_bps < self._told_bps
        if change < TOLD_CHANGE or (not fell and now - self._told_at < TOLD_EVERY_S):
            return None
        self._told_bps, self._told_at = self.estimate_bps, now
        return self.estimate_bps
