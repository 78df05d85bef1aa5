"""The register put together: `async with open_register(…) as register`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import frozen

from media.access.openid import OpenId
from media.broadcast.register.announcer import Announcer
from media.broadcast.register.book import Book
from media.broadcast.register.desk import Desk
from media.broadcast.register.doors import Doors
from media.broadcast.register.materials import Materials
from media.broadcast.register.module import Module
from media.broadcast.register.store import Store
from media.broadcast.register.watchers import Watchers
from media.broadcast.whip.ids import BroadcastId
from serving.json_http import JsonHttp

#: In the folder of broadcasts.
FILE, RECORDINGS = "register.db", "recordings"


@frozen(kw_only=True)
class Register:
    """As `api` describes it; `tell` is `announcer`."""

    book: Book
    watchers: Watchers
    doors: Doors
    desk: Desk
    announcer: Announcer
    materials: Materials


@asynccontextmanager
async def open_register(
    *,
    folder: Path,
    homeserver: JsonHttp,
    openid: OpenId,
    server_name: str,
    service_tokens: Callable[[], Sequence[str]],
    link: Callable[[BroadcastId], str],
    recording_days: int,
    wall: Callable[[], float],
    clock: Callable[[], float],
    chance: Callable[[int], bytes],
) -> AsyncIterator[Register]:
    """Read it from the disk and keep it going until the end of the block.

    Args:
        folder: of broadcasts; made if need be, for this process alone.
        wall: seconds since 1970. clock: seconds that never go back. chance: so many random octets.

    Raises:
        OSError, sqlite3.Error: the folder or the file in it cannot be used.
    """
    book = Book(Store(folder / FILE), wall)
    await book.open()
    module = Module(homeserver, service_tokens)
    watchers = Watchers(module, book, clock)
    materials = Materials(book, wall, folder / RECORDINGS, recording_days)
    announcer = Announcer(module, book, link)
    register = Register(
        book=book,
        watchers=watchers,
        doors=Doors(openid, server_name, service_tokens, wall),
        desk=Desk(book, watchers, module, materials, wall, chance),
        announcer=announcer,
        materials=materials,
    )
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.run()) for one in (watchers, announcer, materials)]
            try:
                yield register
            finally:
                for task in tasks:
                    task.cancel()
    finally:
        await book.close()
