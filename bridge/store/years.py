"""A school's plan of its next year while it is made."""

from __future__ import annotations

from attrs import frozen
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.records import Sealed
from bridge.roles import OrgId
from bridge.store.tables import year_draft


@frozen
class SqlYearDrafts:
    """Implements `ports.YearDrafts`."""

    _connection: AsyncConnection

    async def put(self, org_id: OrgId, sealed: Sealed) -> None:
        table = year_draft
        changed = await self._connection.execute(
            update(table).where(table.c.org_id == org_id).values(sealed=sealed)
        )
        if changed.rowcount == 0:
            await self._connection.execute(insert(table).values(org_id=org_id, sealed=sealed))

    async def get(self, org_id: OrgId, *, locked: bool = False) -> Sealed | None:
        table = year_draft
        query = select(table.c.sealed).where(table.c.org_id == org_id)
        found = await self._connection.scalar(query.with_for_update() if locked else query)
        return None if found is None else Sealed(found)

    async def end(self, org_id: OrgId) -> None:
        table = year_draft
        await self._connection.execute(delete(table).where(table.c.org_id == org_id))
