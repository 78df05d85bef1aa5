"""A plan of the school year in small schools: each exception, each conflict, and what becomes of everybody."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from synapse_sferum.desired import membership_pairs
from synapse_sferum.model import (
    ClassId,
    Directory,
    Enrolment,
    EnrolmentRole,
    PersonId,
    PersonStatus,
    Role,
    RoomKey,
    RoomKind,
)
from synapse_sferum.year_document import ClassFate, ClassLine, YearDocument
from synapse_sferum.year_draft import current_classes, draft_year, promoted_name
from synapse_sferum.year_plan import YearPlan, plan_year
from tests.support.promotions import class_named, decided
from tests.support.schools import LAST_YEAR, School, cid, ordinary, pid

NEXT = "2027/2028"


def school(**grades: int) -> School:
    """The ordinary school, 5А and 5Б, with other grades for its classes: `a=9`."""
    made = ordinary()
    for name, grade in grades.items():
        class_id = cid({"a": "5А", "b": "5Б"}[name])
        letter = made.classes[class_id].name[-1]
        made.classes[class_id] = evolve(
            made.classes[class_id],
            grade=grade,
            name=f"{grade}{letter}",
            source_id=f"{grade}{letter}",
        )
    return made


def ready(directory: Directory, document: YearDocument) -> tuple[YearPlan, Directory]:
    """A plan that can be applied, and the directory after it."""
    plan = plan_year(directory, document)
    assert plan.conflicts == ()
    assert plan.after is not None
    return plan, plan.after


def kinds(plan: YearPlan) -> set[str]:
    """The words of the exceptions."""
    return {note.kind for note in plan.exceptions}


def class_rooms(directory: Directory, source_id: str) -> set[tuple[RoomKind, ClassId]]:
    """The class rooms that a person belongs into."""
    return {
        (key.kind, ClassId(key.ref))
        for key, person_id in membership_pairs(directory)
        if person_id == pid(source_id) and key.ref
    }


def test_every_class_is_one_grade_on() -> None:
    """The draft of a school without exceptions can be applied as it is, and moves nobody out of a room (R36)."""
    before = ordinary().directory()
    plan, after = ready(before, draft_year(before))

    assert [(r.name, r.next_name, r.students, r.stay) for r in plan.rows] == [
        ("5А", "6А", 2, 2),
        ("5Б", "6Б", 2, 2),
    ]
    assert membership_pairs(after) == membership_pairs(before)
    assert after.org.school_year == NEXT
    assert (after.people, after.enrolments) == (before.people, before.enrolments)


@pytest.mark.parametrize(
    ("name", "grade", "expected"),
    [("5А", 5, "6А"), ("9Б", 9, "10Б"), ("10ФМ", 10, "11ФМ"), ("Лицей", 5, "Лицей"), ("1", 1, "2")],
)
def test_names_of_the_next_year(name: str, grade: int, expected: str) -> None:
    """The grade in front is counted on; a name without it stays."""
    assert promoted_name(name, grade) == expected


def test_a_named_class_goes_on_under_its_name() -> None:
    """A class without a grade (R39) has no next one: its room stays as it is."""
    made = ordinary()
    made.classes[cid("5А")] = evolve(made.classes[cid("5А")], name="Ромашка", grade=None)
    before = made.directory()
    plan, _ = ready(before, draft_year(before))
    assert {r.next_name for r in plan.rows} == {"Ромашка", "6Б"}
    assert "grade_unusual" not in kinds(plan)


def test_first_classes_are_new_and_empty() -> None:
    """As many first classes as there are today come after them; they have no room before they have pupils (R24)."""
    before = school(a=1).directory()
    plan, after = ready(before, draft_year(before))
    assert plan.next_classes == {"1А": 0, "2А": 2, "6Б": 2}
    first = class_named(after, "1А")
    assert RoomKey(RoomKind.CLASS, first) not in {key for key, _ in membership_pairs(after)}
    assert first != cid("5А")


def test_the_ninth_class_must_be_decided() -> None:
    """A draft sends nobody away; the plan is ready once the class, or each pupil, is decided about."""
    before = school(a=9).directory()
    waiting = plan_year(before, draft_year(before))
    assert [(n.kind, n.detail) for n in waiting.conflicts] == [("class_undecided", "9А: 2")]
    assert waiting.plan_hash == ""

    one_by_one = decided(before, new={"10А": 10}, moves={pid("U1"): "10А"}, leaves=[pid("U2")])
    plan, after = ready(before, one_by_one)
    assert (plan.counts["to_tenth"], plan.counts["leave"]) == (1, 1)
    assert class_rooms(after, "U1") == {(RoomKind.CLASS, class_named(after, "10А"))}
    assert after.people[pid("U2")].status is PersonStatus.LEFT
    assert after.classes[class_named(after, "10А")].came_from == (cid("5А"),)


def test_the_whole_ninth_class_may_go_on() -> None:
    """In a small school 9А becomes 10А and keeps its room."""
    before = school(a=9).directory()
    plan, after = ready(before, decided(before, names={"9А": "10А"}))
    assert class_named(after, "10А") == cid("5А")
    assert plan.counts["to_tenth"] == 2


def test_graduates_read_until_their_day() -> None:
    """Who finishes the eleventh class is of the school until the plan's day, as are the parents; no class is missed."""
    before = school(a=11).directory()
    plan, after = ready(before, draft_year(before))
    assert plan.counts["graduates"] == 2
    assert "student_without_class" not in kinds(plan)
    for source_id in ("U1", "U2", "R2"):
        person = after.people[pid(source_id)]
        assert (person.status, person.leaves_on) == (PersonStatus.ACTIVE, "2027-09-01")
    assert after.people[pid("R1")].leaves_on == ""  # U3 is a child of R1 too
    closed = after.classes[cid("5А")]
    assert (closed.open, closed.rooms_until, closed.name) == (False, "2028-09-01", "11А")


