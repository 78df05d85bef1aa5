"""What the module knows of one account: merged over persons, confirmed or not, and in which rooms."""

from __future__ import annotations

from datetime import date

import pytest
from attrs import evolve

from synapse_sferum.account import (
    Account,
    age_on,
    counts,
    merge_accounts,
    power_in,
    rooms_of,
)
from synapse_sferum.model import (
    ClassId,
    EnrolmentRole,
    OrgId,
    OrgSettings,
    PersonId,
    Role,
    RoomKey,
    RoomKind,
    UserId,
)
from tests.support.directories import account

A, B = ClassId("ca"), ClassId("cb")


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        (date(2012, 7, 1), date(2026, 6, 30), 13),
        (date(2012, 7, 1), date(2026, 7, 1), 14),
        (date(2012, 2, 29), date(2026, 2, 28), 13),
        (date(2012, 2, 29), date(2026, 3, 1), 14),
        (date(2012, 2, 29), date(2028, 2, 29), 16),
    ],
)
def test_a_birthday_turns_at_midnight(born: date, today: date, age: int) -> None:
    """Whole years on the day; 29 February has its birthday on 1 March of common years (R17)."""
    assert age_on(born, today) == age


TODAY = date(2026, 9, 1)


@pytest.mark.parametrize(
    ("pupil", "held_back"),
    [
        (account(Role.STUDENT, birth_date=date(2012, 9, 2)), True),
        (account(Role.STUDENT, birth_date=date(2012, 9, 1)), False),
        (account(Role.STUDENT), True),
        (account(Role.STUDENT, confirmed=True), False),
        (account(Role.STUDENT, settings=OrgSettings(confirmation_required=False)), False),
        (account(Role.STUDENT, Role.TEACHER), False),
        (account(Role.TEACHER), False),
    ],
)
def test_who_waits_for_a_parent(pupil: Account, held_back: bool) -> None:
    """A pupil under 14, or of unknown age, whom no parent confirmed, where the school asks for it (R17)."""
    assert pupil.unconfirmed(TODAY) is held_back


@pytest.mark.parametrize(
    ("role", "staff", "administrative", "leader"),
    [
        (Role.DIRECTOR, True, True, True),
        (Role.DEPUTY, True, True, True),
        (Role.ADMINISTRATOR, True, True, False),
        (Role.TEACHER, True, False, False),
        (Role.STUDENT, False, False, False),
        (Role.GUARDIAN, False, False, False),
    ],
)
def test_groups_of_roles(role: Role, staff: bool, administrative: bool, leader: bool) -> None:
    """Staff, administrative and leaders nest (R30)."""
    one = account(role)
    assert (one.is_staff, one.is_administrative, one.is_leader) == (staff, administrative, leader)


def test_where_everybody_is() -> None:
    """Rooms of the school for all, of the staff for staff, of the class for pupils, teachers and parents (R21-R23)."""
    everywhere = {
        RoomKey(RoomKind.SCHOOL): "of_the_school",
        RoomKey(RoomKind.ANNOUNCEMENTS): "of_the_school",
        RoomKey(RoomKind.MATERIALS): "of_the_school",
    }
    staff = {RoomKey(RoomKind.STAFF): "staff"}
    assert rooms_of(account(Role.STUDENT, student_in=frozenset({A}))) == {
        **everywhere,
        RoomKey(RoomKind.CLASS, A): "student_of_the_class",
    }
    assert rooms_of(account(Role.GUARDIAN, children_in=frozenset({A, B}))) == {
        **everywhere,
        RoomKey(RoomKind.CLASS_PARENTS, A): "guardian_of_a_student",
        RoomKey(RoomKind.CLASS_PARENTS, B): "guardian_of_a_student",
    }
    homeroom = account(Role.TEACHER, homeroom_of=frozenset({A}), children_in=frozenset({A}))
    assert rooms_of(homeroom) == {
        **everywhere,
        **staff,
        RoomKey(RoomKind.CLASS, A): "homeroom_teacher",
        RoomKey(RoomKind.CLASS_PARENTS, A): "homeroom_teacher",
    }
    assert rooms_of(account(Role.TEACHER, teaches=frozenset({A}))) == {**everywhere, **staff}
    assert rooms_of(account(Role.DEPUTY)) == {
        **everywhere,
        **staff,
        RoomKey(RoomKind.ADMINISTRATION): "administrative",
    }


def test_power_of_a_member() -> None:
    """100 administrative, 50 the class teacher in own rooms and staff among materials, 0 everyone else (R22)."""
    teacher = account(Role.TEACHER, homeroom_of=frozenset({A}))
    powers = {
        (RoomKind.CLASS, A): 50,
        (RoomKind.CLASS_PARENTS, A): 50,
        (RoomKind.CLASS, B): 0,
        (RoomKind.MATERIALS, ""): 50,
        (RoomKind.STAFF, ""): 0,
        (RoomKind.ANNOUNCEMENTS, ""): 0,
    }
    for (kind, ref), power in powers.items():
        key = RoomKey(kind, ref)
        assert power_in(teacher, key) == power, kind
        assert power_in(account(Role.ADMINISTRATOR), key) == 100
        assert power_in(account(Role.STUDENT), key) == 0


def test_two_persons_are_one_account() -> None:
    """A teacher who is also a parent has both room sets, one account, one set of rights (R30, R32)."""
    teacher = account(Role.TEACHER, homeroom_of=frozenset({A}), birth_date=date(1980, 1, 1))
    parent = account(
        Role.GUARDIAN,
        persons=frozenset({PersonId("p2")}),
        children=frozenset({PersonId("p3")}),
        children_in=frozenset({B}),
        confirmed=True,
    )
    both = merge_accounts([teacher, parent])
    assert both.roles == {Role.TEACHER, Role.GUARDIAN}
    assert both.persons == {"p1", "p2"}
    assert rooms_of(both).keys() == rooms_of(teacher).keys() | rooms_of(parent).keys()
    assert both.birth_date is None, "only a pupil's age matters"
    assert both.confirmed
    pupil = account(Role.STUDENT, birth_date=date(2012, 1, 1))
    assert merge_accounts([parent, pupil]).birth_date == date(2012, 1, 1)


def test_parts_of_different_accounts_do_not_merge() -> None:
    """No parts, and parts of two users or schools, are bugs."""
    one = account(Role.TEACHER)
    with pytest.raises(ValueError, match="at least one"):
        merge_accounts([])
    for other in (evolve(one, user_id=UserId("@x:s.test")), evolve(one, org_id=OrgId("x"))):
        with pytest.raises(ValueError, match="must share"):
            merge_accounts([one, other])


@pytest.mark.parametrize(
    ("role", "person", "counted"),
    [
        (EnrolmentRole.STUDENT, Role.STUDENT, True),
        (EnrolmentRole.STUDENT, Role.GUARDIAN, False),
        (EnrolmentRole.HOMEROOM_TEACHER, Role.TEACHER, True),
        (EnrolmentRole.HOMEROOM_TEACHER, Role.DEPUTY, True),
        (EnrolmentRole.HOMEROOM_TEACHER, Role.GUARDIAN, False),
        (EnrolmentRole.TEACHER, Role.STUDENT, False),
    ],
)
def test_an_enrolment_ends_with_the_role(role: EnrolmentRole, person: Role, counted: bool) -> None:
    """Who is no teacher any more is no class teacher either, whatever the enrolment says (R31)."""
    assert counts(role, frozenset({person})) is counted
    assert not counts(role, frozenset())
