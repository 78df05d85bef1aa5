"""Whether the calls server has broadcasts: it is asked now and then, so that no page leads to what is not there.

Nobody has to write that into two files. What it does not answer changes nothing.
"""

from __future__ import annotations

import asyncio
import logging

import aiohttp
from attrs import define

logger = logging.getLogger(__name__)

#: Its list of broadcasts; where it has none, this is 404.
PATH = "/broadcasts"
#: Seconds between two questions; for one.
LOOK_S, WAIT_S = 60.0, 5.0


@define(eq=False)
class CallsServer:
    """Attributes:
    url: its `public_url`; "": nothing serves calls.
    broadcasts: as it said last; until then, that there are some.
    """

    url: str = ""
    broadcasts: bool = True

    async def look(self, session: aiohttp.ClientSession) -> None:
        """One question."""
        try:
            async with session.head(
                self.url + PATH,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=WAIT_S),
            ) as answer:
                has = answer.status != 404
                # A server in front of it that is not well says nothing about it.
                if answer.status >= 500 or has == self.broadcasts:
                    return
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return
        self.broadcasts = has
        logger.info("calls server broadcasts=%s", has)

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Until cancelled."""
        while True:
            await self.look(session)
            await asyncio.sleep(LOOK_S)
