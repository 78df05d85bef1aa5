"""How far a school has come: who has an account, who waits for a parent's yes, class by class. Pure.

For the administrators' first page: asked often, so the rows are short and there are three queries (`overview_rows`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from attrs import field, frozen

from synapse_sferum.account import Account, counts, merge_accounts
from synapse_sferum.model import STAFF, ClassId, EnrolmentRole, Org, PersonId, Role, UserId


@frozen(kw_only=True)
class Member:
    """What counts of a person who has not left. `user_id` is None without an active account."""

    person_id: PersonId
    roles: frozenset[Role]
    user_id: UserId | None
    birth_date: date | None = field(default=None, repr=False)
    confirmed: bool = False


@frozen(kw_only=True)
class Figures:
    """The input: a school's people, this year's classes by id, their enrolments, confirmed links (guardian, child)."""

    org: Org
    people: Mapping[PersonId, Member]
    classes: Mapping[ClassId, tuple[str, int | None]]  # name, grade
    enrolments: Collection[tuple[ClassId, PersonId, EnrolmentRole]]
    links: Collection[tuple[PersonId, PersonId]]


def overview(figures: Figures, today: date) -> dict[str, Any]:
    """The answer of `GET /orgs/{org_id}/overview` (docs/contracts.md §2).

    Args:
        today: the school's date; confirmation lapses on a birthday (R17).
    """
    people = figures.people
    waiting = _unconfirmed(figures, today)
    guardians: dict[PersonId, set[PersonId]] = defaultdict(set)
    for guardian_id, student_id in figures.links:
        guardian = people.get(guardian_id)
        if guardian is not None and Role.GUARDIAN in guardian.roles:
            guardians[student_id].add(guardian_id)
    enrolled: dict[tuple[ClassId, EnrolmentRole], set[PersonId]] = defaultdict(set)
    for class_id, person_id, role in figures.enrolments:
        if person_id in people and counts(role, people[person_id].roles):
            enrolled[class_id, role].add(person_id)

    def active(ids: Collection[PersonId]) -> int:
        return sum(people[i].user_id is not None for i in ids)

    def row(class_id: ClassId) -> dict[str, Any]:
        pupils = enrolled[class_id, EnrolmentRole.STUDENT]
        parents = set().union(*(guardians[pupil] for pupil in pupils))
        name, grade = figures.classes[class_id]
        return {
            "class_id": class_id,
            "name": name,
            "grade": grade,
            "students": len(pupils),
            "active_students": active(pupils),
            "unconfirmed": len(pupils & waiting),
            "guardians": len(parents),
            "active_guardians": active(parents),
            "homeroom_teachers": len(enrolled[class_id, EnrolmentRole.HOMEROOM_TEACHER]),
        }

    def total(roles: frozenset[Role]) -> dict[str, int]:
        found = [i for i, person in people.items() if person.roles & roles]
        return {"total": len(found), "active": active(found)}

    rows = [row(class_id) for class_id in figures.classes]
    return {
        "classes": sorted(rows, key=lambda found: (found["grade"] or 99, found["name"])),
        "staff": total(STAFF),
        "guardians": total(frozenset({Role.GUARDIAN})),
        "students": {**total(frozenset({Role.STUDENT})), "unconfirmed": len(waiting)},
    }


def _unconfirmed(figures: Figures, today: date) -> set[PersonId]:
    """Active pupils whom R17 holds back: judged by account, as everywhere."""
    parts: dict[UserId, list[Account]] = defaultdict(list)
    for _, person in sorted(figures.people.items()):
        if person.user_id is not None:
            parts[person.user_id].append(
                Account(
                    user_id=person.user_id,
                    org_id=figures.org.org_id,
                    settings=figures.org.settings,
                    roles=person.roles,
                    persons=frozenset({person.person_id}),
                    birth_date=person.birth_date,
                    confirmed=person.confirmed,
                )
            )
    accounts = (merge_accounts(found) for found in parts.values())
    return {i for account in accounts if account.unconfirmed(today) for i in account.persons}
