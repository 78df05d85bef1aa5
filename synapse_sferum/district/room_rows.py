"""Rooms of several schools in the tables, where every process reads them; and what the directory says of our people."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from attrs import frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum.account import Account
from synapse_sferum.district.force import Standing
from synapse_sferum.district.register import Register
from synapse_sferum.district.room_plan import CommonRoom, RoomState, next_state
from synapse_sferum.model import STAFF
from synapse_sferum.rows import accounts_txn

_COLUMNS = "host, ref, name, members, writers, subject, room_id, state"


def rooms_txn(txn: LoggingTransaction, room_id: str | None = None) -> list[CommonRoom]:
    """All of them, or the one with this id."""
    where, values = ("", ()) if room_id is None else (" WHERE room_id = ?", (room_id,))
    txn.execute(f"SELECT {_COLUMNS} FROM sferum_common_rooms{where} ORDER BY host, ref", values)
    return [_room(tuple(row)) for row in txn]


def _room(row: tuple[Any, ...]) -> CommonRoom:
    host, ref, name, members, writers, subject, room_id, state = row
    return CommonRoom(
        host=str(host),
        ref=str(ref),
        name=str(name),
        members=frozenset(json.loads(members)),
        writers=frozenset(json.loads(writers)),
        subject=str(subject),
        room_id=str(room_id),
        state=RoomState(str(state)),
    )


def write_rooms_txn(
    txn: LoggingTransaction,
    held: Register | None,
    stands: Standing,
    own: str,
    peers: Collection[str],
) -> list[str]:
    """Make the table follow the register; the ids of rooms that changed."""
    named = {(room.host, room.ref): room for room in ([] if held is None else held.rooms)}
    before = {(room.host, room.ref): room for room in rooms_txn(txn)}
    changed = []
    for key in {**before, **named}:
        host, ref = key
        entry, was = named.get(key), before.get(key)
        state = next_state(
            stands,
            ours=host == own,
            named=entry is not None,
            maker_listed=host == own or host in peers,
        )
        if was is not None and was.state is RoomState.LEFT and state is not RoomState.OPEN:
            continue
        if was is None and (state is not RoomState.OPEN or not host):
            continue
        told = was if entry is None else entry
        assert told is not None
        after = CommonRoom(
            host=host,
            ref=ref,
            name=told.name,
            members=told.members,
            writers=told.writers,
            subject=told.subject,
            room_id="" if was is None else was.room_id,
            state=state,
        )
        if after == was:
            continue
        _write_txn(txn, after)
        changed.append(after.room_id)
    return [room_id for room_id in changed if room_id]


def _write_txn(txn: LoggingTransaction, room: CommonRoom) -> None:
    txn.execute("DELETE FROM sferum_common_rooms WHERE host = ? AND ref = ?", (room.host, room.ref))
    txn.execute(
        f"INSERT INTO sferum_common_rooms ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            room.host,
            room.ref,
            room.name,
            json.dumps(sorted(room.members)),
            json.dumps(sorted(room.writers)),
            room.subject,
            room.room_id,
            room.state.value,
        ),
    )


def delete_txn(txn: LoggingTransaction, room: CommonRoom) -> None:
    """The room is no more of ours; unless a newer register has named it again since `room` was read."""
    txn.execute(
        "DELETE FROM sferum_common_rooms WHERE host = ? AND ref = ? AND state = ? AND room_id = ?",
        (room.host, room.ref, room.state.value, room.room_id),
    )


def left_txn(txn: LoggingTransaction, room: CommonRoom) -> None:
    """Everybody of ours is out, and its name is kept; unless a newer register has named it again since."""
    txn.execute(
        "UPDATE sferum_common_rooms SET state = ?, room_id = ''"
        " WHERE host = ? AND ref = ? AND state = ? AND room_id = ?",
        (RoomState.LEFT.value, room.host, room.ref, room.state.value, room.room_id),
    )


def set_room_id_txn(txn: LoggingTransaction, room: CommonRoom, room_id: str) -> None:
    """The room is made, or we have been invited to it."""
    txn.execute(
        "UPDATE sferum_common_rooms SET room_id = ? WHERE host = ? AND ref = ?",
        (room_id, room.host, room.ref),
    )


def awaited_txn(txn: LoggingTransaction, host: str, ref: str) -> bool:
    """Whether the register gives this school a room of that maker to enter."""
    txn.execute(
        "SELECT 1 FROM sferum_common_rooms WHERE host = ? AND ref = ? AND state = ?",
        (host, ref, RoomState.OPEN.value),
    )
    return txn.fetchone() is not None


def subjects_txn(txn: LoggingTransaction, user_id: str | None = None) -> dict[str, frozenset[str]]:
    """user id → subjects of their active persons; of everybody who has any, or of one."""
    where, values = ("", ()) if user_id is None else (" AND p.user_id = ?", (user_id,))
    txn.execute(
        "SELECT p.user_id, s.subject FROM sferum_subjects AS s"
        " JOIN sferum_people AS p ON p.person_id = s.person_id"
        f" WHERE p.status = 'active' AND p.user_id IS NOT NULL AND s.subject <> ''{where}",
        values,
    )
    found: dict[str, set[str]] = defaultdict(set)
    for user, subject in txn:
        found[str(user)].add(str(subject))
    return {user: frozenset(subjects) for user, subjects in found.items()}


@frozen(kw_only=True)
class DistrictView:
    """What a look at rooms of several schools begins with.

    Attributes:
        mark: the same as long as nothing of the register and the directory has changed.
    """

    rooms: tuple[CommonRoom, ...]
    peers: frozenset[str]
    mark: tuple[Any, ...]


def view_txn(txn: LoggingTransaction, now_ms: int) -> DistrictView:
    """Rooms, servers that are let in, and the mark; three short queries."""
    rooms = tuple(rooms_txn(txn))
    txn.execute("SELECT server_name FROM sferum_peer_servers WHERE until_ms > ?", (now_ms,))
    peers = frozenset(str(row[0]) for row in txn)
    txn.execute("SELECT org_id, revision, status FROM sferum_orgs ORDER BY org_id")
    return DistrictView(rooms=rooms, peers=peers, mark=(rooms, peers, tuple(map(tuple, txn))))


def staff_txn(txn: LoggingTransaction) -> tuple[list[Account], dict[str, frozenset[str]]]:
    """Active accounts of staff in all open schools of this server, and subjects."""
    words = {role.value for role in STAFF}
    txn.execute(
        "SELECT user_id, listed_roles, roles_by_hand FROM sferum_people"
        " WHERE status = 'active' AND user_id IS NOT NULL"
    )
    users = sorted(
        {
            str(user)
            for user, listed, by_hand in txn
            if words & set((listed if by_hand is None else by_hand).split(","))
        }
    )
    found = accounts_txn(txn, users)
    return [account for account in found.values() if account.is_staff], subjects_txn(txn)
