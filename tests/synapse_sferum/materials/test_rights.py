"""Who reads and who publishes materials: every row a rule (R27)."""

from __future__ import annotations

import pytest
from attrs import evolve

from synapse_sferum.account import Account
from synapse_sferum.materials.rights import Refusal, may_change, may_publish, may_read
from synapse_sferum.model import ClassId, OrgId, PersonId, Role, RoomKey, RoomKind, UserId
from synapse_sferum.policy import Party
from tests.support.directories import account
from tests.synapse_sferum.materials.test_values import FILM

A, B = ClassId("ca"), ClassId("cb")
ORG = OrgId("o")
DIRECTOR = account(Role.DIRECTOR)
OFFICE = account(Role.ADMINISTRATOR)
CLASS_TEACHER = account(Role.TEACHER, homeroom_of=frozenset({A}))
SUBJECT_TEACHER = account(Role.TEACHER, teaches=frozenset({A}))
PUPIL = account(Role.STUDENT, student_in=frozenset({A}), confirmed=True)
PARENT = account(Role.GUARDIAN, children=frozenset({PersonId("p1")}), children_in=frozenset({A}))

SCHOOL, STAFF = RoomKey(RoomKind.MATERIALS), RoomKey(RoomKind.STAFF)
CLASS, OTHER = RoomKey(RoomKind.CLASS, A), RoomKey(RoomKind.CLASS, B)
PARENTS = RoomKey(RoomKind.CLASS_PARENTS, A)


@pytest.mark.parametrize(
    ("who", "key", "reads", "publishes"),
    [
        (DIRECTOR, SCHOOL, True, True),
        (DIRECTOR, OTHER, True, True),
        (DIRECTOR, PARENTS, True, True),
        (OFFICE, SCHOOL, True, True),
        (OFFICE, CLASS, True, False),
        (OFFICE, PARENTS, True, False),
        (CLASS_TEACHER, SCHOOL, True, True),
        (CLASS_TEACHER, CLASS, True, True),
        (CLASS_TEACHER, PARENTS, True, True),
        (CLASS_TEACHER, STAFF, True, True),
        (CLASS_TEACHER, OTHER, False, False),
        (SUBJECT_TEACHER, CLASS, True, True),
        (SUBJECT_TEACHER, PARENTS, False, False),
        (PUPIL, SCHOOL, True, False),
        (PUPIL, CLASS, True, False),
        (PUPIL, STAFF, False, False),
        (PUPIL, PARENTS, False, False),
        (PARENT, CLASS, True, False),
        (PARENT, PARENTS, True, False),
        (PARENT, OTHER, False, False),
    ],
)
def test_who_reads_and_who_publishes(
    who: Account, key: RoomKey, reads: bool, publishes: bool
) -> None:
    """A class's is read by pupils and parents, and published by who teaches it."""
    assert may_read(Party(who), ORG, key) is reads
    assert (may_publish(Party(who), ORG, key) is None) is publishes


def test_nobody_of_elsewhere() -> None:
    """R27: another school's director and whoever has left read nothing, whatever address they know."""
    for who in (Party(account(Role.DIRECTOR, org_id=OrgId("other"))), Party(None)):
        assert not may_read(who, ORG, SCHOOL)
        assert may_publish(who, ORG, SCHOOL) is Refusal.NOT_FOUND
        assert may_change(who, FILM) is Refusal.NOT_FOUND
    assert not may_read(Party(DIRECTOR), ORG, RoomKey(RoomKind.ADMINISTRATION))


def test_who_takes_away() -> None:
    """The author while they teach there, who leads the class, heads; of an archive heads only."""
    of_class = evolve(FILM, key=CLASS, author=UserId("@other:s.test"))
    own = evolve(FILM, key=CLASS, author=UserId("@u:s.test"))
    assert may_change(Party(CLASS_TEACHER), of_class) is None
    assert may_change(Party(SUBJECT_TEACHER), of_class) is Refusal.NOT_THEIRS
    assert may_change(Party(SUBJECT_TEACHER), own) is None
    assert may_change(Party(PUPIL), own) is Refusal.NOT_THEIRS
    assert may_change(Party(DIRECTOR), of_class, archived=True) is None
    assert may_publish(Party(DIRECTOR), ORG, CLASS, archived=True) is Refusal.ARCHIVED
    assert may_change(Party(CLASS_TEACHER), of_class, archived=True) is Refusal.NOT_FOUND
