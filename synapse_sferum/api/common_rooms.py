"""Rooms of several schools (ADR 30) in the answers of the API: the list, and why somebody is in one."""

from __future__ import annotations

from typing import Any

from synapse.module_api import LoggingTransaction

from synapse_sferum.api.call import Call
from synapse_sferum.api.services import Services
from synapse_sferum.district.room_figures import figures_txn, people_txn
from synapse_sferum.district.room_plan import CommonRoom
from synapse_sferum.district.room_standing import Occupants, health_json, room_json
from synapse_sferum.why import why_common


async def list_common(services: Services, org_id: str) -> dict[str, Any]:
    """All of them as one school has them; of people only numbers, of other schools only their names."""
    own, now_ms = services.api.server_name, services.now_ms()

    def common_rooms_txn(txn: LoggingTransaction) -> dict[str, Any]:
        found = figures_txn(txn, now_ms)
        if not found.rooms:
            return {"district": found.district, "rooms": []}
        staff, people, subjects = people_txn(txn, org_id)
        rooms = [
            room_json(
                room,
                own,
                found.peers,
                found.occupants.get(room.room_id, Occupants()),
                staff=staff,
                people=people,
                subjects=subjects,
            )
            for room in found.rooms
        ]
        return {"district": found.district, "rooms": rooms}

    return await services.directory.read(common_rooms_txn)


async def health_of_common(services: Services) -> dict[str, Any]:
    """The figures of /health."""
    found = await services.directory.read(figures_txn, services.now_ms())
    return health_json(found.rooms, services.api.server_name, found.peers, found.occupants)


async def explain_common(
    services: Services, call: Call, room: CommonRoom, user_id: str
) -> tuple[int, Any]:
    """R51 for such a room. Of other schools' people nothing is told, not even whether they are in it."""
    account = await services.facts.account(user_id)
    ours = account is not None and account.org_id == call.org_id
    shown = account if ours else None
    membership = None
    if ours or await services.directory.read(_was_here_txn, call.org_id, user_id):
        membership = await services.facts.membership(user_id, room.room_id)
    return 200, {
        "user_id": user_id,
        "room_id": room.room_id,
        "kind": "common",
        "membership": membership or "leave",
        **why_common(
            shown,
            room,
            await services.facts.subjects(user_id) if ours else (),
            made_here=room.host == services.api.server_name,
        ),
    }


def _was_here_txn(txn: LoggingTransaction, org_id: str, user_id: str) -> bool:
    """Whether a record of the school, also of somebody who has left, has this account."""
    txn.execute("SELECT 1 FROM sferum_people WHERE org_id = ? AND user_id = ?", (org_id, user_id))
    return txn.fetchone() is not None
