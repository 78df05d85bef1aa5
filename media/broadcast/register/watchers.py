"""Who may watch, asked of the module for many at once: ten thousand viewers are twenty questions each ten seconds."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from attrs import define, field

from media.broadcast.register.api import Lost, No, Standing
from media.broadcast.register.book import Book
from media.broadcast.register.module import MOST_ACCOUNTS
from media.broadcast.whip.ids import BroadcastId
from serving.json_http import Lost as Unanswered
from serving.json_http import NoAnswer

logger = logging.getLogger(__name__)

#: Seconds: an answer is asked anew while somebody watches; between two looks for such; an answer holds at most.
RENEW_S, LOOK_S, FRESH_S = 9.0, 2.0, 15.0
#: Seconds that it holds while the module does not answer: Synapse starts again, and nobody's picture stands.
STALE_S = 120.0
#: Seconds after which nobody is asked about who asks for nothing.
IDLE_S = 90.0
#: People who are remembered; questions at one time; seconds that somebody waits for an answer.
MOST, AT_ONCE, WAIT_S = 40_000, 4, 9.0

#: Org and room: whoever may watch one broadcast for these people may watch any.
People = tuple[str, str]


class Asked(Protocol):
    async def watchers(
        self, org_id: str, room_id: str, accounts: Sequence[str]
    ) -> Mapping[str, Standing]: ...


@define(eq=False)
class _Known:
    standing: Standing | None
    at: float
    used: float


@define(eq=False)
class Watchers:
    """`run` has to be running.

    Attributes:
        clock: seconds, never going back.
        lost: told of somebody who watched and may no longer.
        counted: answers of the module: `asked`, `unknown` (none came), accounts `removed`.
    """

    _module: Asked
    _book: Book
    _clock: Callable[[], float]
    lost: list[Lost] = field(factory=list)
    counted: Counter[str] = field(factory=Counter, init=False)
    _known: dict[tuple[People, str], _Known] = field(factory=dict, init=False)
    _wanted: dict[tuple[People, str], asyncio.Future[None]] = field(factory=dict, init=False)
    _knock: asyncio.Event = field(factory=asyncio.Event, init=False)
    _down: bool = field(
        default=False, init=False
    )  # the last question had no answer: nobody waits for the next

    async def standing(self, account: str, broadcast: BroadcastId) -> Standing | No:
        """What somebody is to a broadcast; NOT_FOUND, NOT_YOURS or UNAVAILABLE."""
        one = self._book.get(broadcast)
        if one is None:
            return No.NOT_FOUND
        key = ((one.org_id, one.audience.room_id), account)
        now = self._clock()
        known = self._known.get(key)
        if known is None or now - known.at > (STALE_S if self._down else FRESH_S):
            known = await self._fetch(key)
        if known is None or self._clock() - known.at > STALE_S:
            return No.UNAVAILABLE
        known.used = self._clock()
        return No.NOT_YOURS if known.standing is None else known.standing

    async def may_watch(self, account: str, broadcast: BroadcastId) -> bool:
        """The same in a word, for each request of a stream.

        Raises:
            NoAnswer: nobody can say: 503, not a refusal.
        """
        found = await self.standing(account, broadcast)
        if found is No.UNAVAILABLE:
            raise NoAnswer(Unanswered.UNREACHABLE)
        return isinstance(found, Standing)

    def forget(self, account: str) -> None:
        """Ask again before the next answer about somebody."""
        for key in [key for key in self._known if key[1] == account]:
            del self._known[key]

    async def _fetch(self, key: tuple[People, str]) -> _Known | None:
        """With everybody else who is asked about now; one question however many wait for it."""
        waiting = self._wanted.get(key)
        if waiting is None:
            if len(self._wanted) >= MOST:
                return self._known.get(key)
            waiting = self._wanted[key] = asyncio.get_running_loop().create_future()
            self._knock.set()
        try:
            async with asyncio.timeout(WAIT_S):
                await asyncio.shield(waiting)
        except TimeoutError:
            self._wanted.pop(key, None)
        return self._known.get(key)

    async def run(self) -> None:
        """Until cancelled. While the module is busy, questions grow instead of becoming many."""
        turns = asyncio.Semaphore(AT_ONCE)
        asking: set[tuple[People, str]] = set()
        looked = self._clock()
        async with asyncio.TaskGroup() as group:
            while True:
                if not self._wanted.keys() - asking:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_S):
                            await self._knock.wait()
                self._knock.clear()
                if self._clock() - looked >= LOOK_S:
                    looked = self._clock()
                    self._renew()
                await turns.acquire()
                await asyncio.sleep(0)  # whoever comes in the same moment is in the same question
                people, accounts = self._next(asking)
                if not accounts:
                    turns.release()
                    continue
                asking.update((people, account) for account in accounts)
                group.create_task(self._ask(people, accounts, turns, asking))

    def _next(self, asking: set[tuple[People, str]]) -> tuple[People, list[str]]:
        """Who is asked about next: of the people that most wait for."""
        by_people: dict[People, list[str]] = defaultdict(list)
        for people, account in self._wanted:
            if (people, account) not in asking:
                by_people[people].append(account)
        found = max(by_people, key=lambda one: len(by_people[one]), default=("", ""))
        return found, by_people[found][:MOST_ACCOUNTS]

    async def _ask(
        self,
        people: People,
        accounts: Sequence[str],
        turns: asyncio.Semaphore,
        asking: set[tuple[People, str]],
    ) -> None:
        try:
            found = await self._module.watchers(*people, accounts)
        except NoAnswer:
            self.counted["unknown"] += 1
            self._down = True
        else:
            self.counted["asked"] += 1
            self._down = False
            for account in accounts:
                self._learn(people, account, found.get(account))
        finally:
            turns.release()
            for account in accounts:
                key = (people, account)
                asking.discard(key)
                waiting = self._wanted.pop(key, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(None)

    def _learn(self, people: People, account: str, standing: Standing | None) -> None:
        now = self._clock()
        before = self._known.pop((people, account), None)
        used = now if before is None else before.used
        self._known[people, account] = _Known(standing, now, used)
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        if before is not None and before.standing is not None and standing is None:
            self.counted["removed"] += 1
            for one in self._book.all():
                if (one.org_id, one.audience.room_id) == people:
                    self._say_lost(one.id, account)

    def _say_lost(self, broadcast: BroadcastId, account: str) -> None:
        for lost in self.lost:
            try:
                lost(broadcast, account)
            except Exception:  # one viewer's bug is not the end of everybody's broadcast
                logger.exception("a viewer was not cut off broadcast=%s", broadcast)

    def _renew(self) -> None:
        """Ask about everybody who is watching before their answers are old; forget who has gone."""
        now = self._clock()
        for key, known in list(self._known.items()):
            if now - known.used > IDLE_S:
                del self._known[key]
            elif known.standing is not None and now - known.at > RENEW_S:
                self._wanted.setdefault(key, asyncio.get_running_loop().create_future())
