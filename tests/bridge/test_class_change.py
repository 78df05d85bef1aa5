"""What a split or a merge in the middle of the year would do, and what is wrong with what was asked for."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.class_change import (
    LONGEST_DAYS,
    ClassRefusal,
    Split,
    classes_refusal,
    name_refusal,
    plan_merge,
    plan_split,
    read_name,
    read_until,
    substitute_refusal,
)
from bridge.people import LinkStatus, PersonRecord, Pupil, Relative, Roll, SchoolClass, Status
from bridge.roles import ClassId, PersonId, Role

TODAY = date(2026, 11, 29)
PUPILS = ("p1", "p2", "p3", "p4")


def person(name: str, role: Role = Role.STUDENT) -> PersonRecord:
    return PersonRecord(
        person_id=PersonId(name), source="csv", source_id=name, family_name=name, given_name="И",
        roles=frozenset({role}), status=Status.LISTED,
    )  # fmt: skip


def roll(
    links: dict[str, dict[str, LinkStatus]], name: str = "5А", teachers: tuple[str, ...] = ("t1",)
) -> Roll:
    """A class: pupil → parents."""
    return Roll(
        class_id=ClassId(name),
        name=name,
        grade=5,
        homeroom_teachers=tuple(person(one, Role.TEACHER) for one in teachers),
        students=tuple(
            Pupil(
                person=person(pupil),
                guardians=tuple(
                    Relative(person=person(one, Role.GUARDIAN), relation="", status=status)
                    for one, status in parents.items()
                ),
            )
            for pupil, parents in links.items()
        ),
    )


def a_class(name: str, grade: int | None = 5, *teachers: str) -> SchoolClass:
    return SchoolClass(
        class_id=ClassId(name), name=name, grade=grade,
        homeroom_teachers=tuple(map(PersonId, teachers)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "grade", "read"),
    [
        ("5 «б»", 5, "5Б"),
        ("5B", 5, "5В"),
        ("", 5, ClassRefusal.NO_NAME),
        ("   ", 5, ClassRefusal.NO_NAME),
        ("?!", 5, ClassRefusal.BAD_NAME),
        ("6Б", 5, ClassRefusal.OTHER_GRADE),
        ("6Б", None, ClassRefusal.OTHER_GRADE),
        ("Лицейский", 5, "Лицейский"),
    ],
)
def test_a_name_of_the_same_grade(typed: str, grade: int | None, read: str | ClassRefusal) -> None:
    """Any spelling (R39); a name of another grade would be a class that promotion gets wrong."""
    assert read_name(typed, grade) == read


def test_a_name_is_free_or_given_up() -> None:
    """No two classes of one name, but the parts of a merge may leave theirs."""
    classes = [a_class("5А"), a_class("5Б")]
    assert name_refusal("5Б", classes) is ClassRefusal.NAME_TAKEN
    assert name_refusal("5Б", classes, {"5А", "5Б"}) is None
    assert name_refusal("5В", classes) is None


def test_parents_follow_or_stay_in_both() -> None:
    """Each counted once; whose link is not confirmed is in no chat (R23, R34)."""
    confirmed, claimed = LinkStatus.CONFIRMED, LinkStatus.CLAIMED
    family = roll({
        "p1": {"r1": confirmed, "r2": confirmed},
        "p2": {"r1": confirmed},
        "p3": {"r4": confirmed, "r5": claimed, "r6": LinkStatus.RESTRICTED},
    })  # fmt: skip
    plan = plan_split(family, [PersonId("p2"), PersonId("p3")])
    assert isinstance(plan, Split)
    assert (len(plan.going), plan.staying, plan.parents, plan.parents_both) == (2, 1, 1, 1)


@given(st.frozensets(st.sampled_from((*PUPILS, "stranger"))))
def test_who_may_go(chosen: frozenset[str]) -> None:
    """Somebody of the class and not everybody; whoever is counted is counted on one side."""
    here = roll({one: {} for one in PUPILS})
    plan = plan_split(here, [PersonId(one) for one in chosen])
    if not chosen:
        assert plan is ClassRefusal.NOBODY
    elif "stranger" in chosen:
        assert plan is ClassRefusal.NOT_IN_CLASS
    elif len(chosen) == len(PUPILS):
        assert plan is ClassRefusal.EVERYBODY
    else:
        assert isinstance(plan, Split)
        assert len(plan.going) + plan.staying == len(PUPILS)


def test_classes_that_may_become_one() -> None:
    """Several of one grade."""
    assert classes_refusal([a_class("5А")]) is ClassRefusal.FEW
    assert classes_refusal([a_class("5А"), a_class("6А", 6)]) is ClassRefusal.GRADES
    assert classes_refusal([a_class(f"5{n}") for n in range(21)]) is ClassRefusal.MANY
    assert classes_refusal([a_class("Альфа", None), a_class("Бета", None)]) is None


def test_a_merge_counts_nobody_twice() -> None:
    """A parent with a child in each, a teacher of both, and a pupil who is in both are one each."""
    parents = {"r1": LinkStatus.CONFIRMED}
    first = roll({"p1": parents, "p2": {}}, teachers=("t1", "t2"))
    second = roll({"p2": {}, "p3": parents}, "5Б", ("t2",))
    plan = plan_merge([first, second])
    assert plan.parts == (("5А", 2), ("5Б", 2))
    assert (plan.pupils, plan.parents) == (3, 1)
    assert [one.person_id for one in plan.teachers] == ["t1", "t2"]
    assert plan.mark != plan_merge([first, roll({"p2": {}}, "5Б")]).mark


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("2026-11-29", TODAY),
        ("01.03.2027", date(2027, 3, 1)),
        ("2026-11-28", ClassRefusal.PAST),
        ("", ClassRefusal.BAD_DATE),
        ("завтра", ClassRefusal.BAD_DATE),
        ((TODAY + timedelta(days=LONGEST_DAYS)).isoformat(), TODAY + timedelta(days=LONGEST_DAYS)),
        ((TODAY + timedelta(days=LONGEST_DAYS + 1)).isoformat(), ClassRefusal.TOO_FAR),
    ],
)
def test_the_last_day(typed: str, read: date | ClassRefusal) -> None:
    """Today at the earliest, three years and some at the latest, in either spelling."""
    assert read_until(typed, TODAY) == read


def test_who_may_stand_in() -> None:
    """Somebody of the staff who does not lead the class already."""
    led = a_class("5А", 5, "t1")
    assert substitute_refusal(led, None) is ClassRefusal.NO_PERSON
    assert substitute_refusal(led, person("p1")) is ClassRefusal.NOT_STAFF
    assert substitute_refusal(led, person("t1", Role.TEACHER)) is ClassRefusal.IS_TEACHER
    assert substitute_refusal(led, person("t2", Role.DEPUTY)) is None
