"""Rosters for tests that need a school of their own, in the form of docs/contracts.md §1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from provisioning.readers.files import Options, SourceFile, read_roster
from tests.support.process import ROOT

SCHOOL86 = ROOT / "tests" / "data" / "school86"


def person(
    source_id: str, *roles: str, born: str | None = None, family: str = ""
) -> dict[str, Any]:
    """One row of `people`. The name is made of the id."""
    return {
        "source_id": source_id,
        "family_name": family or f"Фамилия{source_id}",
        "given_name": "Имя",
        "middle_name": "",
        "birth_date": born,
        "roles": list(roles),
    }


def roster(
    people: Iterable[Mapping[str, Any]],
    classes: Mapping[str, Iterable[str]],
    teachers: Mapping[str, Iterable[str]] | None = None,
    links: Iterable[tuple[str, str]] = (),
    *,
    covers: Iterable[str] = ("student", "staff", "guardian"),
) -> dict[str, Any]:
    """A whole document.

    Args:
        classes: class name → its pupils.
        teachers: class name → its homeroom teachers.
        links: (guardian, child).
    """
    enrolments = [
        {"class": name, "person": one, "role": "student"}
        for name, all_ in classes.items()
        for one in all_
    ]
    enrolments += [
        {"class": name, "person": one, "role": "homeroom_teacher"}
        for name, all_ in (teachers or {}).items()
        for one in all_
    ]
    return {
        "format": "sferum.roster.v1",
        "source": "csv",
        "school_year": "2026/2027",
        "covers": list(covers),
        "people": [dict(one) for one in people],
        "classes": [{"source_id": n, "name": n, "grade": int(n[:-1])} for n in classes],
        "enrolments": enrolments,
        "guardianships": [{"guardian": g, "student": s, "relation": ""} for g, s in links],
    }


def small_school() -> dict[str, Any]:
    """A director, two deputies, three teachers, two classes of three, five parents.

    5А: P1 P2 P3 with T1; 5Б: P4 P5 P6 with T2; T3 has no class. G1 is a parent of P1 and P4, G2 of P1, G3 of
    P2, G4 of P5,
    G5 of P6. All pupils are over 14.
    """
    pupils = [f"P{n}" for n in range(1, 7)]
    people = [
        person("D1", "director"),
        person("D2", "deputy"),
        person("D3", "deputy"),
        *(person(f"T{n}", "teacher") for n in range(1, 4)),
        *(person(one, "student", born="2010-05-05") for one in pupils),
        *(person(f"G{n}", "guardian") for n in range(1, 6)),
    ]
    links = [("G1", "P1"), ("G1", "P4"), ("G2", "P1"), ("G3", "P2"), ("G4", "P5"), ("G5", "P6")]
    return roster(people, {"5А": pupils[:3], "5Б": pupils[3:]}, {"5А": ["T1"], "5Б": ["T2"]}, links)


def everyone(document: Mapping[str, Any]) -> list[str]:
    """The ids of all people of a roster."""
    return [row["source_id"] for row in document["people"]]


def school86(*names: str) -> dict[str, Any]:
    """The fictional school of tests/data, read by the program that schools use."""
    chosen = names or ("ученики.csv", "сотрудники.csv", "родители.csv")
    files = [SourceFile(name, (SCHOOL86 / name).read_bytes()) for name in chosen]
    options = Options(today=date(2026, 9, 1), table_year="2026/2027", source="csv")
    reading = read_roster(files, options)
    assert reading.roster is not None, reading.problems
    return dict(reading.roster.to_wire())
