"""Every kind of broken list: the right message at the right place, and no roster."""

from __future__ import annotations

import pytest

from provisioning.problem import Place, Severity
from provisioning.readers.archive import MAX_ENTRIES
from provisioning.readers.files import MAX_FILE, Options, SourceFile, read_roster
from provisioning.readers.mapping import parse_mapping
from provisioning.readers.table import MAX_CELL, MAX_COLUMNS, MAX_ROWS
from tests.provisioning.files import (
    GUARDIANS,
    HEAD,
    MOTHER,
    PUPIL,
    PUPIL_2,
    STAFF,
    STUDENTS,
    TEACHER,
    TODAY,
    csv_bytes,
    found,
    oneroster_bytes,
    read,
    school,
    xlsx_bytes,
    zip_bytes,
)

Files = dict[str, bytes]


def pupil(row: str) -> Files:
    return school(students=(PUPIL, PUPIL_2, row))


def staff(row: str) -> Files:
    return school(staff=(HEAD, TEACHER, row))


def guardian(row: str) -> Files:
    return school(guardians=(MOTHER, row))


def headed(*headings: str, row: str = "1;2;3;4") -> Files:
    return {"students.csv": csv_bytes(";".join(headings), row)}


S, T, G = "students.csv", "staff.csv", "guardians.csv"
LONG = "я" * 129
#: name → (files, code, place)
ROWS: dict[str, tuple[Files, str, Place]] = {
    "no id": (pupil(";Ким;Ян;;01.02.2015;5А;;"), "id_empty", Place(S, 4, "ИД")),
    "id too long": (pupil(f"{LONG};Ким;Ян;;01.02.2015;5А;;"), "id_bad", Place(S, 4, "ИД")),
    "id with odd signs": (pupil("U<3>;Ким;Ян;;01.02.2015;5А;;"), "id_bad", Place(S, 4, "ИД")),
    "id as Excel's power": (
        pupil("1,23E+11;Ким;Ян;;01.02.2015;5А;;"), "id_scientific", Place(S, 4, "ИД"),
    ),
    "same id twice": (pupil(PUPIL), "id_twice", Place(S, 4, "ИД")),
    "pupil and teacher share an id": (
        staff("U1;Ким;Ян;;Учитель;;;"), "pupil_is_adult", Place(T, 4, "ИД"),
    ),
    "pupil and guardian share an id": (
        guardian("U2;Ким;Ян;;отец;;;U1"), "pupil_is_adult", Place(G, 3, "ИД"),
    ),
    "two adults share an id": (
        guardian("T2;Ким;Ян;;отец;;;U1"), "id_of_two_people", Place(G, 3, "ИД"),
    ),
    "no family name": (pupil("U3;;Ян;;01.02.2015;5А;;"), "name_empty", Place(S, 4, "Фамилия")),
    "no given name": (pupil("U3;Ким; ;;01.02.2015;5А;;"), "name_empty", Place(S, 4, "Имя")),
    "digits in a name": (pupil("U3;Ким2;Ян;;01.02.2015;5А;;"), "name_bad", Place(S, 4, "Фамилия")),
    "phone in the name": (
        pupil("U3;Ким +75001000009;Ян;;;5А;;"), "name_bad", Place(S, 4, "Фамилия"),
    ),
    "name too long": (
        pupil(f"U3;{LONG};Ян;;01.02.2015;5А;;"), "name_bad", Place(S, 4, "Фамилия"),
    ),
    "question marks for letters": (
        pupil("U3;???????;Ян;;01.02.2015;5А;;"), "name_damaged", Place(S, 4, "Фамилия"),
    ),
    "replacement characters": (
        pupil("U3;Ким;Я\ufffd;;01.02.2015;5А;;"), "name_damaged", Place(S, 4, "Имя"),
    ),
    "date with slashes": (
        pupil("U3;Ким;Ян;;01/02/2015;5А;;"), "birth_date_bad", Place(S, 4, "Дата рождения"),
    ),
    "year of two digits": (
        pupil("U3;Ким;Ян;;01.02.15;5А;;"), "birth_date_bad", Place(S, 4, "Дата рождения"),
    ),
    "day that does not exist": (
        pupil("U3;Ким;Ян;;31.02.2015;5А;;"), "birth_date_bad", Place(S, 4, "Дата рождения"),
    ),
    "date as Excel's number": (
        pupil("U3;Ким;Ян;;42036;5А;;"), "birth_date_bad", Place(S, 4, "Дата рождения"),
    ),
    "born in 1815": (
        pupil("U3;Ким;Ян;;01.02.1815;5А;;"), "birth_date_bad", Place(S, 4, "Дата рождения"),
    ),
    "born tomorrow": (
        pupil("U3;Ким;Ян;;02.09.2026;5А;;"), "birth_date_future", Place(S, 4, "Дата рождения"),
    ),
    "pupil without class": (
        pupil("U3;Ким;Ян;;01.02.2015;;;"), "pupil_without_class", Place(S, 4, "Класс"),
    ),
    "grade 12": (pupil("U3;Ким;Ян;;01.02.2015;12А;;"), "class_bad", Place(S, 4, "Класс")),
    "class is a sentence": (
        pupil("U3;Ким;Ян;;01.02.2015;обучается на дому с мая;;"), "class_bad", Place(S, 4, "Класс"),
    ),
    "two classes": (
        pupil('U3;Ким;Ян;;01.02.2015;"5А, 6А";;'), "class_several", Place(S, 4, "Класс"),
    ),
    "class turned into a date": (
        pupil("U3;Ким;Ян;;01.02.2015;2026-05-01;;"), "class_is_date", Place(S, 4, "Класс"),
    ),
    "formula error": (
        pupil("U3;Ким;Ян;;01.02.2015;#Н/Д;;"), "cell_formula_error", Place(S, 4, "Класс"),
    ),
    "control character": (
        pupil("U3;Ким\x07;Ян;;01.02.2015;5А;;"), "cell_control", Place(S, 4, "Фамилия"),
    ),
    "phone too short": (
        pupil("U3;Ким;Ян;;01.02.2015;5А;12345;"), "phone_bad", Place(S, 4, "Телефон"),
    ),
    "phone with words": (
        pupil("U3;Ким;Ян;;01.02.2015;5А;8 500 100-00-09 мама;"), "phone_bad", Place(S, 4, "Телефон"),
    ),
    "phone as Excel's power": (
        pupil("U3;Ким;Ян;;01.02.2015;5А;7,5E+10;"), "phone_scientific", Place(S, 4, "Телефон"),
    ),
    "two phones": (
        pupil("U3;Ким;Ян;;01.02.2015;5А;85001000009, 85001000008;"),
        "phone_several", Place(S, 4, "Телефон"),
    ),
    "e-mail without a dot": (
        pupil("U3;Ким;Ян;;01.02.2015;5А;;yan@school"), "email_bad", Place(S, 4, "Email"),
    ),
    "two e-mails": (
        pupil("U3;Ким;Ян;;01.02.2015;5А;;a@b.example c@d.example"), "email_bad", Place(S, 4, "Email"),
    ),
    "staff without position": (
        staff("T3;Ким;Ян;;;;;"), "position_empty", Place(T, 4, "Должность"),
    ),
    "unknown position": (
        staff("T3;Ким;Ян;;Секретарь директора;;;"), "position_unknown", Place(T, 4, "Должность"),
    ),
    "homeroom of no class": (
        staff("T3;Ким;Ян;;Учитель;5А,99Я;;"), "class_bad", Place(T, 4, "Классное руководство"),
    ),
    "homeroom said by yes": (
        staff("T3;Ким;Ян;;Учитель;да;;"), "class_bad", Place(T, 4, "Классное руководство"),
    ),
    "child in no list": (
        guardian("R2;Ким;Ян;;отец;;;U1,U9"), "child_unknown", Place(G, 3, "Дети (ИД)"),
    ),
    "child is a teacher": (
        guardian("R2;Ким;Ян;;отец;;;T2"), "child_is_adult", Place(G, 3, "Дети (ИД)"),
    ),
    "own parent": (guardian("R2;Ким;Ян;;отец;;;R2"), "own_guardian", Place(G, 3, "Дети (ИД)")),
    "relation is a story": (
        guardian(f"R2;Ким;Ян;;{'очень ' * 9};;;U1"), "relation_long",
        Place(G, 3, "Степень родства"),
    ),
    "one cell too many": (pupil("U3;Ким;Ян;;01.02.2015;5А;;;лишнее"), "row_too_long", Place(S, 4)),
    "cell too long": (
        pupil(f"U3;Ким;Ян;;01.02.2015;5А;;{'x' * (MAX_CELL + 1)}"), "cell_too_long", Place(S, 4),
    ),
    "quote left open": (pupil('U3;"Ким;Ян;;01.02.2015;5А;;'), "csv_quotes", Place(S, 4)),
    "text after a quote": (pupil('U3;"Ким"ов;Ян;;;5А;;'), "csv_quotes", Place(S, 4)),
}  # fmt: skip

