"""Which node has a broadcast: told in Redis by the node that has it, asked by the others.

A broadcast stays where it was made: its register, its parts and its recording are on that node's disk. So nothing is
placed or moved here, it is only said; again every SAY_S seconds, as a Redis may have forgotten everything.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from attrs import define, field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from media.cluster.placement import NodeSign
from media.cluster.registry import Registry

logger = logging.getLogger(__name__)

PLACE = "sferum:broadcasts:place:"
#: Seconds until everything is said again; that it holds, also while its node is away: then it is known whose it is.
SAY_S, HOLDS_S = 60.0, 86_400.0
#: Names of one message to Redis.
AT_ONCE = 500

#: Forgets a broadcast if it is still this node's.
_FORGET = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)


class Nowhere(enum.Enum):
    """Why nobody is sent elsewhere."""

    HERE = "here"  # or nobody has it, which this node says as well as another
    AWAY = "away"  # another node has it and does not live


@define(eq=False)
class BroadcastPlaces:
    """Of one node.

    Attributes:
        held: ids of the broadcasts that are on this node.
    """

    _redis: Redis
    registry: Registry
    held: Callable[[], Collection[str]] = tuple
    _said: set[str] = field(factory=set, init=False)
    _knock: asyncio.Event = field(factory=asyncio.Event, init=False)

    def changed(self) -> None:
        """There is another one, or one less."""
        self._knock.set()

    async def find(self, broadcast: str) -> NodeSign | Nowhere:
        """The other node that has it."""
        if broadcast in self.held():
            return Nowhere.HERE
        own = self.registry.own()
        try:
            text = await self._redis.get(PLACE + broadcast)
            name = text.decode("ascii", "replace") if isinstance(text, bytes) else ""
            if not name or name == own.name:
                return Nowhere.HERE
            there = (await self.registry.living()).get(name)
        except (RedisError, OSError):
            return Nowhere.HERE
        return Nowhere.AWAY if there is None or not there.broadcasts else there

    def elsewhere(self) -> list[str]:
        """Addresses of the other nodes that have broadcasts."""
        own = self.registry.own().broadcasts
        return sorted({one.broadcasts for one in self.registry.known()} - {"", own})

    async def any(self) -> NodeSign | None:
        """Some other node that has broadcasts, always the same one: for a node that has none."""
        try:
            nodes = (await self.registry.living()).values()
        except (RedisError, OSError):
            return None
        own = self.registry.own().name
        there = (one for one in nodes if one.broadcasts and one.name != own)
        return min(there, key=lambda one: one.name, default=None)

    async def run(self) -> None:
        """Say for ever which broadcasts are here."""
        while True:
            await self.say(again=True)
            loop = asyncio.get_running_loop()
            until = loop.time() + SAY_S
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    while True:
                        await self._knock.wait()
                        await self.say()

    async def say(self, *, again: bool = False) -> None:
        """What has changed, or all of it. What could not be said is said the next time."""
        self._knock.clear()
        held = set(self.held())
        own = self.registry.own().name
        try:
            for some in _batches(held if again else held - self._said):
                pipe = self._redis.pipeline(transaction=False)
                for one in some:
                    pipe.set(PLACE + one, own, px=int(HOLDS_S * 1000))
                await pipe.execute()
                self._said.update(some)
            for one in self._said - held:
                await self._redis.eval(_FORGET, 1, PLACE + one, own)
                self._said.discard(one)
        except (RedisError, OSError) as error:
            logger.warning("places of broadcasts were not said kind=%s", type(error).__name__)


def _batches(some: Iterable[str]) -> Iterable[list[str]]:
    names = sorted(some)
    return (names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE))
