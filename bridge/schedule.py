"""What is planned at a school, as the directory tells one person of it (docs/contracts.md, schedule). Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from attrs import field, frozen

#: How long before it begins a call is offered on the page: who comes early waits there for the others.
JOIN_BEFORE = timedelta(minutes=15)


class Kind(enum.Enum):
    """What it is."""

    LESSON = "lesson"
    CLASS_HOUR = "class_hour"
    PARENTS_MEETING = "parents_meeting"
    MEETING = "meeting"
    BROADCAST = "broadcast"


@frozen(kw_only=True)
class Weekly:
    """`weekdays`: 0 is Monday. `until`: the last day."""

    weekdays: frozenset[int]
    until: date
    every_weeks: int = 1


@frozen(kw_only=True)
class Planned:
    """A gathering.

    Attributes:
        begins: on the school's clock, without a zone.
        off: days on which it is not held.
        member: whether whoever asked is in the room, and may join its call.
        may_change: whether whoever asked may change it or call it off.
    """

    gathering_id: str
    kind: Kind
    room_id: str
    room_kind: str
    room_name: str
    title: str = field(repr=False)
    place: str = field(repr=False)
    note: str = field(repr=False)
    begins: datetime
    minutes: int
    repeat: Weekly | None
    off: tuple[date, ...]
    remind: tuple[int, ...]
    online: bool
    link: str
    called_off: bool
    sequence: int
    may_change: bool
    member: bool


@frozen(kw_only=True)
class Held:
    """One occurrence. `day` names it, wherever it was moved to; times are instants."""

    planned: Planned
    day: date
    begins: datetime
    ends: datetime
    moved: bool

    @property
    def address(self) -> str:
        """Of its page."""
        base = f"/schedule/{self.planned.gathering_id}"
        return base if self.planned.repeat is None else f"{base}?day={self.day.isoformat()}"

    def may_join(self, now: datetime) -> bool:
        """Whether there is something to join now. A broadcast is watched by who is in no room of it."""
        planned = self.planned
        if not planned.online or planned.called_off:
            return False
        if not planned.member and planned.kind is not Kind.BROADCAST:
            return False
        return self.begins - JOIN_BEFORE <= now < self.ends


@frozen(kw_only=True)
class Schedule:
    """A window. `cut`: there is more than one answer holds."""

    held: tuple[Held, ...]
    cut: bool = False


@frozen(kw_only=True)
class Days:
    """One gathering with all its days: those it has, and those that are held."""

    planned: Planned
    days: tuple[date, ...]
    held: tuple[Held, ...]

    def next(self, now: datetime) -> Held | None:
        """The one that is under way or comes next; after the last, the last."""
        ahead = [one for one in self.held if one.ends > now]
        return ahead[0] if ahead else (self.held[-1] if self.held else None)

    def of(self, day: date) -> Held | None:
        """The one of a day."""
        return next((one for one in self.held if one.day == day), None)


@frozen(kw_only=True)
class Audience:
    """For whom something may be planned, and what."""

    room_id: str
    kind: str
    name: str
    kinds: tuple[Kind, ...]


@frozen(kw_only=True)
class Wish:
    """What a form asks for."""

    title: str = field(repr=False)
    begins: datetime
    minutes: int
    place: str = field(default="", repr=False)
    note: str = field(default="", repr=False)
    repeat: Weekly | None = None
    remind: tuple[int, ...] | None = None  # None: the usual ones
    online: bool = True

    def to_json(self) -> dict[str, Any]:
        """As the directory takes it."""
        repeat = self.repeat
        return {
            "title": self.title,
            "place": self.place,
            "note": self.note,
            "begins": self.begins.isoformat(timespec="minutes"),
            "minutes": self.minutes,
            "repeat": None
            if repeat is None
            else {
                "weekdays": sorted(repeat.weekdays),
                "until": repeat.until.isoformat(),
                "every_weeks": repeat.every_weeks,
            },
            "remind": None if self.remind is None else list(self.remind),
            "online": self.online,
        }


def by_day(held: Sequence[Held], zone: tzinfo) -> Mapping[date, list[Held]]:
    """Under the day of the school's calendar on which each begins, in order."""
    found: dict[date, list[Held]] = {}
    for one in sorted(held, key=lambda one: (one.begins, one.planned.title)):
        found.setdefault(one.begins.astimezone(zone).date(), []).append(one)
    return found


def monday_of(day: date) -> date:
    """The week's first day."""
    return day - timedelta(days=day.weekday())
