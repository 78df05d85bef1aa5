"""Who may watch and lead which broadcast: every row a rule."""

from __future__ import annotations

import pytest

from synapse_sferum.account import Account
from synapse_sferum.broadcast_rights import BroadcastRights, in_audience
from synapse_sferum.model import ClassId, OrgId, PersonId, Role, RoomKey, RoomKind
from synapse_sferum.policy import Party
from tests.support.directories import account

A, B = ClassId("ca"), ClassId("cb")
ORG = OrgId("o")

DIRECTOR = account(Role.DIRECTOR)
DEPUTY = account(Role.DEPUTY)
ADMINISTRATOR = account(Role.ADMINISTRATOR)
CLASS_TEACHER = account(Role.TEACHER, homeroom_of=frozenset({A}))
SUBJECT_TEACHER = account(Role.TEACHER, teaches=frozenset({A}))
TEACHER = account(Role.TEACHER)
PUPIL = account(Role.STUDENT, student_in=frozenset({A}), confirmed=True)
PARENT = account(Role.GUARDIAN, children=frozenset({PersonId("p1")}), children_in=frozenset({A}))
#: Whose only link is claimed, or restricted by a court (R15, R34).
CHILDLESS = account(Role.GUARDIAN)


def rights(
    who: Account,
    kind: RoomKind,
    ref: str = "",
    *,
    unconfirmed: bool = False,
    archived: bool = False,
) -> BroadcastRights | None:
    return in_audience(Party(who, unconfirmed), ORG, RoomKey(kind, ref), archived=archived)


SCHOOL, CLASS = RoomKind.ANNOUNCEMENTS, RoomKind.CLASS
PARENTS, STAFF = RoomKind.CLASS_PARENTS, RoomKind.STAFF


@pytest.mark.parametrize(
    ("who", "kind", "ref", "watch", "host"),
    [
        (DIRECTOR, SCHOOL, "", True, True),
        (DEPUTY, SCHOOL, "", True, True),
        (ADMINISTRATOR, SCHOOL, "", True, False),
        (CLASS_TEACHER, SCHOOL, "", True, False),
        (PUPIL, SCHOOL, "", True, False),
        (PARENT, SCHOOL, "", True, False),
        (CHILDLESS, SCHOOL, "", False, False),
        (DIRECTOR, CLASS, B, True, True),
        (ADMINISTRATOR, CLASS, A, True, False),
        (CLASS_TEACHER, CLASS, A, True, True),
        (CLASS_TEACHER, CLASS, B, False, False),
        (SUBJECT_TEACHER, CLASS, A, True, False),
        (TEACHER, CLASS, A, False, False),
        (PUPIL, CLASS, A, True, False),
        (PUPIL, CLASS, B, False, False),
        (PARENT, CLASS, A, True, False),
        (PARENT, CLASS, B, False, False),
        (CLASS_TEACHER, PARENTS, A, True, True),
        (PARENT, PARENTS, A, True, False),
        (PUPIL, PARENTS, A, False, False),
        (SUBJECT_TEACHER, PARENTS, A, False, False),
        (TEACHER, STAFF, "", True, False),
        (DEPUTY, STAFF, "", True, True),
        (PUPIL, STAFF, "", False, False),
        (PARENT, STAFF, "", False, False),
        (DIRECTOR, RoomKind.MATERIALS, "", False, False),
        (DIRECTOR, RoomKind.ADMINISTRATION, "", False, False),
    ],
)
def test_who_watches_and_who_leads(
    who: Account, kind: RoomKind, ref: str, watch: bool, host: bool
) -> None:
    """Heads lead anything, a class teacher their class; a class is watched by its pupils and their parents (R46)."""
    found = rights(who, kind, ref)
    assert (found is not None) is watch
    assert (found is not None and found.host) is host


def test_an_unconfirmed_pupil_watches_the_class_in_silence() -> None:
    """R17: nothing outside the class, and no questions inside."""
    assert rights(PUPIL, SCHOOL, unconfirmed=True) is None
    inside = rights(PUPIL, CLASS, A, unconfirmed=True)
    assert inside is not None
    assert not inside.ask


def test_nobody_of_elsewhere() -> None:
    """Another school's director, whoever has left, and accounts of our own are nobody here."""
    key = RoomKey(SCHOOL)
    assert in_audience(Party(DIRECTOR), OrgId("other"), key) is None
    assert in_audience(Party(None), ORG, key) is None
    assert in_audience(Party(None, staff_bot=True), ORG, key) is None


def test_an_archived_room_keeps_its_recordings_for_the_heads() -> None:
    """Nobody broadcasts there any more, and only who may delete a recording still sees it."""
    kept = rights(DEPUTY, CLASS, A, archived=True)
    assert kept is not None
    assert (kept.host, kept.keeper) == (False, True)
    assert rights(PUPIL, CLASS, A, archived=True) is None
    assert rights(CLASS_TEACHER, CLASS, A, archived=True) is None


def test_only_heads_delete_recordings() -> None:
    """R48: the class teacher leads, and deletes nothing."""
    found = rights(CLASS_TEACHER, CLASS, A)
    assert found is not None
    assert found.host
    assert not found.keeper
