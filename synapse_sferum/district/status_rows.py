"""What a school tells its district's operator of itself, from the tables: numbers, and nothing of any person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum import jobs, schema
from synapse_sferum.district import rows


@frozen(kw_only=True)
class StatusFacts:
    """One reading.

    Attributes:
        register: how the register stands, as `rows.state_txn` has it; None before the first look.
        schema_found: version of the tables.
        jobs: state → how many, of all schools of this server.
        oldest_s: age of the oldest task that is not done, seconds.
        lag_s: how long the oldest change waits for its rooms, seconds.
        held: schools whose change waits for a person's yes.
        people, rooms: status or state → how many.
        common: rooms of several schools: `ready`, or `waiting` (not made, or we are not invited yet) → how many.
        orgs: schools on this server.
    """

    register: Mapping[str, Any] | None
    schema_found: int
    jobs: Mapping[str, int]
    oldest_s: int
    lag_s: int
    held: int
    people: Mapping[str, int]
    rooms: Mapping[str, int]
    common: Mapping[str, int]
    orgs: int


def facts_txn(txn: LoggingTransaction, now_ms: int) -> StatusFacts:
    """Read them; some ten short queries."""
    return StatusFacts(
        register=rows.state_txn(txn),
        schema_found=schema.found_txn(txn),
        jobs=jobs.counts_txn(txn),
        oldest_s=_age_s(
            txn,
            "SELECT MIN(created_ms) FROM sferum_jobs WHERE state IN ('queued', 'running')",
            now_ms,
        ),
        lag_s=_age_s(
            txn,
            "SELECT MIN(dirty_since_ms) FROM sferum_orgs WHERE derived_revision <> revision",
            now_ms,
        ),
        held=_number(txn, "SELECT COUNT(*) FROM sferum_orgs WHERE held <> ''"),
        people=_by_word(txn, "SELECT status, COUNT(*) FROM sferum_people GROUP BY status"),
        rooms=_by_word(txn, "SELECT state, COUNT(*) FROM sferum_rooms GROUP BY state"),
        common=_by_word(
            txn,
            "SELECT CASE WHEN room_id = '' THEN 'waiting' ELSE 'ready' END, COUNT(*)"
            " FROM sferum_common_rooms GROUP BY 1",
        ),
        orgs=_number(txn, "SELECT COUNT(*) FROM sferum_orgs WHERE status = 'open'"),
    )


def _age_s(txn: LoggingTransaction, sql: str, now_ms: int) -> int:
    since_ms = _number(txn, sql)
    return max(0, (now_ms - since_ms) // 1000) if since_ms else 0


def _number(txn: LoggingTransaction, sql: str) -> int:
    txn.execute(sql)
    row = txn.fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _by_word(txn: LoggingTransaction, sql: str) -> dict[str, int]:
    txn.execute(sql)
    return {str(word): int(count) for word, count in txn}
