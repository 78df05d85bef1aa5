"""Applications and, sealed beside them, what applicants wrote (R16)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.application import ERASED, Application, ApplicationId, State
from bridge.records import Sealed
from bridge.roles import ClassId, OrgId, Role, UserId
from bridge.store.tables import application as table


@frozen
class SqlApplications:
    """Implements `ports.Applications`."""

    _connection: AsyncConnection

    async def add(self, application: Application, form: Sealed) -> None:
        await self._connection.execute(
            insert(table).values(id=application.id, form=form, **_columns(application))
        )

    async def get(self, application_id: ApplicationId) -> Application | None:
        found = await self._connection.execute(select(table).where(table.c.id == application_id))
        row = found.first()
        return None if row is None else _application(row)

    async def form(self, application_id: ApplicationId) -> Sealed | None:
        found = await self._connection.scalar(
            select(table.c.form).where(table.c.id == application_id)
        )
        return None if found is None else Sealed(found)

    async def move(self, old: Application, new: Application) -> bool:
        values = _columns(new)
        if new.state in ERASED:
            values["form"] = None
        moved = await self._connection.execute(
            update(table)
            .where(table.c.id == old.id, table.c.state == old.state.value)
            .values(**values)
            .returning(table.c.id)
        )
        return moved.first() is not None

    async def waiting(self, org_id: OrgId) -> list[Application]:
        return await self._new(table.c.org_id == org_id)

    async def waiting_of(self, repeat_hash: bytes) -> list[Application]:
        return await self._new(table.c.repeat_hash == repeat_hash)

    async def rejections(self, repeat_hash: bytes) -> list[datetime]:
        rows = await self._connection.scalars(
            select(table.c.decided_at).where(
                table.c.repeat_hash == repeat_hash, table.c.state == State.REJECTED.value
            )
        )
        return list(rows)

    async def of_applicant(self, user_id: UserId) -> list[Application]:
        rows = await self._connection.execute(
            select(table)
            .where(table.c.applicant == user_id)
            .order_by(table.c.submitted_at.desc(), table.c.id)
        )
        return [_application(row) for row in rows]

    async def in_state(self, state: State, before: datetime) -> list[Application]:
        rows = await self._connection.execute(
            select(table)
            .where(table.c.state == state.value, table.c.submitted_at < before)
            .order_by(table.c.submitted_at, table.c.id)
        )
        return [_application(row) for row in rows]

    async def _new(self, condition: ColumnElement[bool]) -> list[Application]:
        rows = await self._connection.execute(
            select(table)
            .where(condition, table.c.state == State.NEW.value)
            .order_by(table.c.submitted_at, table.c.id)
        )
        return [_application(row) for row in rows]


def _columns(application: Application) -> dict[str, Any]:
    return {
        "org_id": application.org_id,
        "role": application.role and application.role.value,
        "class_id": application.class_id,
        "applicant": application.applicant,
        "submitted_at": application.submitted_at,
        "state": application.state.value,
        "decided_by": application.decided_by,
        "decided_at": application.decided_at,
        "repeat_hash": application.repeat_hash,
    }


def _application(row: Row[Any]) -> Application:
    return Application(
        id=ApplicationId(row.id),
        org_id=OrgId(row.org_id),
        role=None if row.role is None else Role(row.role),
        class_id=None if row.class_id is None else ClassId(row.class_id),
        applicant=None if row.applicant is None else UserId(row.applicant),
        submitted_at=row.submitted_at,
        state=State(row.state),
        decided_by=None if row.decided_by is None else UserId(row.decided_by),
        decided_at=row.decided_at,
        repeat_hash=row.repeat_hash,
    )
