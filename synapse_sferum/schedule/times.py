"""From the school's wall clock to instants, and when something has to be said next. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen

from synapse_sferum.schedule.values import Gathering, days


@frozen(kw_only=True)
class Occurrence:
    """One time that people come together.

    Attributes:
        day: the day it should have been, which names it: it stays when it is moved.
        begins, ends: instants, UTC.
        moved: it is not when it should have been.
    """

    day: date
    begins: datetime
    ends: datetime
    moved: bool = False


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall clock's time.

    Of a time that there is twice the first, and of one that the clock skips what it would be had the clock not been
    changed yet (RFC 5545, 3.3.5): a lesson is held once, whatever the clocks do.
    """
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def occurrences(
    gathering: Gathering, zone: ZoneInfo, since: date = date.min, until: date = date.max
) -> list[Occurrence]:
    """All of them that are held, in the order in which they are. At most a school year of days.

    Args:
        since, until: those that should have been on days from the first to the last of these, and all moved ones.
    """
    if gathering.called_off:
        return []
    found = []
    for day in {*days(gathering, since, until), *gathering.changes}:
        if day not in gathering.changes:
            local, minutes = datetime.combine(day, gathering.begins.time()), gathering.minutes
        elif (instead := gathering.changes[day]) is not None:
            local, minutes = instead.begins, instead.minutes
        else:
            continue
        begins = instant(local, zone)
        found.append(
            Occurrence(
                day=day,
                begins=begins,
                ends=begins + timedelta(minutes=minutes),
                moved=day in gathering.changes,
            )
        )
    return sorted(found, key=lambda one: (one.begins, one.day))


def between(
    gathering: Gathering, zone: ZoneInfo, since: datetime, until: datetime
) -> list[Occurrence]:
    """Those that are under way at some time from `since` to before `until`."""
    # A wall clock is less than a day and a half from UTC, and nothing takes longer than half a day.
    near = occurrences(
        gathering,
        zone,
        since.astimezone(UTC).date() - timedelta(days=3),
        until.astimezone(UTC).date() + timedelta(days=2),
    )
    return [one for one in near if one.ends > since and one.begins < until]


def occurrence_of(gathering: Gathering, zone: ZoneInfo, day: date) -> Occurrence | None:
    """The one of a day, wherever it was moved to; None: not held."""
    return next((one for one in occurrences(gathering, zone) if one.day == day), None)


def span(gathering: Gathering, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the first begins and the last ends. Of one that is not held at all: when it should have been.

    A day that is not held counts where it should have been: people are still told that it is not.
    """
    held = occurrences(gathering, zone)
    planned = [
        instant(datetime.combine(day, gathering.begins.time()), zone) for day in days(gathering)
    ]
    longest = timedelta(minutes=gathering.minutes)
    return (
        min([*planned, *(one.begins for one in held)]),
        max([*(one + longest for one in planned), *(one.ends for one in held)]),
    )


def next_due(gathering: Gathering, zone: ZoneInfo, now: datetime) -> datetime | None:
    """The next time after `now` at which somebody has to be reminded; None: never again."""
    times = (
        one.begins - timedelta(minutes=minutes)
        for one in occurrences(gathering, zone)
        for minutes in gathering.remind
    )
    return min((at for at in times if at > now), default=None)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins at the school, as an instant."""
    return instant(datetime.combine(day, time()), zone)
