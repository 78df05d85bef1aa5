"""Who may do what in the call of which room: every row a rule."""

from __future__ import annotations

from typing import Any

import pytest

from synapse_sferum.account import Account
from synapse_sferum.call_rights import CallRights, in_managed_room, in_own_room
from synapse_sferum.model import ClassId, OrgId, OrgSettings, Role, RoomKey, RoomKind
from synapse_sferum.policy import Party
from tests.support.directories import account

A, B = ClassId("ca"), ClassId("cb")
ORG = OrgId("o")

DIRECTOR = account(Role.DIRECTOR)
DEPUTY = account(Role.DEPUTY)
ADMINISTRATOR = account(Role.ADMINISTRATOR)
CLASS_TEACHER = account(Role.TEACHER, homeroom_of=frozenset({A}))
TEACHER = account(Role.TEACHER)
PUPIL = account(Role.STUDENT, student_in=frozenset({A}), confirmed=True)
PARENT = account(Role.GUARDIAN, children_in=frozenset({A}))


def managed(
    who: Account, kind: RoomKind, ref: str = "", *, unconfirmed: bool = False
) -> CallRights | None:
    return in_managed_room(Party(who, unconfirmed), ORG, RoomKey(kind, ref), archived=False)


def with_settings(who: Account, **settings: Any) -> Account:
    return account(
        *who.roles,
        settings=OrgSettings(**settings),
        student_in=who.student_in,
        homeroom_of=who.homeroom_of,
        children_in=who.children_in,
        confirmed=who.confirmed,
    )


@pytest.mark.parametrize(
    ("who", "kind", "ref", "host"),
    [
        (DIRECTOR, RoomKind.CLASS, A, True),
        (DEPUTY, RoomKind.CLASS, A, True),
        (CLASS_TEACHER, RoomKind.CLASS, A, True),
        (CLASS_TEACHER, RoomKind.CLASS, B, False),
        (CLASS_TEACHER, RoomKind.CLASS_PARENTS, A, True),
        (CLASS_TEACHER, RoomKind.STAFF, "", False),
        (TEACHER, RoomKind.CLASS, A, False),
        (ADMINISTRATOR, RoomKind.CLASS, A, False),
        (PUPIL, RoomKind.CLASS, A, False),
        (PARENT, RoomKind.CLASS_PARENTS, A, False),
        (DEPUTY, RoomKind.STAFF, "", True),
        (DIRECTOR, RoomKind.ANNOUNCEMENTS, "", True),
    ],
)
def test_hosts_of_managed_rooms(who: Account, kind: RoomKind, ref: str, host: bool) -> None:
    """The class teacher of this class, director and deputies; nobody else (R43)."""
    rights = managed(who, kind, ref)
    assert rights is not None
    assert rights.host == host


def test_a_pupil_in_a_lesson() -> None:
    """Comes in muted, shows a camera, shares no screen, may begin, does not wait (R43, R44)."""
    rights = managed(PUPIL, RoomKind.CLASS, A)
    assert rights is not None
    assert rights.to_json() == {
        "member": True,
        "org_id": "o",
        "roles": ["student"],
        "room_kind": "class",
        "host": False,
        "may_publish": {"camera": True, "microphone": True, "screen": False},
        "muted_on_entry": True,
        "may_start": True,
        "waits": False,
        "one_share": True,
        "hidden": False,
        "limit": 100,
    }


@pytest.mark.parametrize(
    ("settings", "field", "value"),
    [
        ({"pupils_muted_on_entry": False}, "muted_on_entry", False),
        ({"pupils_may_share": True}, "screen", True),
        ({"pupils_may_start": False}, "may_start", False),
        ({"calls_waiting_room": True}, "waits", True),
        ({"one_share": False}, "one_share", False),
    ],
)
def test_a_school_decides_for_itself(settings: dict[str, Any], field: str, value: bool) -> None:
    """Each setting changes one right of pupils in lessons."""
    usual = managed(PUPIL, RoomKind.CLASS, A)
    changed = managed(with_settings(PUPIL, **settings), RoomKind.CLASS, A)
    assert getattr(usual, field) is not value
    assert getattr(changed, field) is value


