"""One person's or one class's change: what it does, what it logs, and when it says no."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_sferum import edits
from synapse_sferum.audit import AuditEntry
from synapse_sferum.desired import desired_rooms
from synapse_sferum.edits import Edit, EditRefused, check_grants
from synapse_sferum.model import (
    ADMINISTRATIVE,
    Directory,
    Enrolment,
    EnrolmentRole,
    GuardianshipStatus,
    PersonId,
    PersonStatus,
    Role,
    RoomKey,
    RoomKind,
    UserId,
)
from tests.support.schools import LAST_YEAR, School, cid, directories, ordinary, pid, uid

ME = "@d1:school.test"


def run(edit: Edit, directory: Directory | None = None) -> tuple[Directory, AuditEntry]:
    """The directory after an edit of the ordinary school, and the one line of the log."""
    after, (entry,) = edit(directory or ordinary().directory())
    assert entry.actor == ME
    return after, entry


def refused(edit: Edit, directory: Directory | None = None) -> tuple[int, str]:
    """Status and code of a refusal."""
    with pytest.raises(EditRefused) as no:
        edit(directory or ordinary().directory())
    return no.value.status, no.value.errcode


NOT_FOUND = (404, "M_NOT_FOUND")
WRONG = (400, "M_INVALID_PARAM")


def test_roles_change_in_place() -> None:
    """A teacher becomes a deputy and back; the list's roles and the history stay (R31)."""
    after, entry = run(edits.set_roles(pid("T1"), frozenset({Role.DEPUTY}), ME, "приказ 5"))
    assert after.people[pid("T1")].roles == {Role.DEPUTY}
    assert (entry.action, entry.before, entry.after) == ("roles", "teacher", "deputy")
    assert entry.reason == "приказ 5"
    back, entry = run(edits.set_roles(pid("T1"), None, ME, ""), after)
    assert back.people[pid("T1")].roles == {Role.TEACHER}
    assert (entry.before, entry.after) == ("deputy", "teacher")
    assert refused(edits.set_roles(pid("T1"), frozenset(), ME, "")) == WRONG


def test_an_account_is_given_once() -> None:
    """Activation joins a person and an account; another account for the same person is refused."""
    school = ordinary()
    school.add("U9", Role.STUDENT, active=False)
    directory = school.directory()
    after, entry = run(edits.activate(pid("U9"), uid("U9"), ME), directory)
    assert after.people[pid("U9")].active
    assert (entry.before, entry.after) == ("listed", "active")
    again, _ = run(edits.activate(pid("U9"), uid("U9"), ME), after)
    assert again == after
    other = edits.activate(pid("U9"), UserId("@x:school.test"), ME)
    assert refused(other, after) == (409, "SFERUM_HAS_ACCOUNT")


def test_who_has_left_may_come_back_with_another_account() -> None:
    """The record that a parent used by mistake is the child's afterwards, without the parent's account (R14)."""
    gone, _ = run(edits.leave(pid("U1"), ME, "ошибка"), ordinary().directory())
    back, entry = run(edits.activate(pid("U1"), UserId("@x:school.test"), ME), gone)
    assert back.people[pid("U1")].user_id == UserId("@x:school.test")
    assert (entry.before, entry.after) == ("left", "active")
    assert uid("U1") not in str(desired_rooms(back))


def test_who_leaves_can_come_back() -> None:
    """Leaving ends every right and keeps the record; coming back gives every room back (R14, R29)."""
    before = ordinary().directory()
    gone, entry = run(edits.leave(pid("U1"), ME, "переезд"), before)
    assert (gone.people[pid("U1")].status, entry.after) == (PersonStatus.LEFT, "left")
    assert uid("U1") not in str(desired_rooms(gone))
    back, _ = run(edits.activate(pid("U1"), uid("U1"), ME), gone)
    assert desired_rooms(back) == desired_rooms(before)
    assert not back.people[pid("U1")].left_by_hand


def test_the_last_administrator_stays() -> None:
    """Neither leaving nor another role may take the last one; with a second it works (R33)."""
    school = School()
    school.add("D1", Role.DIRECTOR)
    school.add("Z1", Role.DEPUTY, active=False)
    directory = school.directory()
    last = (409, "SFERUM_LAST_ADMINISTRATOR")
    assert refused(edits.leave(pid("D1"), ME, ""), directory) == last
    assert refused(edits.set_roles(pid("D1"), frozenset({Role.TEACHER}), ME, ""), directory) == last
    both, _ = run(edits.activate(pid("Z1"), uid("Z1"), ME), directory)
    run(edits.leave(pid("D1"), ME, ""), both)


def test_a_parents_yes_and_its_withdrawal() -> None:
    """Confirmation is of pupils only, and can be taken back (R17)."""
    after, entry = run(edits.confirm(pid("U1"), True, ME))
    assert after.people[pid("U1")].confirmed
    assert (entry.before, entry.after) == ("unconfirmed", "confirmed")
    back, entry = run(edits.confirm(pid("U1"), False, ME), after)
    assert not back.people[pid("U1")].confirmed
    assert (entry.before, entry.after) == ("confirmed", "unconfirmed")
    assert refused(edits.confirm(pid("T1"), True, ME)) == WRONG


