"""The nodes' common memory in Redis: signs of life, and for each call its node.

A call is placed when the first token for it is given, or when its first client comes. Its node says so again while
people are in; when a node goes, what it held is free after PLACED_S seconds at the latest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from attrs import define
from redis.asyncio import Redis
from redis.exceptions import RedisError

from media.cluster.placement import BEAT_S, GONE_S, PLACED_S, NodeSign, choose
from media.ids import RoomName

logger = logging.getLogger(__name__)

NODE, ROOM = "sferum:calls:node:", "sferum:calls:room:"

#: Takes a call from a node that has gone, or is going: only if nobody else was faster.
_TAKE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return ARGV[2]
"""
#: Forgets a call if it is still this node's.
_FORGET = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)


@define(eq=False)
class Registry:
    """Of one node. Without Redis nothing is placed anew: calls go on where they are, new ones begin here.

    Attributes:
        own: what this node says of itself now.
        rooms: the calls it holds now.
    """

    _redis: Redis
    own: Callable[[], NodeSign]
    rooms: Callable[[], Iterable[RoomName]]
    reachable: bool = True

    async def place(self, room: RoomName) -> NodeSign:
        """The node of this call; a new one is given its place."""
        own = self.own()
        try:
            nodes = await self._nodes()
            held = _text(await self._redis.get(ROOM + room))
            there = nodes.get(held)
            if there is not None and not there.draining:
                return there
            chosen = choose({**nodes, own.name: own}.values())
            if chosen is None:
                return there or own
            arguments = (held, chosen.name, int(PLACED_S * 1000))
            taken = _text(await self._redis.eval(_TAKE, 1, ROOM + room, *arguments))
            return nodes.get(taken, chosen)
        except (RedisError, OSError) as error:
            self._lost(error)
            return own

    async def run(self) -> None:
        """Say for ever that this node is there, and which calls it holds."""
        while True:
            try:
                await self._beat()
            except (RedisError, OSError) as error:
                self._lost(error)
            else:
                self.reachable = True
            await asyncio.sleep(BEAT_S)

    async def say_now(self) -> None:
        """Something has changed that the others should not wait for: a drain."""
        try:
            await self._beat()
        except (RedisError, OSError) as error:
            self._lost(error)

    async def leave(self) -> None:
        """This node is gone; whoever comes back begins elsewhere at once."""
        own = self.own()
        try:
            await self._redis.delete(NODE + own.name)
            for room in self.rooms():
                await self._redis.eval(_FORGET, 1, ROOM + room, own.name)
        except (RedisError, OSError) as error:
            self._lost(error)

    async def _beat(self) -> None:
        own = self.own()
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(NODE + own.name, own.to_json(), px=int(GONE_S * 1000))
        if not own.draining:
            for room in self.rooms():
                pipe.set(ROOM + room, own.name, px=int(PLACED_S * 1000))
        await pipe.execute()

    async def _nodes(self) -> dict[str, NodeSign]:
        keys = [key async for key in self._redis.scan_iter(match=NODE + "*", count=100)]
        texts = await self._redis.mget(keys) if keys else []
        signs = [NodeSign.from_json(text) for text in texts if text is not None]
        return {sign.name: sign for sign in signs if sign is not None}

    def _lost(self, error: Exception) -> None:
        if self.reachable:
            logger.warning("Redis does not answer kind=%s", type(error).__name__)
        self.reachable = False


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else ""
