"""Recordings: taken over from the origin, kept until their day, thrown away by a head; rooms are told (R27, R48).

They stay on this node, served behind `may_watch`: a file in Matrix is open to all of a school, or a server (ADR 0021).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from attrs import define, evolve

from media.broadcast.origin.publication import Recording as Ready
from media.broadcast.register.api import No
from media.broadcast.register.book import Book
from media.broadcast.register.values import Broadcast, Recording, State
from media.broadcast.whip.ids import BroadcastId

logger = logging.getLogger(__name__)

#: Seconds between two looks for recordings whose day has come.
LOOK_S = 3600.0


@define(eq=False)
class Materials:
    """Attributes:
    folder: of recordings; made at the first one, for this process alone.
    keep_days: until one is deleted.
    """

    _book: Book
    _wall: Callable[[], float]
    folder: Path
    keep_days: int

    async def keep(self, recording: Ready) -> bool:
        """Take the file over. False: there is no such broadcast, or not now."""
        broadcast = BroadcastId(recording.broadcast)
        one = self._book.get(broadcast)
        if one is None or one.state is not State.ENDED:
            return False
        name, captions = f"{broadcast}.mp4", f"{broadcast}.vtt" if recording.captions else ""
        try:
            if captions:
                await asyncio.to_thread(self._take, Path(recording.captions), captions)
            await asyncio.to_thread(self._take, Path(recording.path), name)
        except OSError as error:
            logger.warning(
                "a recording was not taken over broadcast=%s why=%s", broadcast, error.errno
            )
            return False
        now = self._wall()
        kept = Recording(
            file=name,
            seconds=recording.seconds,
            size=recording.size,
            made_at=now,
            until=now + self.keep_days * 86_400.0,
            captions=captions,
        )

        def change(now: Broadcast) -> Broadcast | None:
            return evolve(now, recording=kept, recording_deleted=False, by="", reason="")

        found = await self._book.change(broadcast, change)
        return not isinstance(found, No)

    def file_of(self, broadcast: BroadcastId) -> Path | None:
        """What is served; None: there is none (any more)."""
        one = self._book.get(broadcast)
        if one is None or one.recording is None or one.recording.until <= self._wall():
            return None
        return self.folder / one.recording.file

    def captions_of(self, broadcast: BroadcastId) -> Path | None:
        """Of the same recording; None: there are none (any more)."""
        one, file = self._book.get(broadcast), self.file_of(broadcast)
        if one is None or one.recording is None or not one.recording.captions or file is None:
            return None
        return file.with_name(one.recording.captions)

    async def throw_away(self, broadcast: BroadcastId, by: str, reason: str) -> Broadcast | No:
        """The file first: what was answered as deleted is not on the disk."""
        one = self._book.get(broadcast)
        if one is None:
            return No.NOT_FOUND
        if one.recording is None:
            return one if one.recording_deleted else No.CONFLICT
        try:
            for name in filter(None, (one.recording.captions, one.recording.file)):
                await asyncio.to_thread((self.folder / name).unlink, missing_ok=True)
        except OSError as error:
            logger.warning(
                "a recording was not deleted broadcast=%s why=%s", broadcast, error.errno
            )
            return No.UNAVAILABLE

        def change(now: Broadcast) -> Broadcast | None:
            return evolve(now, recording=None, recording_deleted=True, by=by, reason=reason)

        return await self._book.change(broadcast, change)

    async def run(self) -> None:
        """Delete what is due and forget what is long over, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        for one in self._book.all():
            if one.recording is not None and one.recording.until <= self._wall():
                await self.throw_away(one.id, "", "retention")
        await self._book.tidy()

    def _take(self, path: Path, name: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self.folder / name
        if not path.exists() and target.exists():
            return  # taken over already, before a restart
        os.replace(path, target)
