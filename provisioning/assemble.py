"""Records of all files → one Roster, or the problems that prevent it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from provisioning.checks import check_each, check_people
from provisioning.names import fold
from provisioning.problem import Place, Problem, has_errors, in_order
from provisioning.reading import Reading
from provisioning.records import ClassRef, Record
from provisioning.roster import (
    MAX_PEOPLE,
    MAX_SUBJECTS,
    SOURCE,
    Enrolment,
    EnrolmentRole,
    Group,
    Guardianship,
    Person,
    Role,
    Roster,
    SchoolClass,
    is_school_year,
    make_roster,
)


def assemble(
    records: Sequence[Record],
    earlier: Sequence[Problem],
    *,
    covers: frozenset[Group],
    source: str,
    school_year: str,
    today: date,
    classes: Sequence[ClassRef] = (),
    complete: bool = True,
) -> Reading:
    """Put the lists together; every problem at once, and a Roster only if none is an error.

    Args:
        records: rows in the order of the files.
        earlier: problems the readers have found.
        covers: groups whose lists were given.
        classes: classes known besides those that rows name (OneRoster's classes.csv).
        today: for ages.
        complete: False when a list could not be read (an earlier problem says so); then checks
            between the lists would only tell the same again.
    """
    problems = list(earlier)
    where = Place(records[0].place.file) if records else Place("")
    if not SOURCE.fullmatch(source):
        problems.append(Problem("source_bad", where))
    if not is_school_year(school_year):
        problems.append(Problem("school_year_bad", where))
    people, identity_problems = _merge(records)
    problems += identity_problems
    if len(people) > MAX_PEOPLE:
        problems.append(Problem("too_many_people", where, {"limit": str(MAX_PEOPLE)}))
    if not complete:
        return Reading(None, in_order([*problems, *check_each(records, today)]))
    guardianships, child_problems = _guardianships(records, covers)
    problems += child_problems
    problems += check_people(records, covers, today)
    if has_errors(problems):
        return Reading(None, in_order(problems))
    roster = _roster(
        records, people, guardianships, classes, covers=covers, source=source, year=school_year
    )
    return Reading(roster, in_order(problems))


def _roster(
    records: Sequence[Record],
    people: dict[str, Person],
    guardianships: list[Guardianship],
    classes: Sequence[ClassRef],
    *,
    covers: frozenset[Group],
    source: str,
    year: str,
) -> Roster:
    known = {c.source_id: c for c in (*classes, *(c for r in records for c in r.classes))}
    return make_roster(
        source=source,
        school_year=year,
        covers=covers,
        people=people.values(),
        classes=[SchoolClass(c.source_id, c.name, c.grade) for c in known.values()],
        enrolments=[
            Enrolment(c.source_id, record.source_id, _enrolment_role(record))
            for record in records
            for c in record.classes
        ],
        guardianships=guardianships,
    )


def _enrolment_role(record: Record) -> EnrolmentRole:
    if record.group is Group.STUDENT:
        return EnrolmentRole.STUDENT
    return EnrolmentRole.HOMEROOM_TEACHER


def _merge(records: Sequence[Record]) -> tuple[dict[str, Person], list[Problem]]:
    """One Person per id. Only a staff row and a guardian row of the same names may share one."""
    first: dict[str, Record] = {}
    people: dict[str, Person] = {}
    problems: list[Problem] = []
    for record in records:
        before = first.setdefault(record.source_id, record)
        if before is record:
            people[record.source_id] = _person(record)
        elif code := _conflict(before, record):
            problems.append(Problem(code, record.at("id"), {"other": str(before.place)}))
        else:
            people[record.source_id] = _joined(people[record.source_id], record)
    return people, problems


def _conflict(before: Record, record: Record) -> str | None:
    if before.group is record.group:
        return "id_twice"
    if Group.STUDENT in (before.group, record.group):
        return "pupil_is_adult"
    return None if _folded(before) == _folded(record) else "id_of_two_people"


def _folded(record: Record) -> tuple[str, str, str]:
    return fold(record.family_name), fold(record.given_name), fold(record.middle_name)


def _person(record: Record) -> Person:
    return Person(
        record.source_id,
        record.family_name,
        record.given_name,
        record.middle_name,
        record.birth_date,
        record.roles,
        record.phone,
        record.email,
        record.subjects,
    )


def _joined(person: Person, record: Record) -> Person:
    return Person(
        person.source_id,
        person.family_name,
        person.given_name,
        person.middle_name,
        person.birth_date or record.birth_date,
        person.roles | record.roles,
        person.phone or record.phone,
        person.email or record.email,
        tuple(dict.fromkeys((*person.subjects, *record.subjects)))[:MAX_SUBJECTS],
    )


def _guardianships(
    records: Sequence[Record], covers: frozenset[Group]
) -> tuple[list[Guardianship], list[Problem]]:
    """Guardians' ties to pupils; every child must be in a list (nothing dangling)."""
    guardians = [r for r in records if Role.GUARDIAN in r.roles]
    if guardians and Group.STUDENT not in covers:
        return [], [Problem("students_missing", Place(guardians[0].place.file))]
    by_id = {r.source_id: r for r in reversed(records)}
    ties: list[Guardianship] = []
    problems: list[Problem] = []
    for record in guardians:
        seen: set[str] = set()
        if not record.children:
            problems.append(Problem("guardian_without_children", record.at("children")))
        for position, child_id in enumerate(record.children, start=1):
            child = by_id.get(child_id)
            if child_id in seen:
                problems.append(Problem("child_listed_twice", record.at("children")))
            elif code := _child_problem(record, child_id, child):
                details = {"position": str(position), "other": str(child.place) if child else ""}
                problems.append(Problem(code, record.at("children"), details))
            else:
                ties.append(Guardianship(record.source_id, child_id, record.relation))
            seen.add(child_id)
    return ties, problems


def _child_problem(record: Record, child_id: str, child: Record | None) -> str | None:
    if child_id == record.source_id:
        return "own_guardian"
    if child is None:
        return "child_unknown"
    return None if child.group is Group.STUDENT else "child_is_adult"
