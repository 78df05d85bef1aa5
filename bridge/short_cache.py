"""Answers kept for a few seconds. Pure: the time comes in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import define, field

K = TypeVar("K")
V = TypeVar("V")


@define
class ShortCache(Generic[K, V]):
    """At most `most` answers, each for `keep_s` seconds of any clock that does not go back."""

    keep_s: float
    most: int
    _kept: OrderedDict[K, tuple[float, V]] = field(factory=OrderedDict, init=False)
    _age: int = field(default=0, init=False)  # how often something was forgotten on purpose

    @property
    def age(self) -> int:
        """Read it before asking and give it to `put`: what was asked before a change is not kept after it."""
        return self._age

    def get(self, key: K, now: float) -> V | None:
        kept = self._kept.get(key)
        if kept is None or now - kept[0] >= self.keep_s:
            return None
        return kept[1]

    def put(self, key: K, value: V, now: float, age: int) -> None:
        if age != self._age:
            return
        self._kept[key] = (now, value)
        self._kept.move_to_end(key)
        if len(self._kept) > self.most:
            self._kept.popitem(last=False)

    def forget(self, touched: Callable[[K, V], bool]) -> None:
        self._age += 1
        for key in [key for key, (_, value) in self._kept.items() if touched(key, value)]:
            del self._kept[key]
