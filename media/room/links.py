"""How good somebody's connection is, in four words (LiveKit's ConnectionQuality). Pure.

Nobody is ever told that their own link is lost: a client that reads this while it
publishes starts over (calls.md §2.6).
"""

from __future__ import annotations

from attrs import define

from media.room.messages import Quality

#: Seconds between two messages.
INTERVAL_S = 5.0
#: Share of lost packets, round trip and jitter in seconds, above which a link is poor, or no more than good.
#: Chosen by us after ITU-T G.114 (400 ms one way is the end of conversation) and what Opus hides.
POOR_LOSS, POOR_RTT_S = 0.10, 0.8
GOOD_LOSS, GOOD_RTT_S, GOOD_JITTER_S = 0.03, 0.4, 0.05
#: Reports in a row that must be better before it is called better.
PATIENCE = 2

_SCORES = {Quality.POOR: 2.0, Quality.GOOD: 3.5, Quality.EXCELLENT: 4.5, Quality.LOST: 1.0}


def judge(lost: float, rtt_s: float | None, jitter_s: float) -> Quality:
    """One report. `lost` is the worse direction's share, 0..1."""
    rtt_s = rtt_s or 0.0
    if lost > POOR_LOSS or rtt_s > POOR_RTT_S:
        return Quality.POOR
    if lost > GOOD_LOSS or rtt_s > GOOD_RTT_S or jitter_s > GOOD_JITTER_S:
        return Quality.GOOD
    return Quality.EXCELLENT


def score_of(quality: Quality) -> float:
    """1..5, as LiveKit's clients expect one."""
    return _SCORES[quality]


@define
class Line:
    """The link of one participant over time: worse at once, better after two reports."""

    quality: Quality | None = None  # None: no report yet
    reported_at: float = float("-inf")
    _better: int = 0

    def report(self, quality: Quality, now: float) -> None:
        """Take in one report."""
        self.reported_at = now
        if self.quality is None or quality.value <= self.quality.value:
            self.quality, self._better = quality, 0
            return
        self._better += 1
        if self._better >= PATIENCE:
            self.quality, self._better = quality, 0
