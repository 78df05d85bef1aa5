"""A person's family, a class with its families, an account's persons: a few rows each, never the whole school."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum.account import counts
from synapse_sferum.directory_rows import fold, guardianship_from, people_txn
from synapse_sferum.model import (
    EnrolmentRole,
    Guardianship,
    Person,
    PersonId,
    PersonStatus,
    SchoolClass,
)
from synapse_sferum.people_rows import classes_of_txn, person_txn
from synapse_sferum.rows import (
    CLASS_COLUMNS,
    PERSON_COLUMNS,
    chunks,
    class_from,
    marks,
    person_from,
)


@frozen
class Family:
    """Somebody with the people linked to them, restricted links too; `classes` are of everybody in it."""

    person: Person
    guardians: tuple[tuple[Person, Guardianship], ...]
    children: tuple[tuple[Person, Guardianship], ...]


#: This year's classes of a person, as `people_rows.classes_of_txn` gives them.
Classes = dict[PersonId, list[dict[str, str]]]


@frozen
class Roll:
    """A class of this year: its class teachers, and its pupils with their guardians; nobody who has left."""

    class_: SchoolClass
    homeroom_teachers: tuple[Person, ...]
    students: tuple[Family, ...]


@frozen
class Persons:
    """The active records of one account, in the order of their ids, and the school's name."""

    org_name: str
    people: tuple[Person, ...]


def family_txn(
    txn: LoggingTransaction, org_id: str, person_id: str
) -> tuple[Family, Classes] | None:
    """A person of this school with guardians and children; None when there is no such person."""
    person = person_txn(txn, org_id, person_id)
    if person is None:
        return None
    links = _links_txn(txn, "guardian_id", [person_id]) + _links_txn(txn, "student_id", [person_id])
    linked = {other for link in links for other in (link.guardian_id, link.student_id)}
    people = people_txn(txn, org_id, linked | {person.person_id})
    family = _family(person, links, people)
    return family, classes_of_txn(txn, list(people))


def roll_txn(txn: LoggingTransaction, org_id: str, class_id: str) -> tuple[Roll, Classes] | None:
    """An open class of the school's year; None when there is none."""
    txn.execute(
        f"SELECT {CLASS_COLUMNS} FROM sferum_classes WHERE org_id = ? AND class_id = ? AND open = 1"
        " AND session = (SELECT school_year FROM sferum_orgs WHERE org_id = ?)",
        (org_id, class_id, org_id),
    )
    row = txn.fetchone()
    if row is None:
        return None
    txn.execute("SELECT person_id, role FROM sferum_enrolments WHERE class_id = ?", (class_id,))
    enrolled = [(PersonId(str(person_id)), EnrolmentRole(role)) for person_id, role in txn]
    pupils = [person_id for person_id, role in enrolled if role is EnrolmentRole.STUDENT]
    links = _links_txn(txn, "student_id", pupils)
    wanted = {person_id for person_id, _ in enrolled} | {link.guardian_id for link in links}
    people = {
        i: p
        for i, p in people_txn(txn, org_id, wanted).items()
        if p.status is not PersonStatus.LEFT
    }

    def here(wanted_role: EnrolmentRole) -> list[Person]:
        found = [people[i] for i, role in enrolled if role is wanted_role and i in people]
        return sorted((p for p in found if counts(wanted_role, p.roles)), key=_by_name)

    roll = Roll(
        class_from(tuple(row)),
        tuple(here(EnrolmentRole.HOMEROOM_TEACHER)),
        tuple(_family(pupil, links, people) for pupil in here(EnrolmentRole.STUDENT)),
    )
    return roll, classes_of_txn(txn, list(people))


def account_persons_txn(txn: LoggingTransaction, user_id: str) -> tuple[Persons, Classes]:
    """Every active record of an account."""
    columns = ", ".join(f"p.{column.strip()}" for column in PERSON_COLUMNS.split(","))
    txn.execute(
        f"SELECT o.name, {columns} FROM sferum_people AS p"
        " JOIN sferum_orgs AS o ON o.org_id = p.org_id"
        " WHERE p.user_id = ? AND p.status = 'active' ORDER BY p.person_id",
        (user_id,),
    )
    rows = [tuple(row) for row in txn]
    people = tuple(person_from(row[1:]) for row in rows)
    classes = classes_of_txn(txn, [person.person_id for person in people])
    return Persons(str(rows[0][0]) if rows else "", people), classes


def _by_name(person: Person) -> tuple[str, ...]:
    """As a class register has them: ё is е."""
    names = (person.family_name, person.given_name, person.middle_name)
    return *(fold(name) for name in names), person.person_id


def _family(
    person: Person, links: Collection[Guardianship], people: dict[PersonId, Person]
) -> Family:
    me = person.person_id
    up = [
        (people[g.guardian_id], g) for g in links if g.student_id == me and g.guardian_id in people
    ]
    down = [
        (people[g.student_id], g) for g in links if g.guardian_id == me and g.student_id in people
    ]
    return Family(
        person,
        tuple(sorted(up, key=lambda pair: _by_name(pair[0]))),
        tuple(sorted(down, key=lambda pair: _by_name(pair[0]))),
    )


def _links_txn(
    txn: LoggingTransaction, column: str, person_ids: Collection[str]
) -> list[Guardianship]:
    found: list[Guardianship] = []
    for chunk in chunks(person_ids):
        txn.execute(
            "SELECT guardian_id, student_id, relation, status FROM sferum_guardianships"
            f" WHERE {column} IN ({marks(chunk)})",
            chunk,
        )
        found += [guardianship_from(row) for row in txn]
    return found
