"""When gatherings are, on clocks that change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.schedule.times import (
    between,
    instant,
    next_due,
    occurrence_of,
    occurrences,
    span,
)
from synapse_sferum.schedule.values import Gathering, Moved, days
from tests.synapse_sferum.schedule.plans import MOSCOW, RIGA, ZONES, at, gathering, series, weekly


def test_a_lesson_stays_at_its_hour_when_clocks_change() -> None:
    """8:30 is 8:30 in summer time and after it; the instants are an hour apart from a week's length."""
    one = gathering("2026-10-20 08:30", repeat=weekly(1, until="2026-10-27"))
    first, second = occurrences(one, RIGA)
    assert [found.begins.astimezone(RIGA).hour for found in (first, second)] == [8, 8]
    assert second.begins - first.begins == timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-10-25 03:30", "2026-10-25 00:30"),  # there are two 3:30; the first, still summer
        ("2026-03-29 03:30", "2026-03-29 01:30"),  # the clock skips it: as if not yet changed
        ("2026-07-01 08:30", "2026-07-01 05:30"),
    ],
)
def test_hours_that_clocks_skip_or_repeat(local: str, utc: str) -> None:
    """RFC 5545, 3.3.5: one instant for each wall time, the offset before the change."""
    assert instant(at(local), RIGA) == at(utc).replace(tzinfo=UTC)


def test_every_second_week_is_counted_from_the_first_monday() -> None:
    """A series on Tuesdays and Thursdays that begins on a Thursday goes on with the week after next."""
    one = gathering("2026-09-03 08:30", repeat=weekly(1, 3, until="2026-09-18", every=2))
    assert list(days(one)) == [date(2026, 9, 3), date(2026, 9, 15), date(2026, 9, 17)]


def test_one_day_is_moved_and_one_is_not_held() -> None:
    """What is moved keeps its day as its name and may pass others; a holiday is none of the series."""
    moved = Moved(begins=at("2026-09-10 12:00"), minutes=60)
    one = gathering(
        repeat=weekly(1, until="2026-09-15"),
        changes={date(2026, 9, 1): moved, date(2026, 9, 8): None},
    )
    found = occurrences(one, MOSCOW)
    assert [(hit.day.day, hit.moved) for hit in found] == [(1, True), (15, False)]
    assert found[0].ends - found[0].begins == timedelta(hours=1)
    assert occurrence_of(one, MOSCOW, date(2026, 9, 8)) is None


def test_who_is_reminded_next() -> None:
    """The earliest reminder that is still ahead, of whichever day; none after the last beginning."""
    one = gathering(repeat=weekly(1, until="2026-09-08"), remind=(60, 5))
    first = datetime(2026, 9, 1, 5, 30, tzinfo=UTC)
    assert next_due(one, MOSCOW, first - timedelta(minutes=60)) == first - timedelta(minutes=5)
    assert next_due(one, MOSCOW, first) == first + timedelta(days=7, minutes=-60)
    assert next_due(one, MOSCOW, first + timedelta(days=7)) is None


@given(series(), ZONES)
def test_occurrences_are_those_of_the_days(one: Gathering, zone: ZoneInfo) -> None:
    """In order, each day at most once, none without a day, none of what is not held, all within the span."""
    found = occurrences(one, zone)
    if one.called_off:
        assert found == []
        return
    assert [hit.begins for hit in found] == sorted(hit.begins for hit in found)
    held = {day for day in days(one) if one.changes.get(day, one) is not None}
    assert sorted(hit.day for hit in found) == sorted(held)
    first, last = span(one, zone)
    assert all(first <= hit.begins < hit.ends <= last for hit in found)


@given(series(), ZONES, st.integers(0, 400), st.integers(1, 60))
def test_a_window_holds_what_is_under_way(
    one: Gathering, zone: ZoneInfo, start: int, length: int
) -> None:
    """Windows that meet lose nothing between them."""
    since = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=start)
    middle, until = since + timedelta(days=length), since + timedelta(days=2 * length)
    halves = between(one, zone, since, middle) + between(one, zone, middle, until)
    whole = between(one, zone, since, until)
    assert {hit.day for hit in halves} == {hit.day for hit in whole}
    assert whole == [
        hit for hit in occurrences(one, zone) if hit.ends > since and hit.begins < until
    ]


@given(series(), ZONES, st.integers(0, 800))
def test_what_is_due_next_is_ahead(one: Gathering, zone: ZoneInfo, start: int) -> None:
    """Looking from one due time to the next goes forward and ends."""
    now: datetime | None = datetime(2025, 12, 1, tzinfo=UTC) + timedelta(days=start)
    looks = 0
    while now is not None:
        found = next_due(one, zone, now)
        assert found is None or found > now
        now, looks = found, looks + 1
    assert looks <= 3 * len(list(days(one))) + 1
