"""From a school's revision to wanted rooms and jobs: only what differs, archives instead of deletions, a hold."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from synapse.storage.database import LoggingTransaction

from synapse_sferum.derive import (
    Derived,
    derive_txn,
    forget_bot_txn,
    stale_orgs_txn,
    wanted_txn,
)
from synapse_sferum.desired import Want, desired_rooms
from synapse_sferum.directory_rows import touch_txn, write_txn
from synapse_sferum.model import (
    Directory,
    Enrolment,
    EnrolmentRole,
    OrgSettings,
    PersonStatus,
    RoomKey,
    RoomKind,
    UserId,
)
from tests.support.databases import Database
from tests.support.directories import queued, store, wants
from tests.support.schools import ORG, School, cid, directories, ordinary, pid, uid

CLASS_A, CLASS_B = RoomKey(RoomKind.CLASS, cid("5А")), RoomKey(RoomKind.CLASS, cid("5Б"))
BOT, OTHER = UserId("@bot:school.test"), UserId("@helper:school.test")
PARENTS_A = RoomKey(RoomKind.CLASS_PARENTS, cid("5А"))


def change(txn: LoggingTransaction, before: Directory, school: School) -> Derived:
    """Write a school over what was there and derive."""
    write_txn(txn, before, school.directory(), [], now_ms=5)
    return derive_txn(txn, ORG, 10)


def state_of(txn: LoggingTransaction, key: RoomKey) -> str:
    """The state of a managed room."""
    txn.execute(
        "SELECT state FROM sferum_rooms WHERE kind = ? AND ref = ?", (key.kind.value, key.ref)
    )
    row = txn.fetchone()
    assert row is not None
    return str(row[0])


def on_top_of(before: Directory, after: Directory) -> Directory:
    """`after` with the records of `before` that it lacks: a record is never deleted."""
    return evolve(
        after,
        people={**before.people, **after.people},
        classes={**before.classes, **after.classes},
    )


@given(steps=st.lists(directories(), min_size=1, max_size=4))
@settings(max_examples=25)
def test_wants_are_the_desired_rooms(database: Database, steps: list[Directory]) -> None:
    """After any sequence of changes the tables want what the pure function says; deriving again queues nothing."""
    with database.scratch() as txn:
        # A room of another school stands for everything we do not manage.
        txn.execute(
            "INSERT INTO sferum_rooms (org_id, kind, ref, name) VALUES ('z', 'staff', '', 'n')"
        )
        txn.execute("INSERT INTO sferum_wants VALUES ('z', 'staff', '', '@z:s.test', 0, 'staff')")
        before: Directory | None = None
        for drawn in steps:
            step = drawn if before is None else on_top_of(before, drawn)
            store(txn, step, before)
            derive_txn(txn, ORG, 10)
            assert wants(txn) == desired_rooms(step)
            queued(txn)
            touch_txn(txn, ORG, 11)
            assert derive_txn(txn, ORG, 12) == Derived()
            assert queued(txn) == set()
            before = step
        txn.execute("SELECT COUNT(*) FROM sferum_wants WHERE org_id = 'z'")
        assert txn.fetchone() == (1,)


def test_the_first_derivation_queues_every_room(txn: LoggingTransaction) -> None:
    """Rooms, members and jobs of a new school; the school is no longer stale."""
    directory = ordinary().directory()
    store(txn, directory)
    assert stale_orgs_txn(txn) == [ORG]
    found = derive_txn(txn, ORG, 10)
    assert queued(txn) == desired_rooms(directory).keys()
    assert found.rooms == 9
    assert found.added == sum(len(room.members) for room in desired_rooms(directory).values())
    assert found.removed == 0
    assert found.users == {p.user_id for p in directory.people.values()}
    assert stale_orgs_txn(txn) == []


def test_an_unknown_school_derives_nothing(txn: LoggingTransaction) -> None:
    """A school deleted meanwhile is no error."""
    assert derive_txn(txn, "nowhere", 1) == Derived()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (None, None, (0, 0)),
        (None, BOT, (1, 0)),
        (BOT, BOT, (0, 0)),
        (BOT, OTHER, (1, 1)),
        (BOT, None, (0, 1)),
    ],
)
def test_another_bot_is_found_at_the_start(
    txn: LoggingTransaction,
    before: UserId | None,
    after: UserId | None,
    moved: tuple[int, int],
) -> None:
    """A bot named, renamed or taken away: at the next start one room has work, without an edit."""
    store(txn, ordinary().directory())
    derive_txn(txn, ORG, 10, before)
    queued(txn)
    forget_bot_txn(txn, after)
    assert stale_orgs_txn(txn) == ([ORG] if moved != (0, 0) else [])
    found = derive_txn(txn, ORG, 20, after)
    assert (found.added, found.removed) == moved
    office = RoomKey(RoomKind.ADMINISTRATION)
    assert queued(txn) == ({office} if moved != (0, 0) else set())
    members = wanted_txn(txn, ORG, office).members
    assert {u for u in members if members[u].reason == "staff_bot"} == {after} - {None}
    forget_bot_txn(txn, after)
    assert stale_orgs_txn(txn) == []


def test_a_closed_school_waits_for_no_bot(txn: LoggingTransaction) -> None:
    """It has no rooms, so nothing is derived again at every start."""
    school = ordinary()
    school.org = evolve(school.org, status="closed")
    store(txn, school.directory())
    derive_txn(txn, ORG, 10)
    forget_bot_txn(txn, BOT)
    assert stale_orgs_txn(txn) == []


def test_a_move_touches_four_rooms(txn: LoggingTransaction) -> None:
    """A pupil changes class: two class rooms and two parents' rooms have work, no other (R40)."""
    school = ordinary()
    before = school.directory()
    store(txn, before)
    derive_txn(txn, ORG, 10)
    queued(txn)
    school.enrolments.discard(Enrolment(cid("5А"), pid("U2"), EnrolmentRole.STUDENT))
    school.enrolments.add(Enrolment(cid("5Б"), pid("U2"), EnrolmentRole.STUDENT))
    found = change(txn, before, school)
    assert (found.rooms, found.added, found.removed) == (4, 2, 2)
    assert found.users == {uid("U2"), uid("R2")}
    assert queued(txn) == {
        RoomKey(kind, cid(name))
        for kind in (RoomKind.CLASS, RoomKind.CLASS_PARENTS)
        for name in ("5А", "5Б")
    }


