"""Hands that are up in one broadcast, in the order in which they were raised, and whom hosts invited. Pure, bounded.

Hosts' pages name a hand by its number: accounts stand in no form.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from attrs import define, field

#: Hands that are remembered; nobody gives the word to so many.
MOST = 1_000
#: Seconds that an invitation into the call holds.
INVITED_S = 300.0


@define
class Raised:
    _up: dict[str, int] = field(factory=dict, init=False, repr=False)
    _invited: dict[str, float] = field(factory=dict, init=False, repr=False)  # until when
    _number: int = field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._up)

    def __contains__(self, viewer: str) -> bool:
        return viewer in self._up

    def kept(self) -> dict[str, object]:
        """All but invitations, for another process."""
        return {"number": self._number, "up": list(self._up.items())}

    @classmethod
    def again(cls, raw: Mapping[str, Any]) -> Raised:
        """What `kept` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        made = cls()
        for viewer, number in raw["up"][:MOST]:
            made._up[str(viewer)] = int(number)
        made._number = max(int(raw["number"]), *made._up.values(), 0)
        return made

    def set(self, viewer: str, up: bool) -> bool:
        """Raise or lower; → whether that changed anything. False too where no more hands are remembered."""
        if up == (viewer in self._up):
            return False
        self._invited.pop(viewer, None)
        if not up:
            del self._up[viewer]
            return True
        if len(self._up) >= MOST:
            return False
        self._number += 1
        self._up[viewer] = self._number
        return True

    def first(self, most: int) -> list[tuple[int, str]]:
        """Number and viewer of those that have been up longest."""
        return [(number, viewer) for viewer, number in islice(self._up.items(), most)]

    @property
    def newest(self) -> int:
        """How often a hand went up."""
        return self._number

    def of(self, number: int) -> str | None:
        """Whose hand it is; None: it is down by now."""
        return next((viewer for viewer, known in self._up.items() if known == number), None)

    def invite(self, viewer: str, now: float) -> None:
        """Into the call; the hand stays up until it is lowered, which ends the invitation."""
        if viewer in self._up:
            self._invited[viewer] = now + INVITED_S

    def is_invited(self, viewer: str, now: float) -> bool:
        return now < self._invited.get(viewer, now)
