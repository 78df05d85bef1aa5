"""A school's new revision → wanted rooms and memberships, and a job for each room that differs.

One transaction: after a crash either all of it happened or none. The difference is taken against what was
wanted before,
so a change that moves nobody queues nothing (R21: the second run writes nothing).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from attrs import frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum.desired import STAFF_BOT, Desired, DesiredRoom, Want, desired_rooms
from synapse_sferum.directory_rows import directory_txn
from synapse_sferum.jobs import enqueue_txn
from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId
from synapse_sferum.plan import unsafe_removals


@frozen
class Derived:
    """What one derivation found: rooms queued, memberships to add and to take away; `held` says why not."""

    rooms: int = 0
    added: int = 0
    removed: int = 0
    held: str = ""
    users: frozenset[UserId] = frozenset()  # whose wants changed


def stale_orgs_txn(txn: LoggingTransaction) -> list[OrgId]:
    """Schools whose rooms were derived from an older revision, the longest waiting first."""
    txn.execute(
        "SELECT org_id FROM sferum_orgs WHERE derived_revision <> revision AND held = ''"
        " ORDER BY COALESCE(dirty_since_ms, 0), org_id"
    )
    return [OrgId(str(row[0])) for row in txn]


def forget_bot_txn(txn: LoggingTransaction, staff_bot: UserId | None) -> None:
    """Make every open school stale whose administration room wants another bot than this one, or none."""
    txn.execute(
        "UPDATE sferum_orgs SET derived_revision = -1 WHERE status = 'open' AND derived_revision >= 0"
        " AND org_id IN (SELECT r.org_id FROM sferum_rooms AS r"
        " LEFT JOIN sferum_wants AS w ON w.org_id = r.org_id AND w.kind = r.kind AND w.reason = ?"
        " WHERE r.kind = ? AND COALESCE(w.user_id, '') <> ?)",
        (STAFF_BOT, RoomKind.ADMINISTRATION.value, staff_bot or ""),
    )


def derive_txn(
    txn: LoggingTransaction, org_id: OrgId, now_ms: int, staff_bot: UserId | None = None
) -> Derived:
    """Bring `sferum_rooms` and `sferum_wants` to the directory's present state."""
    txn.execute("SELECT revision, sanctioned_revision FROM sferum_orgs WHERE org_id = ?", (org_id,))
    row = txn.fetchone()
    directory = directory_txn(txn, org_id)
    if row is None or directory is None:
        return Derived()
    revision, sanctioned = int(row[0]), int(row[1])
    desired = desired_rooms(directory, staff_bot)
    known = _rooms_txn(txn, org_id)
    wanted = _wants_txn(txn, org_id)
    held = (
        ""
        if sanctioned >= revision
        else _held(desired, wanted, directory.org.settings.removal_limit)
    )
    if held:
        txn.execute("UPDATE sferum_orgs SET held = ? WHERE org_id = ?", (held, org_id))
        return Derived(held=held)
    sizes: dict[RoomKey, int] = {}
    added = removed = 0
    users: set[UserId] = set()
    for key, room in desired.items():
        before = wanted.get(key, {})
        new = {u: w for u, w in room.members.items() if before.get(u) != w}
        gone = before.keys() - room.members.keys()
        _write_wants(txn, org_id, key, new, gone)
        added += len(new.keys() - before.keys())
        removed += len(gone)
        users |= new.keys() | gone
        if key not in known or known[key] != (room.name, False) or new or gone:
            _write_room(txn, org_id, key, room, known.get(key))
            sizes[key] = len(new) + len(gone)
    for key in known.keys() - desired.keys():
        leaving = wanted.get(key, {}).keys()
        _write_wants(txn, org_id, key, {}, leaving)
        _, archived = known[key]
        if not archived:
            txn.execute(
                "UPDATE sferum_rooms SET state = 'archiving' WHERE org_id = ? AND kind = ? AND ref = ?",
                (org_id, key.kind.value, key.ref),
            )
        removed += len(leaving)
        if leaving or not archived:
            sizes[key] = len(leaving)
    sizes = {**_archives_with_leavers(txn, org_id), **sizes}
    enqueue_txn(txn, org_id, sorted(sizes.items()), now_ms)
    txn.execute(
        "UPDATE sferum_orgs SET derived_revision = ?, dirty_since_ms = NULL, held = '' WHERE org_id = ?",
        (revision, org_id),
    )
    return Derived(len(sizes), added, removed, users=frozenset(users))


