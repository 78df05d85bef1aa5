"""The native part of the load: started with the sockets open, asked for windows.

::

    async with Program.start(lines, fds, cpu=1) as program:
        floor_us = await program.floor()
        window = await program.window(seconds=3, pids=[server])
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define

from bench.native import answer_of, end, say

PACKAGE = "sferum-load"
#: Of the environment: how subscribers take segments (rust/load/src/sys.rs, `prepare`).
SEGMENTED = "SFERUM_LOAD_SEGMENTED"
#: Real-time priority of the subscribers' thread; the publishers' is one above.
PRIORITY = 20
#: Of the floor: bytes, and packets of one measurement.
SIZE, PACKETS = 1_100, 20_000


@define(eq=False)
class Program:
    _child: asyncio.subprocess.Process

    @classmethod
    @asynccontextmanager
    async def start(
        cls, path: Path, lines: Sequence[str], fds: Sequence[int], *, cpu: int | None
    ) -> AsyncIterator[Program]:
        """`fds`: those that the lines name; closed here, open there. `cpu`: its processor, with real-time priority."""
        child = await asyncio.create_subprocess_exec(
            path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=fds,
        )
        for fd in fds:
            os.close(fd)
        program = cls(child)
        try:
            place = [] if cpu is None else [f"place cpu={cpu} priority={PRIORITY}"]
            say(child, *place, *lines)
            yield program
        finally:
            await end(child)

    async def _ask(self, line: str) -> dict[str, Any]:
        say(self._child, line)
        return await answer_of(self._child)

    async def window(
        self, *, seconds: float, warm: float = 1.0, pids: Sequence[int] = ()
    ) -> dict[str, Any]:
        """`warm`: seconds of the same load before. `pids`: whose CPU is measured."""
        return await self._ask(
            f"window warm={warm} seconds={seconds} pids={','.join(map(str, pids))}"
        )

    async def floor(self, size: int = SIZE, packets: int = PACKETS) -> float:
        """CPU microseconds of one plain UDP send (`K_us`)."""
        answer = await self._ask(f"floor size={size} packets={packets}")
        return float(answer["send_us"])