def test_a_move_takes_the_parents_along() -> None:
    """A pupil is in the new class only, and so are the parents (R40)."""
    after, entry = run(edits.move(pid("U2"), cid("5А"), cid("5Б"), ME, "по заявлению"))
    rooms = {key for key, room in desired_rooms(after).items() if uid("U2") in room.members}
    assert RoomKey(RoomKind.CLASS, cid("5Б")) in rooms
    assert RoomKey(RoomKind.CLASS, cid("5А")) not in rooms
    assert uid("R2") in desired_rooms(after)[RoomKey(RoomKind.CLASS_PARENTS, cid("5Б"))].members
    assert (entry.before, entry.after) == (cid("5А"), cid("5Б"))
    again = edits.move(pid("U2"), cid("5А"), cid("5Б"), ME, "")
    assert refused(again, after) == (409, "SFERUM_NOT_IN_CLASS")


@pytest.mark.parametrize("what", ["closed", "last year's"])
def test_no_move_into_a_class_that_is_gone(what: str) -> None:
    """A closed class and one of another year are not found."""
    school = ordinary()
    change = {"open": False} if what == "closed" else {"session": LAST_YEAR}
    school.classes[cid("5Б")] = evolve(school.classes[cid("5Б")], **change)
    move = edits.move(pid("U1"), cid("5А"), cid("5Б"), ME, "")
    assert refused(move, school.directory()) == NOT_FOUND


def test_class_teachers_are_set_by_hand() -> None:
    """The new teachers replace the old ones and carry the mark that survives imports."""
    after, entry = run(edits.set_homeroom_teachers(cid("5А"), [pid("T2"), pid("Z1")], ME))
    here = {e for e in after.enrolments if e.class_id == cid("5А")}
    role = EnrolmentRole.HOMEROOM_TEACHER
    assert {e for e in here if e.role is role} == {
        Enrolment(cid("5А"), pid(name), role, by_hand=True) for name in ("T2", "Z1")
    }
    assert len(here) == 4
    assert (entry.before, entry.after) == (pid("T1"), ",".join(sorted([pid("T2"), pid("Z1")])))
    nobody, _ = run(edits.set_homeroom_teachers(cid("5А"), [], ME), after)
    assert len({e for e in nobody.enrolments if e.class_id == cid("5А")}) == 2


def test_a_class_teacher_is_of_the_staff() -> None:
    """Neither a parent nor somebody who left can be made one."""
    school = ordinary()
    school.add("T9", Role.TEACHER, status=PersonStatus.LEFT)
    for source_id in ("R1", "T9"):
        edit = edits.set_homeroom_teachers(cid("5А"), [pid(source_id)], ME)
        assert refused(edit, school.directory()) == WRONG


def link(
    guardian: str, student: str, status: GuardianshipStatus | None, *, leader: bool = True
) -> Edit:
    """Set a link, or with None take it away."""
    return edits.set_guardianship(pid(guardian), pid(student), "отец", status, ME, leader=leader)


def test_a_link_is_made_changed_and_taken_away() -> None:
    """Each step is logged with the status before and after; only confirmed links give rooms."""
    parents = RoomKey(RoomKind.CLASS_PARENTS, cid("5Б"))
    directory = ordinary().directory()
    seen, target = [], ""
    for status in (GuardianshipStatus.CLAIMED, GuardianshipStatus.CONFIRMED, None):
        directory, entry = run(link("R2", "U4", status), directory)
        seen.append((entry.before, entry.after))
        target = entry.target
        member = uid("R2") in desired_rooms(directory)[parents].members
        assert member == (status is GuardianshipStatus.CONFIRMED)
    assert seen == [("", "claimed"), ("claimed", "confirmed"), ("confirmed", "")]
    assert target == f"{pid('R2')}>{pid('U4')}"
    assert refused(link("R2", "U4", None), directory) == NOT_FOUND


def test_a_courts_order_is_for_directors_and_deputies() -> None:
    """To anybody else a restricted link does not exist: neither to be set, lifted nor removed (R34)."""
    restricted = GuardianshipStatus.RESTRICTED
    assert refused(link("R1", "U1", restricted, leader=False)) == NOT_FOUND
    after, _ = run(link("R1", "U1", restricted))
    assert uid("R1") not in desired_rooms(after)[RoomKey(RoomKind.CLASS_PARENTS, cid("5А"))].members
    for status in (GuardianshipStatus.CONFIRMED, None):
        assert refused(link("R1", "U1", status, leader=False), after) == NOT_FOUND
        run(link("R1", "U1", status), after)


def test_a_link_goes_from_a_guardian_to_a_pupil() -> None:
    """Other roles cannot be linked."""
    confirmed = GuardianshipStatus.CONFIRMED
    assert refused(link("T1", "U1", confirmed)) == WRONG
    assert refused(link("R1", "T1", confirmed)) == WRONG


