"""The background turn of materials: reads what was posted with chat clients, tells rooms what pages published.

It takes the messages of what is gone back, too. One process; where it stopped is in the tables.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from synapse.module_api import LoggingTransaction, ModuleApi
from synapse.module_api.errors import SynapseError

from synapse_sferum.broadcast_rows import open_rooms_txn
from synapse_sferum.events import MATERIAL
from synapse_sferum.materials.posted import posted_material
from synapse_sferum.materials.rows import (
    Gone,
    Untold,
    claim_txn,
    forget_gone_txn,
    gone_txn,
    is_the_schools_txn,
    material_rooms_txn,
    put_material_txn,
    read_until_txn,
    remove_redacted_txn,
    taken_back_txn,
    told_txn,
    untold_txn,
)
from synapse_sferum.materials.words import message
from synapse_sferum.model import OrgId
from synapse_sferum.private.tables import events_since_txn
from synapse_sferum.service_messages import ServiceMessages

logger = logging.getLogger(__name__)

#: Events of a room, messages of one turn.
MOST_EVENTS: Final = 200
MOST_AT_ONCE: Final = 50
#: An event is read so long after it came: several writers of one room do not finish in order.
SETTLED_MS: Final = 5_000
#: What was removed so long ago is forgotten.
KEPT: Final = timedelta(days=30)


class MaterialPosts:
    """Writes as the service user.

    Args:
        pages_url: where the bridge's pages are, "" where there are none.
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(
        self, api: ModuleApi, service_user: str, pages_url: str, now_ms: Callable[[], int]
    ) -> None:
        self._api, self._service_user, self._now_ms = api, service_user, now_ms
        self._messages = ServiceMessages(api, service_user)
        self._page = f"{pages_url}/materials" if pages_url else ""

    async def turn(self) -> None:
        """One look at everything."""
        for org_id, room_id, seen in await self._api.run_db_interaction(
            "sferum_material_rooms", material_rooms_txn
        ):
            await self._api.run_db_interaction(
                "sferum_material_read", self._read_txn, org_id, room_id, seen
            )
        now = self._now_ms()
        for untold in await self._api.run_db_interaction(
            "sferum_materials_untold", untold_txn, now, MOST_AT_ONCE
        ):
            await self._guarded(untold.material.material_id, self._tell, untold)
        for gone in await self._api.run_db_interaction(
            "sferum_materials_gone", gone_txn, now, MOST_AT_ONCE
        ):
            await self._guarded(gone.material_id, self._take_back, gone)

    async def forget(self) -> None:
        """Forget what is long gone."""
        before = self._now_ms() - int(KEPT.total_seconds() * 1000)
        await self._api.run_db_interaction("sferum_materials_forget", forget_gone_txn, before)

    def _read_txn(self, txn: LoggingTransaction, org_id: OrgId, room_id: str, seen: int) -> None:
        """Files that staff have posted become materials, deleted ones are none any more."""
        now = self._now_ms()
        found = events_since_txn(txn, room_id, seen, now - SETTLED_MS, MOST_EVENTS)
        for _, event_id, event in found:
            content = event.get("content")
            if not isinstance(content, Mapping) or event.get("sender") == self._service_user:
                continue
            if event.get("type") == "m.room.redaction":
                target = content.get("redacts") or event.get("redacts")
                if isinstance(target, str):
                    remove_redacted_txn(txn, target, now)
                continue
            at_ms = event.get("origin_server_ts")
            material = posted_material(
                org_id,
                str(event.get("sender", "")),
                event_id,
                at_ms if isinstance(at_ms, int) else now,
                content,
                self._api.server_name,
            )
            if material is not None and is_the_schools_txn(txn, material):
                put_material_txn(txn, material, room_id, event_id)
        if found:
            read_until_txn(txn, room_id, found[-1][0])

    async def _guarded(
        self, material_id: str, work: Callable[[Any], Any], subject: Untold | Gone
    ) -> None:
        """One room's refusal must not keep the others waiting; it is tried again with the next turn."""
        try:
            await work(subject)
        except SynapseError as error:
            logger.warning("a material's room said no material=%s why=%s", material_id, error.errcode)  # fmt: skip
        except Exception:
            logger.exception("a material's room was not told material=%s", material_id)

    async def _tell(self, untold: Untold) -> None:
        one = untold.material
        rooms = await self._api.run_db_interaction(
            "sferum_open_rooms", open_rooms_txn, one.org_id, [one.key]
        )
        room_id = rooms.get(one.key)
        if room_id is None:
            return
        event_id = await self._written(untold, room_id)
        if event_id is None:
            await self._api.run_db_interaction(
                "sferum_material_claim", claim_txn, one.material_id, self._now_ms()
            )
            event_id = await self._messages.write(room_id, message(one, self._page))
        await self._api.run_db_interaction(
            "sferum_material_told", told_txn, one.material_id, room_id, event_id
        )

    async def _written(self, untold: Untold, room_id: str) -> str | None:
        """The message that was written before a crash could be, if it was."""
        if untold.claimed_ms is None:
            return None
        for event_id, content in await self._messages.since(room_id, untold.claimed_ms):
            about = content.get(MATERIAL)
            if isinstance(about, dict) and about.get("id") == untold.material.material_id:
                return event_id
        return None

    async def _take_back(self, gone: Gone) -> None:
        await self._messages.take_back(gone.room_id, gone.event_id)
        await self._api.run_db_interaction(
            "sferum_material_taken_back", taken_back_txn, gone.material_id, self._now_ms()
        )
