"""Schools into tables, rosters and accounts in one line: what several tests of the directory share."""

from __future__ import annotations

from typing import Any

from synapse.storage.database import LoggingTransaction

from synapse_sferum import jobs
from synapse_sferum.account import Account
from synapse_sferum.audit import AuditEntry
from synapse_sferum.derive import wanted_txn
from synapse_sferum.desired import DesiredRoom
from synapse_sferum.directory_rows import insert_org_txn, write_txn
from synapse_sferum.model import (
    Directory,
    Org,
    OrgId,
    OrgSettings,
    PersonId,
    Role,
    RoomKey,
    RoomKind,
    UserId,
)
from tests.support.schools import ORG, YEAR

ENTRY = AuditEntry("service", "test", "t")


def store(txn: LoggingTransaction, directory: Directory, before: Directory | None = None) -> None:
    """Write a directory over another, or over an empty school."""
    if before is None:
        before = Directory(org=Org(org_id=directory.org.org_id, name=""))
        insert_org_txn(txn, before.org, now_ms=1)
    write_txn(txn, before, directory, [ENTRY], now_ms=2)


def wants(txn: LoggingTransaction) -> dict[RoomKey, DesiredRoom]:
    """What the tables want of every room that is not an archive."""
    txn.execute(
        "SELECT kind, ref FROM sferum_rooms WHERE org_id = ? AND state NOT IN ('archiving', 'archived')",
        (ORG,),
    )
    keys = [RoomKey(RoomKind(kind), ref) for kind, ref in list(txn)]
    return {key: wanted_txn(txn, ORG, key) for key in keys}


def queued(txn: LoggingTransaction) -> set[RoomKey]:
    """Rooms that wait for work; taken off the queue by being looked at."""
    txn.execute("SELECT ref FROM sferum_jobs WHERE kind = 'room' AND state = 'queued'")
    found = {jobs.key_of(row[0]) for row in list(txn)}
    txn.execute("UPDATE sferum_jobs SET state = 'done'")
    return found


def document(
    people: dict[str, str],
    *,
    covers: str = "student staff guardian",
    classes: dict[str, dict[str, str]] | None = None,
    links: dict[str, str] | None = None,
    births: dict[str, str] | None = None,
    year: str = YEAR,
) -> dict[str, Any]:
    """A roster: `{"U1": "student"}`, `{"5А": {"U1": "student"}}`, `{"R1": "U1"}`."""
    return {
        "format": "sferum.roster.v1",
        "source": "csv",
        "school_year": year,
        "covers": covers.split(),
        "people": [
            {
                "source_id": name,
                "family_name": "Иванов",
                "given_name": name,
                "birth_date": (births or {}).get(name),
                "roles": roles.split(),
            }
            for name, roles in people.items()
        ],
        "classes": [{"source_id": name, "name": name, "grade": 5} for name in classes or {}],
        "enrolments": [
            {"class": name, "person": who, "role": role}
            for name, members in (classes or {}).items()
            for who, role in members.items()
        ],
        "guardianships": [
            {"guardian": g, "student": s, "relation": "мать"} for g, s in (links or {}).items()
        ],
    }


def account(*roles: Role, **more: Any) -> Account:
    """An account of the school."""
    fields: dict[str, Any] = {
        "user_id": UserId("@u:s.test"),
        "org_id": OrgId("o"),
        "settings": OrgSettings(),
        "roles": frozenset(roles),
        "persons": frozenset({PersonId("p1")}),
    }
    return Account(**(fields | more))
