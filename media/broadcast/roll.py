"""The roll of an edge: who has been let in, a list for each crowd instead of a question for each viewer. Pure; bounded.

A pass's seal is as good as chance, so its last characters part viewers into crowds and tell one from another. An edge
asks for the roll of a crowd, keeps it for some seconds and looks itself whether a pass is on it; whoever is not on it
is asked about by name, and is on the next one. `now` is in seconds since 1970.
"""

from __future__ import annotations

import re
import zlib
from collections import OrderedDict

from attrs import define, field, frozen

from media.broadcast.passes import Pass

#: Seconds that an edge keeps a roll; that it still uses it after those, while it fetches the next one; that a roll may
#: be on its way, from the first look to its last octet.
KEPT_S, STALE_S, WAY_S = 7, 4, 3
#: Seconds that an edge keeps the answer about one pass.
ASKED_S = 10
#: Seconds that clocks counting whole seconds may add.
ROUNDED_S = 1
#: Whoever may watch no longer is out after so long: that an edge may go on by what it knows.
MOST_S = max(KEPT_S + STALE_S, ASKED_S) + WAY_S + ROUNDED_S

#: Seconds after which somebody has to be asked about by name again: whoever has gone is renewed no longer.
LISTED_S = 600
#: Characters of a mark (96 bits of the seal), and behind it: the last one of base64 may not be all seal.
MARK, TAIL = 16, 2
#: Passes of one crowd, as nginx reads a header of 8 kB; of all.
MOST_OF_CROWD, MOST = 400, 40_000
#: What parts a roll's marks.
AFTER = ","

#: The crowd is a character of base64 and which half of them the next one is in: 128 of them.
FIRST_HALF = "[A-Za-f]"
_PLACE = re.compile(
    rf"(?P<row>[A-Za-z0-9_-])(?P<half>[A-Za-z0-9_-])(?P<mark>[A-Za-z0-9_-]{{{MARK}}})"
)
_CROWD = re.compile(r"[A-Za-z0-9_-][01]")


@frozen
class Place:
    """Where a pass is looked for."""

    crowd: str
    mark: str = field(repr=False)

    @classmethod
    def of(cls, text: str) -> Place | None:
        """None: too short for a pass."""
        found = _PLACE.fullmatch(text[-(2 + MARK + TAIL) : -TAIL])
        if found is None:
            return None
        half = "0" if re.fullmatch(FIRST_HALF, found["half"]) else "1"
        return cls(found["row"] + half, found["mark"])


def is_crowd(text: str) -> bool:
    """Whether an edge may ask for it."""
    return _CROWD.fullmatch(text) is not None


@frozen
class Line:
    """Attributes:
    until: seconds since 1970.
    """

    mark: str = field(repr=False)
    given: Pass
    until: float


_Crowd = tuple[str, str]


@define
class Rolls:
    """Of all broadcasts. What is full loses its oldest line: that viewer is asked about by name."""

    most: int = MOST
    most_of_crowd: int = MOST_OF_CROWD
    _count: int = field(default=0, init=False)
    _crowds: OrderedDict[_Crowd, OrderedDict[str, Line]] = field(
        factory=OrderedDict, init=False, repr=False
    )

    def __len__(self) -> int:
        return self._count

    def add(self, text: str, given: Pass, now: float) -> None:
        """Somebody was let in with the pass that is spelled so."""
        place = Place.of(text)
        if place is None:
            return
        key = given.broadcast, place.crowd
        lines = self._crowds.setdefault(key, OrderedDict())
        self._crowds.move_to_end(key)
        # Not all of those who came together are asked about again together.
        spread = 0.5 + zlib.crc32(place.mark.encode()) / 2**33
        until = min(now + LISTED_S * spread, given.expires_at)
        self._count += place.mark not in lines
        lines[place.mark] = Line(place.mark, given, until)
        lines.move_to_end(place.mark)
        if len(lines) > self.most_of_crowd:
            lines.popitem(last=False)
            self._count -= 1
        while self._count > self.most:
            self._count -= len(self._crowds.popitem(last=False)[1])

    def of(self, broadcast: str, crowd: str, now: float) -> list[Line]:
        """Who may be on it, if they may still watch."""
        lines = self._crowds.get((broadcast, crowd))
        if lines is None:
            return []
        for line in [one for one in lines.values() if one.until <= now]:
            self.drop(broadcast, crowd, line.mark)
        return list(lines.values())

    def drop(self, broadcast: str, crowd: str, mark: str) -> None:
        """Somebody is out."""
        lines = self._crowds.get((broadcast, crowd))
        if lines is None or lines.pop(mark, None) is None:
            return
        self._count -= 1
        if not lines:
            del self._crowds[broadcast, crowd]
