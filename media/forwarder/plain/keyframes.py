"""When to ask a publisher for a keyframe."""

from __future__ import annotations

from attrs import define

from media.forwarder.api import Layer

#: Seconds between two PLIs for one layer: a keyframe costs about a second of its bitrate, and more for the large ones.
MIN_INTERVAL_S = {Layer.LOW: 0.5, Layer.MEDIUM: 0.75, Layer.HIGH: 1.0}


@define
class KeyframeRequester:
    """Merges many subscribers' keyframe wishes into few PLIs.

    Thirty pupils joining a lesson at once must not make the teacher's encoder
    produce thirty keyframes. Sans-IO: the caller passes `now` (seconds, any
    monotonic clock) and sends the PLI (RFC 4585, 6.3.1) when told to.
    """

    min_interval_s: float
    _wanted: bool = False
    _last_sent: float = float("-inf")

    @property
    def is_wanted(self) -> bool:
        return self._wanted

    def want(self) -> None:
        self._wanted = True

    def keyframe_arrived(self) -> None:
        self._wanted = False

    def poll(self, now: float) -> bool:
        """Whether to send one PLI right now. The wish stays until a keyframe comes: a PLI can be lost."""
        if not self._wanted or now - self._last_sent < self.min_interval_s:
            return False
        self._last_sent = now
        return True

    def next_wakeup(self) -> float | None:
        """When `poll` may next say yes; None while nobody wants a keyframe."""
        return self._last_sent + self.min_interval_s if self._wanted else None
