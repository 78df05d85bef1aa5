"""Fan-out of one process put together: its key, the list of schools, what is followed."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import hdrs, web

from media.broadcast.fanout.keys import node_key
from media.broadcast.fanout.node import FanOut
from media.broadcast.fanout.peer import Us
from media.broadcast.fanout.puller import Now
from media.broadcast.fanout.schools import Schools, schools_of
from media.broadcast.origin.publication import Opening, Publication
from media.secret_files import SecretFile, watch
from serving.addresses import Network, address_of, network_of
from serving.secret_files import BadSecret
from serving.settings import BadConfig

#: Octets of a number that is used once.
ONCE_BYTES = 16
#: Octets of the list: a thousand schools have 200 kB.
MOST_BYTES = 1_000_000


def read_schools(path: Path) -> Schools:
    """The list as it is now. Keys in it are public: others may read it.

    Raises:
        BadSecret: it cannot be used; the message names the entry. What was read before holds on.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadSecret(f"{path}: is too large")
        return schools_of(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadSecret(f"{path}: {type(error).__name__}") from None
    except BadConfig as error:
        raise BadSecret(f"{path}: {error}") from None


@asynccontextmanager
async def open_fan_out(
    *,
    schools_file: Path,
    folder: Path,
    name: str,
    url: str,
    keys: Sequence[bytes],
    open_: Callable[[Opening], Publication],
    on_air: Callable[[str], bool],
    tell: Callable[[str, Now], None],
    trusted: tuple[Network, ...],
    wall: Callable[[], float],
    clock: Callable[[], float],
    chance: Callable[[int], bytes],
) -> AsyncIterator[FanOut]:
    """Until the end of the block; what is followed then goes on after the next start.

    Args:
        folder: of broadcasts; it is there.
        name: of our homeserver. url: of this calls server.
        keys, open_, on_air, tell, wall, clock: as of `FanOut`. chance: so many random octets.

    Raises:
        BadSecret: the list, or our key.
    """
    listed = SecretFile(schools_file, read_schools)
    key = node_key(folder)

    def address(request: web.Request) -> str:
        forwarded = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, []))
        return network_of(address_of(request.remote or "", forwarded, trusted))

    async with aiohttp.ClientSession() as http:
        fan = FanOut(
            us=Us(name, key),
            url=url,
            keys=keys,
            schools=lambda: listed.now,
            http=http,
            folder=folder,
            open=open_,
            on_air=on_air,
            tell=tell,
            address_of=address,
            wall=wall,
            clock=clock,
            once=lambda: urlsafe_b64encode(chance(ONCE_BYTES)).rstrip(b"=").decode(),
        )
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(fan.run()),
                group.create_task(watch([listed], asyncio.Event())),
            ]
            try:
                yield fan
            finally:
                for task in tasks:
                    task.cancel()
