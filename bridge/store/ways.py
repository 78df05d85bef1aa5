"""What somebody has typed so far, and which contacts a school's lists name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.contact import Medium
from bridge.records import ListedContact, Lookup, Sealed, SessionHash
from bridge.roles import OrgId
from bridge.store.tables import journey, listed_contact


@frozen
class SqlJourneys:
    """Implements `ports.Journeys`."""

    _connection: AsyncConnection

    async def put(self, session: SessionHash, sealed: Sealed, expires_at: datetime) -> None:
        await self.end(session)
        await self._connection.execute(
            insert(journey).values(session_hash=session, sealed=sealed, expires_at=expires_at)
        )

    async def get(self, session: SessionHash, now: datetime) -> Sealed | None:
        found = await self._connection.scalar(
            select(journey.c.sealed).where(
                journey.c.session_hash == session, journey.c.expires_at > now
            )
        )
        return None if found is None else Sealed(found)

    async def end(self, session: SessionHash) -> None:
        await self._connection.execute(delete(journey).where(journey.c.session_hash == session))

    async def purge(self, now: datetime) -> int:
        gone = await self._connection.execute(
            delete(journey).where(journey.c.expires_at <= now).returning(journey.c.expires_at)
        )
        return len(gone.all())


@frozen
class SqlListedContacts:
    """Implements `ports.ListedContacts`."""

    _connection: AsyncConnection

    async def replace(
        self, org_id: OrgId, source: str, groups: Iterable[str], contacts: Iterable[ListedContact]
    ) -> None:
        table = listed_contact
        await self._connection.execute(
            delete(table).where(
                table.c.org_id == org_id, table.c.source == source, table.c.grp.in_(list(groups))
            )
        )
        rows = {
            (one.source_id, one.medium.value, one.lookup): one.group
            for one in contacts
            if one.source == source
        }
        if rows:
            # A colleague who is a parent may be there already, by the lists of the other group.
            postgres = self._connection.dialect.name == "postgresql"
            new = postgresql.insert(table) if postgres else sqlite.insert(table)
            await self._connection.execute(
                new.on_conflict_do_nothing(),
                [
                    {
                        "org_id": org_id, "source": source, "source_id": source_id,
                        "medium": medium, "lookup": lookup, "grp": group,
                    }
                    for (source_id, medium, lookup), group in sorted(rows.items())
                ],
            )  # fmt: skip

    async def matches(self, org_id: OrgId, medium: Medium, lookup: Lookup) -> list[ListedContact]:
        table = listed_contact
        return await self._rows(
            table.c.org_id == org_id, table.c.medium == medium.value, table.c.lookup == lookup
        )

    async def of_record(self, org_id: OrgId, source: str, source_id: str) -> list[ListedContact]:
        table = listed_contact
        return await self._rows(
            table.c.org_id == org_id, table.c.source == source, table.c.source_id == source_id
        )

    async def _rows(self, *conditions: ColumnElement[bool]) -> list[ListedContact]:
        table = listed_contact
        rows: Any = await self._connection.execute(
            select(table).where(*conditions).order_by(table.c.source, table.c.source_id)
        )
        return [
            ListedContact(
                source=row.source,
                source_id=row.source_id,
                group=row.grp,
                medium=Medium(row.medium),
                lookup=Lookup(row.lookup),
            )
            for row in rows
        ]
