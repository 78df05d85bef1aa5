"""A roster's plan: what it says to a person, when it refuses itself, and what its hash stands for."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings

from synapse_sferum.model import (
    Directory,
    Enrolment,
    EnrolmentRole,
    OrgSettings,
    PersonStatus,
    Role,
)
from synapse_sferum.roster import parse_roster
from synapse_sferum.roster_plan import RosterPlan, exceptions_of, loses_administrators, plan_roster
from tests.support.directories import document
from tests.support.schools import School, cid, directories, ordinary, pid, rosters


def plan(directory: Directory, raw: dict[str, Any]) -> RosterPlan:
    """The plan of a document."""
    return plan_roster(directory, parse_roster(raw))


def crowd(size: int, *, active: bool = True) -> School:
    """A director and a class of this many pupils."""
    school = School()
    school.add("D1", Role.DIRECTOR)
    for i in range(size):
        school.add(f"U{i}", Role.STUDENT, active=active)
    school.class_("5А", students=tuple(f"U{i}" for i in range(size)))
    return school


def pupils(*numbers: int) -> dict[str, Any]:
    """A whole list of pupils of 5А."""
    names = [f"U{i}" for i in numbers]
    return document(
        dict.fromkeys(names, "student"),
        covers="student",
        classes={"5А": dict.fromkeys(names, "student")},
    )


@pytest.mark.parametrize(("year", "told"), [("2027/2028", True), ("2026/2027", False)])
def test_a_list_of_the_next_year_asks_for_the_promotion(year: str, told: bool) -> None:
    """Without it every class would get new rooms: the plan says so, and only then."""
    listed = document({"U1": "student"}, classes={"6А": {"U1": "student"}}, year=year)
    found = plan(ordinary().directory(), listed)
    notes = [note.detail for note in found.exceptions if note.kind == "year_not_promoted"]
    assert notes == (["2026/2027 → 2027/2028"] if told else [])


def test_a_plan_tells_people_what_changes() -> None:
    """Counts by kind, a line for each change, a row for each class, and the memberships that would end."""
    before = ordinary().directory()
    found = plan(
        before,
        document(
            {"U1": "student", "U3": "student", "U9": "student"},
            covers="student",
            classes={"5А": {"U3": "student", "U9": "student"}, "5В": {"U1": "student"}},
            births={"U3": "2012-07-01"},
        ),
    )
    assert found.counts == {
        "class_added": 1,
        "class_closed": 1,
        "person_added": 1,
        "person_changed": 1,
        "person_left": 2,
        "student_enrolled": 3,
        "student_taken_out": 4,
    }
    assert len(found.changes) == sum(found.counts.values())
    assert found.by_class == {
        "5А": {"before": 2, "after": 2, "joins": 2, "leaves": 2},
        "5Б": {"before": 2, "after": 0, "joins": 0, "leaves": 2},
        "5В": {"before": 0, "after": 1, "joins": 1, "leaves": 0},
    }
    gone, there, share = found.removals
    assert (gone, there, share) == (15, 51, 15 / 51)


def test_words_for_every_change() -> None:
    """Roles, a return, a changed class, links and teachers each have a word of their own."""
    school = ordinary()
    school.change("U4", status=PersonStatus.LEFT)
    raw = document(
        {
            "U1": "student", "U3": "student", "U4": "student", "T1": "teacher deputy",
            "T2": "teacher", "D1": "director", "Z1": "deputy", "R1": "guardian",
        },
        classes={"5А": {"U1": "student", "T2": "homeroom_teacher"}, "5Б": {"U3": "student", "U4": "student"}},
        links={"R1": "U3"},
        births={"U1": "2012-07-01"},
    )  # fmt: skip
    raw["classes"][0]["name"] = "5К"
    assert {note.kind for note in plan(school.directory(), raw).changes} == {
        "class_changed",
        "guardianship_gone",
        "homeroom_teacher_enrolled",
        "homeroom_teacher_taken_out",
        "person_changed",
        "person_left",
        "person_returned",
        "person_roles",
        "student_taken_out",
    }
    links = plan(
        school.directory(),
        document({"R1": "guardian", "U4": "student"}, covers="", links={"R1": "U4"}),
    )
    assert "guardianship_set" in links.counts


def test_a_plan_that_ends_too_much_refuses_itself() -> None:
    """Over the school's limit: the message has the numbers, the limit, the likely cause and the way out."""
    found = plan(crowd(20).directory(), pupils(*range(5)))
    assert found.refusal == "unsafe"
    assert found.message == (
        "this would end 60 of 85 memberships (71%), over the school's limit of 20%; "
        "is the file whole? If so, apply again with --force"
    )


