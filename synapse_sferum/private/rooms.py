"""Rooms: whether somebody is in one, and events that are written together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from synapse.module_api import JsonDict, LoggingTransaction, ModuleApi
from synapse.types import create_requester


async def local_membership(api: ModuleApi, user_id: str, room_id: str) -> str | None:
    """Membership of one of our users in any room, also one we only have an invitation to."""
    store = api._hs.get_datastores().main
    found, _ = await store.get_local_current_membership_for_user_in_room(user_id, room_id)
    return found


async def server_is_joined(api: ModuleApi, server_name: str, room_id: str) -> bool:
    """Whether somebody of a server is in a room, by the current state that this server holds of it."""
    store = cast(
        "Any", api._hs.get_datastores().main
    )  # mypy does not know what its caches are called with
    return bool(await store.is_host_joined(room_id, server_name))


async def send_together(
    api: ModuleApi, service_user: str, room_id: str, event_dicts: Sequence[JsonDict]
) -> None:
    """Create events one upon the other and write them in one transaction, as createRoom does with its first ones.

    Every event goes through `check_event_allowed` and Synapse's own rules; an error drops all of them. The membership
    callbacks do not run. At most 100 events stay in one transaction.

    Raises:
        SynapseError: one was refused.
    """
    # Synapse finds the latest event by itself on its main process only.
    latest = await api.run_db_interaction("sferum_latest", _latest_event_txn, room_id)
    handler = api._hs.get_event_creation_handler()
    await handler.create_and_send_new_client_events(
        create_requester(service_user), room_id, latest, event_dicts, ratelimit=False
    )


def _latest_event_txn(txn: LoggingTransaction, room_id: str) -> str:
    """The deepest of a room's last events."""
    txn.execute(
        "SELECT e.event_id FROM event_forward_extremities AS f JOIN events AS e ON e.event_id = f.event_id"
        " WHERE f.room_id = ? ORDER BY e.depth DESC, e.stream_ordering DESC LIMIT 1",
        (room_id,),
    )
    row = txn.fetchone()
    if row is None:
        raise LookupError("the room has no events")
    return str(row[0])
