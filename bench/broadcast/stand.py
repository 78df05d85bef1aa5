"""Film, origin and edges, up and running for one row."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import define, field

from bench.broadcast import film
from bench.broadcast.crowd import Where
from bench.broadcast.edge import Running, certificate, edge
from bench.broadcast.film import Film
from tests.support.process import ROOT, free_port

#: Seconds until a process has said what is waited for, on a busy machine.
STARTS_S = 60.0


@define(eq=False)
class Child:
    """A module of ours in a process of its own, which takes a line of JSON and then says one again and again.

    Attributes:
        said: everything that its lines said, the latest of each word.
    """

    module: str
    options: dict[str, Any] = field(repr=False)
    said: dict[str, Any] = field(factory=dict)
    lines: int = 0
    _child: asyncio.subprocess.Process | None = None
    _reading: asyncio.Task[None] | None = None
    _spoke: asyncio.Event = field(factory=asyncio.Event)

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    async def start(self, lines: int = 1) -> None:
        """Until it has said so many."""
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self.module),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(self.options).encode() + b"\n")
        self.lines = 0
        self._reading = asyncio.ensure_future(self._read(self._child))
        async with asyncio.timeout(STARTS_S):
            await self.speaks(lines)

    async def speaks(self, lines: int) -> None:
        """Until it has said so many since its start."""
        while self.lines < lines:
            await self._line()

    async def _line(self) -> None:
        assert self._reading is not None
        spoke = asyncio.ensure_future(self._spoke.wait())
        await asyncio.wait({spoke, self._reading}, return_when=asyncio.FIRST_COMPLETED)
        spoke.cancel()
        if self._reading.done():
            raise RuntimeError(f"{self.module} ended; what it said is on stderr")
        self._spoke.clear()

    async def _read(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        async for line in child.stdout:
            self.said |= json.loads(line)
            self.lines += 1
            self._spoke.set()

    async def kill(self) -> None:
        """As a power cut does."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()
            await self._child.wait()
        if self._reading is not None:
            await self._reading


@define(eq=False)
class Stand:
    film: Film
    origin: Child
    edges: list[Running]
    key: bytes = field(repr=False)

    def where(self) -> list[Where]:
        """Of each edge; of the origin itself where there is none."""
        now = time.time()
        if not self.edges:
            port = self.origin.options["port"]
            return [Where(port=port, certificate=None, key=self.key, now=now)]
        return [
            Where(port=one.port, certificate=one.certificate, key=self.key, now=now)
            for one in self.edges
        ]

    @property
    def edge_pids(self) -> list[int]:
        return [pid for one in self.edges for pid in one.pids]


@asynccontextmanager
async def stand(
    films: Path, part_frames: int, edges: int = 1, schools: Mapping[str, str] | None = None
) -> AsyncIterator[Stand]:
    """Something is published when this is entered.

    Args:
        films: a folder in which each is coded once.
        schools: whose nodes may fetch it, by name: their public keys.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        for name in ("origin", *(f"edge{number}" for number in range(edges))):
            (folder / name).mkdir()
        reel = films / str(part_frames)
        if not reel.exists():
            reel.mkdir()
            film.make(reel, part_frames)
        key, secret = secrets.token_bytes(32), secrets.token_urlsafe(32)
        port = free_port()
        origin = Child(
            "bench.broadcast.origin",
            {
                "film": str(reel),
                "folder": str(folder / "origin"),
                "port": port,
                "secret": secret,
                "key": key.hex(),
                "schools": dict(schools or {}),
            },
        )
        stack.push_async_callback(origin.kill)
        await origin.start(lines=3)
        cert = certificate(folder)
        running = [
            stack.enter_context(edge(folder / f"edge{number}", cert, port, secret))
            for number in range(edges)
        ]
        yield Stand(film.load(reel), origin, running, key)