def test_staff_do_not_wait_and_are_not_muted() -> None:
    """The waiting room is for pupils and parents."""
    for who in (TEACHER, CLASS_TEACHER, DIRECTOR):
        rights = managed(with_settings(who, calls_waiting_room=True), RoomKind.CLASS, A)
        assert rights is not None
        assert (rights.waits, rights.muted_on_entry, rights.screen) == (False, False, True)
    parent = managed(with_settings(PARENT, calls_waiting_room=True), RoomKind.CLASS_PARENTS, A)
    assert parent is not None
    assert (parent.waits, parent.muted_on_entry) == (True, False)


def test_an_unconfirmed_pupil_is_in_the_lesson_only() -> None:
    """R17: calls in the class room, and nowhere else."""
    assert managed(PUPIL, RoomKind.CLASS, A, unconfirmed=True) is not None
    assert managed(PUPIL, RoomKind.ANNOUNCEMENTS, unconfirmed=True) is None
    own = [Party(PUPIL, unconfirmed=True), Party(CLASS_TEACHER)]
    assert in_own_room(own[0], own, created_it=True) is None


def test_in_announcements_staff_speak() -> None:
    """A pupil or parent listens and begins nothing; only heads begin (R26)."""
    for who, speaks, starts in (
        (PUPIL, False, False),
        (PARENT, False, False),
        (TEACHER, True, False),
        (DEPUTY, True, True),
    ):
        rights = managed(who, RoomKind.ANNOUNCEMENTS)
        assert rights is not None
        assert (rights.camera, rights.microphone, rights.screen) == (speaks,) * 3
        assert rights.may_start == starts


def test_no_calls_at_all() -> None:
    """Not in the school's space, not in an archive, not for another school or for nobody."""
    lesson = RoomKey(RoomKind.CLASS, A)
    assert managed(DIRECTOR, RoomKind.SCHOOL) is None
    assert in_managed_room(Party(PUPIL), ORG, lesson, archived=True) is None
    assert in_managed_room(Party(PUPIL), OrgId("other"), lesson, archived=False) is None
    assert in_managed_room(Party(None, staff_bot=True), ORG, lesson, archived=False) is None


def own_room(*people: Account, created: bool = False) -> CallRights | None:
    """Rights of the first one."""
    parties = [Party(one) for one in people]
    return in_own_room(parties[0], parties, created_it=created)


@pytest.mark.parametrize(
    ("people", "created", "host", "muted"),
    [
        ((TEACHER, PUPIL), False, True, False),
        ((PUPIL, TEACHER), True, False, False),  # two people talk, nobody is silenced
        ((PUPIL, PUPIL, TEACHER), False, False, True),
        ((PUPIL, PUPIL, PUPIL), True, False, False),  # nobody there could let them speak
        ((PUPIL, PARENT), False, False, False),
        ((PARENT, PARENT, TEACHER), True, True, False),
        ((PARENT, PARENT, TEACHER), False, False, False),
    ],
)
def test_rooms_people_made(
    people: tuple[Account, ...], created: bool, host: bool, muted: bool
) -> None:
    """Staff are hosts, and who made the room unless a pupil; with staff and more than two it is a lesson."""
    rights = own_room(*people, created=created)
    assert rights is not None
    assert (rights.host, rights.muted_on_entry) == (host, muted)


def test_nobody_waits_where_nobody_could_let_them_in() -> None:
    """A waiting room needs a member of staff."""
    pupil = with_settings(PUPIL, calls_waiting_room=True)
    for people, waits in (((pupil, PUPIL, PARENT), False), ((pupil, PUPIL, TEACHER), True)):
        rights = own_room(*people)
        assert rights is not None
        assert rights.waits is waits


def test_a_guest_of_a_listed_server() -> None:
    """Somebody of another school's server is a guest in a room of staff: speaks, begins nothing, hosts nothing (R4)."""
    guest = Party(None, peer=frozenset({("teacher", "teacher")}))
    rights = in_own_room(guest, [guest, Party(TEACHER)], created_it=False)
    assert rights is not None
    assert (rights.host, rights.may_start, rights.microphone) == (False, False, True)
    stranger = Party(None)
    assert in_own_room(stranger, [stranger, Party(TEACHER)], created_it=True) is None
