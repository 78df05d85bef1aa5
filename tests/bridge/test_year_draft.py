"""What the pages decide about the next school year: kept apart from each other, carried on when the school changes."""

from __future__ import annotations

from datetime import date

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from bridge.web.year_forms import read_choices, read_classes, read_teachers
from bridge.web.year_words import BAD_DATE, BAD_NAME, DATES_TURNED, NO_NAME
from bridge.year_draft import (
    ClassLine,
    Plan,
    document_of,
    plan_of,
    renewed,
    targets_for,
    with_classes,
    with_pupils,
)

A5, A9, A11 = "c55555555555a", "c99999999999a", "c11111111111a"
PLAN = Plan(
    school_year="2027/2028",
    classes=(
        ClassLine(class_id=A5, fate="continues", name="6А", grade=6),
        ClassLine(class_id=A9, fate="undecided"),
        ClassLine(class_id=A11, fate="ends"),
        ClassLine(class_id="", fate="new", name="1А", grade=1, teachers=()),
    ),
    graduates_leave_on=date(2027, 9, 1),
    rooms_until=date(2028, 9, 1),
)
DATES = (PLAN.graduates_leave_on, PLAN.rooms_until)
PUPILS = ["p1", "p2", "p3", "p4"]

plans = st.builds(
    lambda pupils, teachers, name: evolve(
        PLAN,
        pupils=pupils,
        classes=(
            evolve(PLAN.classes[0], name=name, teachers=teachers),
            *PLAN.classes[1:],
        ),
    ),
    st.dictionaries(st.sampled_from(PUPILS), st.sampled_from(["", "6А", "1А"])),
    st.none() | st.lists(st.sampled_from(["t1", "t2"]), max_size=2).map(tuple),
    st.sampled_from(["6А", "6Б"]),
)


@given(plans)
def test_a_plan_travels(plan: Plan) -> None:
    """Written as sferum.year.v1 and read again it is the same."""
    assert plan_of(document_of(plan)) == plan


@given(plans, st.sets(st.sampled_from(PUPILS)))
def test_a_plan_is_carried_on(plan: Plan, students: set[str]) -> None:
    """A list that came since: classes gone have no line, new ones the draft's, lines of pupils gone are forgotten."""
    came = ClassLine(class_id="c22222222222a", fate="continues", name="3А", grade=3)
    fresh = evolve(PLAN, classes=(came, PLAN.classes[0], *PLAN.classes[2:]))
    found = renewed(fresh, plan, students)
    ids = [line.class_id for line in found.classes if line.class_id]
    assert ids == ["c22222222222a", A5, A11]
    assert found.line(A5) == plan.line(A5)
    assert found.pupils == {one: to for one, to in plan.pupils.items() if one in students}
    assert [line for line in found.classes if not line.class_id] == [PLAN.classes[3]]
    assert renewed(found, found, students) == found


def test_a_plan_of_another_year_is_of_no_use() -> None:
    """After the promotion the next plan begins with the module's draft."""
    assert renewed(PLAN, evolve(PLAN, school_year="2026/2027", pupils={"p1": ""}), PUPILS) == PLAN
    assert renewed(PLAN, None, PUPILS) == PLAN


@given(st.lists(st.sampled_from(["", "6А", "1А", None]), min_size=2, max_size=2))
def test_two_pages_do_not_undo_each_other(choices: list[str | None]) -> None:
    """Decisions about two classes are the same in either order, and a page changes its own pupils only."""
    first = ("c-one", ["p1", "p2"], {"p1": choices[0], "p3": ""}, None)
    second = ("c-two", ["p3"], {"p3": choices[1]}, None)
    one = with_pupils(with_pupils(PLAN, *first), *second)
    assert one == with_pupils(with_pupils(PLAN, *second), *first)
    assert one.pupils.get("p3") == choices[1]


def test_a_class_that_is_renamed_takes_its_pupils_with_it() -> None:
    """Whoever was to move into 1А of the plan moves into 1Б when 1А is called so; another 1А keeps them."""
    plan = evolve(PLAN, pupils={"p1": "1А", "p2": ""})
    new = evolve(PLAN.classes[3], name="1Б")
    assert with_classes(plan, [], [new], *DATES).pupils == {"p1": "1Б", "p2": ""}
    both = with_classes(plan, [], [new, PLAN.classes[3]], *DATES)
    assert both.pupils == plan.pupils
    assert with_classes(plan, [], [None], *DATES).pupils == plan.pupils


def test_teachers_stay_when_the_classes_are_changed() -> None:
    """The page of all classes says nothing of class teachers, so it changes none."""
    plan = with_pupils(PLAN, A5, [], {}, ("t1",))
    found = with_classes(plan, [ClassLine(class_id=A5, fate="ends")], [], *DATES)
    assert found.line(A5) == ClassLine(class_id=A5, fate="ends", teachers=("t1",))


def test_where_a_pupil_may_go() -> None:
    """One grade on, or the same again (R38); with a named class everywhere."""
    assert targets_for(PLAN, 5) == ["6А"]
    assert targets_for(PLAN, 6) == ["6А"]
    assert targets_for(PLAN, 9) == []
    assert targets_for(PLAN, None) == ["6А", "1А"]


def test_what_is_typed_is_brought_into_form() -> None:
    """Names in any spelling (R39), dates in both, an emptied line is no class."""
    form = {
        f"fate-{A5}": "continues", f"name-{A5}": " 6 «б» ",
        f"fate-{A9}": "ends", f"name-{A9}": "whatever",
        "new-0": "", "new-1": "10a", "teacher-1": "t1",
        "graduates_leave_on": "30.06.2027", "rooms_until": "2028-06-30",
    }  # fmt: skip
    typed = read_classes(PLAN, form)
    assert typed.errors == {}
    assert [(one.fate, one.name, one.grade) for one in typed.plan.classes] == [
        ("continues", "6Б", 6),
        ("ends", "", None),
        ("ends", "", None),
        ("new", "10А", 10),
    ]
    assert typed.plan.classes[3].teachers == ("t1",)
    assert typed.plan.graduates_leave_on == date(2027, 6, 30)


def test_each_error_is_beside_its_field() -> None:
    """A name that no class has, none at all, a day that does not exist, two days in the wrong order."""
    form = {
        f"fate-{A5}": "continues", f"name-{A5}": "?!", f"fate-{A9}": "continues",
        f"name-{A9}": "", "new-1": "99", "graduates_leave_on": "31.02.2027", "rooms_until": "01.01.2027",
    }  # fmt: skip
    typed = read_classes(PLAN, form)
    assert typed.errors == {
        f"name-{A5}": BAD_NAME,
        f"name-{A9}": NO_NAME,
        "new-1": BAD_NAME,
        "graduates_leave_on": BAD_DATE,
        "rooms_until": DATES_TURNED,
    }
    assert typed.plan.line(A5) == PLAN.line(A5)


def test_of_choices_only_the_known_ones_count() -> None:
    """Anything a browser may send besides is left out."""
    form = {
        "pupil-p1": "with", "pupil-p2": "leaves", "pupil-p3": "to:6А", "pupil-p4": "to:7Я", "csrf": "x"
    }  # fmt: skip
    assert read_choices(form, {"6А"}) == {"p1": None, "p2": "", "p3": "6А"}
    kept = ("t9",)
    assert [read_teachers(said, kept, {"t1"}) for said in ("", "-", "t1", "x")] == [
        None,
        (),
        ("t1",),
        kept,
    ]