def test_a_teacher_who_is_a_parent_stays() -> None:
    """The last child leaves, the teacher does not; nor does a pupil who is something else at the school."""
    made = school(a=9)
    made.link("T2", "U1")
    made.change("T2", listed_roles=frozenset({Role.TEACHER, Role.GUARDIAN}))
    made.change("U2", listed_roles=frozenset({Role.STUDENT, Role.TEACHER}))
    before = made.directory()
    plan, after = ready(before, decided(before, ends=["9А"]))
    assert after.people[pid("T2")] == before.people[pid("T2")]
    assert after.people[pid("U2")].status is PersonStatus.ACTIVE
    assert "other_roles_stay" in kinds(plan)
    assert after.people[pid("U1")].status is PersonStatus.LEFT


def test_a_class_is_split() -> None:
    """Some of 5А become 6В: they are out of the old room, their parents too; the others keep it."""
    before = ordinary().directory()
    plan, after = ready(before, decided(before, new={"6В": 6}, moves={pid("U2"): "6В"}))
    new = class_named(after, "6В")
    assert class_rooms(after, "U2") == {(RoomKind.CLASS, new)}
    assert class_rooms(after, "R2") == {(RoomKind.CLASS_PARENTS, new)}
    assert class_rooms(after, "U1") == {(RoomKind.CLASS, cid("5А"))}
    assert after.classes[new].came_from == ()
    assert {"class_new", "student_moves", "class_without_homeroom_teacher"} <= kinds(plan)


def test_two_classes_become_one() -> None:
    """R36: both are closed and can be read, the new one has everybody and knows where they are from."""
    before = ordinary().directory()
    plan, after = ready(before, decided(before, names={"5А": "6А", "5Б": "6А"}))
    new = class_named(after, "6А")
    assert new not in before.classes
    assert set(after.classes[new].came_from) == {cid("5А"), cid("5Б")}
    for part in ("5А", "5Б"):
        closed = after.classes[cid(part)]
        assert (closed.open, closed.rooms_until, closed.name) == (False, "", part)
    everybody = {pid(i) for i in ("U1", "U2", "U3", "U4", "T1", "T2")}
    assert {i for k, i in membership_pairs(after) if k == RoomKey(RoomKind.CLASS, new)} == everybody
    assert (plan.counts["become_one"], plan.counts["leave"]) == (2, 0)
    assert {row.fate for row in plan.rows} == {"becomes_one"}


def test_who_repeats_is_in_the_class_that_comes_after() -> None:
    """R38: from 5А into the 5А of next year, which is the 4Б of today renamed."""
    made = school(b=4)
    before = made.directory()
    document = decided(before, names={"4Б": "5А"}, moves={pid("U1"): "5А"})
    plan, after = ready(before, document)
    assert class_rooms(after, "U1") == {(RoomKind.CLASS, cid("5Б"))}
    assert ("student_repeats", pid("U1")) in {(n.kind, n.person_id) for n in plan.exceptions}


@pytest.mark.parametrize("word", [pid("T2"), "T2", "иванов  t2"])
def test_another_class_teacher(word: str) -> None:
    """Named by id, by the list's number or by name; the old teacher is out of both rooms."""
    before = ordinary().directory()
    plan, after = ready(before, decided(before, teachers={"5А": (word,)}))
    rooms = {(RoomKind.CLASS, cid("5А")), (RoomKind.CLASS_PARENTS, cid("5А"))}
    assert rooms <= class_rooms(after, "T2")
    assert class_rooms(after, "T1") == set()
    assert "teacher_changes" in kinds(plan)
    assert [r.teachers for r in plan.rows if r.name == "5А"] == [(pid("T2"),)]


def test_the_fifth_class_is_worth_a_look() -> None:
    """Whoever taught the lower grades seldom goes on with the fifth: the plan asks."""
    before = school(a=4).directory()
    plan, _ = ready(before, draft_year(before))
    assert ("teacher_of_the_lower_grades", cid("5А")) in {
        (n.kind, n.class_id) for n in plan.exceptions
    }


