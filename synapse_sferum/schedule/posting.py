"""The background turn that makes rooms say what is planned, and reminds them in time.

One process writes. What has to be looked at, and when, is in the table: after a restart the same turn goes on. Each
message is claimed before it is written (`service_messages.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from synapse.module_api import ModuleApi

from synapse_sferum.broadcast_rows import open_rooms_txn
from synapse_sferum.directory_rows import org_txn
from synapse_sferum.events import GATHERING
from synapse_sferum.schedule.rows import (
    Due,
    Posted,
    due_txn,
    forget_over_txn,
    instant_of,
    looked_at_txn,
    milliseconds,
    posts_txn,
    put_post_txn,
)
from synapse_sferum.schedule.telling import PostKey, Say, wanted
from synapse_sferum.schedule.times import next_due, span
from synapse_sferum.schedule.values import Gathering
from synapse_sferum.schedule.words import Told, edit, key_of, message, says
from synapse_sferum.service_messages import ServiceMessages

logger = logging.getLogger(__name__)

#: Gatherings of one look.
MOST_AT_ONCE: Final = 50
#: Seconds until one that failed, or whose room is not there yet, is looked at again.
AGAIN_S: Final = 60
#: What was over so long ago is forgotten: two school years, so that the last one's can still be exported.
KEPT: Final = timedelta(days=730)


class SchedulePosts:
    """Writes as the service user, which is in every room of the list.

    Args:
        pages_url: where the bridge's pages are, "" where there are none.
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(
        self, api: ModuleApi, service_user: str, pages_url: str, now_ms: Callable[[], int]
    ) -> None:
        self._api, self._now_ms = api, now_ms
        self._messages = ServiceMessages(api, service_user)
        self._page = f"{pages_url}/schedule" if pages_url else ""

    async def turn(self) -> int:
        """Look at everything that is due; returns how many messages were written."""
        written = 0
        while True:
            found = await self._api.run_db_interaction(
                "sferum_schedule_due", due_txn, self._now_ms(), MOST_AT_ONCE
            )
            for due in found:
                written += await self._look(due)
            if len(found) < MOST_AT_ONCE:
                return written

    async def forget(self) -> int:
        """Forget what is long over; returns how many."""
        before = self._now_ms() - int(KEPT.total_seconds() * 1000)
        return await self._api.run_db_interaction("sferum_schedule_forget", forget_over_txn, before)

    async def _look(self, due: Due) -> int:
        one, zone = due.gathering, ZoneInfo("UTC")
        written, next_ms = 0, self._now_ms() + AGAIN_S * 1000
        try:
            org = await self._api.run_db_interaction("sferum_org", org_txn, one.org_id)
            zone = ZoneInfo("UTC" if org is None else org.timezone)
            now = instant_of(self._now_ms())
            if span(one, zone)[1] <= now or org is None:
                await self._looked_at(due, zone, None)
                return 0
            room_id = None
            if org.status == "open":
                rooms = await self._api.run_db_interaction(
                    "sferum_open_rooms", open_rooms_txn, one.org_id, [one.key]
                )
                room_id = rooms.get(one.key)
            if room_id is not None:
                written = await self._say(one, zone, room_id)
                after = next_due(one, zone, now)
                await self._looked_at(due, zone, None if after is None else milliseconds(after))
                return written
        except Exception:
            # One room's refusal must not keep the others from being reminded.
            logger.exception("a gathering was not announced gathering=%s", one.gathering_id)
        await self._looked_at(due, zone, next_ms)
        return written

    async def _looked_at(self, due: Due, zone: ZoneInfo, next_ms: int | None) -> None:
        await self._api.run_db_interaction(
            "sferum_schedule_looked_at", looked_at_txn, due, zone, next_ms
        )

    async def _say(self, one: Gathering, zone: ZoneInfo, room_id: str) -> int:
        there = await self._there(one, room_id)
        now = instant_of(self._now_ms())
        told = Told(gathering=one, zone=zone, page=self._page, today=now.astimezone(zone).date())
        written = 0
        for say in wanted(one, zone, frozenset(there), now):
            written += await self._write(room_id, told, say, there.get(say.key))
        return written

    async def _there(self, one: Gathering, room_id: str) -> dict[PostKey, Posted]:
        """What the room was told; claims are looked up, and dropped where nothing came of them."""
        there = await self._api.run_db_interaction(
            "sferum_schedule_posts", posts_txn, one.gathering_id, room_id
        )
        claims = [posted.claimed_ms for posted in there.values() if not posted.event_id]
        if not claims:
            return there
        own = await self._messages.since(room_id, min(claims))
        found = {
            key: event_id for event_id, content in own if (key := _key_of(one, content)) is not None
        }
        for key, posted in list(there.items()):
            if posted.event_id:
                continue
            event_id = found.get(key)
            if event_id is None:
                del there[key]
            else:
                there[key] = Posted(event_id, posted.says, posted.claimed_ms)
            await self._put(one.gathering_id, room_id, key, there.get(key))
        return there

    async def _write(self, room_id: str, told: Told, say: Say, posted: Posted | None) -> int:
        text, found = says(told, say), told.gathering.gathering_id
        if posted is not None and posted.says == text:
            return 0
        if posted is not None:
            # Written twice after a crash, an edit looks as if it had been written once.
            await self._messages.write(room_id, edit(told, say, posted.event_id))
            await self._put(found, room_id, say.key, Posted(posted.event_id, text, self._now_ms()))
            return 1
        claimed = self._now_ms()
        await self._put(found, room_id, say.key, Posted("", text, claimed))
        event_id = await self._messages.write(room_id, message(told, say))
        await self._put(found, room_id, say.key, Posted(event_id, text, claimed))
        return 1

    async def _put(self, gathering_id: str, room_id: str, key: PostKey, now: Posted | None) -> None:
        await self._api.run_db_interaction(
            "sferum_schedule_put_post", put_post_txn, gathering_id, room_id, key, now
        )


def _key_of(one: Gathering, content: Mapping[str, Any]) -> PostKey | None:
    """Which message about this gathering it is; None: about another, or an edit."""
    about = content.get(GATHERING)
    if not isinstance(about, dict) or about.get("id") != one.gathering_id:
        return None
    if "m.relates_to" in content:
        return None
    return key_of(about)
