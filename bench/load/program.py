"""The native part of the load: built when needed, started with the sockets open, asked for windows.

::

    async with Program.start(lines, fds, cpu=1) as program:
        floor_us = await program.floor()
        window = await program.window(seconds=3, pids=[server])
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define

ROOT = Path(__file__).parents[2]
BUILT = Path("release") / "sferum-load"
CARGO = (
    *("cargo", "build", "--quiet", "--release", "--locked"),
    *("--manifest-path", "rust/Cargo.toml", "--package", "sferum-load"),
)
#: Real-time priority of the subscribers' thread; the publishers' is one above.
PRIORITY = 20
#: Of the floor: bytes, and packets of one measurement.
SIZE, PACKETS = 1_100, 20_000


class NoProgram(Exception):
    """There is no Rust here to build it."""


def build() -> Path:
    """`rust/load` as a program; the second time this costs nothing.

    Raises:
        NoProgram: says what is missing.
    """
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "var" / "cargo"))
    done = subprocess.run(
        ["nice", "scripts/with-rust", *CARGO],
        cwd=ROOT,
        env={**os.environ, "CARGO_TARGET_DIR": str(target)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoProgram(done.stderr.strip()[-2000:])
    return target / BUILT


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
            program._say(*place, *lines)
            yield program
        finally:
            assert child.stdin is not None
            child.stdin.close()
            try:
                await asyncio.wait_for(child.wait(), 10)
            except TimeoutError:
                child.kill()
                await child.wait()

    def _say(self, *lines: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write("".join(f"{line}\n" for line in lines).encode())

    async def _ask(self, line: str) -> dict[str, Any]:
        assert self._child.stdout is not None
        self._say(line)
        answer = await self._child.stdout.readline()
        if not answer:
            raise RuntimeError("the load ended; what it said is on stderr")
        read: dict[str, Any] = json.loads(answer)
        return read

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
