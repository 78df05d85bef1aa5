"""Reading a whole school and writing a difference: SQL for both databases, inside one transaction of the caller's.

SQLite and PostgreSQL both read everything here. A transaction may be run again by Synapse after a conflict, so nothing
in it has effects outside the database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from synapse.module_api import LoggingTransaction

from synapse_sferum.audit import AuditEntry
from synapse_sferum.difference import Difference, accounts_touched, difference
from synapse_sferum.jobs import enqueue_profile_txn
from synapse_sferum.model import (
    ADMINISTRATIVE,
    ClassId,
    Directory,
    Enrolment,
    EnrolmentRole,
    Guardianship,
    GuardianshipStatus,
    Org,
    Person,
    PersonId,
    SchoolClass,
    UserId,
)
from synapse_sferum.rows import (
    CLASS_COLUMNS,
    ORG_COLUMNS,
    PERSON_COLUMNS,
    chunks,
    class_from,
    marks,
    org_from,
    person_from,
    roles_text,
)

_WORDS = re.compile(r"[\s\-.,'’]+")


def org_txn(txn: LoggingTransaction, org_id: str) -> Org | None:
    """One school, or None."""
    txn.execute(f"SELECT {ORG_COLUMNS} FROM sferum_orgs WHERE org_id = ?", (org_id,))
    row = txn.fetchone()
    return org_from(tuple(row)) if row else None


def directory_txn(txn: LoggingTransaction, org_id: str) -> Directory | None:
    """One school whole, or None. About 60 ms for 1,000 pupils with their parents."""
    org = org_txn(txn, org_id)
    if org is None:
        return None
    txn.execute(f"SELECT {PERSON_COLUMNS} FROM sferum_people WHERE org_id = ?", (org_id,))
    people = {p.person_id: p for p in (person_from(tuple(row)) for row in txn)}
    classes = _classes_txn(txn, org_id)
    txn.execute(
        "SELECT e.class_id, e.person_id, e.role, e.by_hand, e.until FROM sferum_enrolments AS e"
        " JOIN sferum_classes AS c ON c.class_id = e.class_id WHERE c.org_id = ?",
        (org_id,),
    )
    enrolments = frozenset(_enrolment_from(row) for row in txn)
    txn.execute(
        "SELECT g.guardian_id, g.student_id, g.relation, g.status FROM sferum_guardianships AS g"
        " JOIN sferum_people AS p ON p.person_id = g.student_id WHERE p.org_id = ?",
        (org_id,),
    )
    links = [guardianship_from(row) for row in txn]
    return Directory(
        org=org,
        people=people,
        classes=classes,
        enrolments=enrolments,
        guardianships={(g.guardian_id, g.student_id): g for g in links},
    )


def neighbourhood_txn(
    txn: LoggingTransaction, org_id: str, person_ids: Collection[str]
) -> Directory | None:
    """The part of a school that a change of these people can touch; enough for an edit of one person.

    It holds them, everybody linked to them, everybody with an administrative role (R33), all their enrolments
    and links,
    and every class. A thousand activations on 1 September must not read the whole school a thousand times.
    """
    org = org_txn(txn, org_id)
    if org is None:
        return None
    links: dict[tuple[PersonId, PersonId], Guardianship] = {}
    for chunk in chunks(person_ids):
        here = marks(chunk)
        txn.execute(
            "SELECT guardian_id, student_id, relation, status FROM sferum_guardianships"
            f" WHERE guardian_id IN ({here}) OR student_id IN ({here})",
            [*chunk, *chunk],
        )
        links |= {(g.guardian_id, g.student_id): g for g in map(guardianship_from, list(txn))}
    wanted = {*person_ids, *(person_id for pair in links for person_id in pair)}
    people = people_txn(txn, org_id, wanted)
    matches = " OR ".join(["COALESCE(roles_by_hand, listed_roles) LIKE ?"] * len(ADMINISTRATIVE))
    txn.execute(
        f"SELECT {PERSON_COLUMNS} FROM sferum_people WHERE org_id = ? AND ({matches})",
        [org_id, *(f"%{role.value}%" for role in ADMINISTRATIVE)],
    )
    people |= {p.person_id: p for p in (person_from(tuple(row)) for row in txn)}
    enrolments: set[Enrolment] = set()
    for chunk in chunks(people):
        txn.execute(
            "SELECT class_id, person_id, role, by_hand, until FROM sferum_enrolments"
            f" WHERE person_id IN ({marks(chunk)})",
            chunk,
        )
        enrolments |= {_enrolment_from(row) for row in txn}
    return Directory(
        org=org,
        people=people,
        classes=_classes_txn(txn, org_id),
        enrolments=frozenset(enrolments),
        guardianships={pair: g for pair, g in links.items() if people.keys() >= set(pair)},
    )


def people_txn(
    txn: LoggingTransaction, org_id: str, person_ids: Collection[str]
) -> dict[PersonId, Person]:
    """Those of them that are of this school."""
    people: dict[PersonId, Person] = {}
    for chunk in chunks(person_ids):
        txn.execute(
            f"SELECT {PERSON_COLUMNS} FROM sferum_people WHERE org_id = ?"
            f" AND person_id IN ({marks(chunk)})",
            [org_id, *chunk],
        )
        people |= {p.person_id: p for p in (person_from(tuple(row)) for row in txn)}
    return people


def _classes_txn(txn: LoggingTransaction, org_id: str) -> dict[ClassId, SchoolClass]:
    txn.execute(f"SELECT {CLASS_COLUMNS} FROM sferum_classes WHERE org_id = ?", (org_id,))
    return {c.class_id: c for c in (class_from(tuple(row)) for row in txn)}


def _enrolment_from(row: Sequence[Any]) -> Enrolment:
    class_id, person_id, role, by_hand, until = row
    return Enrolment(
        ClassId(class_id), PersonId(person_id), EnrolmentRole(role), bool(by_hand), str(until)
    )


def guardianship_from(row: Sequence[Any]) -> Guardianship:
    guardian_id, student_id, relation, status = row
    return Guardianship(
        PersonId(guardian_id), PersonId(student_id), str(relation), GuardianshipStatus(status)
    )


def write_txn(
    txn: LoggingTransaction,
    before: Directory,
    after: Directory,
    audit: Iterable[AuditEntry],
    now_ms: int,
) -> tuple[Difference, set[UserId]]:
    """Write what differs, the log, and the school's new revision; returns the difference and the accounts it touches.

    Nothing at all is written, and the revision stays, when nothing differs (R21).
    """
    change = difference(before, after)
    if change.empty:
        return change, set()
    org_id = after.org.org_id
    # First: of two writers at once PostgreSQL then stops the later one here, with the error that Synapse repeats.
    touch_txn(txn, org_id, now_ms)
    _write_org(txn, change.org)
    _write_people(txn, org_id, change.people, before)
    _write_classes(txn, org_id, change.classes, before)
    _write_enrolments(txn, change)
    _write_guardianships(txn, change)
    _enqueue_profiles(txn, org_id, change.people, before, now_ms)
    append_audit_txn(txn, org_id, audit, now_ms)
    return change, accounts_touched(before, after, change)


def touch_txn(txn: LoggingTransaction, org_id: str, now_ms: int) -> None:
    """A new revision of the school, sanctioned: somebody with the right to asked for what it removes."""
    txn.execute(
        "UPDATE sferum_orgs SET revision = revision + 1, sanctioned_revision = revision + 1,"
        " held = '', dirty_since_ms = COALESCE(dirty_since_ms, ?) WHERE org_id = ?",
        (now_ms, org_id),
    )


def append_audit_txn(
    txn: LoggingTransaction, org_id: str, entries: Iterable[AuditEntry], now_ms: int
) -> None:
    """Append to the log; numbers run without gaps within a school."""
    txn.execute("SELECT COALESCE(MAX(number), 0) FROM sferum_audit WHERE org_id = ?", (org_id,))
    row = txn.fetchone()
    number = int(row[0]) if row else 0
    rows = [
        (org_id, number + i, now_ms, e.actor, e.action, e.target, e.before, e.after, e.reason)
        for i, e in enumerate(entries, start=1)
    ]
    _many(
        txn,
        "INSERT INTO sferum_audit (org_id, number, at_ms, actor, action, target, before, after, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def insert_org_txn(txn: LoggingTransaction, org: Org, now_ms: int) -> bool:
    """A new school; False when the id is taken."""
    if org_txn(txn, org.org_id) is not None:
        return False
    txn.execute(
        "INSERT INTO sferum_orgs (org_id, name, timezone, school_year, settings, status, dirty_since_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (org.org_id, org.name, org.timezone, org.school_year, _settings(org), org.status, now_ms),
    )
    return True


def fold(text: str) -> str:
    """For matching only: case, ё/е and width of spaces do not count; the original is kept beside it."""
    return text.casefold().replace("ё", "е")


def split_words(text: str) -> list[str]:
    """Folded words; double names and `О'Нил` are two."""
    return [word for word in _WORDS.split(fold(text)) if word]


def words_of(person: Person) -> set[str]:
    """The words a person is found by, folded."""
    return set(split_words(f"{person.family_name} {person.given_name} {person.middle_name}"))


def _enqueue_profiles(
    txn: LoggingTransaction,
    org_id: str,
    people: Collection[Person],
    before: Directory,
    now_ms: int,
) -> None:
    """Accounts whose display name or role badge may have to change; also of those who leave."""
    for person in people:
        known = before.people.get(person.person_id)
        if person.user_id is None or not (person.active or (known is not None and known.active)):
            continue
        if known is None or (known.display_name, known.user_id, known.status, known.roles) != (
            person.display_name,
            person.user_id,
            person.status,
            person.roles,
        ):
            enqueue_profile_txn(txn, org_id, person.user_id, now_ms)


def _settings(org: Org) -> str:
    return json.dumps(org.settings.to_dict(), sort_keys=True)


def _write_org(txn: LoggingTransaction, org: Org | None) -> None:
    if org is not None:
        txn.execute(
            "UPDATE sferum_orgs SET name = ?, timezone = ?, school_year = ?, settings = ?, status = ?"
            " WHERE org_id = ?",
            (org.name, org.timezone, org.school_year, _settings(org), org.status, org.org_id),
        )


def _write_people(
    txn: LoggingTransaction, org_id: str, people: Collection[Person], before: Directory
) -> None:
    columns = f"org_id, {PERSON_COLUMNS}"
    updates = ", ".join(
        f"{c} = EXCLUDED.{c}" for c in PERSON_COLUMNS.split(", ") if c != "person_id"
    )
    _many(
        txn,
        f"INSERT INTO sferum_people ({columns}) VALUES ({marks(columns.split(','))})"
        f" ON CONFLICT (person_id) DO UPDATE SET {updates}",
        [
            (
                org_id,
                p.person_id,
                p.source,
                p.source_id,
                p.family_name,
                p.given_name,
                p.middle_name,
                p.birth_date.isoformat() if p.birth_date else None,
                roles_text(p.listed_roles),
                None if p.roles_by_hand is None else roles_text(p.roles_by_hand),
                p.status.value,
                p.user_id,
                int(p.confirmed),
                int(p.left_by_hand),
                p.leaves_on,
            )
            for p in people
        ],
    )
    renamed = []
    for person in people:
        known = before.people.get(person.person_id)
        if known is None or words_of(known) != words_of(person):
            renamed.append(person)
    known_ids = [p.person_id for p in renamed if p.person_id in before.people]
    for chunk in chunks(known_ids):
        txn.execute(f"DELETE FROM sferum_people_words WHERE person_id IN ({marks(chunk)})", chunk)
    _many(
        txn,
        "INSERT INTO sferum_people_words (org_id, word, person_id) VALUES (?, ?, ?)",
        [(org_id, word, p.person_id) for p in renamed for word in sorted(words_of(p))],
    )


def _write_classes(
    txn: LoggingTransaction, org_id: str, classes: Collection[SchoolClass], before: Directory
) -> None:
    # A whole school changes names at once: out of each other's way first, identity in the source is unique.
    renamed = [
        (c.class_id,)
        for c in classes
        for known in [before.classes.get(c.class_id)]
        if known is not None and (known.source_id, known.session) != (c.source_id, c.session)
    ]
    _many(txn, "UPDATE sferum_classes SET source_id = '~' || class_id WHERE class_id = ?", renamed)
    columns = f"org_id, {CLASS_COLUMNS}"
    _many(
        txn,
        f"INSERT INTO sferum_classes ({columns}) VALUES ({marks(columns.split(','))})"
        " ON CONFLICT (class_id) DO UPDATE SET source_id = EXCLUDED.source_id,"
        " session = EXCLUDED.session, name = EXCLUDED.name, grade = EXCLUDED.grade, open = EXCLUDED.open,"
        " came_from = EXCLUDED.came_from, rooms_until = EXCLUDED.rooms_until",
        [
            (
                org_id,
                c.class_id,
                c.source,
                c.source_id,
                c.session,
                c.name,
                c.grade,
                int(c.open),
                ",".join(c.came_from),
                c.rooms_until,
            )
            for c in classes
        ],
    )


def _write_enrolments(txn: LoggingTransaction, change: Difference) -> None:
    _many(
        txn,
        "DELETE FROM sferum_enrolments WHERE class_id = ? AND person_id = ? AND role = ?",
        [(e.class_id, e.person_id, e.role.value) for e in change.enrolments_gone],
    )
    _many(
        txn,
        "INSERT INTO sferum_enrolments (class_id, person_id, role, by_hand, until)"
        " VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (class_id, person_id, role) DO UPDATE SET by_hand = EXCLUDED.by_hand,"
        " until = EXCLUDED.until",
        [
            (e.class_id, e.person_id, e.role.value, int(e.by_hand), e.until)
            for e in change.enrolments
        ],
    )


def _write_guardianships(txn: LoggingTransaction, change: Difference) -> None:
    _many(
        txn,
        "DELETE FROM sferum_guardianships WHERE guardian_id = ? AND student_id = ?",
        [(g.guardian_id, g.student_id) for g in change.guardianships_gone],
    )
    _many(
        txn,
        "INSERT INTO sferum_guardianships (guardian_id, student_id, relation, status) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (guardian_id, student_id) DO UPDATE SET relation = EXCLUDED.relation,"
        " status = EXCLUDED.status",
        [(g.guardian_id, g.student_id, g.relation, g.status.value) for g in change.guardianships],
    )


def _many(txn: LoggingTransaction, sql: str, rows: Collection[tuple[Any, ...]]) -> None:
    if rows:
        txn.execute_batch(sql, list(rows))
