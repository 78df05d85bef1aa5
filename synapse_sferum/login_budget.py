"""How many wrong passwords one person's account takes before it stops listening. Pure: time comes in.

Synapse counts failures per spelling (reference/onboarding.md §1.1): ten spellings of a phone are ten times the guesses.
Here the key is the person, so that every spelling, every client and every call that asks for a password draws on one
budget.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from attrs import define, field

#: Wrong passwords in a row: a person who has forgotten which of three it was gets through.
BURST: Final = 10
#: Seconds until one more try is given back: 1,450 guesses a day at most (onboarding.md §1.1).
REFILL_S: Final = 60.0


@define
class _Left:
    tries: float
    at: float  # seconds; when `tries` was true


@define(eq=False)
class Budgets:
    """A token bucket per key. Keys not seen for long have a full bucket, and are forgotten.

    Args:
        most: keys kept; beyond that the one that was not asked about for longest is forgotten.
    """

    most: int
    _left: OrderedDict[str, _Left] = field(factory=OrderedDict, init=False)

    def spend(self, key: str, now: float) -> bool:
        """Take one try; False when there is none left.

        Taken before the password is looked at and given back when it was right: of a hundred guesses sent at once, ten
        are looked at. A clock that goes back gives nothing and takes nothing.
        """
        left = self._left.get(key)
        tries = BURST if left is None else _refilled(left, now)
        spent = tries >= 1
        self._left[key] = _Left(tries - 1 if spent else tries, now)
        self._left.move_to_end(key)  # whoever is being attacked is never the one to be forgotten
        if len(self._left) > self.most:
            self._left.popitem(last=False)
        return spent

    def give_back(self, key: str, now: float) -> None:
        """The password was right."""
        left = self._left.get(key)
        if left is not None:
            left.tries, left.at = min(float(BURST), _refilled(left, now) + 1), now

    def __len__(self) -> int:
        """Keys in memory."""
        return len(self._left)


def _refilled(left: _Left, now: float) -> float:
    return min(float(BURST), left.tries + max(0.0, now - left.at) / REFILL_S)
