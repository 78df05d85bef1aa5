"""A plan of the school year as a table: written, edited as a secretary does, read back; problems by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.problem_texts import Language
from provisioning.year_report import CONFLICTS, EXCEPTIONS, year_lines
from provisioning.year_table import read_plan, write_table

CLASS_5A, CLASS_9A, CLASS_11A = "caaaaaaaaaaaa", "cbbbbbbbbbbbb", "cdddddddddddd"
PUPIL, OTHER, THIRD = "paaaaaaaaaaaa", "pbbbbbbbbbbbb", "pcccccccccccc"


def answer() -> dict[str, Any]:
    """What the module answers for a school of three classes."""

    def row(class_id: str | None, name: str, fate: str, then: str, **more: int) -> dict[str, Any]:
        figures = {"students": 2, "stay": 2, "elsewhere": 0, "leave": 0, **more}
        teacher = {"person_id": "peeeeeeeeeeee", "person": "Орлова Мария"}
        return {"class_id": class_id, "name": name, "fate": fate, "next_name": then, **figures,
                "teachers": [teacher] if class_id else []}  # fmt: skip

    def line(class_id: str | None, fate: str, name: str, grade: int | None) -> dict[str, Any]:
        teachers: list[str] | None = None if class_id else []
        return {"class_id": class_id, "fate": fate, "name": name, "grade": grade,
                "teachers": teachers}  # fmt: skip

    def student(person_id: str, name: str, class_: str) -> dict[str, Any]:
        return {"person_id": person_id, "person": name, "source_id": "U1", "class": class_,
                "fate": "with_the_class", "name": ""}  # fmt: skip

    return {
        "plan": {
            "format": "sferum.year.v1",
            "school_year": "2027/2028",
            "classes": [
                line(CLASS_5A, "continues", "6А", 6),
                line(CLASS_9A, "undecided", "", None),
                line(CLASS_11A, "ends", "", None),
                line(None, "new", "1А", 1),
            ],
            "pupils": [],
            "graduates_leave_on": "2027-09-01",
            "rooms_until": "2028-09-01",
        },
        "plan_hash": "a" * 64,
        "ready": False,
        "counts": {"classes_before": 3, "classes_after": 2, "to_tenth": 0},
        "classes": [
            row(CLASS_5A, "5А", "continues", "6А"),
            row(CLASS_9A, "9А", "undecided", ""),
            row(CLASS_11A, "11А", "ends", "", stay=0, leave=2),
            row(None, "", "new", "1А", students=0, stay=0),
        ],
        "next_classes": {"6А": 2, "1А": 0},
        "students": [
            student(PUPIL, "Ёлкин Пётр", "9А"),
            student(OTHER, "=Ким Ян", "9А"),
            student(THIRD, "О'Нил Анна", "5А"),
        ],
        "conflicts": [],
        "exceptions": [],
    }


def cells(language: Language = "ru") -> list[list[str]]:
    """The rows of the table as a spreadsheet shows them."""
    text = write_table(answer(), language).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))


def saved(rows: list[list[str]], encoding: str = "utf-8-sig", separator: str = ";") -> bytes:
    """The table as a spreadsheet saves it."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode(encoding)


def edited(change: Callable[[list[list[str]]], None]) -> dict[str, Any]:
    """The plan after somebody has changed cells."""
    rows = cells()
    change(rows)
    document, problems = read_plan("год.csv", saved(rows))
    assert problems == []
    assert document is not None
    return document


def row_of(rows: list[list[str]], id_: str) -> list[str]:
    """The row with this id."""
    (found,) = [row for row in rows if row[1] == id_]
    return found


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize(
    ("encoding", "separator"), [("utf-8-sig", ";"), ("utf-8", ","), ("cp1251", "\t")]
)
def test_unchanged_it_is_the_same_plan(language: Language, encoding: str, separator: str) -> None:
    """Written and read again, in either language and as any spreadsheet saves it, nothing is different."""
    if language == "en" and encoding == "cp1251":
        encoding = "utf-8"  # too little Russian in it to know the encoding by
    document, problems = read_plan("year.csv", saved(cells(language), encoding, separator))
    assert problems == []
    assert document == answer()["plan"]


