"""A school's files between upload and decision, and what its headings mean."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen
from sqlalchemy import delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.records import RosterUpload, Sealed, UploadId
from bridge.roles import OrgId, UserId
from bridge.store.tables import roster_mapping, roster_upload


@frozen
class SqlRosterUploads:
    """Implements `ports.RosterUploads`."""

    _connection: AsyncConnection

    async def put(self, upload: RosterUpload) -> None:
        table = roster_upload
        await self._connection.execute(
            delete(table).where(or_(table.c.user_id == upload.user_id, table.c.id == upload.id))
        )
        await self._connection.execute(
            insert(table).values(
                id=upload.id,
                org_id=upload.org_id,
                user_id=upload.user_id,
                sealed=upload.sealed,
                expires_at=upload.expires_at,
            )
        )

    async def get(self, upload_id: UploadId, org_id: OrgId, now: datetime) -> RosterUpload | None:
        table = roster_upload
        rows = await self._connection.execute(
            select(table).where(
                table.c.id == upload_id, table.c.org_id == org_id, table.c.expires_at > now
            )
        )
        row = rows.one_or_none()
        if row is None:
            return None
        return RosterUpload(
            id=UploadId(row.id),
            org_id=OrgId(row.org_id),
            user_id=UserId(row.user_id),
            sealed=Sealed(row.sealed),
            expires_at=row.expires_at,
        )

    async def end(self, upload_id: UploadId) -> None:
        table = roster_upload
        await self._connection.execute(delete(table).where(table.c.id == upload_id))

    async def purge(self, now: datetime) -> int:
        table = roster_upload
        gone = await self._connection.execute(
            delete(table).where(table.c.expires_at <= now).returning(table.c.id)
        )
        return len(gone.all())


@frozen
class SqlRosterMappings:
    """Implements `ports.RosterMappings`."""

    _connection: AsyncConnection

    async def put(self, org_id: OrgId, sealed: Sealed) -> None:
        table = roster_mapping
        await self._connection.execute(delete(table).where(table.c.org_id == org_id))
        await self._connection.execute(insert(table).values(org_id=org_id, sealed=sealed))

    async def get(self, org_id: OrgId) -> Sealed | None:
        table = roster_mapping
        found = await self._connection.scalar(
            select(table.c.sealed).where(table.c.org_id == org_id)
        )
        return None if found is None else Sealed(found)
