"""Every private name of Synapse that the module relies on, and nothing else.

Verified on 1.163.x; `tests/synapse_sferum/test_private_names.py` is the contract test that an upgrade must pass first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapse.module_api import LoggingTransaction, ModuleApi

if TYPE_CHECKING:
    from synapse.util.clock import Clock


def clock_of(api: ModuleApi) -> Clock:
    """Synapse's clock; its cache descriptors read it off the instance they are used on."""
    return api._clock


def members_txn(txn: LoggingTransaction, room_id: str) -> dict[str, str]:
    """user_id → membership of everybody ever in a room, from Synapse's table of current state.

    `ModuleApi.get_room_state` would load every member event: 2,300 of them for the announcements of a large school.
    """
    txn.execute(
        "SELECT state_key, membership FROM current_state_events"
        " WHERE room_id = ? AND type = 'm.room.member'",
        (room_id,),
    )
    return {str(user_id): str(membership) for user_id, membership in txn}


def rooms_created_by_txn(txn: LoggingTransaction, user_id: str) -> list[str]:
    """Rooms a user created, newest first; how a room is found again after a crash in the middle of its creation."""
    txn.execute("SELECT room_id FROM rooms WHERE creator = ?", (user_id,))
    return [str(row[0]) for row in txn]
