"""Rows of `sferum_*` into values: the one place that knows how a column is written."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date

from synapse.module_api import LoggingTransaction

from synapse_sferum.account import Account, counts, merge_accounts
from synapse_sferum.model import (
    ClassId,
    EnrolmentRole,
    GuardianshipStatus,
    Org,
    OrgId,
    OrgSettings,
    Person,
    PersonId,
    PersonStatus,
    Role,
    SchoolClass,
    UserId,
)

ORG_COLUMNS = "org_id, name, timezone, school_year, settings, status"
PERSON_COLUMNS = (
    "person_id, source, source_id, family_name, given_name, middle_name, birth_date,"
    " listed_roles, roles_by_hand, status, user_id, confirmed, left_by_hand, leaves_on"
)
CLASS_COLUMNS = "class_id, source, source_id, session, name, grade, open, came_from, rooms_until"

#: Of `sferum_enrolments AS e`: in the classes that are open and of their school's year.
OF_THIS_YEAR = (
    " JOIN sferum_classes AS c ON c.class_id = e.class_id"
    " JOIN sferum_orgs AS o ON o.org_id = c.org_id"
    " WHERE c.open = 1 AND c.session = o.school_year"
)

#: Both databases take this many parameters in one IN (…).
_CHUNK = 500


def chunks(values: Iterable[str]) -> Iterable[list[str]]:
    """Lists of at most 500, for `IN (…)`."""
    found = list(values)
    for start in range(0, len(found), _CHUNK):
        yield found[start : start + _CHUNK]


def marks(values: Collection[str]) -> str:
    """`?, ?, ?` for as many values."""
    return ", ".join("?" * len(values))


def roles_from(text: str) -> frozenset[Role]:
    """`teacher,guardian` → roles."""
    return frozenset(Role(word) for word in text.split(",") if word)


def roles_text(roles: Iterable[Role]) -> str:
    """Roles → `guardian,teacher`, sorted: equal sets give equal text."""
    return ",".join(sorted(role.value for role in roles))


def org_from(row: tuple[object, ...]) -> Org:
    """A row of ORG_COLUMNS."""
    org_id, name, timezone, school_year, settings, status = row
    return Org(
        org_id=OrgId(str(org_id)),
        name=str(name),
        timezone=str(timezone),
        school_year=str(school_year),
        settings=OrgSettings.from_dict(json.loads(str(settings))),
        status=str(status),
    )


def person_from(row: tuple[object, ...]) -> Person:
    """A row of PERSON_COLUMNS."""
    (person_id, source, source_id, family, given, middle, born, listed, by_hand, status, user) = (
        row[:11]
    )
    confirmed, left_by_hand, leaves_on = row[11:]
    return Person(
        person_id=PersonId(str(person_id)),
        source=str(source),
        source_id=str(source_id),
        family_name=str(family),
        given_name=str(given),
        middle_name=str(middle),
        birth_date=None if born is None else date.fromisoformat(str(born)),
        listed_roles=roles_from(str(listed)),
        roles_by_hand=None if by_hand is None else roles_from(str(by_hand)),
        status=PersonStatus(str(status)),
        user_id=None if user is None else UserId(str(user)),
        confirmed=bool(confirmed),
        left_by_hand=bool(left_by_hand),
        leaves_on=str(leaves_on),
    )


def class_from(row: tuple[object, ...]) -> SchoolClass:
    """A row of CLASS_COLUMNS."""
    class_id, source, source_id, session, name, grade, is_open, came_from, rooms_until = row
    return SchoolClass(
        class_id=ClassId(str(class_id)),
        source=str(source),
        source_id=str(source_id),
        session=str(session),
        name=str(name),
        grade=None if grade is None else int(str(grade)),
        open=bool(is_open),
        came_from=tuple(ClassId(one) for one in str(came_from).split(",") if one),
        rooms_until=str(rooms_until),
    )


def accounts_txn(txn: LoggingTransaction, user_ids: Collection[str]) -> dict[str, Account]:
    """Facts of those of `user_ids` that are active in an open school; the others are absent.

    Enrolments count in open classes of the school's current year only (R24), links only when confirmed (R34), and only
    from or to people who have not left; both only for people who have the role that goes with them.
    """
    persons: list[tuple[OrgId, Person]] = []
    for chunk in chunks(user_ids):
        txn.execute(
            f"SELECT org_id, {PERSON_COLUMNS} FROM sferum_people"
            f" WHERE status = 'active' AND user_id IN ({marks(chunk)})",
            chunk,
        )
        persons += [(OrgId(str(row[0])), person_from(tuple(row[1:]))) for row in txn]
    if not persons:
        return {}
    orgs = _open_orgs_txn(txn, {org_id for org_id, _ in persons})
    children, guardians = _links_txn(txn, [person for _, person in persons])
    ids = [person.person_id for _, person in persons]
    everyone = {*ids, *(child for found in children.values() for child in found)}
    enrolled = _enrolments_txn(txn, everyone)
    parts: dict[str, list[Account]] = defaultdict(list)
    for org_id, person in persons:
        org = orgs.get(org_id)
        if org is None or person.user_id is None:
            continue
        mine = enrolled[person.person_id]
        parts[person.user_id].append(
            Account(
                user_id=person.user_id,
                org_id=org_id,
                settings=org.settings,
                roles=person.roles,
                persons=frozenset({person.person_id}),
                student_in=_classes(mine, EnrolmentRole.STUDENT),
                homeroom_of=_classes(mine, EnrolmentRole.HOMEROOM_TEACHER),
                teaches=_classes(mine, EnrolmentRole.TEACHER),
                children=frozenset(children[person.person_id]),
                children_in=frozenset().union(
                    *(
                        _classes(enrolled[child], EnrolmentRole.STUDENT)
                        for child in children[person.person_id]
                    )
                ),
                guardians=frozenset(guardians[person.person_id]),
                birth_date=person.birth_date,
                confirmed=person.confirmed,
                timezone=org.timezone,
            )
        )
    return {user_id: merge_accounts(found) for user_id, found in parts.items()}


def _classes(
    enrolments: Iterable[tuple[ClassId, EnrolmentRole]], role: EnrolmentRole
) -> frozenset[ClassId]:
    return frozenset(class_id for class_id, found in enrolments if found is role)


def _open_orgs_txn(txn: LoggingTransaction, org_ids: Collection[OrgId]) -> dict[OrgId, Org]:
    orgs: dict[OrgId, Org] = {}
    for chunk in chunks(org_ids):
        txn.execute(
            f"SELECT {ORG_COLUMNS} FROM sferum_orgs WHERE status = 'open'"
            f" AND org_id IN ({marks(chunk)})",
            chunk,
        )
        orgs.update({org.org_id: org for org in (org_from(tuple(row)) for row in txn)})
    return orgs


def _links_txn(
    txn: LoggingTransaction, people: Collection[Person]
) -> tuple[dict[PersonId, set[PersonId]], dict[PersonId, set[PersonId]]]:
    """Children of those who are guardians, guardians of those who are pupils."""

    def others(
        role: Role, column: str, other: str, other_role: Role
    ) -> dict[PersonId, set[PersonId]]:
        found: dict[PersonId, set[PersonId]] = defaultdict(set)
        for chunk in chunks(p.person_id for p in people if role in p.roles):
            txn.execute(
                f"SELECT g.{column}, g.{other}, COALESCE(p.roles_by_hand, p.listed_roles)"
                " FROM sferum_guardianships AS g"
                f" JOIN sferum_people AS p ON p.person_id = g.{other}"
                f" WHERE g.status = ? AND p.status <> 'left' AND g.{column} IN ({marks(chunk)})",
                [GuardianshipStatus.CONFIRMED.value, *chunk],
            )
            for mine, theirs, roles in txn:
                if other_role in roles_from(roles):
                    found[PersonId(mine)].add(PersonId(theirs))
        return found

    return (
        others(Role.GUARDIAN, "guardian_id", "student_id", Role.STUDENT),
        others(Role.STUDENT, "student_id", "guardian_id", Role.GUARDIAN),
    )


def _enrolments_txn(
    txn: LoggingTransaction, person_ids: Collection[PersonId]
) -> dict[PersonId, list[tuple[ClassId, EnrolmentRole]]]:
    enrolled: dict[PersonId, list[tuple[ClassId, EnrolmentRole]]] = defaultdict(list)
    for chunk in chunks(person_ids):
        txn.execute(
            "SELECT e.person_id, e.class_id, e.role, COALESCE(p.roles_by_hand, p.listed_roles)"
            " FROM sferum_enrolments AS e"
            " JOIN sferum_people AS p ON p.person_id = e.person_id"
            f"{OF_THIS_YEAR} AND e.person_id IN ({marks(chunk)})",
            chunk,
        )
        for person_id, class_id, role, roles in txn:
            if counts(EnrolmentRole(role), roles_from(roles)):
                enrolled[PersonId(person_id)].append((ClassId(class_id), EnrolmentRole(role)))
    return enrolled
