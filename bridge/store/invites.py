"""Invites; the number of uses is kept by the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.invite import Invite, InviteId, InviteKind
from bridge.roles import ClassId, OrgId, PersonId, Role, UserId
from bridge.store.tables import invite as table


@frozen
class SqlInvites:
    """Implements `ports.Invites`."""

    _connection: AsyncConnection

    async def add(self, invite: Invite) -> None:
        await self._connection.execute(
            insert(table).values(
                id=invite.id,
                org_id=invite.org_id,
                kind=invite.kind.value,
                role=invite.role and invite.role.value,
                class_id=invite.class_id,
                person_id=invite.person_id,
                allow_email=invite.allow_email,
                max_uses=invite.max_uses,
                used=invite.used,
                expires_at=invite.expires_at,
                issued_by=invite.issued_by,
                revoked_at=invite.revoked_at,
                token_hash=invite.token_hash,
                code_hash=invite.code_hash,
            )
        )

    async def get(self, invite_id: InviteId) -> Invite | None:
        return await self._one(table.c.id == invite_id)

    async def by_token(self, token_hash: bytes) -> Invite | None:
        return await self._one(table.c.token_hash == token_hash)

    async def by_code(self, code_hash: bytes) -> Invite | None:
        return await self._one(table.c.code_hash == code_hash)

    async def live(
        self,
        org_id: OrgId,
        now: datetime,
        *,
        class_id: ClassId | None = None,
        person_id: PersonId | None = None,
    ) -> list[Invite]:
        conditions = [
            table.c.org_id == org_id,
            table.c.revoked_at.is_(None),
            table.c.expires_at > now,
            table.c.used < table.c.max_uses,
        ]
        if class_id is not None:
            conditions.append(table.c.class_id == class_id)
        if person_id is not None:
            conditions.append(table.c.person_id == person_id)
        rows = await self._connection.execute(
            select(table).where(*conditions).order_by(table.c.expires_at, table.c.id)
        )
        return [_invite(row) for row in rows]

    async def use(self, invite_id: InviteId, now: datetime) -> bool:
        used = await self._connection.execute(
            update(table)
            .where(
                table.c.id == invite_id,
                table.c.used < table.c.max_uses,
                table.c.revoked_at.is_(None),
                table.c.expires_at > now,
            )
            .values(used=table.c.used + 1)
            .returning(table.c.id)
        )
        return used.first() is not None

    async def revoke(self, invite_id: InviteId, now: datetime) -> bool:
        revoked = await self._connection.execute(
            update(table)
            .where(table.c.id == invite_id, table.c.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(table.c.id)
        )
        return revoked.first() is not None

    async def _one(self, condition: ColumnElement[bool]) -> Invite | None:
        found = await self._connection.execute(select(table).where(condition))
        row = found.first()
        return None if row is None else _invite(row)


def _invite(row: Row[Any]) -> Invite:
    return Invite(
        id=InviteId(row.id),
        org_id=OrgId(row.org_id),
        kind=InviteKind(row.kind),
        role=None if row.role is None else Role(row.role),
        class_id=None if row.class_id is None else ClassId(row.class_id),
        person_id=None if row.person_id is None else PersonId(row.person_id),
        allow_email=row.allow_email,
        max_uses=row.max_uses,
        used=row.used,
        expires_at=row.expires_at,
        issued_by=UserId(row.issued_by),
        revoked_at=row.revoked_at,
        token_hash=row.token_hash,
        code_hash=row.code_hash,
    )
