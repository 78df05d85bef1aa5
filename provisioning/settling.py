"""Waiting until the server's rooms follow the directory: a figure for the bar, and when to stop. Pure.

Sans-IO: the caller asks the server, passes the answer and `now` in, and sleeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import define


class Outcome(Enum):
    """What the last answer means."""

    WORKING = "working"
    SETTLED = "settled"
    HELD = "held"  # the server waits for a person
    DEAD_JOBS = "dead_jobs"  # settled, but some tasks failed for good
    STALLED = "stalled"  # no change for too long


@define
class Settling:
    """Follows one school's progress answers.

    Attributes:
        patience_s: seconds without any change after which we stop waiting.
    """

    patience_s: float
    _last: tuple[object, ...] = ()
    _since: float = 0.0
    _most: int = 0

    def done_of(self, progress: Mapping[str, Any]) -> tuple[int, int]:
        """(done, total) for the bar: memberships, rooms and tasks; total never shrinks."""
        memberships, rooms = _part(progress, "memberships"), _part(progress, "rooms")
        jobs = _part(progress, "jobs")
        waiting = jobs.get("queued", 0) + jobs.get("running", 0)
        left = max(0, rooms.get("wanted", 0) - rooms.get("ready", 0)) + waiting
        done = rooms.get("ready", 0)
        total = rooms.get("wanted", 0)
        # Memberships of people without an account yet are not work: count those only while tasks run.
        if waiting:
            left += max(0, memberships.get("wanted", 0) - memberships.get("done", 0))
        total = max(self._most, done + left, total, 1)
        self._most = total
        return total - min(left, total), total

    def outcome(self, progress: Mapping[str, Any], now: float) -> Outcome:
        """What the answer at `now` (seconds, any monotonic clock) means."""
        jobs = _part(progress, "jobs")
        if progress.get("settled") is True:
            return Outcome.DEAD_JOBS if jobs.get("dead", 0) else Outcome.SETTLED
        if progress.get("held"):
            return Outcome.HELD
        state = (
            progress.get("reconciled_revision"),
            *sorted(jobs.items()),
            *sorted(_part(progress, "rooms").items()),
            *sorted(_part(progress, "memberships").items()),
        )
        if state != self._last:
            self._last, self._since = state, now
        elif now - self._since >= self.patience_s:
            return Outcome.STALLED
        return Outcome.WORKING


def _part(progress: Mapping[str, Any], name: str) -> dict[str, int]:
    part = progress.get(name)
    items = part.items() if isinstance(part, dict) else ()
    return {str(key): value for key, value in items if isinstance(value, int)}