@pytest.mark.parametrize(
    ("there", "stay", "limit", "refusal"),
    [
        (20, 19, 0.2, None),  # a share below the limit
        (4, 2, 0.0, None),  # eight memberships: a share of few says nothing
        (4, 1, 0.0, "unsafe"),  # twelve
        (20, 1, 1.0, None),  # a school that allows everything
    ],
)
def test_the_limit(there: int, stay: int, limit: float, refusal: str | None) -> None:
    """Only a large number that is also a large share is refused."""
    school = crowd(there)
    school.org = evolve(school.org, settings=OrgSettings(removal_limit=limit))
    assert plan(school.directory(), pupils(*range(stay))).refusal == refusal


def test_the_limit_counts_people_without_accounts_too() -> None:
    """In August nobody has an account yet; half a file is half a file all the same."""
    school = crowd(20, active=False)
    assert plan(school.directory(), pupils(0)).refusal == "unsafe"


def test_the_first_list_of_a_school_is_safe() -> None:
    """An empty school has nothing to lose."""
    found = plan(School().directory(), pupils(*range(30)))
    assert (found.refusal, found.removals) == (None, (0, 0, 0.0))


def test_the_last_administrator_is_not_removed_by_a_list() -> None:
    """A staff file without the director is refused, and no force helps (R33)."""
    school = School()
    school.add("D1", Role.DIRECTOR)
    found = plan(school.directory(), document({"T1": "teacher"}, covers="staff"))
    assert found.refusal == "last_administrator"
    assert "give the role to somebody" in found.message


def test_a_name_on_the_list_is_no_administrator() -> None:
    """Once somebody with an account administers the school, one without an account does not replace them (R33)."""
    school = School()
    school.add("D1", Role.DIRECTOR)
    school.add("Z1", Role.DEPUTY, active=False)
    before = school.directory()
    assert plan(before, document({"Z1": "deputy"}, covers="staff")).refusal == "last_administrator"
    school.change("D1", status=PersonStatus.LEFT)
    assert loses_administrators(before, school.directory())


def test_before_anybody_has_an_account_names_count() -> None:
    """While nobody is active, the list must still name somebody."""
    school = School()
    school.add("D1", Role.DIRECTOR, active=False)
    school.add("Z1", Role.DEPUTY, active=False)
    before = school.directory()
    assert plan(before, document({"Z1": "deputy"}, covers="staff")).refusal is None
    refused = plan(before, document({"T1": "teacher"}, covers="staff"))
    assert refused.refusal == "last_administrator"
    assert not loses_administrators(School().directory(), School().directory())


@given(directory=directories(), raw=rosters())
@settings(max_examples=50)
def test_equal_plans_have_equal_hashes(directory: Directory, raw: dict[str, Any]) -> None:
    """The hash does not depend on the order of rows; after the import there is nothing left to plan."""
    found = plan(directory, raw)
    for rows in (raw["people"], raw["classes"], raw["enrolments"], raw["guardianships"]):
        rows.reverse()
    assert plan(directory, raw).plan_hash == found.plan_hash
    assert len(found.plan_hash) == 64
    again = plan(found.after, raw)
    assert again.change.empty
    assert again.counts == {}


