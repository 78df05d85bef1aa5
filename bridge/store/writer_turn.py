"""Of all processes of the bridge one writes to Synapse: it takes contacts from accounts, so two would race.

PostgreSQL: an advisory lock of a session; it ends with the connection, so a killed process holds nothing up.
SQLite: a lock on a file beside the database; it ends with the process.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import frozen
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.file_lock import taken

#: Any number of ours, beside those of the migrations and of counting.
WRITER_LOCK = 5_370_003
#: Seconds between two looks whether the other process is gone.
LOOK_AGAIN_S = 1.0


@frozen
class SqlWriterTurn:
    """Implements `ports.WriterTurn`. A file lock cannot be lost; a connection can."""

    _connection: AsyncConnection | None

    async def is_mine(self) -> bool:
        if self._connection is None:
            return True
        try:
            await self._connection.scalar(select(1))
        except DBAPIError:
            return False
        return True


@asynccontextmanager
async def only_writer(engine: AsyncEngine) -> AsyncIterator[SqlWriterTurn]:
    """Wait for the turn, and hold it until the end of the block."""
    if engine.dialect.name == "postgresql":
        async with _postgres(engine) as turn:
            yield turn
    else:
        async with _sqlite(engine) as turn:
            yield turn


@asynccontextmanager
async def _postgres(engine: AsyncEngine) -> AsyncIterator[SqlWriterTurn]:
    async with engine.connect() as plain:
        # AUTOCOMMIT: else the transaction would stay open for days.
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        try:
            lock = select(func.pg_try_advisory_lock(WRITER_LOCK))
            while not await connection.scalar(lock):  # noqa: ASYNC110 (the other is another process)
                await asyncio.sleep(LOOK_AGAIN_S)
            yield SqlWriterTurn(connection)
        finally:
            await connection.invalidate()  # back in the pool it would keep the lock


@asynccontextmanager
async def _sqlite(engine: AsyncEngine) -> AsyncIterator[SqlWriterTurn]:
    name = engine.url.database
    if not name or name == ":memory:":  # nobody else can open that
        yield SqlWriterTurn(None)
        return
    file = os.open(f"{name}.writer", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        while not taken(file):  # noqa: ASYNC110 (the other is another process)
            await asyncio.sleep(LOOK_AGAIN_S)
        yield SqlWriterTurn(None)
    finally:
        os.close(file)