UNKNOWN: list[Callable[[], Edit]] = [
    lambda: edits.set_roles("p-none", None, ME, ""),
    lambda: edits.activate("p-none", uid("X"), ME),
    lambda: edits.leave("p-none", ME, ""),
    lambda: edits.confirm("p-none", True, ME),
    lambda: edits.move("p-none", cid("5А"), cid("5Б"), ME, ""),
    lambda: edits.move(pid("U1"), "c-none", cid("5Б"), ME, ""),
    lambda: edits.set_homeroom_teachers("c-none", [], ME),
    lambda: edits.set_homeroom_teachers(cid("5А"), ["p-none"], ME),
    lambda: edits.set_guardianship("p-none", pid("U1"), "", None, ME, leader=True),
    lambda: edits.set_guardianship(pid("R1"), "p-none", "", None, ME, leader=True),
]


@pytest.mark.parametrize("edit", UNKNOWN)
def test_what_is_not_there_is_not_found(edit: Callable[[], Edit]) -> None:
    """Every edit answers an unknown person or class alike."""
    assert refused(edit()) == NOT_FOUND


def test_the_school_itself_changes() -> None:
    """Name and status are an edit like others, with a line in the log."""
    after, entry = run(edits.change_org(lambda org: evolve(org, status="closed"), ME))
    assert (after.org.status, entry.before, entry.after) == ("closed", "open", "closed")


@pytest.mark.parametrize(
    ("actor", "target", "roles", "allowed"),
    [
        (Role.DIRECTOR, "T1", {Role.DIRECTOR}, True),
        (Role.DIRECTOR, "Z1", {Role.TEACHER}, True),
        (Role.DEPUTY, "T1", {Role.ADMINISTRATOR}, True),
        (Role.DEPUTY, "T1", {Role.DEPUTY}, False),
        (Role.DEPUTY, "D1", {Role.TEACHER}, False),
        (Role.DEPUTY, "T1", {Role.TEACHER, Role.GUARDIAN}, True),
        (Role.ADMINISTRATOR, "T1", {Role.ADMINISTRATOR}, False),
        (Role.ADMINISTRATOR, "T1", {Role.GUARDIAN}, True),
        (None, "T1", {Role.DIRECTOR}, True),
    ],
)
def test_who_may_give_which_role(
    actor: Role | None, target: str, roles: set[Role], allowed: bool
) -> None:
    """A director gives all, a deputy only administrators, an administrator none; the service speaks for a person."""
    before = ordinary().directory()
    after, _ = edits.set_roles(pid(target), frozenset(roles), ME, "")(before)
    actor_roles = None if actor is None else frozenset({actor})
    if allowed:
        check_grants(before, after, actor_roles)
        return
    with pytest.raises(EditRefused, match="may not give or take") as no:
        check_grants(before, after, actor_roles)
    assert no.value.status == 403


def test_a_leader_cannot_be_sent_away_from_below() -> None:
    """Leaving takes the right away, so it needs the right to take; so does a new record with a role."""
    before = ordinary().directory()
    gone, _ = edits.leave(pid("D1"), ME, "")(before)
    with pytest.raises(EditRefused, match="director"):
        check_grants(before, gone, frozenset({Role.DEPUTY}))
    with pytest.raises(EditRefused, match="director"):
        check_grants(evolve(before, people={}), before, frozenset({Role.DEPUTY}))


_WHO = st.sampled_from([pid("U1"), pid("U2"), pid("U3")])
_ROLES = st.none() | st.frozensets(st.sampled_from(Role))
_ME, _WHY = st.just(ME), st.just("")
_5A, _5B = st.just(cid("5А")), st.just(cid("5Б"))
all_edits = st.one_of(
    st.builds(edits.set_roles, _WHO, _ROLES, _ME, _WHY),
    st.builds(edits.activate, _WHO, st.just(UserId("@ua:s.test")), _ME),
    st.builds(edits.leave, _WHO, _ME, _WHY),
    st.builds(edits.confirm, _WHO, st.booleans(), _ME),
    st.builds(edits.move, _WHO, _5A, _5B, _ME, _WHY),
    st.builds(edits.set_homeroom_teachers, _5A, st.lists(_WHO), _ME),
)


@given(directory=directories(), edit=all_edits)
@settings(max_examples=50)
def test_an_edit_changes_one_person_or_nothing(directory: Directory, edit: Edit) -> None:
    """Any edit on any school is done or refused; it touches one record, and never takes the last administrator."""
    try:
        after, entries = edit(directory)
    except EditRefused:
        return
    changed: set[PersonId] = {i for i, p in after.people.items() if directory.people[i] != p}
    assert len(changed) <= 1
    assert after.people.keys() == directory.people.keys()
    assert len(entries) == 1
    assert not (_administered(directory) and not _administered(after))


def _administered(directory: Directory) -> bool:
    """Whether somebody with an account administers the school."""
    return any(p.active and p.roles & ADMINISTRATIVE for p in directory.people.values())
