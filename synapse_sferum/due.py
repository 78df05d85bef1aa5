"""What a day of the school's calendar brings about: substitutes go, graduates leave, old rooms are removed (R36).

Looked at by the one process that fills rooms, between two rooms. Each step is one transaction or is repeated until
it is done, so a crash in between costs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from typing import Final

from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_sferum.class_edits import fall_due
from synapse_sferum.directory_rows import directory_txn, write_txn
from synapse_sferum.facts import Facts
from synapse_sferum.materials.rows import end_room_txn
from synapse_sferum.model import Org, RoomKey, RoomKind, UserId
from synapse_sferum.rows import ORG_COLUMNS, org_from
from synapse_sferum.year_rows import forget_old_txn, rooms_to_remove_txn

logger = logging.getLogger(__name__)

#: Seconds between two looks at the calendar; three short queries for each school.
LOOK_S: Final = 10


class Due:
    """Owns the looks; `class_edits.fall_due` says what happens to people.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(
        self, api: ModuleApi, facts: Facts, service_user: str, now_ms: Callable[[], int]
    ) -> None:
        self._api, self._facts, self._service_user = api, facts, service_user
        self._now_ms = now_ms
        self._looked_ms = 0

    async def look(self) -> None:
        """Do what is due in every open school, at most once in ten seconds."""
        now = self._now_ms()
        if now - self._looked_ms < LOOK_S * 1000:
            return
        self._looked_ms = now
        for org in await self._api.run_db_interaction("sferum_due_orgs", _open_orgs_txn, now):
            try:
                await self._school(org, self._facts.today(org.timezone))
            except Exception:
                # One school's broken row must not stop the others' calendars.
                logger.exception("calendar not looked at org=%s", org.org_id)

    async def _school(self, org: Org, today: date) -> None:
        touched = await self._api.run_db_interaction(
            "sferum_fall_due", fall_due_txn, org.org_id, today, self._now_ms()
        )
        await self._facts.forget_accounts(touched)
        for kind, ref in await self._api.run_db_interaction(
            "sferum_old_rooms", rooms_to_remove_txn, org.org_id, today
        ):
            await self._remove(org, RoomKey(RoomKind(kind), ref))

    async def _remove(self, org: Org, key: RoomKey) -> None:
        """First out of the space and out of Synapse, which takes its time; once it is gone, out of our tables."""
        room_id, space_id = await self._api.run_db_interaction(
            "sferum_room_ids", _room_ids_txn, org.org_id, key
        )
        if room_id is not None and await self._is_there(room_id):
            if space_id is not None and await self._is_child(space_id, room_id):
                await self._api.create_and_send_event_into_room(
                    {
                        "type": "m.space.child",
                        "state_key": room_id,
                        "room_id": space_id,
                        "sender": self._service_user,
                        "content": {},
                    }
                )
            await self._api.delete_room(room_id)
            return
        await self._api.run_db_interaction(
            "sferum_forget_room", forget_room_txn, org.org_id, key, self._now_ms()
        )
        if room_id is not None:
            await self._facts.forget_room(room_id)
        logger.info("old room removed org=%s kind=%s ref=%s", org.org_id, key.kind.value, key.ref)

    async def _is_there(self, room_id: str) -> bool:
        return bool(await self._api.get_room_state(room_id, [("m.room.create", "")]))

    async def _is_child(self, space_id: str, room_id: str) -> bool:
        child = await self._api.get_room_state(space_id, [("m.space.child", room_id)])
        return any(event.content.get("via") for event in child.values())


def fall_due_txn(txn: LoggingTransaction, org_id: str, today: date, now_ms: int) -> set[UserId]:
    """Write what a day brings about; returns the accounts it touches. Nothing is read whole unless something is due."""
    day = today.isoformat()
    txn.execute(
        "SELECT COUNT(*) FROM sferum_people WHERE org_id = ? AND leaves_on <> '' AND leaves_on <= ?",
        (org_id, day),
    )
    (leaving,) = txn.fetchone() or (0,)
    txn.execute(
        "SELECT COUNT(*) FROM sferum_enrolments AS e JOIN sferum_classes AS c"
        " ON c.class_id = e.class_id WHERE c.org_id = ? AND e.until <> '' AND e.until < ?",
        (org_id, day),
    )
    (over,) = txn.fetchone() or (0,)
    before = directory_txn(txn, org_id) if leaving or over else None
    if before is None:
        return set()
    after, entries = fall_due(today)(before)
    _, touched = write_txn(txn, before, after, entries, now_ms)
    return touched


def _open_orgs_txn(txn: LoggingTransaction, now_ms: int) -> list[Org]:
    forget_old_txn(txn, now_ms)
    txn.execute(f"SELECT {ORG_COLUMNS} FROM sferum_orgs WHERE status = 'open' ORDER BY org_id")
    return [org_from(tuple(row)) for row in txn]


def _room_ids_txn(
    txn: LoggingTransaction, org_id: str, key: RoomKey
) -> tuple[str | None, str | None]:
    """The room and the school's space."""
    found: list[str | None] = []
    for kind, ref in ((key.kind, key.ref), (RoomKind.SCHOOL, "")):
        txn.execute(
            "SELECT room_id FROM sferum_rooms WHERE org_id = ? AND kind = ? AND ref = ?",
            (org_id, kind.value, ref),
        )
        row = txn.fetchone()
        found.append(None if row is None else row[0])
    return found[0], found[1]


def forget_room_txn(txn: LoggingTransaction, org_id: str, key: RoomKey, now_ms: int) -> None:
    """A room that is gone from Synapse: what is written of it, and the materials of its people."""
    end_room_txn(txn, org_id, key, now_ms)
    where = (org_id, key.kind.value, key.ref)
    for table in ("sferum_rooms", "sferum_wants"):
        txn.execute(f"DELETE FROM {table} WHERE org_id = ? AND kind = ? AND ref = ?", where)
    txn.execute(
        "DELETE FROM sferum_jobs WHERE org_id = ? AND kind = 'room' AND ref = ?",
        (org_id, f"{key.kind.value}/{key.ref}"),
    )
