"""What provisioning sends is what the module reads (docs/contracts.md §1)."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from provisioning.problem_texts import TEXTS
from provisioning.roster import (
    FORMAT,
    MAX_PEOPLE,
    EnrolmentRole,
    Group,
    Role,
    RosterTooLarge,
    is_school_year,
)
from provisioning.sample import generate
from tests.provisioning.files import DATA, read, school, sound

KEYS = {
    "people": {"source_id", "family_name", "given_name", "middle_name", "birth_date", "roles"},
    "classes": {"source_id", "name", "grade"},
    "enrolments": {"class", "person", "role"},
    "guardianships": {"guardian", "student", "relation"},
}


def test_the_wire_form_has_exactly_the_contracts_fields() -> None:
    """Every field of sferum.roster.v1 and no other."""
    wire = generate(1, 30).to_wire()

    assert set(wire) == {"format", "source", "school_year", "covers", *KEYS}
    for name, keys in KEYS.items():
        rows = wire[name]
        assert isinstance(rows, list)
        assert all(set(row) == keys for row in rows)
    assert wire["format"] == FORMAT == "sferum.roster.v1"


@pytest.mark.parametrize("form", ["csv", "oneroster", "sample"])
def test_the_module_reads_what_we_send(form: str) -> None:
    """The module's own parser accepts school86 in both forms and a sample school, person by person."""
    parser = pytest.importorskip("synapse_sferum.roster")
    if form == "sample":
        roster = generate(3, 100)
    else:
        names = {
            "csv": ("ученики.csv", "сотрудники.csv", "родители.csv"),
            "oneroster": ("oneroster-1.2.zip",),
        }[form]
        read_roster = sound(read({name: (DATA / name).read_bytes() for name in names})).roster
        assert read_roster is not None
        roster = read_roster

    understood = parser.parse_roster(json.loads(roster.to_json()))

    assert set(understood.people) == {p.source_id for p in roster.people}
    assert len(understood.enrolments) == len(roster.enrolments)
    assert len(understood.guardianships) == len(roster.guardianships)
    assert understood.covers == {group.value for group in roster.covers}


def test_the_words_are_the_contracts() -> None:
    """Roles, groups and enrolment roles are spelt as docs/contracts.md spells them."""
    assert {r.value for r in Role} == {
        "director", "deputy", "administrator", "teacher", "student", "guardian",
    }  # fmt: skip
    assert {g.value for g in Group} == {"student", "staff", "guardian"}
    assert {e.value for e in EnrolmentRole} == {"student", "homeroom_teacher", "teacher"}


def test_too_many_people_are_refused_before_sending() -> None:
    """50,000 people is the contract's limit; more is an error here, not a 413 there."""
    roster = sound(read(school())).roster
    assert roster is not None
    crowd = evolve(roster, people=roster.people[:1] * (MAX_PEOPLE + 1))

    with pytest.raises(RosterTooLarge):
        crowd.to_wire()


def test_too_many_bytes_are_refused_before_sending() -> None:
    """12 MB is the contract's limit."""
    roster = sound(read(school())).roster
    assert roster is not None
    long = evolve(roster.people[0], family_name="я" * 100, given_name="я" * 100)

    with pytest.raises(RosterTooLarge, match="bytes"):
        evolve(roster, people=(long,) * 40_000).to_json()


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2026/2027", True),
        ("2026/2028", False),
        ("2026-2027", False),
        ("26/27", False),
        ("", False),
    ],
)
def test_school_years(text: str, good: bool) -> None:
    """YYYY/YYYY, consecutive."""
    assert is_school_year(text) is good


def test_problem_codes_are_stable_words() -> None:
    """Codes are counted and compared: lower case and underscores only."""
    assert all(code.replace("_", "").isalnum() and code == code.lower() for code in TEXTS)
