"""A Roster as the three CSV files a school would export. Reading them gives the same Roster back."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from provisioning.roster import STAFF, EnrolmentRole, Person, Role, Roster

STUDENTS, STAFF_FILE, GUARDIANS = "ученики.csv", "сотрудники.csv", "родители.csv"
POSITIONS = {
    Role.DIRECTOR: "Директор",
    Role.DEPUTY: "Заместитель директора",
    Role.ADMINISTRATOR: "Администратор",
    Role.TEACHER: "Учитель",
}
NAMES = ("ИД", "Фамилия", "Имя", "Отчество")
CONTACTS = ("Телефон", "Email")


def csv_files(roster: Roster) -> dict[str, bytes]:
    """File name → contents, as Excel in Russia saves them: UTF-8 with mark, `;`, CRLF."""
    classes = {c.source_id: c.name for c in roster.classes}
    of_class: defaultdict[tuple[str, EnrolmentRole], list[str]] = defaultdict(list)
    for enrolment in roster.enrolments:
        of_class[enrolment.person_id, enrolment.role].append(classes[enrolment.class_id])
    children: defaultdict[str, list[str]] = defaultdict(list)
    relations: dict[str, str] = {}
    for tie in roster.guardianships:
        children[tie.guardian_id].append(tie.student_id)
        relations[tie.guardian_id] = tie.relation
    students = (
        (*_names(p), _born(p), *of_class[p.source_id, EnrolmentRole.STUDENT], *_contacts(p))
        for p in roster.people
        if Role.STUDENT in p.roles
    )
    staff = (
        (
            *_names(p),
            ", ".join(text for role, text in POSITIONS.items() if role in p.roles),
            ",".join(of_class[p.source_id, EnrolmentRole.HOMEROOM_TEACHER]),
            *_contacts(p),
        )
        for p in roster.people
        if p.roles & STAFF
    )
    guardians = (
        (
            *_names(p),
            relations.get(p.source_id, ""),
            *_contacts(p),
            ",".join(children[p.source_id]),
        )
        for p in roster.people
        if Role.GUARDIAN in p.roles
    )
    return {
        STUDENTS: _encoded((*NAMES, "Дата рождения", "Класс", *CONTACTS), students),
        STAFF_FILE: _encoded((*NAMES, "Должность", "Классное руководство", *CONTACTS), staff),
        GUARDIANS: _encoded((*NAMES, "Степень родства", *CONTACTS, "Дети (ИД)"), guardians),
    }


def write_csv(roster: Roster, folder: Path) -> list[Path]:
    """Write the three files into `folder` (made if absent); returns their paths.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name, content in csv_files(roster).items():
        paths.append(folder / name)
        paths[-1].write_bytes(content)
    return paths


def _names(person: Person) -> tuple[str, str, str, str]:
    return person.source_id, person.family_name, person.given_name, person.middle_name


def _born(person: Person) -> str:
    return person.birth_date.strftime("%d.%m.%Y") if person.birth_date else ""


def _contacts(person: Person) -> tuple[str, str]:
    return (
        person.phone.e164 if person.phone else "",
        person.email.address if person.email else "",
    )


def _encoded(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()
