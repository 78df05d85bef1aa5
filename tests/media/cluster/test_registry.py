"""What the nodes know of each other's calls, with a real Redis and without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import cast

import pytest
from attrs import define, evolve, field
from redis.asyncio import Redis as Client

from media.cluster.neighbours import Neighbours
from media.cluster.placement import NodeSign, agree
from media.cluster.registry import NODE, ROOM, Registry
from media.ids import RoomName
from tests.support.polling import until_async
from tests.support.redis import Redis

pytestmark = pytest.mark.integration

LESSON = RoomName("lesson")


@define(eq=False)
class World:
    """Nodes that ask each other without HTTP. `gone`: those that do not answer."""

    redis: Redis
    client: Client
    nodes: dict[str, Node] = field(factory=dict)
    gone: set[str] = field(factory=set)

    def node(self, name: str) -> Node:
        made = self.nodes[name] = Node(name, self)
        return made

    async def holder(
        self, name: RoomName, nodes: Iterable[NodeSign]
    ) -> tuple[NodeSign | None, list[NodeSign]]:
        alive = [one for one in nodes if one.name not in self.gone]
        has = (one for one in alive if name in self.nodes[one.name].rooms)
        return next(has, None), alive


@define(eq=False)
class Node:
    name: str
    world: World
    rooms: set[RoomName] = field(factory=set)
    moved: list[RoomName] = field(factory=list)
    sign: NodeSign = field(init=False)
    registry: Registry = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.sign = NodeSign(name=self.name, url=f"http://{self.name}.test", load=0, rooms=0)
        self.registry = Registry(
            self.world.client,
            lambda: self.sign,
            lambda: self.rooms,
            cast(Neighbours, self.world),
            self.moved.append,
            asyncio.get_running_loop().time,
        )

    async def beats(self) -> None:
        await self.registry.say_now()

    async def place(self, room: RoomName = LESSON) -> str:
        return (await self.registry.place(room)).name


@pytest.fixture
def redis() -> Iterator[Redis]:
    started = Redis.start()
    yield started
    started.stop()


@pytest.fixture
async def world(redis: Redis) -> AsyncIterator[World]:
    client = Client.from_url(f"unix://{redis.path}", socket_timeout=1, socket_connect_timeout=1)
    yield World(redis, client)
    await client.aclose()


async def test_all_doors_lead_to_one_node(world: World) -> None:
    """The emptier node is given the call; every other node says the same, and asks about it where it is."""
    a, b = world.node("a"), world.node("b")
    a.sign = evolve(a.sign, load=30)
    await a.beats()
    await b.beats()
    assert await a.registry.find(LESSON) is None
    assert await a.place() == "b"
    b.rooms.add(LESSON)
    assert [await a.place(), await b.place()] == ["b", "b"]
    assert await a.registry.find(LESSON) == b.sign
    assert [one.name for one in await a.registry.others()] == ["b"]


async def test_a_full_node_is_given_nothing(world: World) -> None:
    """`max_rooms` of a node is known to the others."""
    a, b = world.node("a"), world.node("b")
    a.sign, b.sign = evolve(a.sign, load=30), evolve(b.sign, full=True)
    await a.beats()
    await b.beats()
    assert await b.place() == "a"


async def test_calls_of_a_node_that_died_are_placed_again(world: World) -> None:
    """As soon as its sign of life is over, at whichever node its people knock."""
    a, b = world.node("a"), world.node("b")
    b.sign = evolve(b.sign, load=30)
    a.rooms.add(LESSON)
    await a.beats()
    await b.beats()
    assert await b.place() == "a"
    assert 0 < await world.client.pttl(NODE + "a") <= 8000
    await world.client.delete(NODE + "a")  # as at the end of this time
    assert await b.place() == "b"


async def test_a_closed_door(world: World) -> None:
    """Nobody waits for a sign of life to end whose node does not listen; a node at a new address keeps its sign."""
    a, b = world.node("a"), world.node("b")
    b.sign = evolve(b.sign, load=30)
    await a.beats()
    await b.beats()
    assert await b.place() == "a"
    await b.registry.refused(evolve(a.sign, url="http://earlier.test"))
    assert await b.place() == "a"
    await b.registry.refused(a.sign)
    assert await b.place() == "b"


async def test_without_redis_the_nodes_ask_each_other(world: World) -> None:
    """A call that is under way stays one; a new one begins where every node says; who does not answer gets none."""
    a, b, c = (world.node(name) for name in "abc")
    b.rooms.add(LESSON)
    for node in (a, b, c, a, b):  # each has heard of all
        await node.beats()
    await asyncio.to_thread(world.redis.pause)
    try:
        assert [await one.place() for one in (a, b, c)] == ["b", "b", "b"]
        assert not a.registry.reachable
        assert await a.registry.find(LESSON) == b.sign
        for number in range(10):
            room = RoomName(f"new-{number}")
            chosen = {await one.place(room) for one in (a, b, c)}
            assert chosen == {agree(room, [a.sign, b.sign, c.sign]).name}  # type: ignore[union-attr]
        world.gone.add("c")
        assert {await a.place(RoomName(f"later-{n}")) for n in range(20)} == {"a", "b"}
    finally:
        await asyncio.to_thread(world.redis.resume)


async def test_an_empty_redis_learns_the_calls_again(world: World) -> None:
    """Somebody who knocks before the call's node has spoken still finds the call where it is."""
    a, b = world.node("a"), world.node("b")
    b.sign = evolve(b.sign, load=30)
    b.rooms.add(LESSON)
    for node in (a, b, a):  # each has heard of the other
        await node.beats()
    await asyncio.to_thread(world.redis.pause)
    await a.place()
    await asyncio.to_thread(world.redis.resume)
    await a.beats()
    assert a.registry.reachable
    assert await a.place() == "b"
    assert await world.client.get(ROOM + LESSON) == b"b"


async def test_a_call_on_two_nodes_becomes_one(world: World) -> None:
    """A node that was thought dead sends its people to where the call went on meanwhile, and keeps its others."""
    a, b = world.node("a"), world.node("b")
    other = RoomName("other")
    a.rooms |= {LESSON, other}
    await a.beats()
    await world.client.delete(NODE + "a")
    assert await b.place() == "b"
    b.rooms.add(LESSON)
    await b.beats()
    await a.beats()
    await b.beats()
    assert (a.moved, b.moved) == ([LESSON], [])


async def test_a_copied_name_is_found(world: World) -> None:
    """Two nodes with one name would take each other's calls; a restart at the same address is no twin."""
    a = world.node("a")
    await a.beats()
    assert await a.registry.twin() is None
    copy = Node("a", world)
    copy.sign = evolve(a.sign, url="http://copy.test")
    assert await copy.registry.twin() == a.sign


async def test_redis_comes_back(world: World) -> None:
    """The beat that reaches it again ends the other rule."""
    a = world.node("a")
    await asyncio.to_thread(world.redis.pause)
    await a.beats()
    assert not a.registry.reachable
    await asyncio.to_thread(world.redis.resume)

    async def back() -> bool:
        await a.beats()
        return a.registry.reachable

    await until_async(back, what="Redis")