def test_by_hand_stays_by_hand() -> None:
    """A pupil whom the school enrolled by hand is by hand in the new class too: the next list leaves them there."""
    made = ordinary()
    by_hand = Enrolment(cid("5А"), pid("U1"), EnrolmentRole.STUDENT, by_hand=True)
    made.enrolments = {e for e in made.enrolments if e != evolve(by_hand, by_hand=False)} | {
        by_hand
    }
    before = made.directory()
    _, after = ready(before, decided(before, moves={pid("U1"): "6Б"}))
    assert evolve(by_hand, class_id=cid("5Б")) in after.enrolments
    assert by_hand not in after.enrolments


def change(document: YearDocument, **first: Any) -> YearDocument:
    """The document with its first class line changed."""
    return evolve(document, classes=(evolve(document.classes[0], **first), *document.classes[1:]))


STRANGER = ClassId("cabcdefghijkl")
LINE_5A, NOBODY = 0, PersonId("pabcdefghijkl")


@pytest.mark.parametrize(
    ("conflict", "wrong"),
    [
        ("wrong_year", lambda d: evolve(d, school_year="2028/2029")),
        ("class_unknown", lambda d: change(d, class_id=STRANGER)),
        ("class_not_planned", lambda d: evolve(d, classes=d.classes[1:])),
        ("class_twice", lambda d: evolve(d, classes=(*d.classes, d.classes[LINE_5A]))),
        ("class_undecided", lambda d: change(d, fate=ClassFate.UNDECIDED, name="")),
        ("teacher_unknown", lambda d: change(d, teachers=("Никто",))),
        ("teacher_unknown", lambda d: change(d, teachers=("U1",))),
    ],
)
def test_what_does_not_fit_is_told(conflict: str, wrong: Any) -> None:
    """Every conflict has a word of its own, and nothing can be applied with one."""
    before = ordinary().directory()
    plan = plan_year(before, wrong(draft_year(before)))
    assert conflict in {note.kind for note in plan.conflicts}
    assert (plan.after, plan.footprint, plan.plan_hash) == (None, None, "")


def test_pupils_who_do_not_fit_are_told() -> None:
    """A pupil nobody knows, one named twice, and a class that there will not be."""
    before = ordinary().directory()
    document = decided(before, moves={NOBODY: "6А", pid("U1"): "9Ж"}, leaves=[pid("U1")])
    found = {(n.kind, n.person_id) for n in plan_year(before, document).conflicts}
    assert found == {
        ("pupil_unknown", NOBODY),
        ("pupil_twice", pid("U1")),
        ("target_unknown", pid("U1")),
    }


def test_two_of_one_name_among_the_staff() -> None:
    """A name that two people have decides nothing: the number does."""
    made = ordinary()
    made.add("T9", Role.TEACHER, given_name="T2")
    before = made.directory()
    for word, expected in (("Иванов T2", {"teacher_ambiguous"}), ("T2", set())):
        plan = plan_year(before, decided(before, teachers={"5А": (word,)}))
        assert {n.kind for n in plan.conflicts} == expected


def test_a_new_class_has_a_name_of_its_own() -> None:
    """A new class is not called like one that goes on."""
    before = ordinary().directory()
    plan = plan_year(before, decided(before, new={"6А": 6}))
    assert [(n.kind, n.detail) for n in plan.conflicts] == [("name_twice", "6А")]


def test_a_list_that_came_too_early_is_out_of_the_way() -> None:
    """A class of the year to come that an early list had made is closed, and does not take the cohort's number."""
    made = ordinary()
    early = evolve(
        made.classes[cid("5А")], class_id=STRANGER, session=NEXT, name="6А", source_id="6А"
    )
    made.classes[STRANGER] = early
    before = made.directory()
    _, after = ready(before, draft_year(before))
    assert not after.classes[STRANGER].open
    numbers = [(c.source, c.source_id, c.session) for c in after.classes.values()]
    assert len(numbers) == len(set(numbers))
    assert class_named(after, "6А") == cid("5А")


def test_classes_of_other_years_stay_as_they_are() -> None:
    """Only the classes of the school's year are promoted."""
    made = ordinary()
    old = evolve(made.classes[cid("5А")], class_id=STRANGER, session=LAST_YEAR, open=False)
    made.classes[STRANGER] = old
    before = made.directory()
    plan, after = ready(before, draft_year(before))
    assert after.classes[STRANGER] == old
    assert len(plan.rows) == len(current_classes(before)) == 2


def test_a_new_class_needs_no_old_one() -> None:
    """A school without classes can still get its first ones."""
    before = evolve(ordinary().directory(), classes={}, enrolments=frozenset())
    line = ClassLine(class_id=None, fate=ClassFate.NEW, name="1А", grade=1, teachers=("T1",))
    _, after = ready(before, evolve(draft_year(before), classes=(line,)))
    (made,) = after.classes.values()
    assert (made.name, made.session) == ("1А", NEXT)