def test_a_new_name_and_new_rights_are_work_too(txn: LoggingTransaction) -> None:
    """A renamed class and a changed power level queue their rooms although nobody comes or goes."""
    school = ordinary()
    before = school.directory()
    store(txn, before)
    derive_txn(txn, ORG, 10)
    queued(txn)
    school.classes[cid("5А")] = evolve(school.classes[cid("5А")], name="6А")
    found = change(txn, before, school)
    assert (found.added, found.removed) == (0, 0)
    assert queued(txn) == {CLASS_A, PARENTS_A}
    assert wanted_txn(txn, ORG, CLASS_A).name == "6А"
    second = school.directory()
    school.enrolments.add(Enrolment(cid("5А"), pid("Z1"), EnrolmentRole.HOMEROOM_TEACHER))
    change(txn, second, school)
    assert wanted_txn(txn, ORG, CLASS_A).members[uid("Z1")] == Want(100, "homeroom_teacher")


def test_a_class_that_is_gone_becomes_an_archive_and_comes_back(txn: LoggingTransaction) -> None:
    """Its rooms are archived, not forgotten; reopened, they are wanted again under the same row (R36)."""
    school = ordinary()
    before = school.directory()
    store(txn, before)
    derive_txn(txn, ORG, 10)
    txn.execute("UPDATE sferum_rooms SET state = 'ready', room_id = kind || ref")
    queued(txn)
    school.classes[cid("5А")] = evolve(school.classes[cid("5А")], open=False)
    found = change(txn, before, school)
    assert (found.added, found.removed) == (0, 6)
    assert queued(txn) == {CLASS_A, PARENTS_A}
    assert (state_of(txn, CLASS_A), state_of(txn, CLASS_B)) == ("archiving", "ready")
    assert wanted_txn(txn, ORG, CLASS_A).members == {}
    closed = school.directory()
    txn.execute("UPDATE sferum_rooms SET state = 'archived' WHERE state = 'archiving'")
    school.classes[cid("5А")] = evolve(school.classes[cid("5А")], open=True)
    change(txn, closed, school)
    assert queued(txn) == {CLASS_A, PARENTS_A}
    assert state_of(txn, CLASS_A) == "wanted", "processes must hear that it is no archive any more"
    txn.execute("SELECT room_id FROM sferum_rooms WHERE kind = 'class' AND ref = ?", (cid("5А"),))
    assert txn.fetchone() == (f"class{cid('5А')}",)


