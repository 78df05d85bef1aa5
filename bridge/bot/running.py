"""The bot's loops: hear and post, for ever, beginning again when Synapse is away. Never takes the pages down."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import aiohttp
from attrs import define, field

from bridge.bot.folder import Folder
from bridge.bot.office import Office
from bridge.bot.posting import Posting, forget_old
from bridge.bot.rooms import Rooms
from bridge.bot.session import BotDown, BotRefused, Session
from bridge.ids import user_id_of
from bridge.json_http import server_at
from bridge.metrics import BOT_SYNCED
from bridge.ports_directory import DirectoryDown, DirectoryRefused
from bridge.ports_homeserver import HomeserverDown, HomeserverRefused
from bridge.roles import UserId
from bridge.services import Services
from serving.failures import failure_of
from serving.logs import kind_of, place_of

logger = logging.getLogger(__name__)

#: Milliseconds that Synapse may hold a /sync.
LISTEN_MS = 30_000
#: Seconds between two looks for new applications; a decision in the room wakes it at once.
LOOK_AGAIN_S = 2.0
#: Seconds until the bot begins again after a failure; then the last one repeats.
BEGIN_AGAIN_S = (1.0, 2.0, 5.0, 15.0, 60.0)
#: Whoever has worked for so long begins with short waits again.
HEALTHY = timedelta(minutes=5)
FORGET_EVERY = timedelta(days=1)
#: How often one event may fail while the servers answer to everything else.
MOST_TRIES = 6
AWAY = (BotDown, DirectoryDown, HomeserverDown, DirectoryRefused, HomeserverRefused)


@define(kw_only=True, eq=False)
class Bot:
    """Attributes:
    session: outgoing HTTP, for everything but nio's own.
    as_token: the application service's; signs the bot in.
    seconds: any clock that does not go back.
    """

    services: Services
    session: aiohttp.ClientSession
    as_token: str = field(repr=False)
    seconds: Callable[[], float]
    look_again_s: float = LOOK_AGAIN_S
    begin_again_s: Sequence[float] = BEGIN_AGAIN_S
    _woken: asyncio.Event = field(factory=asyncio.Event, init=False)
    _tries: Counter[str] = field(factory=Counter, init=False)

    @property
    def user_id(self) -> UserId:
        return user_id_of(self.services.config.bot, self.services.config.server_name)

    def wake(self) -> None:
        """Look for new cards now."""
        self._woken.set()

    async def run(self) -> None:
        """For ever; one process at a time has the folder."""
        config = self.services.config
        assert config.bot_store is not None  # config.py asks for it where there is a bot
        services = self.services
        async with Folder.open(config.bot_store, services.vault, services.random_bytes) as folder:
            failures = 0
            while True:
                began = services.clock()
                error = await failure_of(self._work(folder))
                if error is None:
                    return
                failures = 0 if services.clock() > began + HEALTHY else failures
                wait_s = self.begin_again_s[min(failures, len(self.begin_again_s) - 1)]
                failures += 1
                _complain(error, wait_s)
                await asyncio.sleep(wait_s)

    async def _work(self, folder: Folder) -> None:
        services = self.services
        http = server_at(self.session, services.config.homeserver_url, "homeserver", self.as_token)
        async with Session.open(self.user_id, folder, http, services.homeserver) as session:
            rooms = Rooms(services.directory, self.seconds)
            logger.info("bot signed in account=%s device=%s", self.user_id, session.device_id)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(session, rooms))
                group.create_task(self._post(session, rooms))

    async def _hear(self, session: Session, rooms: Rooms) -> None:
        """Whatever is not dealt with because a server is away is heard again after the next start, in its order.

        An event that fails again and again by itself is given up: others wait behind it.
        """
        office = Office(services=self.services, rooms=rooms, session=session)
        while True:
            for heard in await session.listen(LISTEN_MS):
                if self._tries[heard.event_id] >= MOST_TRIES:
                    logger.error("event given up event=%s", heard.event_id)
                    continue
                try:
                    await office.hear(heard, self.services.clock())
                except BotRefused as refused:  # of one answer; the rest goes on
                    logger.warning("answer refused event=%s why=%s", heard.event_id, refused)
                except AWAY:
                    if await self._servers_answer():
                        self._tries[heard.event_id] += 1
                    raise
                except Exception:
                    self._tries[heard.event_id] += 1
                    raise
                self.wake()
            session.handled()
            self._tries.clear()
            BOT_SYNCED.set(self.services.clock().timestamp())

    async def _servers_answer(self) -> bool:
        """The directory lives in Synapse: whoever hears of it hears of both."""
        try:
            await self.services.directory.orgs()
        except AWAY:
            return False
        return True

    async def _post(self, session: Session, rooms: Rooms) -> None:
        posting = Posting(
            user_id=self.user_id,
            services=self.services,
            rooms=rooms,
            session=session,
            refused=lambda error: isinstance(error, BotRefused),
        )
        forget_at = self.services.clock()
        while True:
            self._woken.clear()
            now = self.services.clock()
            for org in await self.services.directory.orgs():
                if org.open:
                    await posting.round(org, now)
            if now >= forget_at:
                await forget_old(now, self.services)
                forget_at = now + FORGET_EVERY
            await _wait(self._woken, self.look_again_s)


def _complain(error: Exception, wait_s: float) -> None:
    """Loud when it is a bug of ours, or somebody must look; a server that is away is no news."""
    inner = error
    while isinstance(inner, ExceptionGroup):
        inner = inner.exceptions[0]
    if isinstance(inner, AWAY):
        logger.warning("bot waits why=%s again_s=%.0f", inner, wait_s)
    else:
        logger.error(
            "bot failed error=%s at=%s again_s=%.0f", kind_of(error), place_of(error), wait_s
        )


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until it is set, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
