"""How often one address and one person may ask. Pure: the time comes in."""

from __future__ import annotations

from collections import OrderedDict

from attrs import define, field


@define
class Buckets:
    """A bucket of `burst` for each key, refilled by `per_second`.

    Attributes:
        most: keys that are remembered; the one that asked longest ago is forgotten first, which gives it a full bucket.
    """

    per_second: float
    burst: float
    most: int = 20_000
    _left: OrderedDict[str, tuple[float, float]] = field(factory=OrderedDict, init=False)

    def wait_s(self, key: str, now: float) -> float:
        """Take one: 0 if there was one, else the seconds until there is. `now` in seconds, never going back."""
        left, at = self._left.pop(key, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.per_second)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        if len(self._left) > self.most:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self.per_second
