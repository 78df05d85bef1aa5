"""The register on disk: SQLite in a thread of its own, one row a broadcast, on the disk before it is answered."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from attrs import define, field

from media.broadcast.register.rows import read, written
from media.broadcast.register.values import Broadcast
from media.broadcast.whip.ids import BroadcastId

logger = logging.getLogger(__name__)

T = TypeVar("T")


@define(eq=False)
class Store:
    """Attributes:
    path: of the file; its folder is made if need be, for this process alone.
    """

    path: Path
    _thread: ThreadPoolExecutor = field(init=False)
    _connection: sqlite3.Connection | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "register")

    async def open(self) -> list[Broadcast]:
        """What was written before; a row that cannot be read is left where it is, and named in the log.

        Raises:
            OSError, sqlite3.Error: the file cannot be used.
        """
        return await self._run(self._open)

    async def put(self, one: Broadcast) -> None:
        """Raises:
        sqlite3.Error: it is not written (the disk is full, say).
        """
        await self._run(lambda: self._execute(_PUT, (one.id, written(one))))

    async def remove(self, broadcast: BroadcastId) -> None:
        """Forget it. Raises as `put`."""
        await self._run(lambda: self._execute("DELETE FROM broadcasts WHERE id = ?", (broadcast,)))

    async def close(self) -> None:
        await self._run(self._close)
        self._thread.shutdown(wait=False)

    async def _run(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def _open(self) -> list[Broadcast]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = sqlite3.connect(self.path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(
            "PRAGMA synchronous = FULL"
        )  # what was answered survives the machine
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS broadcasts (id TEXT PRIMARY KEY, value TEXT NOT NULL)"
        )
        found = []
        for name, value in self._connection.execute("SELECT id, value FROM broadcasts"):
            try:
                found.append(read(value))
            except (ValueError, TypeError, KeyError):
                logger.error("a broadcast cannot be read broadcast=%s", name)  # noqa: TRY400 - its text is people's
        return found

    def _execute(self, statement: str, values: tuple[str, ...]) -> None:
        assert self._connection is not None  # open() came first
        self._connection.execute(statement, values)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


_PUT = (
    "INSERT INTO broadcasts (id, value) VALUES (?, ?)"
    " ON CONFLICT (id) DO UPDATE SET value = excluded.value"
)
