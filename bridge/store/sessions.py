"""Browser sessions by the hash of their cookie."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.records import Session, SessionHash
from bridge.roles import UserId
from bridge.store.tables import session as table


@frozen
class SqlSessions:
    """Implements `ports.Sessions`."""

    _connection: AsyncConnection

    async def add(self, session: Session) -> None:
        await self._connection.execute(
            insert(table).values(
                hash=session.hash,
                created_at=session.created_at,
                expires_at=session.expires_at,
                user_id=session.user_id,
            )
        )

    async def get(self, session_hash: SessionHash, now: datetime) -> Session | None:
        found = await self._connection.execute(
            select(table).where(table.c.hash == session_hash, table.c.expires_at > now)
        )
        row = found.first()
        if row is None:
            return None
        return Session(
            hash=SessionHash(row.hash),
            created_at=row.created_at,
            expires_at=row.expires_at,
            user_id=None if row.user_id is None else UserId(row.user_id),
        )

    async def end(self, session_hash: SessionHash) -> None:
        await self._connection.execute(delete(table).where(table.c.hash == session_hash))

    async def end_all(self, user_id: UserId) -> int:
        ended = await self._connection.execute(
            delete(table).where(table.c.user_id == user_id).returning(table.c.hash)
        )
        return len(ended.all())

    async def purge(self, now: datetime) -> int:
        gone = await self._connection.execute(
            delete(table).where(table.c.expires_at <= now).returning(table.c.hash)
        )
        return len(gone.all())