@given(directory=directories(), first=rosters(), second=rosters())
@settings(max_examples=50)
def test_different_plans_have_different_hashes(
    directory: Directory, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """Two rosters have one hash exactly when they write the same rows."""
    one, two = plan(directory, first), plan(directory, second)
    assert (one.plan_hash == two.plan_hash) == (one.change == two.change)


def test_roles_below_those_by_hand_change_the_hash() -> None:
    """A list that changes what it says of a person is another plan, although the roles in force stay."""
    school = ordinary()
    school.change("T1", roles_by_hand=frozenset({Role.DEPUTY}))
    hashes = {
        plan(school.directory(), document({"T1": roles}, covers="staff")).plan_hash
        for roles in ("teacher", "teacher administrator", "administrator")
    }
    assert len(hashes) == 3


def test_what_a_director_should_look_at() -> None:
    """Every exception is listed once, with whom it is about."""
    school = ordinary()
    school.class_("6А", students=("U5", "U1"))  # no teacher; U1 in two classes
    school.class_("7А")  # empty
    school.class_("8А", students=("U6",), teachers=("T1",))  # T1 has two classes
    school.add("U7", Role.STUDENT)
    school.add("R9", Role.GUARDIAN)
    school.change("Z1", roles_by_hand=frozenset({Role.TEACHER}))
    school.change("T2", roles_by_hand=frozenset({Role.TEACHER}))  # the same as the list's
    found = [
        (note.kind, note.class_id or note.person_id, note.detail)
        for note in exceptions_of(school.directory())
    ]
    several = next(note for note in found if note[0] == "homeroom_teacher_of_several")
    assert sorted(several[2].split(", ")) == ["5А", "8А"]
    found.remove(several)
    assert sorted(found) == sorted(
        [
            ("class_without_homeroom_teacher", cid("6А"), "6А"),
            ("class_empty", cid("7А"), "7А"),
            ("student_of_two_classes", pid("U1"), ""),
            ("student_without_class", pid("U7"), ""),
            ("guardian_without_child", pid("R9"), ""),
            ("roles_by_hand", pid("Z1"), ""),
        ]
    )


def test_a_dismissed_teacher_leaves_a_class_without_one() -> None:
    """Whoever lost the role is not counted as the class's teacher any more."""
    school = ordinary()
    school.change("T1", roles_by_hand=frozenset({Role.GUARDIAN}))
    kinds = {(n.kind, n.class_id) for n in exceptions_of(school.directory())}
    assert ("class_without_homeroom_teacher", cid("5А")) in kinds


@given(directory=directories(), raw=rosters())
@settings(max_examples=50)
def test_a_plan_is_about_what_it_writes(directory: Directory, raw: dict[str, Any]) -> None:
    """Notes of changes and the rows to write are as many; the figures of classes add up."""
    found = plan(directory, raw)
    change = found.change
    rows = (
        change.people, change.classes, change.enrolments, change.enrolments_gone,
        change.guardianships, change.guardianships_gone,
    )  # fmt: skip
    assert len(found.changes) == sum(len(some) for some in rows)
    for figures in found.by_class.values():
        assert figures["after"] == figures["before"] + figures["joins"] - figures["leaves"]
    gone, there, share = found.removals
    assert 0 <= gone <= there
    assert 0.0 <= share <= 1.0


def test_pupils_of_a_class_by_role() -> None:
    """A person who is no pupil any more is not counted in the class."""
    school = ordinary()
    school.enrolments.add(Enrolment(cid("5А"), pid("R2"), EnrolmentRole.STUDENT))
    assert plan(school.directory(), document({}, covers="")).by_class["5А"]["before"] == 2


def test_what_is_replaced_is_part_of_the_hash() -> None:
    """Agreeing to a new pupil is not agreeing to a teacher who becomes one: the same row, another plan."""
    school = School()
    fresh = plan(school.directory(), document({"U1": "student"}, covers="student staff"))
    school.add("U1", Role.TEACHER, active=False, given_name="U1")
    instead = plan(school.directory(), document({"U1": "student"}, covers="student staff"))
    assert fresh.change.people == instead.change.people
    assert fresh.plan_hash != instead.plan_hash
