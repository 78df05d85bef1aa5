"""The register survives: kill -9, a full disk, a row of another version."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from attrs import evolve

from media.broadcast.register.api import No
from media.broadcast.register.book import MOST_OPEN, REMEMBERED_S
from media.broadcast.register.values import State
from media.broadcast.whip.ids import BroadcastId
from tests.media.broadcast.register.world import NOW, World, broadcast, opened
from tests.support.process import ROOT

#: Writes one broadcast after another and says each that is written.
WRITER = """
import asyncio, sys
from pathlib import Path
from tests.media.broadcast.register.world import World, broadcast
from media.broadcast.whip.ids import BroadcastId
async def main():
    world = World(Path(sys.argv[1]))
    await world.book.open()
    for at in range(40):
        assert await world.book.add(broadcast(id=BroadcastId(f"b{at}"))) is None
        print(at, flush=True)
asyncio.run(main())
"""


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """The process is killed while it writes: everything it had answered is there."""
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(10)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read().split()

    async def read() -> set[str]:
        world = World(tmp_path)
        await world.book.open()
        found = {str(one.id) for one in world.book.all()}
        await world.book.close()
        return found

    found = asyncio.run(read())
    assert {f"b{at}" for at in said} <= found


async def test_it_goes_on_in_another_process(tmp_path: Path) -> None:
    """State, key and who did it last are there after a start; called off ones are shown to nobody."""
    async with opened(tmp_path) as world:
        await world.book.add(broadcast(key_digest=bytes(range(32))))
        await world.book.add(broadcast(id=BroadcastId("b2")))
        assert not isinstance(await world.book.moved(BroadcastId("b1"), State.LIVE, "@d:s"), No)
        assert not isinstance(await world.book.moved(BroadcastId("b2"), State.DELETED), No)
    assert (tmp_path / "register.db").stat().st_mode & 0o777 == 0o600
    async with opened(tmp_path) as world:
        one = world.book.get(BroadcastId("b1"))
        assert one is not None
        assert (one.state, one.key_digest, one.by) == (State.LIVE, bytes(range(32)), "@d:s")
        assert world.book.get(BroadcastId("b2")) is None


async def test_a_row_of_another_version_harms_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays in the file, the log names the broadcast and nothing of it."""
    async with opened(tmp_path) as world:
        await world.book.add(broadcast())
    with closing(sqlite3.connect(tmp_path / "register.db")) as connection, connection:
        connection.execute("INSERT INTO broadcasts VALUES ('new', '{\"title\": \"Тайна\"}')")
    async with opened(tmp_path) as world:
        assert [one.id for one in world.book.all()] == ["b1"]
    assert "broadcast=new" in caplog.text
    assert "Тайна" not in caplog.text


async def test_a_disk_that_is_full_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not on the disk is not answered as done, and is not in memory either."""
    async with opened(tmp_path) as world:
        await world.book.add(broadcast())

        async def full(_one: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(type(world.book._store), "put", lambda self, one: full(one))
        assert await world.book.moved(BroadcastId("b1"), State.LIVE) is No.UNAVAILABLE
        one = world.book.get(BroadcastId("b1"))
        assert one is not None
        assert one.state is State.WAITING
        monkeypatch.undo()


async def test_one_school_has_so_many_waiting(tmp_path: Path) -> None:
    """More are refused, and an ended one makes room."""
    async with opened(tmp_path) as world:
        for at in range(MOST_OPEN):
            assert await world.book.add(broadcast(id=BroadcastId(f"b{at}"))) is None
        assert await world.book.add(broadcast(id=BroadcastId("more"))) is No.FULL
        await world.book.moved(BroadcastId("b0"), State.DELETED)
        assert await world.book.add(broadcast(id=BroadcastId("more"))) is None


async def test_what_is_long_over_is_forgotten(tmp_path: Path) -> None:
    """Not what rooms were not told of yet, and not what has a recording."""
    async with opened(tmp_path) as world:
        for name, told in (("told", "ended"), ("untold", "live")):
            one = broadcast(id=BroadcastId(name), state=State.ENDED, ended_at=NOW, told=told)
            await world.book._write(evolve(one))
        world.module.down = True
        world.now += REMEMBERED_S + 1
        await world.book.tidy()
        assert [one.id for one in world.book.all()] == ["untold"]
