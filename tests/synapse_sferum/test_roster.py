"""A roster as it arrives: good ones are read, bad ones are refused with the place, and nothing else ever happens."""

from __future__ import annotations

import contextlib
import copy
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_sferum import roster as module
from synapse_sferum.model import EnrolmentRole, Role
from synapse_sferum.roster import BadRoster, parse_roster
from tests.support.schools import rosters


def good() -> dict[str, Any]:
    """The document of docs/contracts.md §1, with a class teacher."""
    return {
        "format": "sferum.roster.v1",
        "source": "csv",
        "school_year": "2026/2027",
        "covers": ["student", "staff", "guardian"],
        "people": [
            {
                "source_id": "U1",
                "family_name": "Иванов",
                "given_name": "Александр",
                "middle_name": "Сергеевич",
                "birth_date": "2012-07-01",
                "roles": ["student"],
            },
            {
                "source_id": "R1",
                "family_name": "Иванова",
                "given_name": "Анна",
                "roles": ["guardian"],
            },
            {
                "source_id": "T1",
                "family_name": "Ли",
                "given_name": "О",
                "roles": ["teacher", "guardian"],
            },
            {
                "source_id": "D1",
                "family_name": "Ан",
                "given_name": "Я",
                "roles": ["director"],
            },
        ],
        "classes": [
            {"source_id": "8Б", "name": "8Б", "grade": 8},
            {"source_id": "x", "name": "Лицей"},
        ],
        "enrolments": [
            {"class": "8Б", "person": "U1", "role": "student"},
            {"class": "8Б", "person": "T1", "role": "homeroom_teacher"},
        ],
        "guardianships": [{"guardian": "R1", "student": "U1", "relation": "мать"}],
    }


def test_a_good_roster_is_read() -> None:
    """Every field arrives; what is absent has its default."""
    found = parse_roster(good())
    assert (found.source, found.school_year) == ("csv", "2026/2027")
    assert found.covers == {"student", "staff", "guardian"}
    assert found.people["U1"].birth_date == date(2012, 7, 1)
    assert found.people["U1"].middle_name == "Сергеевич"
    assert found.people["R1"].birth_date is None
    assert found.people["R1"].middle_name == ""
    assert found.people["T1"].roles == {Role.TEACHER, Role.GUARDIAN}
    assert found.classes["8Б"].grade == 8
    assert found.classes["x"].grade is None
    assert ("8Б", "T1", EnrolmentRole.HOMEROOM_TEACHER) in found.enrolments
    assert found.guardianships == {("R1", "U1"): "мать"}


def test_lists_may_be_absent() -> None:
    """A document without lists is an empty roster: it covers nobody."""
    found = parse_roster(
        {"format": "sferum.roster.v1", "source": "csv", "school_year": "2026/2027", "covers": []}
    )
    assert not found.people
    assert not found.enrolments


def test_names_do_not_reach_a_log() -> None:
    """The repr of a person has no name and no birth date."""
    text = repr(parse_roster(good()).people["U1"])
    assert "Иванов" not in text
    assert "2012" not in text


