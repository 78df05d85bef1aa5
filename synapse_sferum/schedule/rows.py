"""Rows of the schedule: what is planned, when somebody has to look at it next, what rooms were told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from attrs import frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum.audit import AuditEntry
from synapse_sferum.directory_rows import append_audit_txn
from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId
from synapse_sferum.schedule.details import details_from, details_text
from synapse_sferum.schedule.telling import Post, PostKey
from synapse_sferum.schedule.times import span
from synapse_sferum.schedule.values import Gathering, GatheringId, Kind

_COLUMNS = "gathering_id, org_id, room_kind, room_ref, kind, details, author, called_off, sequence, created_ms"


@frozen
class Posted:
    """One message. No event id: somebody was about to write it, and it is not known whether they did."""

    event_id: str
    says: str
    claimed_ms: int


@frozen
class Due:
    """A gathering that has to be looked at. `changed_ms` says which state of it this is."""

    gathering: Gathering
    changed_ms: int


def _from(row: tuple[object, ...]) -> Gathering:
    found, org_id, room_kind, room_ref, kind, details, author, called_off, sequence, created = row
    return Gathering(
        gathering_id=GatheringId(str(found)),
        org_id=OrgId(str(org_id)),
        key=RoomKey(RoomKind(str(room_kind)), str(room_ref)),
        kind=Kind(str(kind)),
        author=UserId(str(author)),
        called_off=bool(called_off),
        sequence=int(str(sequence)),
        created_ms=int(str(created)),
        **details_from(str(details)),
    )


def milliseconds(at: datetime) -> int:
    """Since 1970."""
    return int(at.timestamp() * 1000)


def instant_of(ms: int) -> datetime:
    """The other way."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def gathering_txn(txn: LoggingTransaction, org_id: str, gathering_id: str) -> Gathering | None:
    """One of a school."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM sferum_gatherings WHERE org_id = ? AND gathering_id = ?",
        (org_id, gathering_id),
    )
    row = txn.fetchone()
    return None if row is None else _from(tuple(row))


def gatherings_txn(
    txn: LoggingTransaction, org_id: str, since_ms: int, until_ms: int
) -> list[Gathering]:
    """Those of a school that may be under way in a window, called off or not; the earliest first."""
    txn.execute(
        f"SELECT {_COLUMNS} FROM sferum_gatherings"
        " WHERE org_id = ? AND last_ms > ? AND first_ms < ? ORDER BY first_ms, gathering_id",
        (org_id, since_ms, until_ms),
    )
    return [_from(tuple(row)) for row in txn]


def open_count_txn(txn: LoggingTransaction, org_id: str, now_ms: int) -> int:
    """How many of a school are not over."""
    txn.execute(
        "SELECT COUNT(*) FROM sferum_gatherings WHERE org_id = ? AND last_ms > ?", (org_id, now_ms)
    )
    row = txn.fetchone()
    return int(row[0]) if row else 0


def put_txn(
    txn: LoggingTransaction,
    one: Gathering,
    zone: ZoneInfo,
    now_ms: int,
    entries: Iterable[AuditEntry],
) -> None:
    """Write it down, with the log's lines, to be looked at at once."""
    first, last = span(one, zone)
    txn.execute("DELETE FROM sferum_gatherings WHERE gathering_id = ?", (one.gathering_id,))
    txn.execute(
        f"INSERT INTO sferum_gatherings ({_COLUMNS}, changed_ms, first_ms, last_ms, due_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            one.gathering_id,
            one.org_id,
            one.key.kind.value,
            one.key.ref,
            one.kind.value,
            details_text(one),
            one.author,
            int(one.called_off),
            one.sequence,
            one.created_ms,
            now_ms,
            milliseconds(first),
            milliseconds(last),
            now_ms,
        ),
    )
    append_audit_txn(txn, one.org_id, entries, now_ms)


def due_txn(txn: LoggingTransaction, now_ms: int, most: int) -> list[Due]:
    """Those whose time to be looked at has come, the longest waiting first."""
    txn.execute(
        f"SELECT {_COLUMNS}, changed_ms FROM sferum_gatherings"
        " WHERE due_ms <= ? ORDER BY due_ms LIMIT ?",
        (now_ms, most),
    )
    return [Due(_from(tuple(row[:-1])), int(row[-1])) for row in txn]


def looked_at_txn(txn: LoggingTransaction, due: Due, zone: ZoneInfo, next_ms: int | None) -> None:
    """When to look next; nothing if it has been changed in the meantime: it is due then."""
    first, last = span(due.gathering, zone)
    txn.execute(
        "UPDATE sferum_gatherings SET due_ms = ?, first_ms = ?, last_ms = ?"
        " WHERE gathering_id = ? AND changed_ms = ?",
        (
            next_ms,
            milliseconds(first),
            milliseconds(last),
            due.gathering.gathering_id,
            due.changed_ms,
        ),
    )


def look_again_txn(txn: LoggingTransaction, org_id: str, now_ms: int) -> None:
    """A school's clock is another from now on: all of its gatherings are looked at."""
    txn.execute(
        "UPDATE sferum_gatherings SET due_ms = ?, changed_ms = ? WHERE org_id = ?",
        (now_ms, now_ms, org_id),
    )


def posts_txn(txn: LoggingTransaction, gathering_id: str, room_id: str) -> dict[PostKey, Posted]:
    """What a room was told of one."""
    txn.execute(
        "SELECT post, day, slot, event_id, says, claimed_ms FROM sferum_gathering_posts"
        " WHERE gathering_id = ? AND room_id = ?",
        (gathering_id, room_id),
    )
    return {
        PostKey(
            post=Post(post), day=date.fromisoformat(day) if day else None, slot=str(slot)
        ): Posted(str(event_id), str(says), int(claimed_ms))
        for post, day, slot, event_id, says, claimed_ms in txn
    }


def put_post_txn(
    txn: LoggingTransaction,
    gathering_id: str,
    room_id: str,
    key: PostKey,
    now: Posted | None,
) -> None:
    """What is there from now on; None: nothing."""
    where = (
        gathering_id,
        room_id,
        key.post.value,
        "" if key.day is None else key.day.isoformat(),
        key.slot,
    )
    txn.execute(
        "DELETE FROM sferum_gathering_posts"
        " WHERE gathering_id = ? AND room_id = ? AND post = ? AND day = ? AND slot = ?",
        where,
    )
    if now is not None:
        txn.execute(
            "INSERT INTO sferum_gathering_posts"
            " (gathering_id, room_id, post, day, slot, event_id, says, claimed_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*where, now.event_id, now.says, now.claimed_ms),
        )


def forget_over_txn(txn: LoggingTransaction, before_ms: int) -> int:
    """Forget what was over before a time, with what rooms were told of it; returns how many."""
    txn.execute(
        "DELETE FROM sferum_gathering_posts WHERE gathering_id IN"
        " (SELECT gathering_id FROM sferum_gatherings WHERE last_ms < ?)",
        (before_ms,),
    )
    txn.execute("DELETE FROM sferum_gatherings WHERE last_ms < ?", (before_ms,))
    return int(txn.rowcount)
