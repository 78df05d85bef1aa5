"""The fictional school: three forms of its lists are one directory, with the figures known beforehand."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import Any

import pytest
from attrs import evolve

from provisioning.names import fold
from provisioning.reading import Reading
from provisioning.roster import STAFF, EnrolmentRole, Role, Roster
from tests.provisioning.files import DATA, found, read, sound, xlsx_bytes

LISTS = ("ученики.csv", "сотрудники.csv", "родители.csv")


@pytest.fixture(scope="module")
def expected() -> Any:
    return json.loads((DATA / "expect.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def csv_reading() -> Reading:
    return sound(read({name: (DATA / name).read_bytes() for name in LISTS}))


@pytest.fixture(scope="module")
def csv_roster(csv_reading: Reading) -> Roster:
    assert csv_reading.roster is not None
    return csv_reading.roster


@pytest.fixture(scope="module")
def oneroster_roster() -> Roster:
    reading = sound(read({"o.zip": (DATA / "oneroster-1.2.zip").read_bytes()}))
    assert reading.roster is not None
    return reading.roster


def rows_of(name: str) -> list[list[str]]:
    text = (DATA / name).read_text("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


def directory(roster: Roster) -> dict[str, object]:
    """What must be equal whatever the form: without source, class ids, ё, the wording of relations, and subjects, which
    only the tables tell.
    """
    names = {c.source_id: c.name for c in roster.classes}
    adoptive = {"опекун"}
    return {
        "year": roster.school_year,
        "covers": roster.covers,
        "people": [
            evolve(
                person,
                family_name=fold(person.family_name),
                given_name=fold(person.given_name),
                middle_name=fold(person.middle_name),
                subjects=(),
            )
            for person in roster.people
        ],
        "classes": [(c.name, c.grade) for c in roster.classes],
        "enrolments": {(names[e.class_id], e.person_id, e.role) for e in roster.enrolments},
        "guardianships": {
            (g.guardian_id, g.student_id, g.relation in adoptive) for g in roster.guardianships
        },
    }


def test_csv_and_oneroster_give_the_same_directory(
    csv_roster: Roster, oneroster_roster: Roster
) -> None:
    """People with contacts and roles, classes, enrolments and guardianships agree to the last one."""
    assert directory(csv_roster) == directory(oneroster_roster)


def test_yo_is_kept_as_each_list_writes_it(csv_roster: Roster, oneroster_roster: Roster) -> None:
    """The two lists spell four names with е and ё; folding is for comparing only, both are kept."""
    pairs = zip(csv_roster.people, oneroster_roster.people, strict=True)
    differing = [(ours, theirs) for ours, theirs in pairs if evolve(ours, subjects=()) != theirs]

    assert len(differing) == 4
    for ours, theirs in differing:
        spelt = {f"{p.family_name} {p.given_name}".count("ё") for p in (ours, theirs)}
        assert spelt == {0, 1}


def test_what_teachers_teach(csv_roster: Roster) -> None:
    """Subjects of the column «Предмет», in small letters; on the wire for teachers who have one, absent for others."""
    taught = Counter(subject for person in csv_roster.people for subject in person.subjects)
    assert taught["математика"] == 7
    assert taught["русский язык и литература"] == 7
    assert sum(taught.values()) == 60
    wire: Any = csv_roster.to_wire()
    told = [row["subjects"] for row in wire["people"] if "subjects" in row]
    assert Counter(word for words in told for word in words) == taught


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_encoding_and_separator_do_not_matter(
    csv_roster: Roster, encoding: str, separator: str
) -> None:
    """The same lists in Windows-1251 or UTF-8, with any separator, are the same Roster."""
    files = {}
    for name in LISTS:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=separator).writerows(rows_of(name))
        files[name] = out.getvalue().encode(encoding)

    assert sound(read(files)).roster == csv_roster


def test_the_cp1251_file_is_part_of_the_school(csv_roster: Roster) -> None:
    """The school's own Windows-1251 export (40 pupils, five columns) names the same people and classes."""
    reading = sound(read({"a.csv": (DATA / "ученики.cp1251.csv").read_bytes()}))
    assert reading.roster is not None
    known = {p.source_id: p for p in csv_roster.people}

    assert len(reading.roster.people) == 40
    for person in reading.roster.people:
        of_school = known[person.source_id]
        assert (person.family_name, person.given_name, person.middle_name) == (
            of_school.family_name, of_school.given_name, of_school.middle_name,
        )  # fmt: skip
    assert set(reading.roster.enrolments) <= set(csv_roster.enrolments)


def test_one_workbook_with_three_sheets_is_the_same(csv_roster: Roster) -> None:
    """XLSX with a sheet for each list gives the same Roster; empty and foreign sheets are passed over."""
    sheets = {name.removesuffix(".csv"): rows_of(name) for name in LISTS}
    book = xlsx_bytes({**sheets, "Справка": [["Составлено"], ["1 сентября"]], "Лист5": []})

    reading = sound(read({"школа.xlsx": book}))

    assert reading.roster == csv_roster
    assert [p.file for p in found(reading, "sheet_skipped")] == ["школа.xlsx[Справка]"]


