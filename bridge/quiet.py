"""Quiet hours as the directory tells of them, and as a form asks for them (R49; docs/contracts.md). Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any

from attrs import frozen

EVERY_DAY, WEEKEND = frozenset(range(7)), frozenset({5, 6})
_MIDNIGHT = time()


class Level(enum.Enum):
    """Whose rule; the first that has one decides."""

    PERSON = "person"
    GROUP = "group"
    ROLE = "role"
    SCHOOL = "school"


@frozen(kw_only=True)
class Window:
    """`weekdays`: on which it begins, 0 is Monday. One that ends at or before its beginning ends the next day."""

    weekdays: frozenset[int]
    begins: time
    ends: time

    def to_json(self) -> Mapping[str, Any]:
        return {
            "weekdays": sorted(self.weekdays),
            "begins": self.begins.isoformat(timespec="minutes"),
            "ends": self.ends.isoformat(timespec="minutes"),
        }


@frozen(kw_only=True)
class Rule:
    """`outcome`: won, same_level, overruled; "" where nobody asked."""

    level: Level
    ref: str
    windows: tuple[Window, ...]
    outcome: str = ""


@frozen(kw_only=True)
class Verdict:
    """`until` None: it is not quiet, or always."""

    quiet: bool
    until: datetime | None
    rules: tuple[Rule, ...]


@frozen(kw_only=True)
class Nights:
    """What most people want: the same hours every night, and perhaps whole weekends."""

    begins: time
    ends: time
    weekends: bool = False

    def windows(self) -> tuple[Window, ...]:
        every = Window(weekdays=EVERY_DAY, begins=self.begins, ends=self.ends)
        whole = Window(weekdays=WEEKEND, begins=_MIDNIGHT, ends=_MIDNIGHT)
        return (every, whole) if self.weekends else (every,)


def nights_of(windows: Sequence[Window]) -> Nights | None:
    """The form's answer for what is set; None: it was set by something else than the form."""
    nights = [one for one in windows if one.weekdays == EVERY_DAY]
    weekends = [
        one for one in windows if one.weekdays == WEEKEND and one.begins == one.ends == _MIDNIGHT
    ]
    if len(nights) != 1 or len(weekends) > 1 or len(nights) + len(weekends) != len(windows):
        return None
    return Nights(begins=nights[0].begins, ends=nights[0].ends, weekends=bool(weekends))
