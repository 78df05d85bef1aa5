"""What the bridge makes of the directory's schedule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from bridge import schedule_json as read
from bridge.schedule import JOIN_BEFORE, Kind, Weekly, Wish, by_day, monday_of
from serving.json_object import BadJson, JsonObject

LESSON: dict[str, Any] = {
    "gathering_id": "g1",
    "kind": "lesson",
    "room_id": "!a:s.test",
    "room_kind": "class",
    "room_name": "5А",
    "author": "@u:s.test",
    "called_off": False,
    "sequence": 2,
    "may_change": True,
    "member": True,
    "title": "Алгебра",
    "place": "каб. 7",
    "note": "",
    "begins": "2026-09-01T08:30",
    "minutes": 45,
    "repeat": {"weekdays": [1], "until": "2027-05-25", "every_weeks": 1},
    "changes": [{"day": "2026-09-08", "begins": None, "minutes": None}],
    "remind": [5],
    "online": True,
    "link": "",
}
FIRST = {
    "gathering_id": "g1",
    "day": "2026-09-01",
    "begins_at": 1_788_240_600_000,
    "ends_at": 1_788_243_300_000,
    "moved": False,
}
BEGINS = datetime(2026, 9, 1, 5, 30, tzinfo=UTC)


def window(**changes: Any) -> Any:
    answer = {
        "timezone": "Europe/Moscow",
        "gatherings": [{**LESSON, **changes}],
        "occurrences": [FIRST],
        "cut": False,
    }
    return read.schedule(JsonObject(answer))


def test_a_window_is_read() -> None:
    """Times as instants, the series and the day that is not held."""
    (held,) = window().held
    assert (held.begins, held.ends - held.begins) == (BEGINS, timedelta(minutes=45))
    assert held.planned.off == (date(2026, 9, 8),)
    assert held.planned.repeat == Weekly(weekdays=frozenset({1}), until=date(2027, 5, 25))
    assert held.address == "/schedule/g1?day=2026-09-01"


@pytest.mark.parametrize(
    ("changes", "early", "may"),
    [
        ({}, timedelta(0), True),
        ({}, JOIN_BEFORE, True),
        ({}, JOIN_BEFORE + timedelta(seconds=1), False),
        ({}, -timedelta(minutes=45), False),
        ({"online": False}, timedelta(0), False),
        ({"called_off": True}, timedelta(0), False),
        ({"member": False}, timedelta(0), False),
        ({"member": False, "kind": "broadcast"}, timedelta(0), True),
    ],
)
def test_when_there_is_something_to_join(
    changes: dict[str, Any], early: timedelta, may: bool
) -> None:
    """From a quarter of an hour before until the end, for whoever is in the room; a broadcast for all who see it."""
    (held,) = window(**changes).held
    assert held.may_join(BEGINS - early) is may


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "king"},
        {"begins": "yesterday"},
        {"begins": "2026-09-01T08:30+03:00"},
        {"remind": ["5"]},
        {"repeat": {"weekdays": [True], "until": "2027-05-25", "every_weeks": 1}},
        {"gathering_id": "g2"},
    ],
)
def test_what_is_not_agreed_is_refused(broken: dict[str, Any]) -> None:
    """The module is of another version: an error, and never a guess."""
    with pytest.raises(BadJson):
        window(**broken)


def test_what_comes_next_and_one_day() -> None:
    """The one under way comes before the next; after the last, the last is shown."""
    answer = {
        **LESSON,
        "timezone": "Europe/Moscow",
        "days": ["2026-09-01", "2026-09-08", "2026-09-15"],
        "occurrences": [
            FIRST,
            {
                **FIRST,
                "day": "2026-09-15",
                "begins_at": 1_789_450_200_000,
                "ends_at": 1_789_452_900_000,
            },
        ],
    }
    days = read.days(JsonObject(answer))
    assert days.next(BEGINS) == days.of(date(2026, 9, 1))
    assert days.next(BEGINS + timedelta(days=1)) == days.of(date(2026, 9, 15))
    assert days.next(BEGINS + timedelta(days=400)) == days.of(date(2026, 9, 15))
    assert days.of(date(2026, 9, 8)) is None
    assert evolve(days, held=()).next(BEGINS) is None


def test_a_week_is_by_the_schools_days() -> None:
    """Midnight is the school's, and a week begins on Monday."""
    (held,) = window().held
    late = evolve(held, begins=datetime(2026, 9, 1, 22, 30, tzinfo=UTC))
    assert list(by_day([late, held], ZoneInfo("Europe/Moscow"))) == [
        date(2026, 9, 1),
        date(2026, 9, 2),
    ]
    assert monday_of(date(2026, 9, 6)) == date(2026, 8, 31)


def test_a_wish_is_what_the_directory_takes() -> None:
    """The fields of docs/contracts.md, the school's own time."""
    wish = Wish(
        title="Алгебра",
        begins=datetime.fromisoformat("2026-09-01T08:30"),
        minutes=45,
        repeat=Weekly(weekdays=frozenset({3, 1}), until=date(2027, 5, 25)),
    )
    assert wish.to_json() == {
        "title": "Алгебра",
        "place": "",
        "note": "",
        "begins": "2026-09-01T08:30",
        "minutes": 45,
        "repeat": {"weekdays": [1, 3], "until": "2027-05-25", "every_weeks": 1},
        "remind": None,
        "online": True,
    }
    assert Kind("lesson") is Kind.LESSON