def test_figures(csv_roster: Roster, expected: Any) -> None:
    """1,000 pupils, 33 classes, 64 staff, 1,229 parents, 1,691 links: as expect.json counts."""
    stats = expected["stats"]
    children = Counter(g.guardian_id for g in csv_roster.guardianships)
    parents = Counter(g.student_id for g in csv_roster.guardianships)
    pupils = [p for p in csv_roster.people if Role.STUDENT in p.roles]

    assert len(pupils) == stats["pupils"] == 1000
    assert len(csv_roster.classes) == stats["classes"] == 33
    assert sum(bool(p.roles & STAFF) for p in csv_roster.people) == stats["staff"] == 64
    assert csv_roster.count(Role.TEACHER) == stats["teachers"]
    assert csv_roster.count(Role.DIRECTOR) == 1
    assert csv_roster.count(Role.DEPUTY) == 3
    assert csv_roster.count(Role.GUARDIAN) == stats["parents"] == 1229
    assert len(csv_roster.guardianships) == stats["links"] == 1691
    assert sum(n >= 2 for n in children.values()) == stats["parents_2plus"]
    assert sum(n >= 3 for n in children.values()) == stats["parents_3plus"]
    assert sum(n >= 2 for n in parents.values()) == stats["pupils_two_parents"]
    assert sum(p.phone is None for p in pupils) == stats["pupils_without_phone"]
    assert (
        sum(p.phone is None and p.email is None for p in pupils)
        == (stats["pupils_no_phone_no_email"])
    )
    grades = Counter(
        str(c.grade)
        for c in csv_roster.classes
        for _ in range(csv_roster.pupils_by_class()[c.name])
    )
    assert grades == stats["grade_counts"]


def test_every_class_has_its_pupils_parents_and_teachers(csv_roster: Roster, expected: Any) -> None:
    """Class by class: homeroom teachers, number of pupils, number of parents."""
    for name, room in expected["rooms"].items():
        members = [e for e in csv_roster.enrolments if e.class_id == name]
        pupils = {e.person_id for e in members if e.role is EnrolmentRole.STUDENT}
        teachers = [e.person_id for e in members if e.role is EnrolmentRole.HOMEROOM_TEACHER]
        parents = {g.guardian_id for g in csv_roster.guardianships if g.student_id in pupils}

        assert (name, teachers, len(pupils), len(parents)) == (
            name, room["teacher"], room["pupils"], room["parents"],
        )  # fmt: skip


def test_edge_cases(csv_roster: Roster, expected: Any) -> None:
    """Patronymics that are absent or of two words, ё, double surnames, stray spaces: kept right."""
    edge = expected["edge"]
    people = {p.source_id: p for p in csv_roster.people}

    assert people[edge["no_patronymic"]].middle_name == ""
    assert people[edge["no_patronymic"]].given_name == "Ван Минь"
    assert people[edge["ogly"]].middle_name.endswith(" оглы")
    assert "ё" in repr(vars_of(people[edge["yo_pupil"]])).lower()
    assert "-" in people[edge["double_surname"]].family_name
    assert all(
        name == " ".join(name.split())
        for p in csv_roster.people
        for name in (p.family_name, p.given_name, p.middle_name)
    )
    teacher, classes = edge["teacher_two_classes"]
    assert {e.class_id for e in csv_roster.enrolments if e.person_id == teacher} == set(
        classes.split(",")
    )
    parent, *three = edge["parent_of_three"]
    assert [g.student_id for g in csv_roster.guardianships if g.guardian_id == parent] == three
    assert (
        next(g for g in csv_roster.guardianships if g.guardian_id == edge["guardian"]).relation
        == "опекун"
    )


def vars_of(person: object) -> dict[str, object]:
    return {name: getattr(person, name) for name in ("family_name", "given_name", "middle_name")}


def test_what_the_school_is_told(csv_reading: Reading, expected: Any) -> None:
    """Exactly three findings: 8В has no teacher, a child on a parent's phone (R12), a teacher who is a parent."""
    assert {(p.code, p.severity.value) for p in csv_reading.problems} == {
        ("class_without_teacher", "warning"),
        ("phone_of_child_and_guardian", "warning"),
        ("staff_is_guardian", "suggestion"),
    }
    assert len(csv_reading.problems) == 3
    child, _ = expected["edge"]["child_carries_parent_phone"]
    lines = (DATA / "ученики.csv").read_text("utf-8-sig").splitlines()
    (shared,) = found(csv_reading, "phone_of_child_and_guardian")
    assert shared.row is not None
    assert lines[shared.row - 1].startswith(child)
    (without,) = found(csv_reading, "class_without_teacher")
    assert without.details["class_name"] == expected["edge"]["class_without_teacher"]


def test_no_contact_is_on_the_wire(csv_roster: Roster) -> None:
    """Phones and e-mails stay in memory: the wire form has no such key and no such value."""
    wire = csv_roster.to_json().decode()

    assert csv_roster.people[0].phone is not None
    for person in csv_roster.people:
        assert person.phone is None or person.phone.e164 not in wire
        assert person.email is None or person.email.address not in wire
    assert set(json.loads(wire)["people"][0]) == {
        "source_id", "family_name", "given_name", "middle_name", "birth_date", "roles",
    }  # fmt: skip


def test_nothing_personal_prints(csv_reading: Reading, csv_roster: Roster) -> None:
    """Neither the roster's repr nor any problem holds a name or a contact of the school."""
    problems = " ".join(p.line("ru") + p.line("en") + repr(p) for p in csv_reading.problems)
    shown = repr(csv_roster) + repr(csv_roster.people[0]) + problems

    for person in csv_roster.people:
        assert person.family_name not in shown
        assert person.phone is None or person.phone.e164[2:] not in shown
        assert person.email is None or person.email.address not in shown
