"""What is still to be sent, what was done, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.records import Action, AuditEntry, OutboxId, OutboxItem, OutboxKind, Sealed
from bridge.roles import OrgId
from bridge.store.tables import audit, outbox, rate

#: Any number of ours, beside the one of the migrations.
RATE_LOCK = 5_370_002


@frozen
class SqlOutbox:
    """Implements `ports.Outbox`."""

    _connection: AsyncConnection

    async def add(self, item: OutboxItem) -> None:
        await self._connection.execute(
            insert(outbox).values(
                id=item.id,
                kind=item.kind.value,
                payload=item.payload,
                due_at=item.due_at,
                expires_at=item.expires_at,
                tries=item.tries,
            )
        )

    async def take_due(self, now: datetime, lease_until: datetime, most: int) -> list[OutboxItem]:
        due = (
            select(outbox.c.id)
            .where(outbox.c.due_at <= now)
            .order_by(outbox.c.due_at, outbox.c.id)
            .limit(most)
            .with_for_update(skip_locked=True)  # PostgreSQL; SQLite has one writer anyway
        )
        taken = await self._connection.execute(
            update(outbox)
            .where(outbox.c.id.in_(due))
            .values(due_at=lease_until, tries=outbox.c.tries + 1)
            .returning(*outbox.c)
        )
        items = [
            OutboxItem(
                id=OutboxId(row.id),
                kind=OutboxKind(row.kind),
                payload=Sealed(row.payload),
                due_at=row.due_at,
                expires_at=row.expires_at,
                tries=row.tries,
            )
            for row in taken
        ]
        return sorted(items, key=lambda item: (item.expires_at, item.id))

    async def done(self, item_id: OutboxId) -> None:
        await self._connection.execute(delete(outbox).where(outbox.c.id == item_id))

    async def postpone(self, item: OutboxItem, due_at: datetime) -> None:
        await self._connection.execute(
            update(outbox).where(outbox.c.id == item.id).values(due_at=due_at)
        )


@frozen
class SqlAudit:
    """Implements `ports.Audit`. Triggers of the database refuse changes (R51)."""

    _connection: AsyncConnection

    async def add(self, entry: AuditEntry) -> None:
        await self._connection.execute(
            insert(audit).values(
                at=entry.at,
                org_id=entry.org_id,
                actor=entry.actor,
                action=entry.action.value,
                subject=entry.subject,
                reason=entry.reason,
            )
        )

    async def of_org(self, org_id: OrgId, most: int) -> list[AuditEntry]:
        rows = await self._connection.execute(
            select(audit)
            .where(audit.c.org_id == org_id)
            .order_by(audit.c.number.desc())
            .limit(most)
        )
        return [_entry(row) for row in rows]

    async def lately(
        self, org_id: OrgId, actions: Iterable[Action], since: datetime, most: int
    ) -> list[AuditEntry]:
        rows = await self._connection.execute(
            select(audit)
            .where(
                or_(audit.c.org_id == org_id, audit.c.org_id.is_(None)),
                audit.c.action.in_([action.value for action in actions]),
                audit.c.at > since,
            )
            .order_by(audit.c.number.desc())
            .limit(most)
        )
        return [_entry(row) for row in rows]


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        at=row.at,
        org_id=None if row.org_id is None else OrgId(row.org_id),
        actor=row.actor,
        action=Action(row.action),
        subject=row.subject,
        reason=row.reason,
    )


@frozen
class SqlRates:
    """Implements `ports.Rates`."""

    _connection: AsyncConnection

    async def serialise(self) -> None:
        if self._connection.dialect.name == "postgresql":  # SQLite began IMMEDIATE: alone already
            await self._connection.execute(select(func.pg_advisory_xact_lock(RATE_LOCK)))

    async def times(
        self, names: Iterable[str], since: datetime
    ) -> Mapping[str, Sequence[datetime]]:
        wanted = list(names)
        found: dict[str, list[datetime]] = {name: [] for name in wanted}
        rows = await self._connection.execute(
            select(rate.c.name, rate.c.at).where(rate.c.name.in_(wanted), rate.c.at > since)
        )
        for name, at in rows:
            found[name].append(at)
        return found

    async def add(self, names: Iterable[str], at: datetime) -> None:
        await self._connection.execute(insert(rate), [{"name": name, "at": at} for name in names])

    async def forget(self, names: Iterable[str]) -> None:
        await self._connection.execute(delete(rate).where(rate.c.name.in_(list(names))))

    async def purge(self, before: datetime) -> int:
        gone = await self._connection.execute(
            delete(rate).where(rate.c.at < before).returning(rate.c.number)
        )
        return len(gone.all())
