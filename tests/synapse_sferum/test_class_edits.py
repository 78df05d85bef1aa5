"""A class in the middle of the year, and what a day of the calendar brings about."""

from __future__ import annotations

from datetime import date

import pytest
from attrs import evolve

from synapse_sferum import class_edits, edits
from synapse_sferum.edits import Edit, EditRefused
from synapse_sferum.model import Directory, EnrolmentRole, PersonStatus, Role, RoomKind
from synapse_sferum.roster import parse_roster
from synapse_sferum.roster_merge import merge
from tests.support.directories import document
from tests.support.promotions import class_named
from tests.support.schools import cid, ordinary, pid
from tests.synapse_sferum.test_year_plan import class_rooms

ME = "@d1:school.test"
MONDAY = date(2027, 3, 1)
SUNDAY = date(2027, 2, 28)


def run(edit: Edit, directory: Directory | None = None) -> Directory:
    """The directory after an edit of the ordinary school; each leaves a line in the log."""
    after, entries = edit(directory or ordinary().directory())
    assert entries
    return after


def refused(edit: Edit, directory: Directory | None = None) -> tuple[int, str]:
    """Status and code of a refusal."""
    with pytest.raises(EditRefused) as no:
        edit(directory or ordinary().directory())
    return no.value.status, no.value.errcode


def test_some_become_a_class_of_their_own() -> None:
    """5А is split: U2 is in 5В with the parents, U1 keeps the room; the grade is the same."""
    after = run(class_edits.split_class(cid("5А"), "5В", [pid("U2")], ME))
    new = class_named(after, "5В")
    assert class_rooms(after, "U2") == {(RoomKind.CLASS, new)}
    assert class_rooms(after, "R2") == {(RoomKind.CLASS_PARENTS, new)}
    assert class_rooms(after, "U1") == {(RoomKind.CLASS, cid("5А"))}
    assert after.classes[new].grade == 5


def test_a_split_that_cannot_be() -> None:
    """A name that is taken, a pupil of another class, nobody at all, a class that is not there."""
    split = class_edits.split_class
    assert refused(split(cid("5А"), "5Б", [pid("U1")], ME)) == (409, "SFERUM_NAME_TAKEN")
    for who in ([pid("U3")], [pid("U1"), pid("U3")], []):
        assert refused(split(cid("5А"), "5В", who, ME)) == (409, "SFERUM_NOT_IN_CLASS")
    assert refused(split("c-none", "5В", [pid("U1")], ME)) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize("name", ["5А", "5Г"])
def test_two_become_one(name: str) -> None:
    """R36: also under the name of one of them the class is new, and knows where its people are from."""
    after = run(class_edits.merge_classes([cid("5А"), cid("5Б")], name, ME))
    new = class_named(after, name)
    assert new not in {cid("5А"), cid("5Б")}
    assert set(after.classes[new].came_from) == {cid("5А"), cid("5Б")}
    assert not after.classes[cid("5А")].open
    for source_id in ("U1", "U2", "U3", "U4", "T1", "T2"):
        assert (RoomKind.CLASS, new) in class_rooms(after, source_id)
    numbers = [(c.source, c.source_id, c.session) for c in after.classes.values()]
    assert len(numbers) == len(set(numbers))


def test_a_teacher_of_both_is_there_once() -> None:
    """Two classes with one teacher become one class with one teacher."""
    both = run(edits.set_homeroom_teachers(cid("5Б"), [pid("T1")], ME))
    after = run(class_edits.merge_classes([cid("5А"), cid("5Б")], "5Г", ME), both)
    new = class_named(after, "5Г")
    here = [e for e in after.enrolments if e.class_id == new]
    assert len([e for e in here if e.role is EnrolmentRole.HOMEROOM_TEACHER]) == 1
    assert len({(e.person_id, e.role) for e in here}) == len(here) == 5


def test_a_merge_that_cannot_be() -> None:
    """One class alone, a third one's name, a class that is not there."""
    both = [cid("5А"), cid("5Б")]
    three = run(class_edits.split_class(cid("5А"), "5В", [pid("U2")], ME))
    join = class_edits.merge_classes
    assert refused(join(both, "5В", ME), three) == (409, "SFERUM_NAME_TAKEN")
    assert refused(join([cid("5А")] * 2, "5Г", ME)) == (400, "M_INVALID_PARAM")
    assert refused(join([cid("5А"), "c-none"], "5Г", ME)) == (404, "M_NOT_FOUND")


def substitute(until: date | None = SUNDAY, who: str = "T2") -> Edit:
    """T2 stands in for the teacher of 5А."""
    return class_edits.set_substitute(cid("5А"), pid(who), until, ME)


