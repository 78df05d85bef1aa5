"""A managed room as it is in Synapse right now."""

from __future__ import annotations

from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_sferum import events
from synapse_sferum.model import OrgId, RoomKey, UserId
from synapse_sferum.plan import ActualRoom
from synapse_sferum.private.tables import members_txn, rooms_created_by_txn


async def read_actual(
    api: ModuleApi, room_id: str, space_id: str | None, service_user: str
) -> ActualRoom | None:
    """The room's state and members, the service user left out; None when Synapse has no such room (any more).

    Args:
        space_id: the school's space, None for the space itself.
    """
    wanted = [
        "m.room.create",
        "m.room.name",
        "m.room.join_rules",
        "m.room.power_levels",
        events.ROOM,
    ]
    state = await api.get_room_state(room_id, [(kind, "") for kind in wanted])
    if ("m.room.create", "") not in state:
        return None
    in_space = True
    if space_id is not None:
        child = await api.get_room_state(space_id, [("m.space.child", room_id)])
        in_space = any(event.content.get("via") for event in child.values())

    def content(kind: str) -> dict[str, object]:
        event = state.get((kind, ""))
        return dict(event.content) if event is not None else {}

    members = await api.run_db_interaction("sferum_members", members_txn, room_id)
    members.pop(service_user, None)
    return ActualRoom(
        name=str(content("m.room.name").get("name", "")),
        join_rule=str(content("m.room.join_rules").get("join_rule", "")),
        power_levels=content("m.room.power_levels"),
        marked=bool(content(events.ROOM)),
        in_space=in_space,
        joined=frozenset(UserId(u) for u, m in members.items() if m == "join"),
        invited=frozenset(UserId(u) for u, m in members.items() if m == "invite"),
    )


async def find_created(api: ModuleApi, org_id: OrgId, key: RoomKey, service_user: str) -> list[str]:
    """Rooms that carry this key in their create event: what a crash between creating and writing down leaves behind."""
    marker = {"org_id": org_id, "kind": key.kind.value, "ref": key.ref}

    def unknown_txn(txn: LoggingTransaction) -> list[str]:
        created = rooms_created_by_txn(txn, service_user)
        txn.execute("SELECT room_id FROM sferum_rooms WHERE room_id IS NOT NULL")
        known = {str(row[0]) for row in txn}
        return [room_id for room_id in created if room_id not in known]

    found = []
    for room_id in await api.run_db_interaction("sferum_created", unknown_txn):
        state = await api.get_room_state(room_id, [("m.room.create", "")])
        create = state.get(("m.room.create", ""))
        if create is not None and create.content.get(events.ROOM) == marker:
            found.append(room_id)
    return found
