"""What waits for the one writer: lists of steps, sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Row, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.records import DeadSteps, Sealed, StepsId, StepsItem, StepsState
from bridge.roles import OrgId, UserId
from bridge.store.tables import steps as table

WAITING, DONE, DEAD = (state.value for state in StepsState)


@frozen
class SqlSteps:
    """Implements `ports.StepsLists`."""

    _connection: AsyncConnection

    async def add(self, item: StepsItem) -> None:
        await self._connection.execute(
            insert(table).values(
                id=item.id,
                user_id=item.user_id,
                payload=item.payload,
                org_id=item.org_id,
                made_at=item.made_at,
                due_at=item.due_at,
                tries=item.tries,
                failure="",
                state=WAITING,
            )
        )

    async def take_due(self, now: datetime, lease_until: datetime, most: int) -> list[StepsItem]:
        earlier = table.alias("earlier")
        due = (
            select(table.c.number)
            .where(
                table.c.state == WAITING,
                table.c.due_at <= now,
                ~exists().where(
                    earlier.c.user_id == table.c.user_id,
                    earlier.c.state == WAITING,
                    earlier.c.number < table.c.number,
                ),
            )
            .order_by(table.c.number)
            .limit(most)
            .with_for_update(skip_locked=True)  # PostgreSQL; SQLite has one writer anyway
        )
        taken = await self._connection.execute(
            update(table)
            .where(table.c.number.in_(due))
            .values(due_at=lease_until, tries=table.c.tries + 1)
            .returning(*table.c)
        )
        return [_item(row) for row in sorted(taken, key=lambda row: int(row.number))]

    async def take_back(self, now: datetime) -> int:
        back = await self._connection.execute(
            update(table)
            .where(table.c.state == WAITING, table.c.due_at > now)
            .values(due_at=now)
            .returning(table.c.number)
        )
        return len(back.all())

    async def done(self, steps_id: StepsId, now: datetime) -> None:
        await self._end(steps_id, now, DONE)

    async def postpone(self, steps_id: StepsId, due_at: datetime, failure: str) -> None:
        await self._connection.execute(
            update(table).where(table.c.id == steps_id).values(due_at=due_at, failure=failure)
        )

    async def give_up(self, steps_id: StepsId, now: datetime, failure: str) -> None:
        await self._end(steps_id, now, DEAD, failure=failure)

    async def state(self, steps_id: StepsId) -> StepsState | None:
        found = await self._connection.scalar(select(table.c.state).where(table.c.id == steps_id))
        return None if found is None else StepsState(found)

    async def failure(self, steps_id: StepsId) -> str:
        found = await self._connection.scalar(select(table.c.failure).where(table.c.id == steps_id))
        return str(found or "")

    async def dead(self, org_id: OrgId, most: int) -> list[DeadSteps]:
        rows = await self._connection.execute(
            select(table)
            .where(table.c.state == DEAD, table.c.org_id == org_id)
            .order_by(table.c.number.desc())
            .limit(most)
        )
        return [
            DeadSteps(
                id=StepsId(row.id),
                user_id=UserId(row.user_id),
                failure=row.failure,
                given_up_at=row.done_at,
            )
            for row in rows
        ]

    async def dismiss(self, org_id: OrgId, steps_id: StepsId) -> UserId | None:
        gone = await self._connection.scalar(
            delete(table)
            .where(table.c.id == steps_id, table.c.org_id == org_id, table.c.state == DEAD)
            .returning(table.c.user_id)
        )
        return None if gone is None else UserId(gone)

    async def purge(self, before: datetime) -> int:
        gone = await self._connection.execute(
            delete(table).where(table.c.done_at < before).returning(table.c.number)
        )
        return len(gone.all())

    async def _end(self, steps_id: StepsId, now: datetime, state: str, **more: str) -> None:
        await self._connection.execute(
            update(table)
            .where(table.c.id == steps_id)
            .values(state=state, payload=None, done_at=now, **more)
        )


def _item(row: Row[Any]) -> StepsItem:
    return StepsItem(
        id=StepsId(row.id),
        user_id=UserId(row.user_id),
        payload=Sealed(row.payload),
        made_at=row.made_at,
        due_at=row.due_at,
        tries=row.tries,
        org_id=None if row.org_id is None else OrgId(row.org_id),
    )
