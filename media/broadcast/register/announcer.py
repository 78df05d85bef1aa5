"""Keeps the school's rooms told, and passes on what the hall says. What could not be told is told later."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from attrs import define, evolve, field

from media.broadcast.register.book import Book
from media.broadcast.register.module import MOST_SIGNS
from media.broadcast.register.values import Broadcast
from media.broadcast.whip.ids import BroadcastId
from serving.json_http import NoAnswer

logger = logging.getLogger(__name__)

#: Seconds until another try, the last one for ever; between two messages to the moderators' room of one broadcast.
AGAIN_S, PACE_S = (1.0, 2.0, 5.0, 15.0, 60.0), 1.0
#: Signs of all halls that wait; more are refused, and their senders told so.
MOST_WAITING = 2_000
#: Tries of one message of signs.
TRIES = 4


class Told(Protocol):
    async def announce(self, one: Broadcast, link: str) -> None: ...
    async def tell(self, one: Broadcast, signs: Sequence[Mapping[str, str]]) -> None: ...


@define(eq=False)
class Announcer:
    """`run` has to be running.

    Attributes:
        link: the address of the watch page of a broadcast.
        counted: `announced`, `announce_lost`, `told` (signs), `tell_lost`.
    """

    _module: Told
    _book: Book
    link: Callable[[BroadcastId], str]
    counted: Counter[str] = field(factory=Counter, init=False)
    _signs: dict[BroadcastId, deque[Mapping[str, str]]] = field(factory=dict, init=False)
    _knock: asyncio.Event = field(factory=asyncio.Event, init=False)
    _hall: asyncio.Event = field(factory=asyncio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._book.changed.append(lambda _: self._knock.set())

    def question(self, account: str, broadcast: BroadcastId, text: str) -> bool:
        """False: more than can be passed on."""
        return self._sign(broadcast, {"user_id": account, "sign": "question", "text": text})

    def hand(self, account: str, broadcast: BroadcastId, up: bool) -> bool:
        return self._sign(broadcast, {"user_id": account, "sign": "hand" if up else "lowered"})

    def _sign(self, broadcast: BroadcastId, sign: Mapping[str, str]) -> bool:
        if sum(map(len, self._signs.values())) >= MOST_WAITING:
            return False
        self._signs.setdefault(broadcast, deque()).append(sign)
        self._hall.set()
        return True

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._announce())
            group.create_task(self._pass_on())

    async def _announce(self) -> None:
        tries = 0
        while True:
            self._knock.clear()
            failed = False
            for one in self._book.every():
                if one.told != one.stage:
                    failed = not await self._announced(one) or failed
            tries = tries + 1 if failed else 0
            if failed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_S[min(tries, len(AGAIN_S)) - 1]):
                        await self._knock.wait()
            else:
                await self._knock.wait()

    async def _announced(self, one: Broadcast) -> bool:
        try:
            await self._module.announce(one, self.link(one.id))
        except NoAnswer as lost:
            self.counted["announce_lost"] += 1
            logger.warning("rooms were not told broadcast=%s why=%s", one.id, lost.lost.value)
            return False
        self.counted["announced"] += 1
        stage = one.stage
        await self._book.change(one.id, lambda now: evolve(now, told=stage))
        return True

    async def _pass_on(self) -> None:
        while True:
            await self._hall.wait()
            self._hall.clear()
            while self._signs:
                for broadcast in list(self._signs):
                    await self._tell(broadcast)
                await asyncio.sleep(PACE_S)

    async def _tell(self, broadcast: BroadcastId) -> None:
        waiting = self._signs[broadcast]
        some = [waiting.popleft() for _ in range(min(MOST_SIGNS, len(waiting)))]
        if not waiting:
            del self._signs[broadcast]
        one = self._book.get(broadcast)
        if one is None:
            return
        for wait_s in AGAIN_S[:TRIES]:
            try:
                await self._module.tell(one, some)
            except NoAnswer:
                await asyncio.sleep(wait_s)
            else:
                self.counted["told"] += len(some)
                return
        self.counted["tell_lost"] += len(some)
        logger.warning("hosts were not told broadcast=%s signs=%s", broadcast, len(some))