def _held(desired: Desired, wanted: Mapping[RoomKey, Mapping[UserId, Want]], limit: float) -> str:
    """Why this derivation refuses itself, or ""."""
    before = sum(len(members) for members in wanted.values())
    removed = sum(
        len(members.keys() - (desired[key].members.keys() if key in desired else set()))
        for key, members in wanted.items()
    )
    if not unsafe_removals(removed, before, limit):
        return ""
    return f"would end {removed} of {before} memberships, over the limit of {limit:.0%}, and nobody asked for it"


def wanted_txn(txn: LoggingTransaction, org_id: str, key: RoomKey) -> DesiredRoom:
    """What is wanted of one room, as derived last."""
    where = (org_id, key.kind.value, key.ref)
    txn.execute("SELECT name FROM sferum_rooms WHERE org_id = ? AND kind = ? AND ref = ?", where)
    row = txn.fetchone()
    txn.execute(
        "SELECT user_id, power, reason FROM sferum_wants WHERE org_id = ? AND kind = ? AND ref = ?",
        where,
    )
    members = {UserId(str(u)): Want(int(power), str(reason)) for u, power, reason in txn}
    return DesiredRoom(name=str(row[0]) if row else "", members=members)


def _rooms_txn(txn: LoggingTransaction, org_id: str) -> dict[RoomKey, tuple[str, bool]]:
    txn.execute("SELECT kind, ref, name, state FROM sferum_rooms WHERE org_id = ?", (org_id,))
    return {
        RoomKey(RoomKind(kind), ref): (str(name), state in {"archived", "archiving"})
        for kind, ref, name, state in txn
    }


def _wants_txn(txn: LoggingTransaction, org_id: str) -> dict[RoomKey, dict[UserId, Want]]:
    txn.execute(
        "SELECT kind, ref, user_id, power, reason FROM sferum_wants WHERE org_id = ?", (org_id,)
    )
    found: dict[RoomKey, dict[UserId, Want]] = {}
    for kind, ref, user_id, power, reason in txn:
        key = RoomKey(RoomKind(kind), ref)
        found.setdefault(key, {})[UserId(user_id)] = Want(int(power), str(reason))
    return found


def _write_wants(
    txn: LoggingTransaction,
    org_id: str,
    key: RoomKey,
    new: Mapping[UserId, Want],
    gone: Collection[UserId],
) -> None:
    where = (org_id, key.kind.value, key.ref)
    rows = [(*where, user_id) for user_id in sorted(gone)]
    if rows:
        txn.execute_batch(
            "DELETE FROM sferum_wants WHERE org_id = ? AND kind = ? AND ref = ? AND user_id = ?",
            rows,
        )
    if new:
        txn.execute_batch(
            "INSERT INTO sferum_wants (org_id, kind, ref, user_id, power, reason) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (org_id, kind, ref, user_id) DO UPDATE SET power = EXCLUDED.power,"
            " reason = EXCLUDED.reason",
            [(*where, u, w.power, w.reason) for u, w in sorted(new.items())],
        )


def _write_room(
    txn: LoggingTransaction,
    org_id: str,
    key: RoomKey,
    room: DesiredRoom,
    known: tuple[str, bool] | None,
) -> None:
    where = (org_id, key.kind.value, key.ref)
    if known is None:
        txn.execute(
            "INSERT INTO sferum_rooms (org_id, kind, ref, name) VALUES (?, ?, ?, ?)",
            (*where, room.name),
        )
        return
    _, archived = known
    txn.execute(
        "UPDATE sferum_rooms SET name = ? WHERE org_id = ? AND kind = ? AND ref = ?",
        (room.name, *where),
    )
    if archived:
        txn.execute(
            # Not ready yet: the reconciler says so, and with that every process forgets that it was an archive.
            "UPDATE sferum_rooms SET state = 'wanted' WHERE org_id = ? AND kind = ? AND ref = ?",
            where,
        )


def _archives_with_leavers(txn: LoggingTransaction, org_id: str) -> dict[RoomKey, int]:
    """Archived rooms that still hold somebody who is no longer active in the school."""
    txn.execute(
        "SELECT DISTINCT r.kind, r.ref FROM sferum_rooms AS r"
        " JOIN local_current_membership AS m ON m.room_id = r.room_id"
        " WHERE r.org_id = ? AND r.state = 'archived' AND m.membership IN ('join', 'invite')"
        " AND m.user_id IN (SELECT user_id FROM sferum_people WHERE org_id = ? AND user_id IS NOT NULL)"
        " AND m.user_id NOT IN (SELECT user_id FROM sferum_people"
        " WHERE org_id = ? AND status = 'active' AND user_id IS NOT NULL)",
        (org_id, org_id, org_id),
    )
    return {RoomKey(RoomKind(kind), ref): 1 for kind, ref in txn}
