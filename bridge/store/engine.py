"""Opening the database: SQLite by default, PostgreSQL in production; bringing its schema up to date."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import aiosqlite
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bridge.store.sqlite_connection import EndingConnection

MIGRATIONS = Path(__file__).parent / "migrations"
#: Seconds a SQLite writer waits for the one before it. Transactions take milliseconds.
BUSY_S = 30
#: SQLite's codes for "somebody else has it".
BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


#: Any number of ours: processes that start together migrate one after the other.
MIGRATION_LOCK = 5_370_001


def open_engine(url: str) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///file` or `postgresql+asyncpg://…`.

    `hide_parameters`: an error of the database must not carry what was in the statement.

    Raises:
        ValueError: another kind of database.
    """
    drivername = make_url(url).drivername
    if drivername == "sqlite+aiosqlite":
        # isolation_level None: the driver begins nothing by itself, `_begin_sqlite` does.
        engine = create_async_engine(
            url,
            hide_parameters=True,
            connect_args={
                "timeout": BUSY_S,
                "isolation_level": None,
                "factory": EndingConnection,
            },
        )
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    if drivername == "postgresql+asyncpg":
        return create_async_engine(url, hide_parameters=True, pool_pre_ping=True)
    raise ValueError(f"database: want sqlite+aiosqlite or postgresql+asyncpg, not {drivername}")


async def migrate(engine: AsyncEngine) -> None:
    """Bring the schema to the newest version, forward only. The second time that does nothing."""
    if engine.dialect.name == "sqlite":
        await _write_ahead(engine)
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # SQLite's BEGIN IMMEDIATE is such a lock
            await connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        await connection.run_sync(upgrade)


async def _write_ahead(engine: AsyncEngine) -> None:
    """Readers do not wait for the writer. Kept in the file, so one process does it once.

    Changing the mode needs the file for itself, and SQLite does not wait for that however long its timeout is.
    """
    for left in reversed(range(BUSY_S * 20)):
        try:
            async with aiosqlite.connect(
                engine.url.database or ":memory:", factory=EndingConnection
            ) as connection:
                await connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not left or error.sqlite_errorcode not in BUSY:
                raise  # such as a folder that does not exist
            await asyncio.sleep(0.05)
        else:
            return


def upgrade(connection: Connection, revision: str = "head") -> None:
    """The schema of a revision; those before it are not gone back to."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _set_up_sqlite(connection: DBAPIConnection, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA secure_delete = ON")  # a forgotten number is not left in free pages
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a transaction that reads and then writes cannot fail half-way because of another one.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
