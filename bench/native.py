"""Generators of load in Rust: built when needed, told lines, answering with lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CARGO = (
    *("cargo", "build", "--quiet", "--release", "--locked"),
    *("--manifest-path", "rust/Cargo.toml", "--package"),
)
#: Seconds that one has to end by itself when nobody speaks to it any more.
ENDS_S = 10.0


class NoProgram(Exception):
    """There is no Rust here to build it."""


def build(package: str) -> Path:
    """A package of `rust/` as a program; the second time this costs nothing.

    Raises:
        NoProgram: says what is missing.
    """
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "var" / "cargo"))
    done = subprocess.run(
        ["nice", "scripts/with-rust", *CARGO, package],
        cwd=ROOT,
        env={**os.environ, "CARGO_TARGET_DIR": str(target)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoProgram(done.stderr.strip()[-2000:])
    return target / "release" / package


def say(child: asyncio.subprocess.Process, *lines: str) -> None:
    """Not flushed: the child reads all the time."""
    assert child.stdin is not None
    child.stdin.write("".join(f"{line}\n" for line in lines).encode())


async def answer_of(child: asyncio.subprocess.Process) -> dict[str, Any]:
    """Its next line."""
    assert child.stdout is not None
    line = await child.stdout.readline()
    if not line:
        raise RuntimeError("the load ended; what it said is on stderr")
    read: dict[str, Any] = json.loads(line)
    return read


async def end(child: asyncio.subprocess.Process) -> None:
    """Say nothing more, and wait until it has ended."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), ENDS_S)
    except TimeoutError:
        child.kill()
        await child.wait()