TOO_MANY_CELLS = xlsx_bytes({"Лист1": [["x"] * 100] * 60})
NUL_TEXT = "ИД;Фамилия;Имя;Класс\r\nU1;Ким;Ян;5А\r\n"
#: name → (files, code, place)
FILES: dict[str, tuple[Files, str, Place]] = {
    "nothing at all": ({}, "no_files", Place("")),
    "empty file": ({"a.csv": b""}, "file_empty", Place("a.csv")),
    "only spaces": ({"a.csv": b" \r\n \r\n"}, "file_empty", Place("a.csv")),
    "file too large": ({"a.csv": b"x" * (MAX_FILE + 1)}, "file_too_large", Place("a.csv")),
    "old xls": ({"a.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest"}, "format_xls", Place("a.xls")),
    "pdf": ({"a.csv": b"%PDF-1.4"}, "format_unsupported", Place("a.csv")),
    "html called xls": ({"a.xls": b"\n<html>"}, "format_unsupported", Place("a.xls")),
    "ods": (
        {"a.ods": zip_bytes({"mimetype": b"x", "content.xml": b"<a/>"})}, "format_ods", Place("a.ods"),
    ),
    "zip of something": (
        {"a.zip": zip_bytes({"photo.txt": b"x"})}, "archive_unknown", Place("a.zip"),
    ),
    "zip cut off": ({"a.zip": zip_bytes({"a": b"x"})[:-10]}, "archive_damaged", Place("a.zip")),
    "zip bomb": (
        {"a.xlsx": zip_bytes({"xl/workbook.xml": bytes(20_000_000)})},
        "archive_too_large", Place("a.xlsx"),
    ),
    "zip of too many files": (
        {"a.xlsx": zip_bytes({str(i): b"" for i in range(MAX_ENTRIES + 1)})},
        "archive_too_large", Place("a.xlsx"),
    ),
    "xlsx that is none": (
        {"a.xlsx": zip_bytes({"xl/workbook.xml": b"<workbook/>"})}, "xlsx_damaged", Place("a.xlsx"),
    ),
    "xlsx with a document type": (
        {"a.xlsx": zip_bytes({"xl/workbook.xml": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>'})},
        "xlsx_damaged", Place("a.xlsx"),
    ),
    "xlsx without contents": ({"a.xlsx": xlsx_bytes({"Лист1": []})}, "file_empty", Place("a.xlsx")),
    "utf-16 with mark": ({"a.csv": NUL_TEXT.encode("utf-16")}, "encoding_utf16", Place("a.csv")),
    "utf-16 without mark": (
        {"a.csv": NUL_TEXT.encode("utf-16-le")}, "encoding_utf16", Place("a.csv"),
    ),
    "koi8-r": (
        {"a.csv": csv_bytes(STUDENTS, PUPIL, PUPIL_2, encoding="koi8-r")},
        "encoding_unknown", Place("a.csv"),
    ),
    "dos 866": (
        {"a.csv": csv_bytes(STUDENTS, PUPIL, PUPIL_2, encoding="cp866")},
        "encoding_unknown", Place("a.csv"),
    ),
    "utf-8 with a damaged letter": (
        {"a.csv": csv_bytes(STUDENTS, PUPIL, PUPIL_2).replace("Белова".encode(), b"\xd0\xd0\xbb")},
        "encoding_damaged", Place("a.csv", 3),
    ),
    "photograph": ({"a.csv": b"\x89PNG\r\n"}, "format_unsupported", Place("a.csv")),
    "random bytes": (
        {"a.csv": bytes(range(128, 256)) * 20}, "encoding_unknown", Place("a.csv"),
    ),
    "cut off in the middle": (
        {"a.csv": csv_bytes(STUDENTS, PUPIL, PUPIL_2) + "U3;Ким;Я".encode()},
        "csv_truncated", Place("a.csv", 4),
    ),
    "too many rows": (
        {"a.csv": csv_bytes("ИД;Фамилия", *["1;2"] * MAX_ROWS)}, "too_many_rows", Place("a.csv"),
    ),
    "too many columns": (
        {"a.csv": csv_bytes(";".join("ИД" for _ in range(MAX_COLUMNS + 1)))},
        "too_many_columns", Place("a.csv", 1),
    ),
    "no headings": ({"a.csv": csv_bytes(PUPIL, PUPIL_2)}, "no_headings", Place("a.csv")),
    "no id column": (
        headed("Фамилия", "Имя", "Дата рождения", "Класс", row="Ким;Ян;01.02.2015;5А"),
        "id_column_missing", Place(S, 1),
    ),
    "no class column": (
        {"students.csv": csv_bytes("ИД;Фамилия;Имя;Степень родства", "U1;Ким;Ян;мать")},
        "column_missing", Place(S, 1),
    ),
    "no given name column": (
        headed("ИД", "Фамилия", "Дата рождения", "Класс", row="U1;Ким;01.02.2015;5А"),
        "column_missing", Place(S, 1),
    ),
    "whose list is it": (
        headed("ИД", "Фамилия", "Имя", "Телефон", row="U1;Ким;Ян;"), "kind_unclear", Place(S, 1),
    ),
    "two phone columns": (
        headed("ИД", "ФИО", "Класс", "Телефон", "Мобильный", row="U1;Ким Ян;5А;;"),
        "heading_twice", Place(S, 1),
    ),
    "headings and nothing below": ({"a.csv": csv_bytes(STUDENTS)}, "list_empty", Place("a.csv", 1)),
    "guardians alone": ({"g.csv": csv_bytes(GUARDIANS, MOTHER)}, "students_missing", Place("g.csv")),
    "full name of two given names": (
        headed("ИД", "ФИО", "Класс", row="U1;Нгуен Ван Минь;5А"),
        "full_name_ambiguous", Place(S, 2, "ФИО"),
    ),
    "one word for a full name": (
        headed("ИД", "ФИО", "Класс", row="U1;Ким;5А"), "full_name_ambiguous", Place(S, 2, "ФИО"),
    ),
    "oneroster and a table": (
        {"a.zip": oneroster_bytes(), "a.csv": csv_bytes(STAFF, HEAD)},
        "mixed_formats", Place("a.zip"),
    ),
    "xlsx date in the class column": (
        {"a.xlsx": xlsx_bytes({"5А": [["ИД", "ФИО", "Класс"], ["U1", "Ким Ян", TODAY]]})},
        "class_is_date", Place("a.xlsx", 2, "Класс"),
    ),
    "a class's sheet with headings nobody knows": (
        {
            "a.xlsx": xlsx_bytes(
                {
                    "5А": [["ИД", "ФИО", "Класс"], ["U1", "Ким Ян", "5А"]],
                    "5Б": [["Шифр", "Дитя", "Группа"], ["U2", "Ли Ян", "5Б"], ["U3", "Ли Яна", "5Б"]],
                }
            )
        },
        "no_headings", Place("a.xlsx[5Б]"),
    ),
    "workbook of too many cells": (
        {"a.xlsx": TOO_MANY_CELLS}, "archive_too_large", Place("a.xlsx"),
    ),
    "error on the second sheet": (
        {
            "a.xlsx": xlsx_bytes(
                {
                    "Ученики": [["ИД", "ФИО", "Класс"], ["U1", "Ким Ян", "5А"]],
                    "Учителя": [["ИД", "ФИО", "Должность"], ["T1", "Ли Ян", "Астроном"]],
                }
            )
        },
        "position_unknown", Place("a.xlsx[Учителя]", 2, "Должность"),
    ),
}  # fmt: skip

CASES = {**ROWS, **FILES}


@pytest.mark.parametrize("name", CASES)
def test_a_malformed_list_is_named_and_gives_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken list gives the right problem at the right file, row and column, and no roster."""
    files, code, place = CASES[name]
    monkeypatch.setattr("provisioning.readers.xlsx_table.MAX_CELLS", 5_000)

    reading = read(files)

    assert reading.roster is None
    assert [p.place for p in found(reading, code)] == [place], [
        (p.code, p.place) for p in reading.problems
    ]
    assert found(reading, code)[0].severity is Severity.ERROR


@pytest.mark.parametrize("name", ROWS)
def test_one_bad_cell_is_one_error(name: str) -> None:
    """A mistake is told once and drags no other errors after it."""
    files, code, _ = ROWS[name]

    assert {p.code for p in read(files).of(Severity.ERROR)} == {code}


def test_all_problems_come_at_once() -> None:
    """The operator corrects a file once: every problem of every list is in one answer."""
    reading = read(
        school(
            students=(PUPIL, "U2;;Анна;;32.01.2015;5А;123;x"),
            staff=(HEAD, "T2;Зуева;Вера;;Астроном;5А;;"),
            guardians=("R1;Иванова;Ольга;;мать;;;U7",),
        )
    )

    assert [(p.place.file, p.code) for p in reading.of(Severity.ERROR)] == [
        ("guardians.csv", "child_unknown"),
        ("staff.csv", "position_unknown"),
        ("students.csv", "email_bad"),
        ("students.csv", "birth_date_bad"),
        ("students.csv", "phone_bad"),
        ("students.csv", "name_empty"),
    ]


def test_an_unreadable_list_does_not_hide_the_others_problems() -> None:
    """With one list unreadable the others are still checked, each for itself."""
    reading = read(
        school(students=(PUPIL, PUPIL), staff=(TEACHER, "T2;Ким;Ян;;Астроном;;;"))
        | {"guardians.csv": b"%PDF"}
    )

    assert [(p.place.file, p.row, p.code) for p in reading.of(Severity.ERROR)] == [
        ("guardians.csv", None, "format_unsupported"),
        ("staff.csv", 3, "position_unknown"),
        ("staff.csv", 3, "id_twice"),
        ("students.csv", 3, "id_twice"),
    ]


def test_a_bad_source_name_and_year_are_refused() -> None:
    """What the operator types is checked like what the files say."""
    reading = read(school(), source="Школа 86", school_year="2026/2028")

    assert reading.roster is None
    assert {p.code for p in reading.problems} >= {"source_bad", "school_year_bad"}


def test_a_mapping_to_an_absent_heading_is_refused() -> None:
    """A mapping that does not fit the file is an error, not a column silently empty."""
    mapping = parse_mapping('[students]\nphone = "Моб."')
    reading = read_roster(
        [SourceFile("a.csv", csv_bytes(STUDENTS, PUPIL))], Options(today=TODAY, mapping=mapping)
    )

    assert reading.roster is None
    assert [p.place for p in found(reading, "mapped_heading_missing")] == [Place("a.csv", 1)]


def test_at_least_forty_kinds_are_covered() -> None:
    """The table above covers forty kinds of malformed lists and more."""
    assert len({code for _, code, _ in CASES.values()}) >= 40
