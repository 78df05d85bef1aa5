"""Managed rooms: what there is, who is in them, and why; and the log."""

from __future__ import annotations

from typing import Any

from synapse.module_api import LoggingTransaction

from synapse_sferum import edits
from synapse_sferum.account import Account
from synapse_sferum.api.call import MOST_ROWS, PAGE, BadField, Call
from synapse_sferum.api.common_rooms import explain_common, list_common
from synapse_sferum.api.services import Services
from synapse_sferum.facts import ManagedRoom
from synapse_sferum.model import RoomKind
from synapse_sferum.private.tables import members_txn
from synapse_sferum.why import why


async def list_rooms(services: Services, call: Call) -> tuple[int, Any]:
    """Every managed room of the school, how many are wanted and how many are in; rooms of several schools apart."""

    def rooms_txn(txn: LoggingTransaction) -> list[dict[str, Any]]:
        txn.execute(
            "SELECT r.room_id, r.kind, r.ref, r.name, r.state,"
            " (SELECT COUNT(*) FROM sferum_wants AS w WHERE w.org_id = r.org_id"
            "  AND w.kind = r.kind AND w.ref = r.ref),"
            " (SELECT COUNT(*) FROM local_current_membership AS m WHERE m.room_id = r.room_id"
            "  AND m.membership = 'join' AND m.user_id <> ?)"
            " FROM sferum_rooms AS r WHERE r.org_id = ? ORDER BY r.kind, r.name, r.ref",
            (services.own.service_user, call.org_id),
        )
        names = ("room_id", "kind", "ref", "name", "state", "wanted", "members")
        return [dict(zip(names, row, strict=True)) for row in txn]

    rooms = await services.directory.read(rooms_txn)
    return 200, {"rooms": rooms, "common": await list_common(services, call.org_id)}


async def list_members(services: Services, call: Call) -> tuple[int, Any]:
    """Members of a managed room with their names: administrators any, a class teacher their own rooms (R28)."""
    room = await _room(services, call)
    if call.account is not None and not _may_export(call.account, room):
        raise edits.not_found()
    members = await services.directory.read(members_txn, room.room_id)
    joined = sorted(u for u, m in members.items() if m == "join" and u != services.own.service_user)

    def names_txn(txn: LoggingTransaction) -> list[dict[str, Any]]:
        txn.execute(
            "SELECT user_id, family_name, given_name, middle_name FROM sferum_people"
            " WHERE org_id = ? AND user_id IS NOT NULL ORDER BY person_id",
            (call.org_id,),
        )
        people = {str(row[0]): row[1:] for row in txn}
        return [
            {
                "user_id": user_id,
                "family_name": people[user_id][0],
                "given_name": people[user_id][1],
                "middle_name": people[user_id][2],
            }
            for user_id in joined
            if user_id in people
        ]

    rows = await services.directory.read(names_txn)
    rows.sort(key=lambda row: (row["family_name"], row["given_name"], row["user_id"]))
    return 200, {"room_id": room.room_id, "kind": room.key.kind.value, "members": rows}


def _may_export(account: Account, room: ManagedRoom) -> bool:
    if account.is_administrative:
        return True
    return (
        room.key.kind in {RoomKind.CLASS, RoomKind.CLASS_PARENTS}
        and room.key.ref in account.homeroom_of
    )


async def explain(services: Services, call: Call) -> tuple[int, Any]:
    """Why somebody is in a room, or is not (R51)."""
    room_id = call.query.get("room_id", "")
    common = await services.facts.common_room(room_id) if room_id else None
    room = None if common is not None else await _room(services, call)
    user_id = call.query.get("user_id", "")
    if not user_id.startswith("@"):
        raise BadField("user_id", "must be a Matrix user id such as @uabc23456:school.example")
    if common is not None:
        return await explain_common(services, call, common, user_id)
    assert room is not None
    account = await services.facts.account(user_id)
    members = await services.directory.read(members_txn, room.room_id)
    shown = account if account is None or account.org_id == call.org_id else None
    return 200, {
        "user_id": user_id,
        "room_id": room.room_id,
        "kind": room.key.kind.value,
        "membership": members.get(user_id, "leave"),
        **why(
            shown,
            room.org_id,
            room.key,
            archived=room.state in {"archived", "archiving"},
            staff_bot=user_id == services.own.staff_bot,
        ),
    }


async def _room(services: Services, call: Call) -> ManagedRoom:
    room = await services.facts.managed_room(call.query.get("room_id", ""))
    if room is None or room.org_id != call.org_id:
        raise edits.not_found()
    return room


async def list_audit(services: Services, call: Call) -> tuple[int, Any]:
    """The log, the newest first."""
    limit = call.number("limit", default=PAGE, most=MOST_ROWS)
    before = call.number("from", default=999_999_999, most=999_999_999)

    def audit_txn(txn: LoggingTransaction) -> list[dict[str, Any]]:
        columns = ("number", "at_ms", "actor", "action", "target", "before", "after", "reason")
        txn.execute(
            f"SELECT {', '.join(columns)} FROM sferum_audit WHERE org_id = ? AND number < ?"
            " ORDER BY number DESC LIMIT ?",
            (call.org_id, before, limit),
        )
        return [dict(zip(columns, row, strict=True)) for row in txn]

    entries = await services.directory.read(audit_txn)
    last = entries[-1]["number"] if entries else None
    return 200, {"entries": entries, "next": last if last is not None and last > 1 else None}
