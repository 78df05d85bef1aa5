"""Who has which phone and e-mail (R7, R14)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Row, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.contact import Medium
from bridge.records import NOWHERE, BoundContact, ContactId, Lookup, Sealed
from bridge.roles import OrgId, UserId
from bridge.store.tables import contact as table


@frozen
class SqlContacts:
    """Implements `ports.Contacts`."""

    _connection: AsyncConnection

    async def claim(self, contact: BoundContact) -> bool:
        # ON CONFLICT DO NOTHING waits for a claim under way and leaves this transaction usable.
        postgres = self._connection.dialect.name == "postgresql"
        insert = postgresql.insert(table) if postgres else sqlite.insert(table)
        values = {
            "id": contact.id,
            "user_id": contact.user_id,
            "org_id": contact.org_id,
            "medium": contact.medium.value,
            "lookup": contact.lookup,
            "sealed": contact.sealed,
            "verified_at": contact.verified_at,
        }
        made = await self._connection.execute(
            insert.values(**values).on_conflict_do_nothing().returning(table.c.id)
        )
        return made.first() is not None

    async def owner(self, medium: Medium, lookup: Lookup, org_id: OrgId) -> UserId | None:
        found = await self.holders(medium, lookup)
        return next((one.user_id for one in found if one.org_id in {org_id, NOWHERE}), None)

    async def holders(self, medium: Medium, lookup: Lookup) -> list[BoundContact]:
        rows = await self._connection.execute(
            select(table)
            .where(
                table.c.medium == medium.value,
                table.c.lookup == lookup,
                table.c.released_at.is_(None),
            )
            .order_by(table.c.verified_at, table.c.id)
        )
        return [_contact(row) for row in rows]

    async def heirs(self, user_id: UserId) -> list[UserId]:
        released = await self._connection.execute(
            select(table.c.medium, table.c.lookup)
            .where(table.c.user_id == user_id, table.c.released_at.is_not(None))
            .distinct()
        )
        first = [await self.holders(Medium(row.medium), row.lookup) for row in released.all()]
        return sorted({found[0].user_id for found in first if found} - {user_id})

    async def of_account(self, user_id: UserId) -> list[BoundContact]:
        rows = await self._connection.execute(
            select(table)
            .where(table.c.user_id == user_id, table.c.released_at.is_(None))
            .order_by(table.c.verified_at, table.c.id)
        )
        return [_contact(row) for row in rows]

    async def sample(self) -> BoundContact | None:
        """Any of the active ones."""
        found = await self._connection.execute(
            select(table).where(table.c.released_at.is_(None)).limit(1)
        )
        row = found.first()
        return None if row is None else _contact(row)

    async def was_of(self, medium: Medium, lookup: Lookup, user_id: UserId) -> bool:
        found = await self._connection.scalar(
            select(table.c.id)
            .where(
                table.c.user_id == user_id,
                table.c.medium == medium.value,
                table.c.lookup == lookup,
                table.c.released_at.is_not(None),
            )
            .limit(1)
        )
        return found is not None

    async def release_one(self, contact_id: ContactId, now: datetime) -> bool:
        released = await self._connection.execute(
            update(table)
            .where(table.c.id == contact_id, table.c.released_at.is_(None))
            .values(released_at=now, sealed=None)
            .returning(table.c.id)
        )
        return released.first() is not None

    async def release(self, user_id: UserId, now: datetime) -> int:
        released = await self._connection.execute(
            update(table)
            .where(table.c.user_id == user_id, table.c.released_at.is_(None))
            .values(released_at=now, sealed=None)
            .returning(table.c.id)
        )
        return len(released.all())


def _contact(row: Row[Any]) -> BoundContact:
    return BoundContact(
        id=ContactId(row.id),
        user_id=UserId(row.user_id),
        org_id=OrgId(row.org_id),
        medium=Medium(row.medium),
        lookup=Lookup(row.lookup),
        sealed=None if row.sealed is None else Sealed(row.sealed),
        verified_at=row.verified_at,
        released_at=row.released_at,
    )
