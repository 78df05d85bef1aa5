"""Small school files for tests, as bytes, and one way to read them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl

from provisioning.problem import Place, Problem, Severity
from provisioning.readers.files import Options, SourceFile, read_roster
from provisioning.readers.mapping import ColumnMapping
from provisioning.reading import Reading

DATA = Path(__file__).parent.parent / "data" / "school86"
TODAY = date(2026, 9, 1)

STUDENTS = "ИД;Фамилия;Имя;Отчество;Дата рождения;Класс;Телефон;Email"
STAFF = "ИД;Фамилия;Имя;Отчество;Должность;Классное руководство;Телефон;Email"
GUARDIANS = "ИД;Фамилия;Имя;Отчество;Степень родства;Телефон;Email;Дети (ИД)"
PUPIL = "U1;Иванов;Пётр;Ильич;01.02.2015;5А;;"
PUPIL_2 = "U2;Белова;Анна;Ильинична;03.04.2015;5А;+7 500 100-00-02;"
HEAD = "T1;Орлова;Мария;Петровна;Директор;;+7 500 100-00-03;head@school.example"
TEACHER = "T2;Зуева;Вера;Юрьевна;Учитель;5А;;"
MOTHER = "R1;Иванова;Ольга;Юрьевна;мать;+7 500 100-00-04;;U1"

ONEROSTER: dict[str, str] = {
    "manifest": "propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n"
    + "".join(
        f"file.{name},bulk\n"
        for name in (
            "orgs", "users", "classes", "enrollments", "roles", "demographics", "academicSessions",
        )
    ),
    "orgs": "sourcedId,status,name,type\no1,,Школа,school\n",
    "academicSessions": "sourcedId,status,title,type,startDate,endDate,schoolYear\n"
    "y1,,2026/2027,schoolYear,2026-09-01,2027-08-31,2027\n",
    "classes": "sourcedId,status,title,grades,classType,schoolSourcedId\nc5,,5A,05,homeroom,o1\n",
    "users": "sourcedId,status,enabledUser,givenName,familyName,middleName,email,sms,phone,agentSourcedIds\n"
    "U1,,true,Пётр,Иванов,Ильич,,,,R1\n"
    "T1,,true,Мария,Орлова,Петровна,,,,\n"
    "T2,,true,Вера,Зуева,Юрьевна,,,,\n"
    "R1,,true,Ольга,Иванова,Юрьевна,,+75001000004,,U1\n",
    "roles": "sourcedId,status,userSourcedId,roleType,role,orgSourcedId\n"
    "r1,,U1,primary,student,o1\nr2,,T1,primary,principal,o1\n"
    "r3,,T2,primary,teacher,o1\nr4,,R1,primary,parent,o1\n",
    "enrollments": "sourcedId,status,classSourcedId,userSourcedId,role,beginDate,endDate\n"
    "e1,,c5,U1,student,2026-09-01,\ne2,,c5,T2,teacher,,\n",
    "demographics": "sourcedId,status,birthDate\nU1,,2015-02-01\n",
}  # fmt: skip


def csv_bytes(*lines: str, encoding: str = "utf-8-sig") -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


def xlsx_bytes(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def oneroster_bytes(changes: Mapping[str, tuple[str, str]] | None = None, /, **texts: str) -> bytes:
    """The small archive; `changes` replaces text inside a file, `texts` whole files ("" drops it)."""
    files = {**ONEROSTER, **texts}
    for name, (old, new) in (changes or {}).items():
        assert old in files[name], "the test changes nothing"
        files[name] = files[name].replace(old, new)
    return zip_bytes({f"{name}.csv": text.encode() for name, text in files.items() if text})


def school(
    students: Sequence[str] = (PUPIL, PUPIL_2),
    staff: Sequence[str] = (HEAD, TEACHER),
    guardians: Sequence[str] = (MOTHER,),
) -> dict[str, bytes]:
    """The three lists of a small sound school, any of them replaced."""
    return {
        "students.csv": csv_bytes(STUDENTS, *students),
        "staff.csv": csv_bytes(STAFF, *staff),
        "guardians.csv": csv_bytes(GUARDIANS, *guardians),
    }


def read(files: Mapping[str, bytes], **options: Any) -> Reading:
    """Read files by name, on 1 September 2026."""
    sources = [SourceFile(name, content) for name, content in files.items()]
    return read_roster(sources, Options(today=TODAY, **options))


def read_mapped(files: Mapping[str, bytes], mapping: ColumnMapping) -> Reading:
    return read(files, mapping=mapping)


def sound(reading: Reading) -> Reading:
    """The reading, which must have given a roster."""
    assert reading.roster is not None, [p.line("en") for p in reading.of(Severity.ERROR)]
    return reading


def found(reading: Reading, code: str) -> list[Problem]:
    return [p for p in reading.problems if p.code == code]


def places(reading: Reading, code: str) -> list[Place]:
    return [p.place for p in found(reading, code)]