def test_a_leaver_is_taken_out_of_archives(txn: LoggingTransaction) -> None:
    """An archive is worked on again when somebody in it leaves the school, and only then."""
    school = ordinary()
    before = school.directory()
    store(txn, before)
    derive_txn(txn, ORG, 10)
    school.classes[cid("5А")] = evolve(school.classes[cid("5А")], open=False)
    change(txn, before, school)
    txn.execute(
        "UPDATE sferum_rooms SET state = 'archived', room_id = '!a'"
        " WHERE kind = 'class' AND ref = ?",
        (cid("5А"),),
    )
    for user in ("U1", "U2"):
        txn.execute(
            "INSERT INTO local_current_membership VALUES ('!a', ?, '$e', 'join')", (uid(user),)
        )
    queued(txn)
    closed = school.directory()
    school.change("U1", confirmed=True)
    change(txn, closed, school)
    assert queued(txn) == set()
    second = school.directory()
    school.change("U1", status=PersonStatus.LEFT)
    change(txn, second, school)
    assert CLASS_A in queued(txn)


def crowd(size: int) -> School:
    """A school with a class of this many."""
    school = ordinary()
    school.class_("11А", students=tuple(f"V{i}" for i in range(size)))
    return school


def broken(txn: LoggingTransaction, school: School) -> Directory:
    """The directory loses its pupils behind our back; nobody asked for it."""
    before = school.directory()
    store(txn, before)
    derive_txn(txn, ORG, 10)
    queued(txn)
    txn.execute("UPDATE sferum_people SET status = 'listed' WHERE source_id LIKE ?", ("V%",))
    txn.execute("UPDATE sferum_orgs SET revision = revision + 1")
    return before


def test_a_broken_directory_empties_no_room(txn: LoggingTransaction) -> None:
    """Many removals that no edit sanctioned are held; the message has the numbers, and nothing is touched."""
    school = crowd(30)
    before = broken(txn, school)
    found = derive_txn(txn, ORG, 20)
    assert "would end 120 of " in found.held
    assert "limit of 20%" in found.held
    assert wants(txn) == desired_rooms(before)
    assert queued(txn) == set()
    assert stale_orgs_txn(txn) == [], "a held school is not derived over and over"


def test_a_sanction_lets_it_go_on(txn: LoggingTransaction) -> None:
    """After a person's word the same derivation is done."""
    broken(txn, crowd(30))
    assert derive_txn(txn, ORG, 20).held
    touch_txn(txn, ORG, 30)
    assert stale_orgs_txn(txn) == [ORG]
    found = derive_txn(txn, ORG, 40)
    assert (found.held, found.removed) == ("", 120)


def test_a_small_change_is_not_held(txn: LoggingTransaction) -> None:
    """Fewer than 25 memberships, or a share below the school's limit, need no word."""
    broken(txn, crowd(6))
    assert derive_txn(txn, ORG, 20).removed == 24


def test_the_limit_is_the_schools_own(txn: LoggingTransaction) -> None:
    """A school that allows everything is never held."""
    school = crowd(30)
    school.org = evolve(school.org, settings=OrgSettings(removal_limit=1.0))
    broken(txn, school)
    assert derive_txn(txn, ORG, 20).removed == 120


def test_a_closed_school_wants_nothing(txn: LoggingTransaction) -> None:
    """Closing a school archives every room and wants nobody; opening it brings all of it back."""
    school = ordinary()
    before = school.directory()
    store(txn, before)
    derive_txn(txn, ORG, 10)
    school.org = evolve(school.org, status="closed")
    change(txn, before, school)
    assert wants(txn) == {}
    closed = school.directory()
    school.org = evolve(school.org, status="open")
    change(txn, closed, school)
    assert wants(txn) == desired_rooms(before)
