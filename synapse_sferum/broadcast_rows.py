"""Rows of broadcasts: what rooms were told, who leads, how the hall is called."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum.audit import AuditEntry
from synapse_sferum.broadcast_words import Post
from synapse_sferum.directory_rows import append_audit_txn
from synapse_sferum.model import OrgId, RoomId, RoomKey, RoomKind
from synapse_sferum.rows import chunks, marks


@frozen
class Posted:
    """One message that is there, or is being written: `event_id` is "" then. `claimed_ms`: since when, of 1970."""

    event_id: str
    says: str
    claimed_ms: int = 0


def open_rooms_txn(
    txn: LoggingTransaction, org_id: str, keys: Collection[RoomKey]
) -> dict[RoomKey, str]:
    """Room ids of those that people are in today."""
    txn.execute(
        "SELECT kind, ref, room_id FROM sferum_rooms WHERE org_id = ? AND room_id IS NOT NULL"
        " AND state IN ('ready', 'filling')",
        (org_id,),
    )
    found = {RoomKey(RoomKind(kind), ref): str(room_id) for kind, ref, room_id in txn}
    return {key: found[key] for key in keys if key in found}


def named_rooms_txn(txn: LoggingTransaction, org_id: str) -> dict[RoomKey, tuple[RoomId, str]]:
    """Every room of a school that people are in today: id and name."""
    txn.execute(
        "SELECT kind, ref, room_id, name FROM sferum_rooms WHERE org_id = ?"
        " AND room_id IS NOT NULL AND state IN ('ready', 'filling')",
        (org_id,),
    )
    return {RoomKey(RoomKind(k), ref): (RoomId(room), str(name)) for k, ref, room, name in txn}


def posts_txn(
    txn: LoggingTransaction, org_id: str, broadcast_id: str
) -> dict[tuple[str, Post], Posted]:
    """(room id, which message) → what is there."""
    txn.execute(
        "SELECT room_id, post, event_id, says, claimed_ms FROM sferum_broadcast_posts"
        " WHERE org_id = ? AND broadcast_id = ?",
        (org_id, broadcast_id),
    )
    return {
        (str(room), Post(post)): Posted(str(event), str(says), int(claimed))
        for room, post, event, says, claimed in txn
    }


def put_post_txn(
    txn: LoggingTransaction,
    org_id: str,
    broadcast_id: str,
    room_id: str,
    post: Post,
    now: Posted | None,
) -> None:
    """Write down what is there now; None: nothing any more."""
    key = (org_id, broadcast_id, room_id, post.value)
    txn.execute(
        "DELETE FROM sferum_broadcast_posts"
        " WHERE org_id = ? AND broadcast_id = ? AND room_id = ? AND post = ?",
        key,
    )
    if now is not None:
        txn.execute(
            "INSERT INTO sferum_broadcast_posts"
            " (org_id, broadcast_id, room_id, post, event_id, says, claimed_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*key, now.event_id, now.says, now.claimed_ms),
        )


def log_stage_txn(
    txn: LoggingTransaction,
    org_id: str,
    broadcast_id: str,
    stage: str,
    actor: str,
    reason: str,
    now_ms: int,
) -> None:
    """The log's line of a stage that was reached, once (R48, R51)."""
    key = (org_id, broadcast_id)
    txn.execute(
        "SELECT stage FROM sferum_broadcast_stages WHERE org_id = ? AND broadcast_id = ?", key
    )
    row = txn.fetchone()
    before = str(row[0]) if row else ""
    if before == stage:
        return
    if row is None:
        txn.execute(
            "INSERT INTO sferum_broadcast_stages (org_id, broadcast_id, stage) VALUES (?, ?, ?)",
            (*key, stage),
        )
    else:
        txn.execute(
            "UPDATE sferum_broadcast_stages SET stage = ? WHERE org_id = ? AND broadcast_id = ?",
            (stage, *key),
        )
    entry = AuditEntry(actor, "broadcast", broadcast_id, before, stage, reason)
    append_audit_txn(txn, org_id, [entry], now_ms)


def hosts_room_txn(txn: LoggingTransaction, org_id: str, key: RoomKey) -> str | None:
    """The moderators' room of broadcasts for these people."""
    txn.execute(
        "SELECT room_id FROM sferum_broadcast_rooms WHERE org_id = ? AND kind = ? AND ref = ?",
        (org_id, key.kind.value, key.ref),
    )
    row = txn.fetchone()
    return str(row[0]) if row else None


def put_hosts_room_txn(
    txn: LoggingTransaction, org_id: str, key: RoomKey, room_id: str, instead_of: str | None
) -> str:
    """Write the moderators' room down; the one that another process wrote first stays."""
    known = hosts_room_txn(txn, org_id, key)
    if known is not None and known != instead_of:
        return known
    where = (org_id, key.kind.value, key.ref)
    txn.execute(
        "DELETE FROM sferum_broadcast_rooms WHERE org_id = ? AND kind = ? AND ref = ?", where
    )
    txn.execute(
        "INSERT INTO sferum_broadcast_rooms (org_id, kind, ref, room_id) VALUES (?, ?, ?, ?)",
        (*where, room_id),
    )
    return room_id


def candidates_txn(txn: LoggingTransaction, org_id: OrgId, key: RoomKey) -> list[str]:
    """Accounts among which all hosts of broadcasts for these people are: the administration, and a class's room."""
    txn.execute(
        "SELECT DISTINCT user_id FROM sferum_wants WHERE org_id = ?"
        " AND (kind = 'administration' OR (kind = 'class' AND ref = ? AND ref <> '' AND power > 0))",
        (org_id, key.ref),
    )
    return sorted(str(row[0]) for row in txn)


def class_names_txn(txn: LoggingTransaction, class_ids: Collection[str]) -> dict[str, str]:
    """Class id → name."""
    found: dict[str, str] = {}
    for some in chunks(class_ids):
        txn.execute(
            f"SELECT class_id, name FROM sferum_classes WHERE class_id IN ({marks(some)})", some
        )
        found |= {str(class_id): str(name) for class_id, name in txn}
    return found
