"""A school's people, classes and ties, as its lists say. Pure.

Words are OneRoster's where it has them (`docs/contracts.md` §1). Contacts are here, in memory
only: `Roster.to_wire` leaves them out, because they never enter Synapse's database.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from attrs import field, frozen

from provisioning.contact import Email, Phone

FORMAT = "sferum.roster.v1"
MAX_PEOPLE = 50_000
MAX_WIRE_BYTES = 12_000_000
MAX_ID = 128
MAX_RELATION = 40
MAX_SUBJECT, MAX_SUBJECTS = 60, 20
SOURCE = re.compile(r"[a-z0-9._-]{1,64}")
SCHOOL_YEAR = re.compile(r"(\d{4})/(\d{4})")


class Role(StrEnum):
    """What a person is at the school."""

    DIRECTOR = "director"
    DEPUTY = "deputy"
    ADMINISTRATOR = "administrator"
    TEACHER = "teacher"
    STUDENT = "student"
    GUARDIAN = "guardian"


STAFF = frozenset({Role.DIRECTOR, Role.DEPUTY, Role.ADMINISTRATOR, Role.TEACHER})


class Group(StrEnum):
    """A group of people that a file covers whole; only its people can be found missing."""

    STUDENT = "student"
    STAFF = "staff"
    GUARDIAN = "guardian"


class EnrolmentRole(StrEnum):
    STUDENT = "student"
    HOMEROOM_TEACHER = "homeroom_teacher"
    TEACHER = "teacher"


@frozen
class Person:
    """One person of one source; identity is (source, source_id), names may change.

    Attributes:
        source_id: the school's own lasting number, 1–128 characters.
        middle_name: "" when absent.
        roles: at least one.
        subjects: what a teacher teaches, in small letters, single spaces; at most 20.
        phone, email: in memory only; they print masked and are not on the wire.
    """

    source_id: str
    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    middle_name: str = field(repr=False)
    birth_date: date | None = field(repr=False)
    roles: frozenset[Role]
    phone: Phone | None = field(default=None, repr=False)
    email: Email | None = field(default=None, repr=False)
    subjects: tuple[str, ...] = ()


@frozen
class SchoolClass:
    """A class; `name` is canonical (R39), `grade` 1–11 or None for a named class."""

    source_id: str
    name: str
    grade: int | None


@frozen(order=True)
class Enrolment:
    class_id: str
    person_id: str
    role: EnrolmentRole


@frozen(order=True)
class Guardianship:
    """A guardian of a student; `relation` is the school's own word, ≤ 40 characters or ""."""

    guardian_id: str
    student_id: str
    relation: str


class RosterTooLarge(ValueError):
    """More people or bytes than `sferum.roster.v1` allows."""


@frozen
class Roster:
    """One school's lists, checked: every reference resolves inside. Sorted by id.

    Attributes:
        source: 1–64 of `a-z0-9._-`; an import touches people of its own source only.
        school_year: `YYYY/YYYY`.
        covers: groups the files covered whole.
    """

    source: str
    school_year: str
    covers: frozenset[Group]
    people: tuple[Person, ...] = field(repr=False)
    classes: tuple[SchoolClass, ...] = field(repr=False)
    enrolments: tuple[Enrolment, ...] = field(repr=False)
    guardianships: tuple[Guardianship, ...] = field(repr=False)

    def to_wire(self) -> dict[str, object]:
        """The roster as `sferum.roster.v1`, without contacts.

        Raises:
            RosterTooLarge: over 50,000 people.
        """
        if len(self.people) > MAX_PEOPLE:
            raise RosterTooLarge(f"{len(self.people)} people, at most {MAX_PEOPLE}")
        return {
            "format": FORMAT,
            "source": self.source,
            "school_year": self.school_year,
            "covers": [group.value for group in Group if group in self.covers],
            "people": [_person_to_wire(person) for person in self.people],
            "classes": [
                {"source_id": c.source_id, "name": c.name, "grade": c.grade} for c in self.classes
            ],
            "enrolments": [
                {"class": e.class_id, "person": e.person_id, "role": e.role.value}
                for e in self.enrolments
            ],
            "guardianships": [
                {"guardian": g.guardian_id, "student": g.student_id, "relation": g.relation}
                for g in self.guardianships
            ],
        }

    def to_json(self) -> bytes:
        """The wire form as UTF-8 JSON.

        Raises:
            RosterTooLarge: over 50,000 people or 12 MB.
        """
        encoded = json.dumps(self.to_wire(), ensure_ascii=False, separators=(",", ":")).encode()
        if len(encoded) > MAX_WIRE_BYTES:
            raise RosterTooLarge(f"{len(encoded)} bytes, at most {MAX_WIRE_BYTES}")
        return encoded

    def count(self, role: Role) -> int:
        return sum(role in person.roles for person in self.people)

    def pupils_by_class(self) -> dict[str, int]:
        """Class name → number of pupils, classes without pupils too."""
        enrolled = Counter(e.class_id for e in self.enrolments if e.role is EnrolmentRole.STUDENT)
        return {c.name: enrolled[c.source_id] for c in self.classes}


def _person_to_wire(person: Person) -> dict[str, object]:
    return {
        "source_id": person.source_id,
        "family_name": person.family_name,
        "given_name": person.given_name,
        "middle_name": person.middle_name,
        "birth_date": person.birth_date.isoformat() if person.birth_date else None,
        "roles": [role.value for role in Role if role in person.roles],
        **({"subjects": sorted(person.subjects)} if person.subjects else {}),
    }


def is_school_year(text: str) -> bool:
    """Whether `text` is `YYYY/YYYY`, consecutive."""
    match = SCHOOL_YEAR.fullmatch(text)
    return match is not None and int(match[2]) == int(match[1]) + 1


def class_order(school_class: SchoolClass) -> tuple[int, str]:
    """1А, 1Б, …, 10А, 11А, then named classes."""
    return (school_class.grade or 99, school_class.name)


def make_roster(
    *,
    source: str,
    school_year: str,
    covers: Iterable[Group],
    people: Iterable[Person],
    classes: Iterable[SchoolClass],
    enrolments: Iterable[Enrolment],
    guardianships: Iterable[Guardianship],
) -> Roster:
    """A roster in one fixed order: equal lists are equal rosters, whatever the order of rows."""
    return Roster(
        source,
        school_year,
        frozenset(covers),
        tuple(sorted(people, key=lambda person: person.source_id)),
        tuple(sorted(classes, key=class_order)),
        tuple(sorted(set(enrolments))),
        tuple(sorted(set(guardianships))),
    )
