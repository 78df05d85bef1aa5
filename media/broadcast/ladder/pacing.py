"""A machine that does not keep up makes fewer pictures a second, never later ones. Pure; ticks of 48 kHz."""

from __future__ import annotations

import enum
from collections import deque

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE

#: Of how many pictures one is made, step by step.
STEPS = (1, 2, 3, 5, 10)
#: Waiting so long, one step down; so little for `CALM`, one up. To code 720p takes 10 to 30 ms.
SLOW, FAST = RATE * 3 // 10, RATE // 10
#: Between two steps down; without a reason for one, before a step up.
HASTE, CALM = RATE, 5 * RATE
#: Waiting so long, pictures are decoded only; so long, they are thrown away until a key frame.
SKIPPED, LOST = RATE * 6 // 10, RATE
#: Pictures, and their bytes, that wait at most.
MOST_WAITING, MOST_BYTES = 60, 8_000_000


class Verdict(enum.Enum):
    """What is done with a picture."""

    MAKE = "make"
    DECODE = "decode"  # others build on it
    DROP = "drop"  # and everything until a key frame


@define
class Pacing:
    """What was given to the coder and is not done yet, and what follows from it for the next picture."""

    _step: int = 0
    _waiting: deque[tuple[int, int]] = field(factory=deque, repr=False)  # given at, bytes
    _bytes: int = 0
    _count: int = 0
    _down: int | None = None  # when the last step down was
    _calm_since: int | None = None

    @property
    def is_full(self) -> bool:
        """Whether every picture is made."""
        return self._step == 0

    @property
    def waiting(self) -> int:
        """Pictures that are not done."""
        return len(self._waiting)

    def give(self, size: int, now: int) -> Verdict:
        """A picture of so many bytes came `now`."""
        waited = now - self._waiting[0][0] if self._waiting else 0
        self._judge(waited, now)
        if waited > LOST or len(self._waiting) >= MOST_WAITING or self._bytes + size > MOST_BYTES:
            return Verdict.DROP
        self._waiting.append((now, size))
        self._bytes += size
        self._count += 1
        if waited > SKIPPED or self._count % STEPS[self._step]:
            return Verdict.DECODE
        return Verdict.MAKE

    def done(self) -> None:
        """The coder has finished the picture that was given first."""
        if self._waiting:
            self._bytes -= self._waiting.popleft()[1]

    def begin_anew(self) -> None:
        """Another coder: it has nothing to do yet."""
        self._waiting.clear()
        self._bytes = 0

    def _judge(self, waited: int, now: int) -> None:
        if waited > FAST:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        if waited > SLOW and (self._down is None or now - self._down >= HASTE):
            self._down = now
            self._step = min(self._step + 1, len(STEPS) - 1)
        elif self._step and self._calm_since is not None and now - self._calm_since >= CALM:
            self._calm_since = now
            self._step -= 1
