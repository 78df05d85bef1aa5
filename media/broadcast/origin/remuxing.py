"""Starts the process that makes a recording: its second of work per three hours does not stop the event loop."""

from __future__ import annotations

import asyncio
import errno
import json
import sys
from pathlib import Path

from media.broadcast.origin.publication import Fault, Recording
from media.broadcast.origin.writer import free

#: Seconds that it may take: 12 h of 3 Mbit/s are 16 GB.
LONGEST_S = 3600.0


async def remux(
    broadcast: str, folder: Path, to: Path, leaves_free: int
) -> Recording | Fault | None:
    """None: there was nothing in it."""
    try:
        if await asyncio.to_thread(_room, folder, to) < leaves_free:
            return Fault.DISK_FULL
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "media.broadcast.origin.remux", str(folder), str(to),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return Fault.REMUX_FAILED
    try:
        async with asyncio.timeout(LONGEST_S):
            said, _ = await process.communicate()
    except TimeoutError:
        return Fault.REMUX_FAILED
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == errno.ENOSPC:
        return Fault.DISK_FULL
    if process.returncode != 0:
        return Fault.REMUX_FAILED
    made = json.loads(said)
    if not made["size"]:
        return None
    return Recording(
        broadcast=broadcast,
        path=str(to),
        seconds=made["seconds"],
        began_ms=made["began_ms"],
        size=made["size"],
        picture=None if made["picture"] is None else (made["picture"][0], made["picture"][1]),
    )


def _room(folder: Path, to: Path) -> int:
    """Octets that are left when the largest of the files is there once more."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    most = max((one.stat().st_size for one in folder.glob("*.mp4")), default=0)
    return free(to.parent) - most
