"""Any server of LiveKit's protocol: its address, its process, and a key that makes tokens for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.load.server import Server, http, place
from media.access.tokens import Key

#: Of `livekit.yaml` beside this file.
KEY = "bench:only-for-benchmarks-on-this-machine"


@asynccontextmanager
async def livekit(
    address: str, pid: str, *, key: str, program: Path, cpus: tuple[int, int] | None
) -> AsyncIterator[Server]:
    """`address`: `ws://127.0.0.1:port`; it has to offer clients a candidate there. `key`: `name:secret`."""
    if cpus is not None:
        place(int(pid), cpus[0])
    name, _, secret = key.partition(":")
    async with http() as session:
        yield Server(
            name="livekit",
            base=address.replace("ws", "http", 1).rstrip("/"),
            prefix="",
            pids=[int(pid)],
            http=session,
            keys=[Key(name, secret)],
            program=program,
            cpu=None if cpus is None else cpus[1],
        )