def test_decisions_are_read() -> None:
    """One of 9А goes on to a new 10А, one leaves, the class ends; 6А gets other teachers; dates in Russian spelling."""

    def decide(rows: list[list[str]]) -> None:
        row_of(rows, CLASS_9A)[4] = "Выпуск"
        row_of(rows, CLASS_5A)[4:6] = ['6 "a"', "T028, Орлова Мария Ивановна"]
        row_of(rows, PUPIL)[4] = "10-А"
        row_of(rows, OTHER)[4] = "выбывает"
        row_of(rows, "graduates_leave_on")[4] = "25.08.2027"
        rows.append(["новый класс", "", "", "", "10а", "", "", ""])
        rows.append(["новый класс", "", "", "", "", "", "", ""])

    document = edited(decide)
    by_id = {line["class_id"]: line for line in document["classes"] if line["class_id"]}
    assert by_id[CLASS_9A]["fate"] == "ends"
    assert by_id[CLASS_5A] == {
        "class_id": CLASS_5A,
        "fate": "continues",
        "name": "6А",
        "grade": 6,
        "teachers": ["T028", "Орлова Мария Ивановна"],
    }
    assert document["pupils"] == [
        {"person_id": PUPIL, "fate": "moves", "name": "10А"},
        {"person_id": OTHER, "fate": "leaves", "name": ""},
    ]
    assert [x["name"] for x in document["classes"] if x["fate"] == "new"] == ["1А", "10А"]
    assert document["graduates_leave_on"] == "2027-08-25"


@pytest.mark.parametrize(
    ("cell", "teachers"),
    [("", None), ("нет", []), ("-", []), ("T1", ["T1"]), (" T1 ,, T2 ", ["T1", "T2"])],
)
def test_class_teachers(cell: str, teachers: list[str] | None) -> None:
    """An empty cell keeps today's, "none" leaves the class without, else those who are named."""

    def decide(rows: list[list[str]]) -> None:
        row_of(rows, CLASS_5A)[5] = cell

    assert edited(decide)["classes"][0]["teachers"] == teachers


def test_nothing_runs_in_the_spreadsheet() -> None:
    """A name that begins like a formula is kept from being one (CSV injection)."""
    assert row_of(cells(), OTHER)[3] == "'=Ким Ян"


def broken(where: str, at: int, value: str) -> Callable[[list[list[str]]], None]:
    """One damaged cell."""

    def change(rows: list[list[str]]) -> None:
        row_of(rows, where)[at] = value

    return change


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("year_row", broken(PUPIL, 0, "школьник")),
        ("year_id", broken(PUPIL, 1, "17")),
        ("year_id", broken(CLASS_5A, 1, "")),
        ("year_next", broken(CLASS_5A, 4, "12А")),
        ("year_next", broken(PUPIL, 4, "0")),
        ("year_next", broken("school_year", 4, "2027")),
        ("year_date", broken("rooms_until", 4, "осенью")),
        ("year_id", broken("rooms_until", 1, "until")),
    ],
)
def test_what_is_wrong_is_told_by_row(code: str, change: Callable[[list[list[str]]], None]) -> None:
    """Each problem has its row and column, both languages, and quotes no cell."""
    rows = cells()
    row_of(rows, PUPIL)[4] = "6А"
    change(rows)
    document, problems = read_plan("год.csv", saved(rows))
    assert document is None
    problem = next(p for p in problems if p.code == code)
    assert rows[(problem.row or 0) - 1] not in cells()
    assert problem.column in cells()[0]
    for language in ("ru", "en"):
        line = problem.line(language)
        assert "школьник" not in line
        assert "осенью" not in line


def test_a_table_without_its_headings_or_rows() -> None:
    """The first row and the rows of the plan itself must be there."""
    _, problems = read_plan("год.csv", saved(cells()[1:]))
    assert [p.code for p in problems] == ["year_headings"]
    rows = [row for row in cells() if row[1] != "rooms_until"]
    _, problems = read_plan("год.csv", saved(rows))
    assert [p.code for p in problems] == ["year_missing"]


def test_json_is_for_programs() -> None:
    """A .json file holds the plan itself; anything else is refused."""
    plan = answer()["plan"]
    assert read_plan("год.json", json.dumps(plan).encode()) == (plan, [])
    for wrong in (b"[]", b"{}", b"\xff", b"[" * 100_000):
        document, problems = read_plan("год.json", wrong)
        assert document is None
        assert [p.code for p in problems] == ["year_json"]


@given(content=st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_plan_or_problems(content: bytes) -> None:
    """Nothing that a file can hold breaks the reading."""
    for name in ("год.csv", "год.json"):
        document, problems = read_plan(name, content)
        assert (document is None) == bool(problems)


def test_every_conflict_has_words() -> None:
    """What the module finds is told in both languages; what it does not know yet is printed as it is."""
    shown = answer()
    kinds = [*CONFLICTS, "of_a_newer_module"]
    shown["conflicts"] = [{"kind": k, "person": "Ким Ян", "detail": "9А"} for k in kinds]
    shown["exceptions"] = [{"kind": k, "person": None, "detail": "9А"} for k in EXCEPTIONS]
    told = "\n".join(year_lines(shown, "ru"))
    assert "of_a_newer_module: Ким Ян: 9А" in told
    for kind in (*CONFLICTS, *EXCEPTIONS):
        assert kind not in told
    assert "11А             → выпуск             2  уходят: 2" in told
