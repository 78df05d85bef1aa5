"""The server under test: a process of ours, or any whose address and process id are known; its place on the machine."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import cast
from unittest.mock import patch

import aiohttp
from attrs import field, frozen

from bench.load.crowd import Crowd
from bench.load.plan import Mix
from bench.load.program import Program
from bench.units import environment
from media.access.claims import Claims
from media.access.key_file import read_keys
from media.access.tokens import Key, mint
from media.ids import Identity, RoomName
from tests.support.media import MediaProcess
from tests.support.process import ROOT
from tests.support.synapse import Homeserver

#: Of SCHED_RR, below the load's.
PRIORITY = 10
#: How it is started on a school's machine.
UNIT = ROOT / "deploy" / "systemd" / "sferum-media.service"
#: Nobody asks it: tokens are made here.
_NOBODY = cast(
    Homeserver,
    SimpleNamespace(service_token="x" * 32, url="http://127.0.0.1:9", server_name="school.test"),
)


@frozen(kw_only=True)
class Server:
    """Attributes:

    base: `http://host:port`. prefix: of its addresses, before `/rtc`.
    pids: the processes whose CPU is counted.
    """

    name: str
    base: str
    prefix: str
    pids: Sequence[int]
    http: aiohttp.ClientSession
    keys: Sequence[Key] = field(repr=False)
    program: Path
    cpu: int | None  # of the load

    def fill(self, mix: Mix, people: int, room: str) -> AbstractAsyncContextManager[Program]:
        return self._filled(mix, people, room)

    @asynccontextmanager
    async def _filled(self, mix: Mix, people: int, room: str) -> AsyncIterator[Program]:
        async with (
            Crowd.gather(self, room, mix, people, prefix=self.prefix) as crowd,
            crowd.load(self.program, cpu=self.cpu) as program,
        ):
            # Its threads begin: consent goes on while other servers are filled.
            await program.window(seconds=0.0, warm=0.0)
            yield program

    def token(self, identity: str, room: str) -> str:
        claims = Claims(identity=Identity(identity), room=RoomName(room), join=True)
        return mint(claims, self.keys, time.time())


@asynccontextmanager
async def ours(
    forwarder: str, program: Path, *, cpus: tuple[int, int] | None
) -> AsyncIterator[Server]:
    """`python -m media` with this forwarder. `cpus`: the server's processor and the load's."""
    with TemporaryDirectory() as folder:
        process = MediaProcess.prepare(Path(folder), _NOBODY, forwarder=forwarder)
        given = (one.partition("=") for one in environment(UNIT))
        with patch.dict(os.environ, {name: value for name, _, value in given}):
            process.start()
        try:
            if cpus is not None:
                place(process.pid, cpus[0])
            async with http() as session:
                yield Server(
                    name=f"ours_{forwarder}",
                    base=process.url,
                    prefix="/livekit/sfu",
                    pids=[process.pid],
                    http=session,
                    keys=read_keys(process.folder / "media.keys"),
                    program=program,
                    cpu=None if cpus is None else cpus[1],
                )
        finally:
            process.stop()
            process.api.close()


def http() -> aiohttp.ClientSession:
    """Without aiohttp's limit of 100 connections: everybody has a WebSocket."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


def place(pid: int, cpu: int) -> bool:
    """All threads of a process onto one processor, with real-time priority; those to come inherit both.

    Media threads are one step above, as they put themselves when they begin. Whether the priority was granted.
    """
    granted = True
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {cpu})
        above = (task / "comm").read_text().startswith("media-")
        try:
            os.sched_setscheduler(int(task.name), os.SCHED_RR, os.sched_param(PRIORITY + above))
        except PermissionError:
            granted = False
    return granted
