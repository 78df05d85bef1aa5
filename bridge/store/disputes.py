"""«Это не я», until it is decided (R11)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.contact import Medium
from bridge.dispute import Dispute, DisputeId, DisputeState
from bridge.records import Lookup
from bridge.roles import OrgId, UserId
from bridge.store.tables import dispute as table


@frozen
class SqlDisputes:
    """Implements `ports.Disputes`."""

    _connection: AsyncConnection

    async def add(self, dispute: Dispute) -> None:
        await self._connection.execute(
            insert(table).values(
                id=dispute.id,
                org_id=dispute.org_id,
                owner=dispute.owner,
                medium=dispute.medium.value,
                lookup=dispute.lookup,
                opened_at=dispute.opened_at,
                release_at=dispute.release_at,
                state=dispute.state.value,
                decided_by=dispute.decided_by,
                decided_at=dispute.decided_at,
            )
        )

    async def get(self, dispute_id: DisputeId) -> Dispute | None:
        found = await self._rows(table.c.id == dispute_id)
        return found[0] if found else None

    async def of_owner(self, owner: UserId) -> list[Dispute]:
        return await self._rows(table.c.owner == owner)

    async def open_of(self, org_id: OrgId) -> list[Dispute]:
        return await self._rows(table.c.org_id == org_id, _is_open())

    async def due(self, now: datetime) -> list[Dispute]:
        return await self._rows(_is_open(), table.c.release_at <= now)

    async def decide(self, decided: Dispute) -> bool:
        moved = await self._connection.execute(
            update(table)
            .where(table.c.id == decided.id, _is_open())
            .values(
                state=decided.state.value,
                decided_by=decided.decided_by,
                decided_at=decided.decided_at,
            )
            .returning(table.c.id)
        )
        return moved.first() is not None

    async def _rows(self, *conditions: ColumnElement[bool]) -> list[Dispute]:
        rows: Any = await self._connection.execute(
            select(table).where(*conditions).order_by(table.c.opened_at, table.c.id)
        )
        return [
            Dispute(
                id=DisputeId(row.id),
                org_id=OrgId(row.org_id),
                owner=UserId(row.owner),
                medium=Medium(row.medium),
                lookup=Lookup(row.lookup),
                opened_at=row.opened_at,
                release_at=row.release_at,
                state=DisputeState(row.state),
                decided_by=None if row.decided_by is None else UserId(row.decided_by),
                decided_at=row.decided_at,
            )
            for row in rows
        ]


def _is_open() -> ColumnElement[bool]:
    return table.c.state == DisputeState.OPEN.value
