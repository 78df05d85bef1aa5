"""Hands that are up in one broadcast, in the order in which they were raised. Pure, bounded."""

from __future__ import annotations

from attrs import define, field

#: Hands that are remembered; nobody gives the word to so many.
MOST = 1_000


@define
class Raised:
    _up: dict[str, None] = field(factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self._up)

    def __contains__(self, viewer: str) -> bool:
        return viewer in self._up

    def set(self, viewer: str, up: bool) -> bool:
        """Raise or lower; → whether that changed anything. False too where no more hands are remembered."""
        if up == (viewer in self._up):
            return False
        if not up:
            del self._up[viewer]
            return True
        if len(self._up) >= MOST:
            return False
        self._up[viewer] = None
        return True
