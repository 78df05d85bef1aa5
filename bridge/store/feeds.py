"""Addresses of calendars, one of each person."""

from __future__ import annotations

from attrs import frozen
from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.records import CalendarFeed, FeedHash
from bridge.roles import UserId
from bridge.store.tables import calendar_feed as table


@frozen
class SqlFeeds:
    """Implements `ports.Feeds`."""

    _connection: AsyncConnection

    async def put(self, feed: CalendarFeed) -> None:
        await self.end(feed.user_id)
        await self._connection.execute(
            insert(table).values(user_id=feed.user_id, hash=feed.hash, made_at=feed.made_at)
        )

    async def by_hash(self, feed_hash: FeedHash) -> CalendarFeed | None:
        found = await self._connection.execute(select(table).where(table.c.hash == feed_hash))
        return _feed(found.first())

    async def of(self, user_id: UserId) -> CalendarFeed | None:
        found = await self._connection.execute(select(table).where(table.c.user_id == user_id))
        return _feed(found.first())

    async def end(self, user_id: UserId) -> None:
        await self._connection.execute(delete(table).where(table.c.user_id == user_id))


def _feed(row: Row[tuple[object, ...]] | None) -> CalendarFeed | None:
    if row is None:
        return None
    return CalendarFeed(user_id=UserId(row.user_id), hash=FeedHash(row.hash), made_at=row.made_at)
