"""A transaction that is cancelled, wherever it was, keeps nobody out of the database."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bridge.store import SqlStore
from bridge.store.engine import open_engine
from bridge.store.sqlite_connection import EndingConnection
from tests.bridge.values import MASHA, NOW, bound, waiting_sms
from tests.support.cancelling import cancel_everywhere
from tests.support.polling import DEADLINE_S


@pytest.fixture
async def file(sqlite_template: Path, tmp_path: Path) -> Path:
    """A database with rows to read."""
    path = tmp_path / "bridge.db"
    await asyncio.to_thread(shutil.copy, sqlite_template, path)
    store = SqlStore(open_engine(url(path)))
    async with store.begin() as work:
        assert await work.contacts.claim(bound("k1", MASHA))
        for number in range(3):
            await work.outbox.add(waiting_sms(f"o{number}"))
    await store.close()
    return path


def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def write(path: Path, wait_s: float) -> None:
    """As another process. Raises `sqlite3.OperationalError` when it is not its turn within `wait_s` seconds."""
    with closing(sqlite3.connect(path, timeout=wait_s, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")


async def transact(store: SqlStore) -> None:
    """A SELECT and an UPDATE … RETURNING, both with rows; the next time the same."""
    async with store.begin() as work:
        assert len(await work.contacts.of_account(MASHA)) == 1
        assert len(await work.outbox.take_due(NOW, NOW, 10)) == 3


@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancelled_transaction_keeps_nobody_out(file: Path, times: int) -> None:
    """With its end, be it by one cancellation; by a second in the middle of tidying up, soon."""
    store = SqlStore(open_engine(url(file)))

    async def others_write() -> None:
        await asyncio.to_thread(write, file, 0 if times == 1 else DEADLINE_S)
        await transact(store)

    await transact(store)
    assert await cancel_everywhere(lambda: transact(store), others_write, times) > 10
    await store.close()


async def test_a_start_that_is_cancelled_keeps_nobody_out(file: Path) -> None:
    """Nor does one that is cancelled while it connects, or while it closes."""
    opened: list[SqlStore] = []

    async def start() -> None:
        opened.append(SqlStore(open_engine(url(file))))
        try:
            await transact(opened[-1])
        finally:
            await opened[-1].close()

    async def others_write() -> None:
        await asyncio.to_thread(write, file, 0)
        await opened.pop().close()

    assert await cancel_everywhere(start, others_write) > 10


def test_closing_ends_what_is_read_half(tmp_path: Path) -> None:
    """Also while somebody holds the cursor; a second time closing does nothing."""
    path = tmp_path / "bridge.db"
    connection = sqlite3.connect(path, isolation_level=None, factory=EndingConnection)
    connection.execute("BEGIN IMMEDIATE")
    rows = connection.execute("SELECT 1 UNION SELECT 2")
    assert rows.fetchone() == (1,)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write(path, 0)

    connection.close()
    write(path, 0)
    connection.close()
