"""The rooms a school should have and who is in them: the rules of design §2 and rules R21-R24, R34 as stories."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings

from synapse_sferum.desired import Want, accounts_of, desired_rooms, membership_pairs
from synapse_sferum.model import (
    Directory,
    Enrolment,
    EnrolmentRole,
    GuardianshipStatus,
    PersonStatus,
    Role,
    RoomKey,
    RoomKind,
    UserId,
)
from tests.support.schools import LAST_YEAR, School, cid, directories, ordinary, pid, uid

CLASS, PARENTS = RoomKey(RoomKind.CLASS, cid("5А")), RoomKey(RoomKind.CLASS_PARENTS, cid("5А"))


def members(school: School, key: RoomKey) -> dict[str, int]:
    """Localpart → power of a room."""
    room = desired_rooms(school.directory())[key]
    return {u[1:].partition(":")[0]: want.power for u, want in room.members.items()}


def test_an_ordinary_school() -> None:
    """Every kind of room with its members, powers and name."""
    school = ordinary()
    rooms = desired_rooms(school.directory())
    assert {key.kind for key in rooms} == set(RoomKind)
    assert members(school, CLASS) == {"u1": 0, "u2": 0, "t1": 50}
    assert members(school, PARENTS) == {"r1": 0, "r2": 0, "t1": 50}
    assert members(school, RoomKey(RoomKind.STAFF)) == {"d1": 100, "z1": 100, "t1": 0, "t2": 0}
    assert members(school, RoomKey(RoomKind.ADMINISTRATION)) == {"d1": 100, "z1": 100}
    assert len(members(school, RoomKey(RoomKind.SCHOOL))) == 11
    assert rooms[CLASS].name == "5А"
    assert rooms[PARENTS].name == "5А · родители"
    assert rooms[RoomKey(RoomKind.SCHOOL)].name == "Школа"


def test_the_bot_is_with_the_administration_only() -> None:
    """Power 0 and a reason of its own in one room, of an open school with people; nowhere without a name."""
    bot, office = UserId("@bot:school.test"), RoomKey(RoomKind.ADMINISTRATION)
    school = ordinary()
    without, rooms = desired_rooms(school.directory()), desired_rooms(school.directory(), bot)
    assert [key for key in rooms if bot in rooms[key].members] == [office]
    assert rooms[office].members[bot] == Want(0, "staff_bot")
    assert {**rooms, office: without[office]} == without
    assert desired_rooms(School().directory(), bot) == {}
    school.org = evolve(school.org, status="closed")
    assert desired_rooms(school.directory(), bot) == {}


def test_an_empty_school_has_no_rooms() -> None:
    """Rooms come with the first list; a closed school has none."""
    assert desired_rooms(School().directory()) == {}
    school = ordinary()
    school.org = evolve(school.org, status="closed")
    assert desired_rooms(school.directory()) == {}
    assert accounts_of(school.directory()) == {}


def test_a_class_room_comes_with_its_first_pupil() -> None:
    """An empty class has no rooms; a listed pupil without an account is enough (R24)."""
    school = ordinary()
    school.class_("7А", teachers=("T1",))
    assert RoomKey(RoomKind.CLASS, cid("7А")) not in desired_rooms(school.directory())
    school.add("U7", Role.STUDENT, active=False)
    school.class_("7А", students=("U7",))
    key = RoomKey(RoomKind.CLASS, cid("7А"))
    assert members(school, key) == {"t1": 50}
    school.change("U7", status=PersonStatus.LEFT)
    assert key not in desired_rooms(school.directory())


def test_last_years_class_has_no_rooms() -> None:
    """Only open classes of the current school year count (R24)."""
    for change in ({"session": LAST_YEAR}, {"open": False}):
        school = ordinary()
        school.classes[cid("5А")] = evolve(school.classes[cid("5А")], **change)
        assert CLASS not in desired_rooms(school.directory())
        account = accounts_of(school.directory())[uid("T1")]
        assert account.homeroom_of == frozenset()


def test_only_a_confirmed_link_opens_the_parents_room() -> None:
    """Claimed and restricted links give nothing and show nothing (R34)."""
    for status in (GuardianshipStatus.CLAIMED, GuardianshipStatus.RESTRICTED):
        school = ordinary()
        school.link("R2", "U2", status)
        assert "r2" not in members(school, PARENTS)
        accounts = accounts_of(school.directory())
        assert accounts[uid("R2")].children == frozenset()
        assert accounts[uid("U2")].guardians == frozenset()


def test_a_leaver_is_nowhere_and_takes_links_along() -> None:
    """A pupil who left has no rooms, and the parent of only that pupil no parents' room."""
    school = ordinary()
    school.change("U2", status=PersonStatus.LEFT)
    assert members(school, CLASS) == {"u1": 0, "t1": 50}
    assert members(school, PARENTS) == {"r1": 0, "t1": 50}
    school.change("R1", status=PersonStatus.LEFT)
    assert accounts_of(school.directory())[uid("U1")].guardians == frozenset()


def test_rights_end_with_the_role() -> None:
    """A dismissed teacher who stays as a parent loses the class; a parent without the role loses the children."""
    school = ordinary()
    school.change("T1", roles_by_hand=frozenset({Role.GUARDIAN}))
    assert members(school, CLASS) == {"u1": 0, "u2": 0}
    assert "t1" not in members(school, RoomKey(RoomKind.STAFF))
    school.change("R2", roles_by_hand=frozenset({Role.TEACHER}))
    assert "r2" not in members(school, PARENTS)
    school.change(
        "U1", roles_by_hand=frozenset({Role.GUARDIAN})
    )  # R14: a parent registered as a pupil
    assert members(school, CLASS) == {"u2": 0}
    assert "r1" not in members(school, PARENTS)


def test_a_subject_teacher_is_not_in_the_class_room() -> None:
    """The class room is the class teacher's and the pupils' (R21)."""
    school = ordinary()
    school.enrolments.add(Enrolment(cid("5А"), pid("T2"), EnrolmentRole.TEACHER))
    assert "t2" not in members(school, CLASS)
    assert accounts_of(school.directory())[uid("T2")].teaches == {cid("5А")}


@given(directory=directories())
@settings(max_examples=50)
def test_only_active_accounts_are_wanted(directory: Directory) -> None:
    """Every wanted member is an active account of an open school; every class room has a current class."""
    rooms = desired_rooms(directory)
    active = {p.user_id for p in directory.people.values() if p.active}
    assert {u for room in rooms.values() for u in room.members} <= active
    for key in rooms:
        if key.ref:
            (class_,) = [c for c in directory.classes.values() if c.class_id == key.ref]
            assert class_.open
            assert class_.session == directory.org.school_year


@given(directory=directories())
@settings(max_examples=50)
def test_pairs_hold_everybody_who_has_an_account(directory: Directory) -> None:
    """Counting everybody on the lists never misses a membership there is today."""
    pairs = membership_pairs(directory)
    for key, room in desired_rooms(directory).items():
        for user_id in room.members:
            persons = {i for i, p in directory.people.items() if p.active and p.user_id == user_id}
            assert any((key, person_id) in pairs for person_id in persons)
