"""Who plans what for whom, who sees it, whose calendar it is in: every row a rule."""

from __future__ import annotations

import pytest

from synapse_sferum.account import Account
from synapse_sferum.model import ClassId, OrgId, PersonId, Role, RoomKey, RoomKind, UserId
from synapse_sferum.policy import Party
from synapse_sferum.schedule.rights import Refusal, concerns, may_change, may_plan, may_see
from synapse_sferum.schedule.values import Kind
from tests.support.directories import account
from tests.synapse_sferum.schedule.plans import gathering

A, B = ClassId("ca"), ClassId("cb")
ORG = OrgId("o")

DIRECTOR = account(Role.DIRECTOR)
OFFICE = account(Role.ADMINISTRATOR)
CLASS_TEACHER = account(Role.TEACHER, homeroom_of=frozenset({A}))
SUBJECT_TEACHER = account(Role.TEACHER, teaches=frozenset({A}))
TEACHER = account(Role.TEACHER)
PUPIL = account(Role.STUDENT, student_in=frozenset({A}), confirmed=True)
PARENT = account(Role.GUARDIAN, children=frozenset({PersonId("p1")}), children_in=frozenset({A}))
CHILDLESS = account(Role.GUARDIAN)

SCHOOL = RoomKey(RoomKind.ANNOUNCEMENTS)
CLASS, OTHER = RoomKey(RoomKind.CLASS, A), RoomKey(RoomKind.CLASS, B)
PARENTS = RoomKey(RoomKind.CLASS_PARENTS, A)
STAFF, HEADS = RoomKey(RoomKind.STAFF), RoomKey(RoomKind.ADMINISTRATION)
LESSON, HOUR, MEETING = Kind.LESSON, Kind.CLASS_HOUR, Kind.MEETING
NOT_FOUND, NOT_THEIRS = Refusal.NOT_FOUND, Refusal.NOT_THEIRS


@pytest.mark.parametrize(
    ("who", "key", "sees", "own"),
    [
        (DIRECTOR, SCHOOL, True, True),
        (DIRECTOR, CLASS, True, False),
        (DIRECTOR, PARENTS, True, False),
        (DIRECTOR, HEADS, True, True),
        (OFFICE, HEADS, True, True),
        (OFFICE, CLASS, True, False),
        (CLASS_TEACHER, CLASS, True, True),
        (CLASS_TEACHER, PARENTS, True, True),
        (CLASS_TEACHER, OTHER, False, False),
        (CLASS_TEACHER, HEADS, False, False),
        (SUBJECT_TEACHER, CLASS, True, True),
        (SUBJECT_TEACHER, PARENTS, False, False),
        (TEACHER, CLASS, False, False),
        (TEACHER, STAFF, True, True),
        (PUPIL, CLASS, True, True),
        (PUPIL, PARENTS, False, False),
        (PUPIL, SCHOOL, True, True),
        (PUPIL, STAFF, False, False),
        (PARENT, CLASS, True, True),
        (PARENT, PARENTS, True, True),
        (PARENT, OTHER, False, False),
        (CHILDLESS, SCHOOL, False, False),
    ],
)
def test_who_sees_and_whose_it_is(who: Account, key: RoomKey, sees: bool, own: bool) -> None:
    """Who may look is wider than whose calendar it is in; a claimed or restricted link shows nothing (R15, R34)."""
    assert may_see(Party(who), ORG, key) is sees
    assert concerns(Party(who), key) is own


@pytest.mark.parametrize(
    ("who", "key", "kind", "why"),
    [
        (DIRECTOR, SCHOOL, MEETING, None),
        (DIRECTOR, SCHOOL, Kind.PARENTS_MEETING, None),
        (DIRECTOR, SCHOOL, LESSON, Refusal.ROOM_KIND),
        (DIRECTOR, OTHER, HOUR, None),
        (DIRECTOR, SCHOOL, Kind.BROADCAST, Refusal.ELSEWHERE),
        (DIRECTOR, RoomKey(RoomKind.MATERIALS), MEETING, NOT_FOUND),
        (OFFICE, CLASS, LESSON, None),
        (OFFICE, CLASS, HOUR, NOT_THEIRS),
        (OFFICE, SCHOOL, MEETING, NOT_THEIRS),
        (OFFICE, HEADS, MEETING, NOT_THEIRS),
        (CLASS_TEACHER, CLASS, LESSON, None),
        (CLASS_TEACHER, CLASS, HOUR, None),
        (CLASS_TEACHER, PARENTS, Kind.PARENTS_MEETING, None),
        (CLASS_TEACHER, SCHOOL, MEETING, NOT_THEIRS),
        (CLASS_TEACHER, STAFF, MEETING, NOT_THEIRS),
        (CLASS_TEACHER, OTHER, LESSON, NOT_FOUND),
        (SUBJECT_TEACHER, CLASS, LESSON, None),
        (SUBJECT_TEACHER, CLASS, HOUR, NOT_THEIRS),
        (SUBJECT_TEACHER, CLASS, MEETING, NOT_THEIRS),
        (TEACHER, CLASS, LESSON, NOT_FOUND),
        (PUPIL, CLASS, LESSON, NOT_THEIRS),
        (PARENT, PARENTS, MEETING, NOT_THEIRS),
    ],
)
def test_who_plans_what(who: Account, key: RoomKey, kind: Kind, why: Refusal | None) -> None:
    """Heads plan anything, class teachers for their class, the office and subject teachers lessons (R26)."""
    assert may_plan(Party(who), ORG, key, kind) is why


def test_an_unconfirmed_pupil_sees_the_class_and_nothing_else() -> None:
    """R17: lessons go on, the school's meetings wait."""
    who = Party(PUPIL, unconfirmed=True)
    assert concerns(who, CLASS)
    assert not may_see(who, ORG, SCHOOL)


def test_nobody_of_elsewhere() -> None:
    """Another school's director, and whoever has left, are told that there is nothing."""
    for who in (Party(account(Role.DIRECTOR, org_id=OrgId("other"))), Party(None)):
        assert may_plan(who, ORG, CLASS, LESSON) is NOT_FOUND
        assert not may_see(who, ORG, HEADS)
        assert not concerns(who, CLASS)


def test_nothing_is_planned_for_an_archive() -> None:
    """Its people are gone; the heads still read what there was."""
    assert may_plan(Party(DIRECTOR), ORG, CLASS, LESSON, archived=True) is Refusal.ARCHIVED
    assert may_plan(Party(CLASS_TEACHER), ORG, CLASS, LESSON, archived=True) is NOT_FOUND


@pytest.mark.parametrize(
    ("who", "author", "why"),
    [
        (SUBJECT_TEACHER, "@u:s.test", None),
        (SUBJECT_TEACHER, "@other:s.test", NOT_THEIRS),
        (CLASS_TEACHER, "@other:s.test", None),
        (OFFICE, "@other:s.test", None),
        (DIRECTOR, "@other:s.test", None),
        (PUPIL, "@u:s.test", NOT_THEIRS),
        (TEACHER, "@u:s.test", NOT_FOUND),
    ],
)
def test_who_changes_a_lesson(who: Account, author: str, why: Refusal | None) -> None:
    """A subject teacher the own ones, as long as the class is theirs; who leads the class all."""
    assert may_change(Party(who), gathering(author=UserId(author))) is why


def test_a_broadcast_is_changed_where_it_is_made() -> None:
    """Two places that say when it begins would not agree for long."""
    assert may_change(Party(DIRECTOR), gathering(kind=Kind.BROADCAST)) is Refusal.ELSEWHERE
