"""Who has left, until they are erased (R14, R29)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.records import Departure
from bridge.roles import OrgId, PersonId, UserId
from bridge.store.tables import departure as table


@frozen
class SqlDepartures:
    """Implements `ports.Departures`."""

    _connection: AsyncConnection

    async def put(self, departure: Departure) -> None:
        await self.end(departure.person_id)
        await self._connection.execute(
            insert(table).values(
                person_id=departure.person_id,
                user_id=departure.user_id,
                org_id=departure.org_id,
                left_at=departure.left_at,
                erase_at=departure.erase_at,
                erased_at=departure.erased_at,
                own_wish=departure.own_wish,
            )
        )

    async def of_account(self, user_id: UserId) -> list[Departure]:
        return await self._waiting(table.c.user_id == user_id)

    async def due(self, now: datetime, most: int) -> list[Departure]:
        return (await self._waiting(table.c.erase_at <= now))[:most]

    async def end(self, person_id: PersonId) -> None:
        await self._connection.execute(delete(table).where(table.c.person_id == person_id))

    async def erased(self, person_id: PersonId, now: datetime) -> None:
        await self._connection.execute(
            update(table).where(table.c.person_id == person_id).values(erased_at=now)
        )

    async def _waiting(self, condition: ColumnElement[bool]) -> list[Departure]:
        rows: Any = await self._connection.execute(
            select(table)
            .where(condition, table.c.erased_at.is_(None))
            .order_by(table.c.erase_at, table.c.person_id)
        )
        return [
            Departure(
                person_id=PersonId(row.person_id),
                user_id=UserId(row.user_id),
                org_id=OrgId(row.org_id),
                left_at=row.left_at,
                erase_at=row.erase_at,
                own_wish=row.own_wish,
            )
            for row in rows
        ]
