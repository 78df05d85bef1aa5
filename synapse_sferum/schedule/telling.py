"""What a room should have been told of a gathering by now, and what of that is still to be said. Pure.

Nothing is told late: what began while nobody could be told is not told afterwards. What is there already is not
written again, so a restart, or a second look, writes nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

from synapse_sferum.schedule.times import Occurrence, instant, occurrences, span
from synapse_sferum.schedule.values import Gathering, Kind


class Post(enum.Enum):
    """Messages about one gathering. The values are stable (docs/contracts.md)."""

    PLANNED = "planned"
    CHANGED = "changed"  # of one day
    REMINDER = "reminder"  # of one day
    CALLED_OFF = "called_off"


@frozen(kw_only=True)
class PostKey:
    """Which message it is; there is one of each in a room.

    Attributes:
        day: which occurrence, None of the whole.
        slot: of a reminder: how long before what beginning. One that is moved is reminded of anew.
    """

    post: Post
    day: date | None = None
    slot: str = ""


@frozen(kw_only=True)
class Say:
    """A message to be there. The words are made of it (`words.py`)."""

    key: PostKey
    occurrence: Occurrence | None = None
    restored: bool = False  # of a change that was taken back


def wanted(
    gathering: Gathering, zone: ZoneInfo, there: frozenset[PostKey], now: datetime
) -> list[Say]:
    """The messages that should be in the room now, in the order in which they are written.

    Of those that are there already the words may have changed; those that are not named here stay as they are.

    Args:
        there: what is in the room.
    """
    if gathering.kind is Kind.BROADCAST:
        return []  # broadcasts have messages of their own
    return list(_wanted(gathering, zone, there, now))


def _wanted(
    gathering: Gathering, zone: ZoneInfo, there: frozenset[PostKey], now: datetime
) -> Iterator[Say]:
    if span(gathering, zone)[1] <= now:
        return
    planned = PostKey(post=Post.PLANNED)
    if gathering.called_off:
        if planned in there:
            yield Say(key=planned)
            yield Say(key=PostKey(post=Post.CALLED_OFF))
        return
    yield Say(key=planned)
    held = {one.day: one for one in occurrences(gathering, zone)}
    yield from _changes(gathering, zone, held, there, now)
    yield from _reminders(gathering, held, there, now)


def _changes(
    gathering: Gathering,
    zone: ZoneInfo,
    held: Mapping[date, Occurrence],
    there: frozenset[PostKey],
    now: datetime,
) -> Iterator[Say]:
    told = {key.day for key in there if key.post is Post.CHANGED and key.day is not None}
    for day in sorted({*gathering.changes, *told}):
        occurrence = held.get(day)
        should = instant(datetime.combine(day, gathering.begins.time()), zone)
        ahead = should > now or (occurrence is not None and occurrence.begins > now)
        if ahead:
            key = PostKey(post=Post.CHANGED, day=day)
            yield Say(key=key, occurrence=occurrence, restored=day not in gathering.changes)


def _reminders(
    gathering: Gathering,
    held: Mapping[date, Occurrence],
    there: frozenset[PostKey],
    now: datetime,
) -> Iterator[Say]:
    created = gathering.created_ms / 1000
    for occurrence in sorted(held.values(), key=lambda one: (one.begins, one.day)):
        if occurrence.begins <= now:
            continue
        due = [
            minutes
            for minutes in gathering.remind
            if created <= (at := occurrence.begins - timedelta(minutes=minutes)).timestamp()
            and at <= now
        ]
        if not due:
            continue
        # After an outage only the last of several that were missed: it says all that the others would have.
        key = reminder_key(occurrence, min(due))
        if key not in there:
            yield Say(key=key, occurrence=occurrence)


def reminder_key(occurrence: Occurrence, minutes: int) -> PostKey:
    """One reminder of one occurrence, as it is timed now."""
    slot = f"{minutes}@{int(occurrence.begins.timestamp())}"
    return PostKey(post=Post.REMINDER, day=occurrence.day, slot=slot)
