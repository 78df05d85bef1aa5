"""A roster as it arrives (`sferum.roster.v1`, docs/contracts.md §1): checked once, then trusted. Pure.

Every problem names the field and the place in its list; a document with one bad row is refused whole. The sender
(`sferum roster`, the bridge's import page) has already told the school which file and row that was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, TypeVar

from attrs import field, frozen

from synapse_sferum.district.register import subject_word
from synapse_sferum.model import STAFF, EnrolmentRole, Role

FORMAT = "sferum.roster.v1"
#: People of one document; a bigger school is imported by parts (students, staff, guardians).
MAX_PEOPLE = 50_000
MAX_CLASSES = 2_000
MAX_LINKS = 200_000

#: Of one person.
MAX_SUBJECTS = 20

_PERSON_FIELDS = {
    *("source_id", "family_name", "given_name", "middle_name"),
    *("birth_date", "roles", "subjects"),
}
_SOURCE = re.compile(r"[a-z0-9._-]{1,64}")
_SCHOOL_YEAR = re.compile(r"([0-9]{4})/([0-9]{4})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # fromisoformat alone takes 2012-W26-7 too
#: Control characters, and halves of a surrogate pair: JSON can write them, UTF-8 and the databases cannot.
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

#: Groups a document may cover whole, and the roles each holds.
GROUPS: Mapping[str, frozenset[Role]] = {
    "student": frozenset({Role.STUDENT}),
    "staff": STAFF,
    "guardian": frozenset({Role.GUARDIAN}),
}

T = TypeVar("T")


class BadRoster(Exception):
    """The document is not a roster.

    Attributes:
        field: where, as a path: `people[17].birth_date`.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


@frozen(kw_only=True)
class RosterPerson:
    """One person of the list. Names stay out of the repr."""

    source_id: str
    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    middle_name: str = field(default="", repr=False)
    birth_date: date | None = field(default=None, repr=False)
    roles: frozenset[Role]
    subjects: tuple[str, ...] = ()  # sorted, each in its one spelling


@frozen(kw_only=True)
class RosterClass:
    """One class of the list; `name` is canonical (R39)."""

    source_id: str
    name: str
    grade: int | None


@frozen(kw_only=True)
class Roster:
    """A checked document: ids are unique and every reference resolves.

    `enrolments` are (class source id, person source id, role); `guardianships` (guardian, student) → relation.
    """

    source: str
    school_year: str
    covers: frozenset[str]
    people: Mapping[str, RosterPerson]
    classes: Mapping[str, RosterClass]
    enrolments: frozenset[tuple[str, str, EnrolmentRole]]
    guardianships: Mapping[tuple[str, str], str]


def parse_roster(raw: object) -> Roster:
    """Check a JSON value.

    Raises:
        BadRoster: names the field. Values are not repeated in the message: they may be names.
    """
    top = _object("roster", raw)
    _known(
        "roster",
        top,
        {
            "format",
            "source",
            "school_year",
            "covers",
            "people",
            "classes",
            "enrolments",
            "guardianships",
        },
    )
    if top.get("format") != FORMAT:
        raise BadRoster("format", f"must be {FORMAT!r}")
    source = parse_source(top)
    people = _unique("people", _rows("people", top, MAX_PEOPLE, _person), lambda p: p.source_id)
    classes = _unique("classes", _rows("classes", top, MAX_CLASSES, _class), lambda c: c.source_id)
    covers = _covers(top.get("covers"))
    return Roster(
        source=source,
        school_year=_school_year(top.get("school_year")),
        covers=covers,
        people=people,
        classes=classes,
        enrolments=frozenset(_enrolments(top, people, classes)),
        guardianships=dict(_guardianships(top, people)),
    )


def _object(where: str, raw: object) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise BadRoster(where, "must be an object")
    return raw


def _known(where: str, raw: Mapping[str, Any], known: set[str]) -> None:
    for key in raw:
        if key not in known:
            raise BadRoster(
                f"{where}.{key}"[:120], f"unknown field; known: {', '.join(sorted(known))}"
            )


def _text(where: str, raw: Mapping[str, Any], key: str, *, longest: int, shortest: int = 1) -> str:
    value = raw.get(key, "" if shortest == 0 else None)
    if not isinstance(value, str):
        raise BadRoster(where, "must be text")
    if not shortest <= len(value) <= longest:
        raise BadRoster(where, f"must be {shortest} to {longest} characters, has {len(value)}")
    if _UNWRITABLE.search(value):
        raise BadRoster(where, "holds a control character")
    if shortest and not value.strip():
        raise BadRoster(where, "is blank")
    return value


def _rows(
    name: str, top: Mapping[str, Any], most: int, read: Callable[[str, Mapping[str, Any]], T]
) -> list[T]:
    raw = top.get(name, [])
    if not isinstance(raw, list):
        raise BadRoster(name, "must be a list")
    if len(raw) > most:
        raise BadRoster(name, f"has {len(raw)} rows, the limit is {most}")
    return [read(f"{name}[{i}]", _object(f"{name}[{i}]", row)) for i, row in enumerate(raw)]


def _unique(name: str, rows: list[T], key: Callable[[T], str]) -> dict[str, T]:
    found: dict[str, T] = {}
    for i, row in enumerate(rows):
        if key(row) in found:
            raise BadRoster(f"{name}[{i}].source_id", "is in the list twice")
        found[key(row)] = row
    return found


def parse_source(raw: Mapping[str, Any]) -> str:
    """The field `source`: where a record comes from.

    Raises:
        BadRoster: missing, or not 1 to 64 of the characters allowed.
    """
    source = _text("source", raw, "source", longest=64)
    if not _SOURCE.fullmatch(source):
        raise BadRoster("source", "1 to 64 of a-z, 0-9, dot, underscore, hyphen")
    return source


