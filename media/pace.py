"""How often somebody may: a bucket of tokens that fills again. Pure; time in seconds, never going back."""

from __future__ import annotations

from attrs import define, field


@define
class Pace:
    """`burst` at once, `per_second` for ever."""

    burst: float
    per_second: float
    _left: float = field(init=False)
    _at: float | None = None

    def __attrs_post_init__(self) -> None:
        self._left = self.burst

    def allows(self, now: float, cost: float = 1.0) -> bool:
        """Whether there is as much left; takes it then."""
        if self._at is not None:
            self._left = min(self.burst, self._left + (now - self._at) * self.per_second)
        self._at = now
        if self._left < cost:
            return False
        self._left -= cost
        return True
