"""A gathering, once or every week, and what is different on one of its days. Pure.

Times are the school's wall clock: a lesson at 8:30 stays at 8:30 when clocks change. `times.py` makes instants of them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NewType

from attrs import Factory, field, frozen

from synapse_sferum.model import OrgId, RoomKey, UserId

GatheringId = NewType("GatheringId", str)  # ours, "g" + 16 of base32, random

#: Characters of a title, a place, a note.
MOST_TITLE, MOST_PLACE, MOST_NOTE = 100, 60, 500
#: Minutes that one may take: a lesson of five to a school day's trip.
FEWEST_MINUTES, MOST_MINUTES = 5, 720
#: Days from the first to the last of a series: a school year.
MOST_DAYS = 366
#: Weeks from one to the next; every second week is how many timetables go.
MOST_WEEKS = 4
#: Days of a series that may differ from the others.
MOST_CHANGES = 60
#: Reminders of one, and how long before, minutes: a week.
MOST_REMINDERS, EARLIEST_REMINDER = 3, 7 * 24 * 60


class Kind(enum.Enum):
    """What it is. The values are stable (docs/contracts.md)."""

    LESSON = "lesson"
    CLASS_HOUR = "class_hour"
    PARENTS_MEETING = "parents_meeting"
    MEETING = "meeting"
    BROADCAST = "broadcast"  # its time is the calls server's to say; the schedule only shows it


#: Minutes before it begins that its people are reminded, unless somebody chose others.
USUAL_REMINDERS: Mapping[Kind, tuple[int, ...]] = {
    Kind.LESSON: (5,),
    Kind.CLASS_HOUR: (10,),
    Kind.PARENTS_MEETING: (24 * 60, 60),
    Kind.MEETING: (24 * 60, 30),
    Kind.BROADCAST: (),  # the broadcast announces its own beginning
}


@frozen(kw_only=True)
class Repeat:
    """Every week, or every second, third, fourth.

    Attributes:
        weekdays: 0 is Monday.
        until: the last day on which it may be.
        every_weeks: counted from the Monday before the first day (RFC 5545, WKST=MO).
    """

    weekdays: frozenset[int]
    until: date
    every_weeks: int = 1


@frozen(kw_only=True)
class Moved:
    """When it is instead, on the school's clock."""

    begins: datetime
    minutes: int


@frozen(kw_only=True)
class Gathering:
    """One entry of a school's schedule.

    Attributes:
        key: whose it is: the room whose people come. The announcements stand for the whole school.
        begins: the first one, on the school's clock, to the minute, without a zone.
        changes: day it should have been → when it is instead; None: not at all.
        remind: minutes before it begins, the earliest first.
        online: there is a call in the room to join.
        link: of a broadcast, where it is watched; "" of all others.
        called_off: it is none any more.
        sequence: how often its time or place has changed (RFC 5545, SEQUENCE).
        created_ms: milliseconds since 1970; nobody is reminded of what was not planned yet.
    """

    gathering_id: GatheringId
    org_id: OrgId
    key: RoomKey
    kind: Kind
    title: str
    begins: datetime
    minutes: int
    author: UserId
    place: str = ""
    note: str = field(default="", repr=False)
    repeat: Repeat | None = None
    changes: Mapping[date, Moved | None] = Factory(dict)
    remind: tuple[int, ...] = ()
    online: bool = True
    link: str = ""
    called_off: bool = False
    sequence: int = 0
    created_ms: int = 0


class Wrong(enum.Enum):
    """Why a gathering cannot be so. The values are stable: the field, then what is wrong with it."""

    TITLE = "title_length"
    PLACE = "place_length"
    NOTE = "note_length"
    BEGINS = "begins_to_the_minute"
    MINUTES = "minutes_range"
    REMIND = "remind_range"
    WEEKDAYS = "repeat_weekdays"
    EVERY_WEEKS = "repeat_every_weeks"
    UNTIL = "repeat_until"
    CHANGES = "changes_count"
    CHANGED_DAY = "changes_day"
    CHANGED_TIME = "changes_time"
    LINK = "link_of_a_broadcast"

    @property
    def field(self) -> str:
        """The field of the API that is meant."""
        return self.value.partition("_")[0]


def wrong(gathering: Gathering) -> Wrong | None:
    """The first thing that cannot be, or None."""
    one = gathering
    if not 1 <= len(one.title) <= MOST_TITLE:
        return Wrong.TITLE
    if len(one.place) > MOST_PLACE:
        return Wrong.PLACE
    if len(one.note) > MOST_NOTE:
        return Wrong.NOTE
    if not _to_the_minute(one.begins):
        return Wrong.BEGINS
    if not FEWEST_MINUTES <= one.minutes <= MOST_MINUTES:
        return Wrong.MINUTES
    if not _are_reminders(one.remind):
        return Wrong.REMIND
    if bool(one.link) and one.kind is not Kind.BROADCAST:
        return Wrong.LINK
    return _wrong_repeat(one) or _wrong_changes(one)


def _to_the_minute(local: datetime) -> bool:
    return local.tzinfo is None and not local.second and not local.microsecond and not local.fold


def _are_reminders(remind: tuple[int, ...]) -> bool:
    return (
        len(remind) <= MOST_REMINDERS
        and all(1 <= minutes <= EARLIEST_REMINDER for minutes in remind)
        and list(remind) == sorted(set(remind), reverse=True)
    )


def _wrong_repeat(one: Gathering) -> Wrong | None:
    if one.repeat is None:
        return None
    first, repeat = one.begins.date(), one.repeat
    if first.weekday() not in repeat.weekdays or not repeat.weekdays <= set(range(7)):
        return Wrong.WEEKDAYS  # RFC 5545: the first one is of the series
    if not 1 <= repeat.every_weeks <= MOST_WEEKS:
        return Wrong.EVERY_WEEKS
    if not first <= repeat.until <= first + timedelta(days=MOST_DAYS):
        return Wrong.UNTIL
    return None


def _wrong_changes(one: Gathering) -> Wrong | None:
    if len(one.changes) > MOST_CHANGES:
        return Wrong.CHANGES
    planned = set(days(one))
    for day, instead in one.changes.items():
        if day not in planned:
            return Wrong.CHANGED_DAY
        if instead is None:
            continue
        near = abs((instead.begins.date() - day).days) <= MOST_DAYS
        if not near or not _to_the_minute(instead.begins):
            return Wrong.CHANGED_TIME
        if not FEWEST_MINUTES <= instead.minutes <= MOST_MINUTES:
            return Wrong.CHANGED_TIME
    return None


def days(gathering: Gathering, since: date = date.min, until: date = date.max) -> Iterator[date]:
    """The days on which it should be, changes not looked at; each is the name of one occurrence.

    Args:
        since, until: only days from the first to the last of these; a look at one week costs no school year.
    """
    first, repeat = gathering.begins.date(), gathering.repeat
    if repeat is None:
        if since <= first <= until:
            yield first
        return
    monday, week = first - timedelta(days=first.weekday()), timedelta(weeks=repeat.every_weeks)
    last = min(repeat.until, until)
    if since > first:
        monday += (since - monday) // week * week
    while monday <= last:
        for weekday in sorted(repeat.weekdays):
            day = monday + timedelta(days=weekday)
            if max(first, since) <= day <= last:
                yield day
        monday += week
