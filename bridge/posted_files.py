"""Copies of files that somebody has posted into «Материалы» with a chat client: Synapse answers no ranges, we do.

A copy is made when the file is first asked for, once for all who ask, and thrown away a day later. Who may read it is
asked of the module before each piece, as for every material (R27); without a live material Synapse gives us nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from attrs import define, field

from bridge.homeserver_media import TooLarge
from bridge.material_files import MaterialFiles
from bridge.ports_homeserver import HomeserverRefused
from bridge.ports_materials import Media

logger = logging.getLogger(__name__)

#: Octets of a copy: what the pages take, too.
MOST_BYTES: Final = 200_000_000
#: How long a copy is kept: a film is watched again on the day it was shown.
KEPT: Final = timedelta(days=1)
#: Copies that are made at one time.
AT_ONCE: Final = 4


@define(eq=False)
class PostedFiles:
    """Args:
    media: Synapse's files.
    files: where the copies are; nothing else is in that folder.
    """

    _media: Media
    _files: MaterialFiles
    _being_made: WeakValueDictionary[str, asyncio.Lock] = field(
        factory=WeakValueDictionary, init=False
    )
    _turns: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(AT_ONCE), init=False)

    async def path(self, mxc: str) -> Path | None:
        """Where the copy is; None: there is no such file (any more), or it is too large.

        Raises:
            DiskFull: there is no room for it.
            HomeserverDown: try again later.
        """
        name = copy_of(mxc)
        found = await asyncio.to_thread(self._files.path, name)
        if found is not None:
            return found
        mine = self._being_made.setdefault(name, asyncio.Lock())
        async with mine, self._turns:
            found = await asyncio.to_thread(self._files.path, name)
            return found if found is not None else await self._made(mxc, name)

    async def _made(self, mxc: str, name: str) -> Path | None:
        part = await asyncio.to_thread(self._files.begin, name)
        try:
            async with aclosing(self._media.pieces(mxc, MOST_BYTES)) as pieces:
                async for piece in pieces:
                    await asyncio.to_thread(part.add, piece)
            await asyncio.to_thread(part.finish)
        except (HomeserverRefused, TooLarge) as error:
            logger.warning("a posted file was not copied why=%s", type(error).__name__)
            return None
        finally:
            await asyncio.to_thread(part.drop)
        return await asyncio.to_thread(self._files.path, name)

    async def drop(self, mxc: str) -> None:
        """Its material is gone."""
        await asyncio.to_thread(self._files.drop, copy_of(mxc))

    async def drop_old(self, now: datetime) -> int:
        """Throw copies of yesterday away; returns how many. Whoever is being sent one gets it to its end."""
        old = await asyncio.to_thread(self._files.old, now, KEPT)
        for name in old:
            await asyncio.to_thread(self._files.drop, name)
        return len(old)


def copy_of(mxc: str) -> str:
    """Its name on the disk."""
    return hashlib.sha256(mxc.encode()).hexdigest()
