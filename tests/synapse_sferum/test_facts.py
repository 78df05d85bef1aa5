"""Cached facts on a real server: a change made through the API is what the next decision sees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest

from synapse_sferum.facts import Facts
from tests.synapse_sferum.api_world import World


def facts_at(moment: datetime) -> Facts:
    """Facts of which only the clock is used."""
    found = Facts.__new__(Facts)
    clock: Callable[[], int] = lambda: int(moment.timestamp() * 1000)  # noqa: E731
    cast("Any", found)._now_ms = clock
    return found


@pytest.mark.parametrize(
    ("timezone", "today"),
    [
        ("UTC", date(2026, 8, 31)),
        ("Europe/Moscow", date(2026, 9, 1)),
        ("Asia/Kamchatka", date(2026, 9, 1)),
        ("Europe/Kaliningrad", date(2026, 8, 31)),
    ],
)
def test_a_day_begins_at_midnight_of_the_school(timezone: str, today: date) -> None:
    """At 21:30 UTC it is already tomorrow in Moscow (R17)."""
    assert facts_at(datetime(2026, 8, 31, 21, 30, tzinfo=UTC)).today(timezone) == today


@pytest.mark.integration
def test_a_change_is_seen_at_once(paper_world: World) -> None:
    """Roles, links, settings and the school's status are read anew after each write, also those of linked people."""
    school = paper_world.school("facts", "D1", "A1", "G1", "P2")

    def me(who: str) -> Any:
        return paper_world.ask("GET", "/me", school.token(who)).json

    assert me("G1")["children"] == [school.person_id("P1")]
    school.do("POST", school.person("P1") + "/leave", {})
    assert me("G1")["children"] == []
    school.do("POST", school.person("P1") + "/activate", {})
    assert me("G1")["children"] == [school.person_id("P1")]
    school.do("PUT", school.person("A1") + "/roles", {"roles": ["teacher"]})
    assert me("A1")["roles"] == ["teacher"]
    assert me("P2")["unconfirmed"] is True
    school.do("PATCH", "", {"settings": {"confirmation_required": False}})
    assert me("P2")["unconfirmed"] is False
    school.do("PATCH", "", {"status": "closed"})
    assert me("D1")["errcode"] == "M_FORBIDDEN"
