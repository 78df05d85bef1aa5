"""Which gatherings can be."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given

from synapse_sferum.schedule.values import (
    USUAL_REMINDERS,
    Gathering,
    Kind,
    Moved,
    Repeat,
    Wrong,
    days,
    wrong,
)
from tests.synapse_sferum.schedule.plans import MOSCOW, at, gathering, series, weekly

DAY = date(2026, 9, 1)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, None),
        ({"title": ""}, Wrong.TITLE),
        ({"title": "а" * 101}, Wrong.TITLE),
        ({"place": "а" * 61}, Wrong.PLACE),
        ({"note": "а" * 501}, Wrong.NOTE),
        ({"begins": at("2026-09-01 08:30:01")}, Wrong.BEGINS),
        ({"begins": at("2026-09-01 08:30").replace(tzinfo=MOSCOW)}, Wrong.BEGINS),
        ({"minutes": 4}, Wrong.MINUTES),
        ({"minutes": 721}, Wrong.MINUTES),
        ({"remind": (5, 60)}, Wrong.REMIND),
        ({"remind": (60, 60)}, Wrong.REMIND),
        ({"remind": (0,)}, Wrong.REMIND),
        ({"remind": (4, 3, 2, 1)}, Wrong.REMIND),
        ({"link": "https://rtc.school.example/watch/b1"}, Wrong.LINK),
        ({"repeat": weekly(0)}, Wrong.WEEKDAYS),
        ({"repeat": weekly(1, 7)}, Wrong.WEEKDAYS),
        ({"repeat": weekly(1, every=5)}, Wrong.EVERY_WEEKS),
        ({"repeat": weekly(1, until="2026-08-31")}, Wrong.UNTIL),
        ({"repeat": weekly(1, until="2027-09-03")}, Wrong.UNTIL),
        ({"repeat": weekly(1), "changes": {date(2026, 9, 2): None}}, Wrong.CHANGED_DAY),
        ({"changes": {DAY: Moved(begins=at("2026-09-01 08:30"), minutes=1)}}, Wrong.CHANGED_TIME),
        ({"changes": {DAY: Moved(begins=at("2029-09-01 08:30"), minutes=45)}}, Wrong.CHANGED_TIME),
    ],
)
def test_what_is_wrong(more: dict[str, Any], why: Wrong | None) -> None:
    """Each bound has its own word, and the word begins with the field that is meant."""
    found = wrong(evolve(gathering(), **more))
    assert found is why
    assert why is None or why.field in {
        "title", "place", "note", "begins", "minutes", "remind", "repeat", "changes", "link",
    }  # fmt: skip


def test_a_series_changes_on_a_bounded_number_of_days() -> None:
    """Sixty days may differ; a series that differs more is another one."""
    one = gathering(repeat=weekly(*range(7), until="2026-12-31"))
    planned = list(days(one))
    assert wrong(evolve(one, changes=dict.fromkeys(planned[:60]))) is None
    assert wrong(evolve(one, changes=dict.fromkeys(planned[:61]))) is Wrong.CHANGES


def test_the_longest_series_has_a_day_for_each_of_a_year() -> None:
    """What one entry can cost is bounded by its last day."""
    one = gathering(repeat=Repeat(weekdays=frozenset(range(7)), until=date(2027, 9, 2)))
    assert wrong(one) is None
    assert len(list(days(one))) == 367


def test_usual_reminders_can_be() -> None:
    """Every kind has its own, and they pass the same check as chosen ones."""
    for kind in Kind:
        assert wrong(gathering(kind=kind, remind=USUAL_REMINDERS[kind])) is None


@given(series())
def test_the_strategy_makes_what_can_be(one: Gathering) -> None:
    """The other properties are about gatherings that the API would take."""
    assert wrong(one) is None