def parse_person(raw: Mapping[str, Any]) -> RosterPerson:
    """One person, as a list has them.

    Raises:
        BadRoster: names the field, as `person.FIELD`.
    """
    if "subjects" in raw:
        raise BadRoster("person.subjects", "unknown field")  # of lists only
    return _person("person", raw)


def is_school_year(text: str) -> bool:
    """Whether it is two consecutive years, "2026/2027"."""
    match = _SCHOOL_YEAR.fullmatch(text)
    return match is not None and int(match[2]) == int(match[1]) + 1


def _school_year(raw: object) -> str:
    if not isinstance(raw, str) or not is_school_year(raw):
        raise BadRoster("school_year", "must be two consecutive years, such as 2026/2027")
    return raw


def _covers(raw: object) -> frozenset[str]:
    if not isinstance(raw, list) or not all(
        isinstance(word, str) and word in GROUPS for word in raw
    ):
        raise BadRoster("covers", f"must be a list of {', '.join(GROUPS)}")
    return frozenset(raw)


def _person(where: str, raw: Mapping[str, Any]) -> RosterPerson:
    _known(where, raw, _PERSON_FIELDS)
    roles = raw.get("roles")
    words = {role.value for role in Role}
    if (
        not isinstance(roles, list)
        or not roles
        or not all(isinstance(r, str) and r in words for r in roles)
    ):
        raise BadRoster(f"{where}.roles", f"must be one or more of {', '.join(sorted(words))}")
    return RosterPerson(
        source_id=_text(f"{where}.source_id", raw, "source_id", longest=128),
        family_name=_text(f"{where}.family_name", raw, "family_name", longest=100),
        given_name=_text(f"{where}.given_name", raw, "given_name", longest=100),
        middle_name=_text(f"{where}.middle_name", raw, "middle_name", longest=100, shortest=0),
        birth_date=_date(f"{where}.birth_date", raw.get("birth_date")),
        roles=frozenset(Role(word) for word in roles),
        subjects=_subjects(f"{where}.subjects", raw.get("subjects", [])),
    )


def _subjects(where: str, raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list) or len(raw) > MAX_SUBJECTS:
        raise BadRoster(where, f"must be a list of at most {MAX_SUBJECTS}")
    for word in raw:
        if not isinstance(word, str) or not word or subject_word(word) != word:
            raise BadRoster(where, "must be small letters, single spaces, at most 60 characters")
    return tuple(sorted(set(raw)))


def _date(where: str, raw: object) -> date | None:
    if raw is None:
        return None
    try:
        found = date.fromisoformat(raw) if isinstance(raw, str) and _DATE.fullmatch(raw) else None
    except ValueError:
        found = None
    if found is None or found.year < 1900:
        raise BadRoster(where, "must be a date such as 2012-07-01, or null")
    return found


def _class(where: str, raw: Mapping[str, Any]) -> RosterClass:
    _known(where, raw, {"source_id", "name", "grade"})
    grade = raw.get("grade")
    if grade is not None and (
        isinstance(grade, bool) or not isinstance(grade, int) or not 1 <= grade <= 11
    ):
        raise BadRoster(f"{where}.grade", "must be 1 to 11, or null")
    return RosterClass(
        source_id=_text(f"{where}.source_id", raw, "source_id", longest=128),
        name=_text(f"{where}.name", raw, "name", longest=15),
        grade=grade,
    )


def _enrolments(
    top: Mapping[str, Any], people: Mapping[str, RosterPerson], classes: Mapping[str, RosterClass]
) -> Iterator[tuple[str, str, EnrolmentRole]]:
    words = {role.value for role in EnrolmentRole}

    def read(where: str, raw: Mapping[str, Any]) -> tuple[str, str, EnrolmentRole]:
        _known(where, raw, {"class", "person", "role"})
        class_id = _reference(f"{where}.class", raw.get("class"), classes)
        person_id = _reference(f"{where}.person", raw.get("person"), people)
        if not isinstance(raw.get("role"), str) or raw["role"] not in words:
            raise BadRoster(f"{where}.role", f"must be one of {', '.join(sorted(words))}")
        role = EnrolmentRole(raw["role"])
        needed = {Role.STUDENT} if role is EnrolmentRole.STUDENT else STAFF
        if not people[person_id].roles & needed:
            raise BadRoster(f"{where}.role", "does not fit the person's roles")
        return class_id, person_id, role

    yield from _rows("enrolments", top, MAX_LINKS, read)


def _guardianships(
    top: Mapping[str, Any], people: Mapping[str, RosterPerson]
) -> Iterator[tuple[tuple[str, str], str]]:
    def read(where: str, raw: Mapping[str, Any]) -> tuple[tuple[str, str], str]:
        _known(where, raw, {"guardian", "student", "relation"})
        guardian = _reference(f"{where}.guardian", raw.get("guardian"), people)
        student = _reference(f"{where}.student", raw.get("student"), people)
        if guardian == student:
            raise BadRoster(f"{where}.guardian", "nobody is their own guardian")
        if Role.GUARDIAN not in people[guardian].roles:
            raise BadRoster(f"{where}.guardian", "this person has no guardian role")
        if Role.STUDENT not in people[student].roles:
            raise BadRoster(f"{where}.student", "this person has no student role")
        relation = _text(f"{where}.relation", raw, "relation", longest=40, shortest=0)
        return (guardian, student), relation

    yield from _rows("guardianships", top, MAX_LINKS, read)


def _reference(where: str, raw: object, known: Mapping[str, object]) -> str:
    if not isinstance(raw, str) or raw not in known:
        raise BadRoster(where, "refers to nobody in this document")
    return raw
