"""Values → JSON of docs/contracts.md §2. What is shown to whom is decided here for the restricted flag (R34)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from synapse_sferum.account import counts
from synapse_sferum.model import (
    ClassId,
    Directory,
    Enrolment,
    EnrolmentRole,
    Guardianship,
    GuardianshipStatus,
    Org,
    Person,
    PersonId,
    PersonStatus,
    Role,
)
from synapse_sferum.roster_plan import Note, RosterPlan


def role_words(roles: Iterable[Role]) -> list[str]:
    """Sorted words."""
    return sorted(role.value for role in roles)


def org_json(org: Org) -> dict[str, Any]:
    """A school."""
    return {
        "org_id": org.org_id,
        "name": org.name,
        "timezone": org.timezone,
        "school_year": org.school_year,
        "settings": org.settings.to_dict(),
        "status": org.status,
    }


def person_json(person: Person, classes: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """A person of one's own school, for its administrators."""
    by_hand = person.roles_by_hand
    return {
        "person_id": person.person_id,
        "source": person.source,
        "source_id": person.source_id,
        "family_name": person.family_name,
        "given_name": person.given_name,
        "middle_name": person.middle_name,
        "birth_date": person.birth_date.isoformat() if person.birth_date else None,
        "roles": role_words(person.roles),
        "roles_by_hand": None if by_hand is None else role_words(by_hand),
        "status": person.status.value,
        "user_id": person.user_id,
        "confirmed": person.confirmed,
        "classes": list(classes),
    }


def guardianship_json(link: Guardianship) -> dict[str, Any]:
    """A link."""
    return {
        "guardian_id": link.guardian_id,
        "student_id": link.student_id,
        "relation": link.relation,
        "status": link.status.value,
    }


def visible_links(links: Iterable[Guardianship], *, leader: bool) -> list[Guardianship]:
    """R34: a restricted link is shown to directors and deputies only; to others it does not exist."""
    return [link for link in links if leader or link.status is not GuardianshipStatus.RESTRICTED]


def classes_json(directory: Directory) -> list[dict[str, Any]]:
    """Open classes of the year with their figures and teachers."""
    by_class: dict[ClassId, list[Enrolment]] = defaultdict(list)
    for enrolment in directory.enrolments:
        by_class[enrolment.class_id].append(enrolment)
    rows = []
    for class_ in directory.classes.values():
        if not class_.open or class_.session != directory.org.school_year:
            continue
        here = [
            (e, directory.people[e.person_id])
            for e in by_class[class_.class_id]
            if directory.people[e.person_id].status is not PersonStatus.LEFT
            and counts(e.role, directory.people[e.person_id].roles)
        ]
        pupils = [p for e, p in here if e.role is EnrolmentRole.STUDENT]
        homeroom = EnrolmentRole.HOMEROOM_TEACHER
        teachers = [p.person_id for e, p in here if e.role is homeroom and not e.until]
        rows.append(
            {
                "class_id": class_.class_id,
                "name": class_.name,
                "grade": class_.grade,
                "session": class_.session,
                "students": len(pupils),
                "active_students": sum(p.active for p in pupils),
                "homeroom_teachers": sorted(teachers),
                "substitutes": sorted(
                    ({"person_id": p.person_id, "until": e.until} for e, p in here if e.until),
                    key=lambda row: row["person_id"],
                ),
            }
        )
    return sorted(rows, key=lambda row: (row["grade"] or 99, row["name"]))


def plan_json(plan: RosterPlan) -> dict[str, Any]:
    """A roster's plan, for a person to read."""
    gone, there, share = plan.removals
    return {
        "plan_hash": plan.plan_hash,
        "counts": dict(plan.counts),
        "changes": [note_json(note, plan.after) for note in plan.changes[:MOST_CHANGES]],
        "changes_total": len(plan.changes),
        "exceptions": [note_json(note, plan.after) for note in plan.exceptions],
        "by_class": {name: dict(row) for name, row in plan.by_class.items()},
        "removals": {"memberships": gone, "of": there, "share": round(share, 4)},
        "safe": plan.refusal is None,
        "refusal": plan.refusal,
        "message": plan.message,
    }


#: Changes listed one by one; the counts are always whole.
MOST_CHANGES = 5000


def note_json(note: Note, directory: Directory) -> dict[str, Any]:
    """One line for a person to look at."""
    person = directory.people.get(note.person_id) if note.person_id else None
    return {
        "kind": note.kind,
        "person_id": note.person_id,
        "person": person.display_name if person else None,
        "class_id": note.class_id,
        "detail": note.detail,
    }


def classes_of(directory: Directory, person_id: PersonId) -> list[dict[str, str]]:
    """A person's classes of this year."""
    return [
        {"class_id": e.class_id, "name": directory.classes[e.class_id].name, "role": e.role.value}
        for e in sorted(directory.enrolments)
        if e.person_id == person_id
        and directory.classes[e.class_id].open
        and directory.classes[e.class_id].session == directory.org.school_year
    ]
