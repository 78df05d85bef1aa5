"""The rows behind `overview`: four short queries, about 25 ms for 2,300 people."""

from __future__ import annotations

from datetime import date

from synapse.module_api import LoggingTransaction

from synapse_sferum.directory_rows import org_txn
from synapse_sferum.model import (
    ClassId,
    EnrolmentRole,
    GuardianshipStatus,
    PersonId,
    PersonStatus,
    UserId,
)
from synapse_sferum.overview import Figures, Member
from synapse_sferum.rows import roles_from


def figures_txn(txn: LoggingTransaction, org_id: str) -> Figures | None:
    """What counts of a school, or None when there is none."""
    org = org_txn(txn, org_id)
    if org is None:
        return None
    txn.execute(
        "SELECT person_id, COALESCE(roles_by_hand, listed_roles), status, user_id, birth_date, confirmed"
        " FROM sferum_people WHERE org_id = ? AND status <> 'left'",
        (org_id,),
    )
    people = {
        PersonId(person_id): Member(
            person_id=PersonId(person_id),
            roles=roles_from(roles),
            user_id=UserId(user_id) if user_id and status == PersonStatus.ACTIVE.value else None,
            birth_date=date.fromisoformat(born) if born else None,
            confirmed=bool(confirmed),
        )
        for person_id, roles, status, user_id, born, confirmed in txn
    }
    txn.execute(
        "SELECT class_id, name, grade FROM sferum_classes"
        " WHERE org_id = ? AND open = 1 AND session = ?",
        (org_id, org.school_year),
    )
    classes = {ClassId(class_id): (str(name), grade) for class_id, name, grade in txn}
    txn.execute(
        "SELECT e.class_id, e.person_id, e.role FROM sferum_enrolments AS e"
        " JOIN sferum_classes AS c ON c.class_id = e.class_id"
        " WHERE c.org_id = ? AND c.open = 1 AND c.session = ?",
        (org_id, org.school_year),
    )
    enrolments = [(ClassId(c), PersonId(p), EnrolmentRole(role)) for c, p, role in txn]
    txn.execute(
        "SELECT g.guardian_id, g.student_id FROM sferum_guardianships AS g"
        " JOIN sferum_people AS p ON p.person_id = g.student_id"
        " WHERE p.org_id = ? AND p.status <> 'left' AND g.status = ?",
        (org_id, GuardianshipStatus.CONFIRMED.value),
    )
    return Figures(
        org=org,
        people=people,
        classes=classes,
        enrolments=enrolments,
        links=[(PersonId(g), PersonId(s)) for g, s in txn],
    )
