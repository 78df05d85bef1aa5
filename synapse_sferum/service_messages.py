"""Messages of the service user: written, taken back, looked for where a process may have died over them.

Turns claim a message in a table before it is written. Whoever finds a claim looks into the room first, so that a crash
between writing and writing it down makes no second message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen
from synapse.module_api import JsonDict, ModuleApi

from synapse_sferum.private.tables import own_messages_txn

#: Messages of ours in one room that a claim is looked for among, and how much earlier one may be than its claim:
#: clocks of two processes.
MOST_OWN: Final = 500
EARLIER_MS: Final = 60_000


@frozen
class ServiceMessages:
    """In rooms that the service user is in, which is every room of the list."""

    _api: ModuleApi
    _service_user: str

    async def write(self, room_id: str, content: Mapping[str, Any]) -> str:
        """Say something; returns the event's id.

        Raises:
            SynapseError: it was refused.
        """
        return await self._send(room_id, "m.room.message", content)

    async def take_back(self, room_id: str, event_id: str) -> None:
        """Delete one of them, or what somebody has posted.

        Raises:
            SynapseError: it was refused.
        """
        await self._send(room_id, "m.room.redaction", {"redacts": event_id})

    async def since(self, room_id: str, claimed_ms: int) -> list[tuple[str, JsonDict]]:
        """(event id, content) of what was written since a claim, milliseconds since 1970; the oldest first."""
        return await self._api.run_db_interaction(
            "sferum_own_messages",
            own_messages_txn,
            room_id,
            self._service_user,
            claimed_ms - EARLIER_MS,
            MOST_OWN,
        )

    async def _send(self, room_id: str, kind: str, content: Mapping[str, Any]) -> str:
        event = await self._api.create_and_send_event_into_room(
            {
                "type": kind,
                "room_id": room_id,
                "sender": self._service_user,
                "content": dict(content),
            }
        )
        return event.event_id
