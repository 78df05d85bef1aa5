"""The nodes' common memory in Redis: signs of life, and for each call its node.

A call is placed when its first client comes. Its node says so again while people are in. When a node goes, its calls
are placed anew as soon as somebody finds its door closed, or GONE_S seconds after its last sign of life.

Without Redis the nodes ask each other who has a call, and agree on a place for a new one (`placement.agree`). A call
that is on two nodes all the same is one again once Redis is back: the node that Redis does not name sends its people to
the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from attrs import define, field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from media.cluster.neighbours import Neighbours
from media.cluster.placement import BEAT_S, GONE_S, PLACED_S, NodeSign, agree, choose
from media.ids import RoomName

logger = logging.getLogger(__name__)

NODE, ROOM = "sferum:calls:node:", "sferum:calls:room:"
#: Seconds that another node is remembered without a sign of it: as long as Redis may be away.
KNOWN_S = 60.0
#: Seconds for one answer of Redis. A client waits meanwhile.
REDIS_S = 1.0

#: Takes a call from a node that has gone, or is going: only if nobody else was faster.
_TAKE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return ARGV[2]
"""
#: Says that a call is still here; 0: another node that lives has it.
_KEEP = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] and redis.call('EXISTS', ARGV[3] .. held) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
#: Forgets a call if it is still this node's.
_FORGET = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)


@define(eq=False)
class Registry:
    """Of one node.

    Attributes:
        own: what this node says of itself now.
        rooms: the calls it holds now.
        moved: a call of ours is another node's; its people are to be sent there.
        clock: seconds that never go back.
        reachable: Redis answered the last beat.
    """

    _redis: Redis
    own: Callable[[], NodeSign]
    rooms: Callable[[], Collection[RoomName]]
    neighbours: Neighbours
    moved: Callable[[RoomName], None]
    clock: Callable[[], float]
    reachable: bool = True
    _known: dict[str, tuple[NodeSign, float]] = field(factory=dict)

    async def place(self, room: RoomName) -> NodeSign:
        """The node of this call; a new one is given its place."""
        own = self.own()
        if not own.draining and room in self.rooms():
            return own
        if self.reachable:
            try:
                return await self._placed(room, own)
            except (RedisError, OSError) as error:
                self._lost(error)
        holder, alive = await self.neighbours.holder(room, self._staying(own))
        return holder or agree(room, [own, *alive]) or own

    async def find(self, room: RoomName) -> NodeSign | None:
        """The node of a call that is under way; None: there is none, or nobody knows."""
        own = self.own()
        if room in self.rooms():
            return own
        if self.reachable:
            try:
                nodes = await self._nodes(own)
                return nodes.get(_text(await self._redis.get(ROOM + room)))
            except (RedisError, OSError) as error:
                self._lost(error)
        holder, _alive = await self.neighbours.holder(room, self._others(own))
        return holder

    async def others(self) -> list[NodeSign]:
        """Every other node that lives, as far as is known."""
        own = self.own()
        if self.reachable:
            try:
                await self._nodes(own)
            except (RedisError, OSError) as error:
                self._lost(error)
        return self._others(own)

    async def living(self) -> dict[str, NodeSign]:
        """All nodes that say so now, by name, this one among them.

        Raises:
            RedisError, OSError: Redis does not answer.
        """
        return await self._nodes(self.own())

    def known(self) -> list[NodeSign]:
        """Every other node, as far as it was heard of within a minute; nobody is asked."""
        return self._others(self.own())

    async def refused(self, there: NodeSign) -> None:
        """Nobody listens at this node's address: its calls may be placed again before its sign of life is over.

        Was it only restarting, it says with its next beat that it is there.
        """
        self._known.pop(there.name, None)
        try:
            text = await self._redis.get(NODE + there.name)
            sign = NodeSign.from_json(text) if text is not None else None
            if sign is not None and sign.url == there.url:
                await self._redis.delete(NODE + there.name)
        except (RedisError, OSError) as error:
            self._lost(error)

    async def twin(self) -> NodeSign | None:
        """Another node under this node's name: an administrator has copied a media.yaml."""
        own = self.own()
        try:
            text = await self._redis.get(NODE + own.name)
        except (RedisError, OSError) as error:
            self._lost(error)
            return None
        there = NodeSign.from_json(text) if text is not None else None
        return there if there is not None and there.url != own.url else None

    async def run(self) -> None:
        """Say for ever that this node is there, and which calls it holds."""
        while True:
            await self.say_now()
            await asyncio.sleep(BEAT_S)

    async def say_now(self) -> None:
        """Also when something has changed that the others should not wait for: a drain."""
        try:
            await self._beat()
        except (RedisError, OSError) as error:
            self._lost(error)
            return
        if not self.reachable:
            logger.info("Redis answers again")
        self.reachable = True

    async def leave(self) -> None:
        """This node is gone; whoever comes back begins elsewhere at once."""
        own = self.own()
        try:
            await self._redis.delete(NODE + own.name)
            for room in self.rooms():
                await self._redis.eval(_FORGET, 1, ROOM + room, own.name)
        except (RedisError, OSError) as error:
            self._lost(error)

    async def _placed(self, room: RoomName, own: NodeSign) -> NodeSign:
        nodes = await self._nodes(own)
        held = _text(await self._redis.get(ROOM + room))
        there = nodes.get(held)
        if there is not None and not there.draining:
            return there
        chosen = None
        if not held:  # a new call, or a Redis that has forgotten everything
            chosen, _alive = await self.neighbours.holder(room, self._staying(own))
        chosen = chosen or choose(nodes.values())
        if chosen is None:
            return there or own
        arguments = (held, chosen.name, int(PLACED_S * 1000))
        taken = _text(await self._redis.eval(_TAKE, 1, ROOM + room, *arguments))
        return nodes.get(taken, chosen)

    async def _beat(self) -> None:
        own = self.own()
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(NODE + own.name, own.to_json(), px=int(GONE_S * 1000))
        rooms = [] if own.draining else list(self.rooms())
        for room in rooms:
            pipe.eval(_KEEP, 1, ROOM + room, own.name, str(int(PLACED_S * 1000)), NODE)
        _set, *kept = await pipe.execute()
        await self._nodes(own)
        for room, here in zip(rooms, kept, strict=True):
            if not here:
                logger.warning("a call is on another node too, its people go there")
                self.moved(room)

    async def _nodes(self, own: NodeSign) -> dict[str, NodeSign]:
        """All that live, this one among them."""
        keys = [key async for key in self._redis.scan_iter(match=NODE + "*", count=100)]
        texts = await self._redis.mget(keys) if keys else []
        signs = [NodeSign.from_json(text) for text in texts if text is not None]
        nodes = {sign.name: sign for sign in signs if sign is not None} | {own.name: own}
        now = self.clock()
        self._known |= {name: (sign, now) for name, sign in nodes.items()}
        return nodes

    def _others(self, own: NodeSign) -> list[NodeSign]:
        since = self.clock() - KNOWN_S
        self._known = {name: known for name, known in self._known.items() if known[1] >= since}
        return [sign for sign, _seen in self._known.values() if sign.name != own.name]

    def _staying(self, own: NodeSign) -> list[NodeSign]:
        return [sign for sign in self._others(own) if not sign.draining]

    def _lost(self, error: Exception) -> None:
        if self.reachable:
            logger.warning("Redis does not answer kind=%s", type(error).__name__)
        self.reachable = False


def _text(value: object) -> str:
    """A node's name; what is none names no node."""
    return value.decode("ascii", "replace") if isinstance(value, bytes) else ""
