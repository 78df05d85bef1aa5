"""What the calls server asks, with the service token: may this person enter the call of this room, and as what?"""

from __future__ import annotations

from typing import Any

from synapse.module_api import LoggingTransaction

from synapse_sferum.api.call import BadField, Call
from synapse_sferum.api.services import Services
from synapse_sferum.call_rights import CallRights, in_managed_room, in_own_room
from synapse_sferum.district.room_plan import RoomState
from synapse_sferum.private.rooms import local_membership
from synapse_sferum.private.tables import members_txn, rooms_created_by_txn

#: One answer for "not joined", "no such room", "no such person" and "no calls for this one here".
NOT_A_MEMBER = {"member": False}


async def call_rights(services: Services, call: Call) -> tuple[int, Any]:
    """Rights of a joined member; everybody else learns nothing."""
    user_id, room_id = call.query.get("user_id", ""), call.query.get("room_id", "")
    if not user_id.startswith("@") or ":" not in user_id or len(user_id) > 255:
        raise BadField("user_id", "must be a Matrix user id such as @uabc23456:school.example")
    if not room_id.startswith("!") or len(room_id) > 255:
        raise BadField("room_id", "must be a Matrix room id such as !room:school.example")
    room = await services.facts.managed_room(room_id)
    common = None if room is not None else await services.facts.common_room(room_id)
    if common is not None and common.state is not RoomState.OPEN:
        rights = None  # the district has cut one of the two off, or its register has run out
    elif room is None:
        rights = await _own_room(services, user_id, room_id)
    elif not services.api.is_mine(user_id):
        rights = None  # managed rooms are not federated
    elif await local_membership(services.api, user_id, room_id) != "join":
        rights = None
    else:
        who = await services.parties.one(user_id)
        archived = room.state in {"archiving", "archived"}
        rights = in_managed_room(who, room.org_id, room.key, archived=archived)
    return 200, NOT_A_MEMBER if rights is None else rights.to_json()


async def _own_room(services: Services, user_id: str, room_id: str) -> CallRights | None:
    def read(txn: LoggingTransaction) -> tuple[dict[str, str], bool]:
        members = members_txn(txn, room_id)
        joined = members.get(user_id) == "join"
        return members, joined and room_id in rooms_created_by_txn(txn, user_id)

    members, created_it = await services.directory.read(read)
    if members.get(user_id) != "join":
        return None
    parties = await services.parties.joined([u for u, m in members.items() if m == "join"])
    return in_own_room(parties[user_id], list(parties.values()), created_it=created_it)
