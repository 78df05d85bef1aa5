"""From nothing to the newest schema, and again (both databases)."""

from __future__ import annotations

import asyncio
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from bridge.contact import Medium
from bridge.store import SqlStore
from bridge.store.engine import migrate, open_engine, upgrade
from bridge.store.tables import Instant, metadata
from tests.bridge.values import LOOKUP, MASHA, SCHOOL, bound


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
        assert await work.contacts.owner(Medium.MSISDN, LOOKUP, SCHOOL) == MASHA
    await second.close()


async def test_contacts_of_before_get_the_school_of_their_log(empty_database: str) -> None:
    """A contact's school is the one in whose log its claiming stands; without an entry it is every school's."""
    engine = open_engine(empty_database)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, "0004")
        row = {"medium": "msisdn", "verified_at": 1}
        for number, (name, org) in enumerate([("masha", "school"), ("nobody", None)]):
            await connection.execute(
                text(
                    "INSERT INTO contact (id, user_id, medium, lookup, verified_at)"
                    " VALUES (:id, :user_id, :medium, :lookup, :verified_at)"
                ),
                {**row, "id": name, "user_id": name, "lookup": bytes([number])},
            )
            if org is not None:
                await connection.execute(
                    text(
                        "INSERT INTO audit (at, org_id, actor, action, subject, reason)"
                        " VALUES (1, :org, :name, 'contact_claimed', :name, '')"
                    ),
                    {"org": org, "name": name},
                )
    await migrate(engine)
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT user_id, org_id FROM contact ORDER BY id"))
        assert [tuple(one) for one in found] == [("masha", "school"), ("nobody", "")]
    await engine.dispose()


async def test_processes_that_start_together_migrate_once(empty_database: str) -> None:
    """Pages and bot may be two processes."""
    stores = await asyncio.gather(*(SqlStore.open(empty_database) for _ in range(4)))

    async with stores[0].engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    for one in stores:
        await one.close()
