"""Families: whose phone, how old (R12, R17)."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.onboarding_rules import (
    Exit,
    Stop,
    StopReason,
    needs_confirmation,
    pupil_stop,
)
from bridge.roles import Role
from synapse_sferum.account import CONFIRMATION_AGE, age_on

MOSCOW, VLADIVOSTOK = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Vladivostok")


def roles(*given_roles: Role) -> frozenset[Role]:
    return frozenset(given_roles)


@pytest.mark.parametrize(
    ("owner", "reason"),
    [
        (roles(), None),
        (roles(Role.STUDENT), None),  # "this is my account"
        (roles(Role.GUARDIAN), StopReason.PARENTS_PHONE),
        (roles(Role.GUARDIAN, Role.TEACHER), StopReason.PARENTS_PHONE),
        (roles(Role.TEACHER), StopReason.STAFF_PHONE),
        (roles(Role.STUDENT, Role.GUARDIAN), StopReason.PARENTS_PHONE),  # registered wrongly before
    ],
)
def test_a_child_with_a_grown_ups_phone_is_stopped(
    owner: frozenset[Role], reason: StopReason | None
) -> None:
    """R12: no pupil profile is ever made for a parent."""
    stop = pupil_stop(owner, grade=1)

    assert (stop and stop.reason) == reason


@pytest.mark.parametrize(("grade", "mail"), [(1, True), (4, True), (5, False), (None, False)])
def test_the_stop_has_three_exits(grade: int | None, mail: bool) -> None:
    """R12: own phone, mail by class link (R8: grades 1-4), QR card."""
    stop = pupil_stop(roles(Role.GUARDIAN), grade)

    assert isinstance(stop, Stop)
    assert {offer.exit: offer.open for offer in stop.exits} == {
        Exit.OWN_PHONE: True, Exit.EMAIL_BY_CLASS_LINK: mail, Exit.QR_CARD: True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("born", "now", "zone", "needed"),
    [
        (date(2012, 9, 2), datetime(2026, 9, 1, 23, 59, tzinfo=MOSCOW), MOSCOW, True),
        (date(2012, 9, 2), datetime(2026, 9, 2, 0, 0, tzinfo=MOSCOW), MOSCOW, False),
        (date(2012, 9, 2), datetime(2026, 9, 1, 17, 0, tzinfo=MOSCOW), VLADIVOSTOK, False),
        (date(2012, 2, 29), datetime(2026, 2, 28, 12, 0, tzinfo=MOSCOW), MOSCOW, True),
        (date(2012, 2, 29), datetime(2026, 3, 1, 0, 0, tzinfo=MOSCOW), MOSCOW, False),
        (None, datetime(2026, 9, 1, tzinfo=MOSCOW), MOSCOW, True),
    ],
)
def test_a_child_turns_fourteen_at_midnight_of_its_school(
    born: date | None, now: datetime, zone: ZoneInfo, needed: bool
) -> None:
    """R17: not at midnight of the server."""
    assert needs_confirmation(born, now, zone) is needed


@given(st.dates(date(1990, 1, 1), date(2030, 1, 1)), st.dates(date(2026, 1, 1), date(2030, 1, 1)))
def test_bridge_and_module_agree_on_ages(born: date, today: date) -> None:
    """The page that asks for a parent's yes and the rooms that wait for it turn on the same day."""
    noon = datetime(today.year, today.month, today.day, 12, tzinfo=MOSCOW)

    assert needs_confirmation(born, noon, MOSCOW) == (age_on(born, today) < CONFIRMATION_AGE)
