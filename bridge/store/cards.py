"""Messages of the staff bot: each is kept before it is posted, so a crash loses none and doubles none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.records import CardId, CardKind, StaffCard
from bridge.roles import OrgId
from bridge.store.tables import card as table

#: Ids in one statement: SQLite takes 32,766 variables, and a queue that long is read in parts.
AT_ONCE = 1000


@frozen
class SqlCards:
    """Implements `ports.Cards`."""

    _connection: AsyncConnection

    async def add(
        self, card_id: CardId, kind: CardKind, ref: str, org_id: OrgId, room_id: str, now: datetime
    ) -> StaffCard | None:
        newest = await self._connection.scalar(
            select(func.max(table.c.number)).where(table.c.org_id == org_id)
        )
        postgres = self._connection.dialect.name == "postgresql"
        insert = postgresql.insert(table) if postgres else sqlite.insert(table)
        values = {
            "id": card_id, "kind": kind.value, "ref": ref, "org_id": org_id, "number": 1 + (newest or 0),
            "room_id": room_id, "made_at": now, "shown": "",
        }  # fmt: skip
        made = await self._connection.execute(
            insert.values(**values)
            .on_conflict_do_nothing(index_elements=["kind", "ref"])
            .returning(*table.c)
        )
        row = made.first()
        return None if row is None else _card(row)

    async def without(self, kind: CardKind, refs: Iterable[str]) -> list[str]:
        wanted = list(refs)
        have: set[str] = set()
        for start in range(0, len(wanted), AT_ONCE):
            part = wanted[start : start + AT_ONCE]
            have |= set(
                await self._connection.scalars(
                    select(table.c.ref).where(table.c.kind == kind.value, table.c.ref.in_(part))
                )
            )
        return [ref for ref in wanted if ref not in have]

    async def unsettled(self, org_id: OrgId) -> list[StaffCard]:
        rows = await self._connection.execute(
            select(table)
            .where(table.c.org_id == org_id, table.c.settled_at.is_(None))
            .order_by(table.c.number)
        )
        return [_card(row) for row in rows]

    async def get(self, card_id: CardId) -> StaffCard | None:
        return await self._one(table.c.id == card_id)

    async def by_event(self, room_id: str, event_id: str) -> StaffCard | None:
        return await self._one(table.c.event_id == event_id, table.c.room_id == room_id)

    async def by_number(self, org_id: OrgId, number: int) -> StaffCard | None:
        return await self._one(table.c.org_id == org_id, table.c.number == number)

    async def of(self, kind: CardKind, ref: str) -> StaffCard | None:
        return await self._one(table.c.kind == kind.value, table.c.ref == ref)

    async def save(self, card: StaffCard) -> None:
        await self._connection.execute(
            update(table)
            .where(table.c.id == card.id)
            .values(
                room_id=card.room_id,
                event_id=card.event_id,
                shown=card.shown,
                settled_at=card.settled_at,
            )
        )

    async def purge(self, before: datetime) -> int:
        gone = await self._connection.execute(
            delete(table).where(table.c.settled_at < before).returning(table.c.id)
        )
        return len(gone.all())

    async def _one(self, *conditions: ColumnElement[bool]) -> StaffCard | None:
        found = await self._connection.execute(select(table).where(*conditions))
        row = found.first()
        return None if row is None else _card(row)


def _card(row: Row[Any]) -> StaffCard:
    return StaffCard(
        id=CardId(row.id),
        kind=CardKind(row.kind),
        ref=row.ref,
        org_id=OrgId(row.org_id),
        number=row.number,
        room_id=row.room_id,
        made_at=row.made_at,
        event_id=row.event_id,
        shown=row.shown,
        settled_at=row.settled_at,
    )
