"""The address of somebody's calendar: who knows it reads it, so it can be changed and taken away at any time.

What is kept is the SHA-256 of its random part. Whose calendar it is, is asked of the directory each time: whoever has
left reads nothing any more, and a change of class shows at the next look.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bridge.calendar_file import CalendarEntry
from bridge.ports_schedule import Schedules
from bridge.records import CalendarFeed, FeedHash
from bridge.roles import Account, UserId
from bridge.schedule import Held
from bridge.services import Services

TOKEN_BYTES = 32
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
#: Days that a calendar reaches back and ahead: a month past, so that a look back finds something, and a half year.
BACK, AHEAD = timedelta(days=31), timedelta(days=184)


def hash_of(token: str) -> FeedHash:
    return FeedHash(hashlib.sha256(b"calendar\n" + token.encode()).digest())


async def new_feed(user_id: UserId, now: datetime, *, services: Services) -> str:
    """A new random part; the address of before is dead."""
    token = base64.urlsafe_b64encode(services.random_bytes(TOKEN_BYTES)).rstrip(b"=").decode()
    async with services.store.begin() as work:
        await work.feeds.put(CalendarFeed(user_id=user_id, hash=hash_of(token), made_at=now))
    return token


async def end_feed(user_id: UserId, *, services: Services) -> None:
    """No address any more."""
    async with services.store.begin() as work:
        await work.feeds.end(user_id)


async def reader_of(token: str, *, services: Services) -> Account | None:
    """Whose calendar it is; None: an address that is none, or whose person has left."""
    if not TOKEN.fullmatch(token):
        return None
    async with services.store.begin() as work:
        feed = await work.feeds.by_hash(hash_of(token))
    return None if feed is None else await services.directory.account(feed.user_id)


async def entries_of(
    account: Account, now: datetime, *, schedules: Schedules, public_url: str
) -> Sequence[CalendarEntry]:
    """Everything that concerns somebody, a month back and half a year ahead."""
    today = now.astimezone(ZoneInfo(account.timezone)).date()
    found = await schedules.window(
        account.org_id, account.user_id, today - BACK, today + AHEAD, mine=True
    )
    host = account.user_id.partition(":")[2]
    return [_entry(one, host, public_url) for one in found.held]


def _entry(one: Held, host: str, public_url: str) -> CalendarEntry:
    planned = one.planned
    of_a_class = planned.room_kind in {"class", "class_parents"}
    name = planned.room_name if of_a_class else ""
    return CalendarEntry(
        uid=f"{planned.gathering_id}-{one.day.isoformat()}@{host}",
        begins=one.begins,
        ends=one.ends,
        summary=f"{planned.title} · {name}" if name else planned.title,
        location=planned.place,
        description=planned.note,
        link=f"{public_url}{one.address}" if planned.online else "",
        category=planned.kind.value.upper(),
        sequence=planned.sequence,
    )
