"""Hands, questions and lines on the disk while a broadcast runs: a file for each, gone when it is over.

Written at most once in WRITE_S, so a process that is killed loses that much at most. Nobody else may read the files:
they have accounts and words of children.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from attrs import define, field

from media.broadcast.house.floor_json import MOST_BYTES
from media.broadcast.whip.ids import BroadcastId

logger = logging.getLogger(__name__)

#: Seconds from one writing to the next.
WRITE_S = 1.0
#: Ends of files that are being written.
NEW = ".new"


@define(eq=False)
class FloorStore:
    """Attributes:

    folder: of these files alone; made at the first one.
    text: of a broadcast that runs; None: it is over, or never ran here.
    """

    folder: Path
    text: Callable[[BroadcastId], bytes | None] = lambda _: None
    write_s: float = WRITE_S
    _changed: set[BroadcastId] = field(factory=set, init=False)
    _knock: asyncio.Event = field(factory=asyncio.Event, init=False)
    _writing: asyncio.Future[None] | None = field(default=None, init=False)

    def changed(self, broadcast: BroadcastId) -> None:
        """There is something else to be kept, or nothing any more."""
        self._changed.add(broadcast)
        self._knock.set()

    async def found(self, broadcast: BroadcastId) -> bytes | None:
        """What an earlier process left."""
        return await asyncio.to_thread(_read, self._path(broadcast))

    async def run(self) -> None:
        """Until cancelled; what is to be written then is written first."""
        try:
            for one in await asyncio.to_thread(self._listed):
                if self.text(one) is None:  # it ended while the process was away
                    self.changed(one)
            while True:
                await self._knock.wait()
                await self.write()
                await asyncio.sleep(self.write_s)
        finally:
            if self._writing is not None:  # what is older must not come after what is newer
                await asyncio.wait([self._writing])
            while self._changed:
                one = self._changed.pop()
                self._put(one, self.text(one))

    async def write(self) -> None:
        """What has changed. What could not be written is tried again with the next change."""
        self._knock.clear()
        while self._changed:
            one = self._changed.pop()
            text = self.text(one)
            loop = asyncio.get_running_loop()
            self._writing = loop.run_in_executor(None, self._put, one, text)
            await asyncio.shield(self._writing)

    def _path(self, broadcast: BroadcastId) -> Path:
        return self.folder / f"{broadcast}.json"

    def _put(self, broadcast: BroadcastId, text: bytes | None) -> None:
        path = self._path(broadcast)
        try:
            if text is None:
                path.unlink(missing_ok=True)
                return
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = path.with_suffix(NEW)
            with open(beside, "wb", opener=_private) as file:
                file.write(text)
            beside.replace(path)
        except OSError as error:
            logger.warning(
                "hands and questions were not kept broadcast=%s why=%s", broadcast, error.errno
            )

    def _listed(self) -> list[BroadcastId]:
        """Whose files are there; halves of files go. A disk that fails is no reason to serve nobody."""
        try:
            for path in self.folder.glob(f"*{NEW}"):
                path.unlink(missing_ok=True)
            return [BroadcastId(path.stem) for path in self.folder.glob("*.json")]
        except OSError as error:
            logger.warning("hands and questions were not listed why=%s", error.errno)
            return []


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError:
        return None
    return text if len(text) <= MOST_BYTES else None
