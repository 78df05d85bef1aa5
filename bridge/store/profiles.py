"""Which profiles at other schools are the same person's, each pair both ways."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen
from sqlalchemy import and_, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.roles import UserId
from bridge.store.tables import own_profile as table


@frozen
class SqlOwnProfiles:
    """Implements `ports.OwnProfiles`."""

    _connection: AsyncConnection

    async def link(self, user_id: UserId, other_id: UserId, now: datetime) -> None:
        postgres = self._connection.dialect.name == "postgresql"
        insert = postgresql.insert(table) if postgres else sqlite.insert(table)
        pairs = [
            {"user_id": one, "other_id": other, "linked_at": now}
            for one, other in ((user_id, other_id), (other_id, user_id))
        ]
        await self._connection.execute(insert.values(pairs).on_conflict_do_nothing())

    async def of(self, user_id: UserId) -> list[UserId]:
        rows = await self._connection.scalars(
            select(table.c.other_id)
            .where(table.c.user_id == user_id)
            .order_by(table.c.linked_at, table.c.other_id)
        )
        return [UserId(one) for one in rows]

    async def unlink(self, user_id: UserId, other_id: UserId) -> bool:
        one, other = table.c.user_id, table.c.other_id
        gone = await self._connection.execute(
            delete(table)
            .where(
                or_(
                    and_(one == user_id, other == other_id),
                    and_(one == other_id, other == user_id),
                )
            )
            .returning(one)
        )
        return bool(gone.all())

    async def end(self, user_id: UserId) -> None:
        await self._connection.execute(
            delete(table).where(or_(table.c.user_id == user_id, table.c.other_id == user_id))
        )
