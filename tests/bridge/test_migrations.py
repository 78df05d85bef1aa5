"""From nothing to the newest schema, and again (both databases)."""

from __future__ import annotations

import asyncio
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from bridge.contact import Medium
from bridge.store import SqlStore
from bridge.store.tables import Instant, metadata
from tests.bridge.values import LOOKUP, MASHA, bound


def differences(connection: Connection) -> list[Any]:
    """What the code's tables have that the database has not, or the other way round."""

    def same_type(
        _context: object, _inspected: object, _column: object, inspected: object, wanted: object
    ) -> bool | None:
        return False if isinstance(wanted, Instant) else None

    context = MigrationContext.configure(connection, opts={"compare_type": same_type})
    return list(compare_metadata(context, metadata))


async def test_an_empty_database_gets_the_schema_of_the_code(empty_database: str) -> None:
    """Migrations and tables.py say the same."""
    store = await SqlStore.open(empty_database)
    async with store.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await store.close()


async def test_migrating_again_changes_nothing(empty_database: str) -> None:
    """Each start migrates; what is there stays."""
    first = await SqlStore.open(empty_database)
    async with first.begin() as work:
        await work.contacts.claim(bound("k1"))
    await first.close()

    second = await SqlStore.open(empty_database)
    async with second.begin() as work:
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP) == MASHA
    await second.close()


async def test_processes_that_start_together_migrate_once(empty_database: str) -> None:
    """Pages and bot may be two processes."""
    stores = await asyncio.gather(*(SqlStore.open(empty_database) for _ in range(4)))

    async with stores[0].engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    for one in stores:
        await one.close()
