"""The fictional school goes on one year: the figures of expect.json."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from attrs import evolve

from synapse_sferum.desired import membership_pairs
from synapse_sferum.ids import person_id_of
from synapse_sferum.model import (
    Directory,
    Org,
    OrgId,
    PersonId,
    PersonStatus,
    Role,
    RoomKey,
    RoomKind,
)
from synapse_sferum.roster import parse_roster
from synapse_sferum.roster_merge import merge
from synapse_sferum.year_document import YearDocument, parse_year
from synapse_sferum.year_draft import current_classes, draft_year
from synapse_sferum.year_footprint import state_hash, take_back
from synapse_sferum.year_plan import YearPlan, plan_year
from tests.support.promotions import class_named, decided, pupils_in
from tests.support.rosters import SCHOOL86, person, school86

EXPECT = json.loads((SCHOOL86 / "expect.json").read_text("utf-8"))
STATS, EDGE = EXPECT["stats"], EXPECT["edge"]
NEXT = EDGE["next_year"]
ORG = OrgId("school86")
REPEATS = EDGE["repeat_year"]


def pid(source_id: str) -> PersonId:
    """Our id of a record of the list."""
    return person_id_of(ORG, "csv", source_id)


@pytest.fixture(scope="module")
def directory() -> Directory:
    """The school of the list, nobody with an account."""
    return merge(Directory(org=Org(org_id=ORG, name="СОШ № 86")), parse_roster(school86()))


def plan_of_the_school(directory: Directory) -> YearDocument:
    """27 of the three ninth classes go on to 10А, the other 63 leave, nobody else is an exception."""
    ninth = [i for name in ("9А", "9Б", "9В") for i in pupils_in(directory, name)]
    on = dict.fromkeys(ninth[::3][:27], "10А")
    return decided(directory, ends=("9А", "9Б", "9В"), new={"10А": 10}, moves=on)


@pytest.fixture(scope="module")
def plan(directory: Directory) -> YearPlan:
    """The promotion as it is planned."""
    return plan_year(directory, plan_of_the_school(directory))


def test_the_draft_waits_for_the_ninth_classes(directory: Directory) -> None:
    """Every class has a line; nobody is sent away by a draft: the three ninth classes are to be decided."""
    draft = plan_year(directory, draft_year(directory))

    assert len(draft.rows) == STATS["classes"] + 4
    assert draft.after is None
    assert {note.kind for note in draft.conflicts} == {"class_undecided"}
    assert [note.detail for note in draft.conflicts] == ["9А: 30", "9Б: 30", "9В: 30"]


def test_the_figures_of_the_plan(plan: YearPlan) -> None:
    """27 go to 10А and 63 leave, 27 graduate, 29 classes are renamed, and 34 are there afterwards."""
    counts = plan.counts
    assert NEXT["9А,9Б,9В"] == f"{counts['to_tenth']} go to 10А, {counts['leave']} leave"
    assert NEXT["11А"].startswith(f"{counts['graduates']} graduate")
    assert counts["classes_after"] == NEXT["classes_after"] == len(plan.next_classes)
    assert (counts["classes_before"], counts["renamed"], counts["ended"], counts["new"]) == (
        33,
        29,
        4,
        5,
    )
    assert counts["students_before"] == STATS["pupils"]
    assert counts["students_after"] == STATS["pupils"] - 27 - 63 == 910
    assert plan.next_classes["10А"] == 27
    assert plan.next_classes["11А"] == 27


def test_cohorts_keep_their_rooms(directory: Directory, plan: YearPlan) -> None:
    """Grades 1 to 8 and 10 are the same classes under the next name, with the same people in the same rooms (R36)."""
    assert plan.after is not None
    was = {c.class_id: c for c in current_classes(directory)}
    now = {c.class_id: c for c in current_classes(plan.after)}
    kept = was.keys() & now.keys()
    assert {was[i].grade for i in kept} == {1, 2, 3, 4, 5, 6, 7, 8, 10}
    for class_id in kept:
        assert (
            now[class_id].name == f"{now[class_id].grade}{was[class_id].name.lstrip('0123456789')}"
        )
        assert now[class_id].grade == (was[class_id].grade or 0) + 1
    of_kept = {pair for pair in membership_pairs(directory) if pair[0].ref in kept}
    assert of_kept == {pair for pair in membership_pairs(plan.after) if pair[0].ref in kept}


def test_the_tenth_class_links_to_the_ninth(directory: Directory, plan: YearPlan) -> None:
    """10А is new and remembers the three classes its people are from; those are closed until their rooms go."""
    assert plan.after is not None
    tenth = plan.after.classes[class_named(plan.after, "10А")]
    ninth = {class_named(directory, name) for name in ("9А", "9Б", "9В")}
    assert set(tenth.came_from) == ninth
    for class_id in ninth | {class_named(directory, "11А")}:
        closed = plan.after.classes[class_id]
        assert (closed.open, closed.rooms_until) == (False, "2028-09-01")


def test_parents_of_those_who_leave(directory: Directory, plan: YearPlan) -> None:
    """A parent whose last child leaves does too; one with another child here, and a teacher, stay."""
    assert plan.after is not None
    gone = {i for i, p in plan.after.people.items() if p.status is PersonStatus.LEFT or p.leaves_on}
    parents = {i for i in gone if directory.people[i].roles == {Role.GUARDIAN}}
    assert plan.counts["guardians_leave"] == len(parents) > 0
    for guardian in {g for g, _ in directory.guardianships}:
        children = {s for g, s in directory.guardianships if g == guardian}
        assert (guardian in parents) == (
            children <= gone and directory.people[guardian].roles == {Role.GUARDIAN}
        )


def test_a_pupil_repeats_the_year(directory: Directory) -> None:
    """R38: U0074 stays in the grade, next year in the class that comes after, and is out of the room of before."""
    pupil = pid(REPEATS)
    (home,) = [c for c in current_classes(directory) if pupil in pupils_in(directory, c.name)]
    document = plan_of_the_school(directory)
    (again,) = decided(directory, moves={pupil: home.name}).pupils
    plan = plan_year(directory, evolve(document, pupils=(*document.pupils, again)))

    assert plan.after is not None
    rooms = {key for key, one in membership_pairs(plan.after) if one == pupil}
    assert RoomKey(RoomKind.CLASS, class_named(plan.after, home.name)) in rooms
    assert RoomKey(RoomKind.CLASS, home.class_id) not in rooms
    assert ("student_repeats", pupil) in {(n.kind, n.person_id) for n in plan.exceptions}


def test_undone_it_is_the_school_of_before(directory: Directory, plan: YearPlan) -> None:
    """Names and memberships are exactly those of before, and so is the hash (R37)."""
    assert plan.after is not None
    assert plan.footprint is not None
    back = take_back(plan.after, plan.footprint)
    assert state_hash(back) == state_hash(directory) != state_hash(plan.after)
    assert membership_pairs(back) == membership_pairs(directory)
    assert back.people == directory.people


def first_graders(document: dict[str, Any], directory: Directory) -> dict[str, Any]:
    """The list of next year: everybody of the promoted school, and 124 children of six."""
    listed = copy.deepcopy(document)
    listed["school_year"] = "2027/2028"
    here = {
        p.source_id: p
        for p in directory.people.values()
        if p.status is not PersonStatus.LEFT and not p.leaves_on
    }
    listed["people"] = [row for row in listed["people"] if row["source_id"] in here]
    listed["guardianships"] = [
        r for r in listed["guardianships"] if {r["guardian"], r["student"]} <= here.keys()
    ]
    classes = {c.class_id: c for c in current_classes(directory)}
    listed["classes"] = [
        {"source_id": c.name, "name": c.name, "grade": c.grade} for c in classes.values()
    ]
    listed["enrolments"] = [
        {
            "class": classes[e.class_id].name,
            "person": directory.people[e.person_id].source_id,
            "role": e.role.value,
        }
        for e in sorted(directory.enrolments)
        if e.class_id in classes and directory.people[e.person_id].source_id in here
    ]
    for n in range(NEXT["new_first_graders"]):
        listed["people"].append(person(f"N{n:04}", "student", born="2020-05-05"))
        name = "1" + "АБВГ"[n % 4]
        listed["enrolments"].append({"class": name, "person": f"N{n:04}", "role": "student"})
    return listed


def test_the_next_list_brings_the_first_graders(plan: YearPlan) -> None:
    """The list of the new year finds the promoted classes as they are and adds 124 pupils in the four new ones."""
    assert plan.after is not None
    after = merge(plan.after, parse_roster(first_graders(school86(), plan.after)))

    assert {c.class_id for c in current_classes(after)} == {
        c.class_id for c in current_classes(plan.after)
    }
    sizes = [len(pupils_in(after, f"1{letter}")) for letter in "АБВГ"]
    assert (len(current_classes(after)), sum(sizes)) == (
        NEXT["classes_after"],
        NEXT["new_first_graders"],
    )
    old = {p for p in membership_pairs(plan.after) if p[0].ref}
    graduates = {i for i, p in plan.after.people.items() if p.leaves_on}
    assert old <= membership_pairs(after)
    assert {after.people[i].status for i in graduates} == {PersonStatus.LEFT}


def test_the_document_travels(directory: Directory) -> None:
    """Written as JSON and read again it is the same plan."""
    document = plan_of_the_school(directory)
    assert parse_year(json.loads(json.dumps(document.to_json()))) == document
