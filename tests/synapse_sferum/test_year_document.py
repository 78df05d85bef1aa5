"""A plan of the school year as it arrives: read whole or refused with the place; any JSON is one or the other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.year_document import (
    FORMAT,
    LONGEST_TEACHER,
    MOST_TEACHERS,
    BadYear,
    ClassFate,
    PupilFate,
    next_year,
    parse_year,
)

CLASS, PUPIL = "cabcdefghijkl", "pabcdefghijkl"


def document() -> dict[str, Any]:
    """A plan with a line of each kind."""
    return {
        "format": FORMAT,
        "school_year": "2027/2028",
        "classes": [
            {"class_id": CLASS, "fate": "continues", "name": "6А", "grade": 6, "teachers": ["T1"]},
            {"class_id": "cmnopqrstuvwx", "fate": "undecided"},
            {"class_id": None, "fate": "new", "name": "Ромашка", "grade": None, "teachers": None},
        ],
        "pupils": [
            {"person_id": PUPIL, "fate": "moves", "name": "6А"},
            {"person_id": "pmnopqrstuvwx", "fate": "leaves"},
        ],
        "graduates_leave_on": "2027-09-01",
        "rooms_until": "2028-09-01",
    }


def test_every_field_is_read() -> None:
    """Names, fates, teachers, dates; what is left out has its default; written again it is the same."""
    found = parse_year(document())
    assert [line.fate for line in found.classes] == [
        ClassFate.CONTINUES,
        ClassFate.UNDECIDED,
        ClassFate.NEW,
    ]
    assert found.classes[0].teachers == ("T1",)
    assert [line.fate for line in found.pupils] == [PupilFate.MOVES, PupilFate.LEAVES]
    assert parse_year(found.to_json()) == found
    without = {k: v for k, v in document().items() if k != "pupils"}
    assert parse_year(without).pupils == ()


def put(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    """One value replaced."""

    def change(raw: dict[str, Any]) -> None:
        place: Any = raw
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


LINE = ("classes", 0)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("format", put("format", value="sferum.year.v2")),
        ("school_year", put("school_year", value="2027/2029")),
        ("school_year", put("school_year", value=2027)),
        ("plan.who", put("who", value=1)),
        ("graduates_leave_on", put("graduates_leave_on", value="2027-02-30")),
        ("graduates_leave_on", put("graduates_leave_on", value="2027-W26-7")),
        ("rooms_until", put("rooms_until", value="1999-09-01")),
        ("rooms_until", put("rooms_until", value="2027-08-31")),
        ("classes", put("classes", value={})),
        ("classes", put("classes", value=[{}] * 2001)),
        ("classes[0]", put(*LINE, value=1)),
        ("classes[0].more", put(*LINE, "more", value=1)),
        ("classes[0].class_id", put(*LINE, "class_id", value="p" + CLASS[1:])),
        ("classes[0].fate", put(*LINE, "fate", value="graduate")),
        ("classes[0].fate", put(*LINE, "fate", value="new")),
        ("classes[0].fate", put(*LINE, "class_id", value=None)),
        ("classes[0].name", put(*LINE, "name", value="")),
        ("classes[0].name", put(*LINE, "name", value=" 6А")),
        ("classes[0].name", put(*LINE, "name", value="6" * 16)),
        ("classes[0].name", put(*LINE, "name", value="6\x00")),
        ("classes[0].name", put(*LINE, "name", value="6\ud800")),
        ("classes[1].name", put("classes", 1, "name", value="7А")),
        ("classes[0].grade", put(*LINE, "grade", value=12)),
        ("classes[0].grade", put(*LINE, "grade", value=True)),
        ("classes[0].teachers", put(*LINE, "teachers", value="T1")),
        ("classes[0].teachers", put(*LINE, "teachers", value=["T"] * (MOST_TEACHERS + 1))),
        ("classes[0].teachers", put(*LINE, "teachers", value=["x" * (LONGEST_TEACHER + 1)])),
        ("classes[0].teachers", put(*LINE, "teachers", value=["a\nb"])),
        ("pupils[0].person_id", put("pupils", 0, "person_id", value=CLASS)),
        ("pupils[0].fate", put("pupils", 0, "fate", value=["moves"])),
        ("pupils[0].name", put("pupils", 0, "name", value="")),
        ("pupils[1].name", put("pupils", 1, "name", value="6А")),
    ],
)
def test_what_is_wrong_is_named(field: str, change: Callable[[dict[str, Any]], None]) -> None:
    """The field with its place; the value is not repeated: it may be a name."""
    raw = copy.deepcopy(document())
    change(raw)
    with pytest.raises(BadYear) as no:
        parse_year(raw)
    assert no.value.field == field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(raw=JSON, where=st.sampled_from([None, *document()]))
def test_any_json_is_a_plan_or_refused(raw: Any, where: str | None) -> None:
    """Nothing else is ever raised; whatever is taken can be written and read again."""
    whole = raw if where is None else {**document(), where: raw}
    try:
        found = parse_year(whole)
    except BadYear:
        return
    assert parse_year(found.to_json()) == found


@pytest.mark.parametrize(
    ("year", "expected"), [("2026/2027", "2027/2028"), ("1999/2000", "2000/2001")]
)
def test_the_year_after(year: str, expected: str) -> None:
    """Two consecutive years, one on."""
    assert next_year(year) == expected


@pytest.mark.parametrize("year", ["", "2026", "2026/2028"])
def test_no_year_has_no_next(year: str) -> None:
    """A school that has not been given its year has no next one either."""
    with pytest.raises(ValueError, match="not a school year"):
        next_year(year)