#: Path of the field to replace, what to put there, the field that must be named.
MALFORMED: list[tuple[list[Any], Any, str]] = [
    ([], None, "roster"),
    ([], [], "roster"),
    (["extra"], 1, "roster.extra"),
    (["format"], "sferum.roster.v2", "format"),
    (["format"], None, "format"),
    (["source"], None, "source"),
    (["source"], "", "source"),
    (["source"], "CSV", "source"),
    (["source"], "x" * 65, "source"),
    (["school_year"], "2026/2028", "school_year"),
    (["school_year"], "2026-2027", "school_year"),
    (["school_year"], "２０２６/２０２７", "school_year"),
    (["school_year"], 2026, "school_year"),
    (["covers"], None, "covers"),
    (["covers"], ["parents"], "covers"),
    (["covers"], [["student"]], "covers"),
    (["covers"], "student", "covers"),
    (["people"], {}, "people"),
    (["people"], None, "people"),
    (["people", 0], "U1", "people[0]"),
    (["people", 0, "phone"], "1", "people[0].phone"),
    (["people", 1, "source_id"], "U1", "people[1].source_id"),
    (["people", 0, "source_id"], 1, "people[0].source_id"),
    (["people", 0, "source_id"], "x" * 129, "people[0].source_id"),
    (["people", 0, "family_name"], "", "people[0].family_name"),
    (["people", 0, "family_name"], "  ", "people[0].family_name"),
    (["people", 0, "family_name"], "x" * 101, "people[0].family_name"),
    (["people", 0, "family_name"], "a\x00b", "people[0].family_name"),
    (["people", 0, "given_name"], "a\nb", "people[0].given_name"),
    (["people", 0, "given_name"], "\ud800", "people[0].given_name"),
    (["people", 0, "given_name"], None, "people[0].given_name"),
    (["people", 0, "middle_name"], None, "people[0].middle_name"),
    (["people", 0, "middle_name"], "x" * 101, "people[0].middle_name"),
    (["people", 0, "birth_date"], "01.07.2012", "people[0].birth_date"),
    (["people", 0, "birth_date"], "2012-02-30", "people[0].birth_date"),
    (["people", 0, "birth_date"], "2012-W26-7", "people[0].birth_date"),
    (["people", 0, "birth_date"], "1812-07-01", "people[0].birth_date"),
    (["people", 0, "birth_date"], 20120701, "people[0].birth_date"),
    (["people", 0, "roles"], [], "people[0].roles"),
    (["people", 0, "roles"], ["pupil"], "people[0].roles"),
    (["people", 0, "roles"], [["student"]], "people[0].roles"),
    (["people", 0, "roles"], "student", "people[0].roles"),
    (["classes"], 1, "classes"),
    (["classes", 0], None, "classes[0]"),
    (["classes", 0, "letter"], "Б", "classes[0].letter"),
    (["classes", 1, "source_id"], "8Б", "classes[1].source_id"),
    (["classes", 0, "name"], "x" * 16, "classes[0].name"),
    (["classes", 0, "name"], "", "classes[0].name"),
    (["classes", 0, "grade"], 0, "classes[0].grade"),
    (["classes", 0, "grade"], 12, "classes[0].grade"),
    (["classes", 0, "grade"], True, "classes[0].grade"),
    (["classes", 0, "grade"], "8", "classes[0].grade"),
    (["enrolments"], {}, "enrolments"),
    (["enrolments", 0, "since"], 1, "enrolments[0].since"),
    (["enrolments", 0, "class"], "9Б", "enrolments[0].class"),
    (["enrolments", 0, "class"], ["8Б"], "enrolments[0].class"),
    (["enrolments", 0, "person"], "U9", "enrolments[0].person"),
    (["enrolments", 0, "role"], "pupil", "enrolments[0].role"),
    (["enrolments", 0, "role"], [], "enrolments[0].role"),
    (["enrolments", 0, "role"], "teacher", "enrolments[0].role"),
    (["enrolments", 1, "role"], "student", "enrolments[1].role"),
    (["guardianships"], 0, "guardianships"),
    (["guardianships", 0, "kind"], 1, "guardianships[0].kind"),
    (["guardianships", 0, "guardian"], "R9", "guardianships[0].guardian"),
    (["guardianships", 0, "guardian"], "D1", "guardianships[0].guardian"),
    (["guardianships", 0, "student"], None, "guardianships[0].student"),
    (["guardianships", 0, "student"], "T1", "guardianships[0].student"),
    (["guardianships", 0, "relation"], "x" * 41, "guardianships[0].relation"),
    (["guardianships", 0, "relation"], 5, "guardianships[0].relation"),
]


@pytest.mark.parametrize(
    ("path", "value", "field"),
    MALFORMED,
    ids=[f"{field}={json.dumps(value)[:20]}" for _, value, field in MALFORMED],
)
def test_a_bad_field_is_named(path: list[Any], value: Any, field: str) -> None:
    """The refusal names the exact place; the message begins with it and never repeats a name."""
    document: Any = {"roster": good()}
    place, keys = document, ["roster", *path]
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = copy.deepcopy(value)
    with pytest.raises(BadRoster) as refused:
        parse_roster(document["roster"])
    assert refused.value.field == field
    assert str(refused.value).startswith(f"{field}: ")
    assert "Иванов" not in str(refused.value)


def test_nobody_is_their_own_guardian() -> None:
    """A link from a person to the same person is refused."""
    document = good()
    document["people"][1]["roles"] = ["guardian", "student"]
    document["guardianships"][0]["student"] = "R1"
    with pytest.raises(BadRoster, match="nobody is their own guardian"):
        parse_roster(document)


def test_too_many_rows_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is checked before any row, and the message has both numbers."""
    monkeypatch.setattr(module, "MAX_PEOPLE", 2)
    with pytest.raises(BadRoster, match="has 4 rows, the limit is 2") as refused:
        parse_roster(good())
    assert refused.value.field == "people"


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(["student", "U1", "8Б", "2012-07-01", "teacher", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(document=_JSON)
def test_fuzz_any_json(document: Any) -> None:
    """Any JSON value is a roster or a BadRoster, never anything else."""
    with contextlib.suppress(BadRoster):
        parse_roster(document)


@given(data=st.data())
def test_fuzz_one_wrong_value(data: st.DataObject) -> None:
    """A good document with any JSON value in any one place is a roster or a BadRoster."""
    document: Any = good()
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(_JSON)
    with contextlib.suppress(BadRoster):
        parse_roster(document)


@given(document=rosters())
@settings(max_examples=50)
def test_generated_rosters_are_good(document: dict[str, Any]) -> None:
    """The strategy that other tests build on makes documents that the module takes."""
    assert parse_roster(document).people.keys() == {p["source_id"] for p in document["people"]}