def test_a_substitute_stands_beside_the_teacher_until_a_day() -> None:
    """Both are in both rooms; the last day is included; after it only the teacher is."""
    both = {(RoomKind.CLASS, cid("5А")), (RoomKind.CLASS_PARENTS, cid("5А"))}
    after = run(substitute())
    assert both <= class_rooms(after, "T2")
    assert both <= class_rooms(after, "T1")
    same, entries = class_edits.fall_due(SUNDAY)(after)
    assert (same, entries) == (after, [])
    over = run(class_edits.fall_due(MONDAY), after)
    assert over == ordinary().directory()


def test_the_day_of_a_substitute_can_be_changed() -> None:
    """Said again it is longer, with null it is over at once."""
    longer = run(substitute(MONDAY), run(substitute()))
    assert {e.until for e in longer.enrolments if e.person_id == pid("T2")} == {"", "2027-03-01"}
    assert run(substitute(None), longer) == ordinary().directory()


def test_class_teachers_by_hand_leave_the_substitute() -> None:
    """Whoever sets the class teachers, with the substitute among them or without, changes nothing about that day."""
    before = run(substitute())
    (stands_in,) = [e for e in before.enrolments if e.until]
    for names in (["T1"], ["T1", "T2"], []):
        after = run(edits.set_homeroom_teachers(cid("5А"), [pid(n) for n in names], ME), before)
        here = {e for e in after.enrolments if e.class_id == cid("5А")} - {stands_in}
        assert stands_in in after.enrolments
        assert pid("T2") not in {e.person_id for e in here}


def test_who_can_stand_in() -> None:
    """Of the staff, and not the class's own teacher."""
    assert refused(substitute(who="R1")) == (400, "M_INVALID_PARAM")
    assert refused(substitute(who="T1")) == (409, "SFERUM_IS_TEACHER")
    assert refused(class_edits.set_substitute("c-none", pid("T2"), SUNDAY, ME)) == (
        404,
        "M_NOT_FOUND",
    )


def test_a_list_leaves_substitute_and_teacher() -> None:
    """An import knows nothing of the substitute: both stay; named as the teacher by the list, T2 stays for good."""
    listed = {
        "5А": {"U1": "student", "U2": "student", "T1": "homeroom_teacher"},
        "5Б": {"U3": "student", "U4": "student", "T2": "homeroom_teacher"},
    }
    people = {f"U{n}": "student" for n in range(1, 5)}
    people |= {"T1": "teacher", "T2": "teacher", "D1": "director", "Z1": "deputy"}
    before = run(substitute())
    same = merge(before, parse_roster(document(people, covers="student staff", classes=listed)))
    assert same.enrolments == before.enrolments
    listed["5А"]["T2"] = "homeroom_teacher"
    for_good = merge(before, parse_roster(document(people, covers="student staff", classes=listed)))
    here = [e for e in for_good.enrolments if (e.class_id, e.person_id) == (cid("5А"), pid("T2"))]
    assert [(e.by_hand, e.until) for e in here] == [(False, "")]


def test_graduates_leave_on_their_day() -> None:
    """With the parents whose last child it was; nobody before the day, and nobody who has found a place since."""
    made = ordinary()
    for source_id in ("U1", "U2", "R1", "R2", "U3"):
        made.change(source_id, leaves_on="2027-03-01")
    made.enrolments = {e for e in made.enrolments if e.person_id not in {pid("U1"), pid("U2")}}
    before = made.directory()
    assert class_edits.fall_due(SUNDAY)(before) == (before, [])
    after, entries = class_edits.fall_due(MONDAY)(before)
    left = {i for i, p in after.people.items() if p.status is PersonStatus.LEFT}
    assert left == {pid("U1"), pid("U2"), pid("R2")}  # U3 has a class, and R1 has U3
    assert {p.leaves_on for p in after.people.values()} == {""}
    assert [(e.actor, e.action, e.target) for e in entries] == [
        ("calendar", "leave", i) for i in sorted({pid("U1"), pid("U2")})
    ] + [("calendar", "leave", pid("R2"))]
    assert class_edits.fall_due(MONDAY)(after) == (after, [])


def test_who_is_something_else_does_not_leave() -> None:
    """A graduate who teaches at the school by now stays."""
    made = ordinary()
    made.change("U1", leaves_on="2027-03-01", roles_by_hand=frozenset({Role.STUDENT, Role.TEACHER}))
    made.enrolments = {e for e in made.enrolments if e.person_id != pid("U1")}
    after = class_edits.fall_due(MONDAY)(made.directory())[0]
    assert after.people[pid("U1")] == evolve(made.people[pid("U1")], leaves_on="")
