"""Whoever comes to another node with the link of a broadcast is sent to the one that has it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import RedisError

from media.cluster.broadcast_places import AT_ONCE, PLACE, BroadcastPlaces, Nowhere
from media.cluster.broadcast_relay import BroadcastRelay
from media.cluster.broadcast_way import BroadcastWay, about, published
from media.cluster.placement import NodeSign
from media.cluster.registry import Registry

A = NodeSign(name="a", url="http://10.0.0.1", load=0, rooms=0, broadcasts="https://rtc1.test")
B = NodeSign(name="b", url="http://10.0.0.2", load=0, rooms=0, broadcasts="https://rtc2.test")


@define(eq=False)
class Memory:
    """A Redis of the tests, which remembers and forgets. `away`: it does not answer."""

    said: dict[str, bytes] = field(factory=dict)
    away: bool = False
    messages: int = 0

    def _answers(self) -> None:
        self.messages += 1
        if self.away:
            raise RedisError

    async def get(self, key: str) -> bytes | None:
        self._answers()
        return self.said.get(key)

    def pipeline(self, *, transaction: bool) -> Memory:
        assert not transaction
        return self

    def set(self, key: str, value: str, px: int) -> None:
        assert px > 0
        if not self.away:
            self.said[key] = value.encode()

    async def execute(self) -> None:
        self._answers()

    async def eval(self, _script: str, keys: int, key: str, own: str) -> int:
        self._answers()
        assert keys == 1
        if self.said.get(key) != own.encode():
            return 0
        del self.said[key]
        return 1


@define(eq=False)
class Nodes:
    """A `Registry` that knows who lives."""

    me: NodeSign
    alive: dict[str, NodeSign]

    def own(self) -> NodeSign:
        return self.me

    def known(self) -> list[NodeSign]:
        return [one for one in self.alive.values() if one.name != self.me.name]

    async def living(self) -> dict[str, NodeSign]:
        return self.alive


def places(me: NodeSign, memory: Memory, held: Collection[str] = ()) -> BroadcastPlaces:
    nodes = Nodes(me, {one.name: one for one in (A, B)})
    return BroadcastPlaces(cast(Redis, memory), cast(Registry, nodes), lambda: held)


async def asked(of: BroadcastPlaces, path: str, *, lists: bool = True, method: str = "GET") -> Any:
    """Status and address of the answer; 200: answered here."""

    async def here(_: web.Request) -> web.Response:
        return web.Response()

    async with aiohttp.ClientSession() as http:
        relay = BroadcastRelay(http, [], lambda: 0.0)
        way = BroadcastWay(of, lists, relay, "https://rtc.test")
        app = web.Application(middlewares=[way.middleware()])
        app.router.add_route("*", "/{path:.*}", here)
        async with (
            TestClient(TestServer(app)) as client,
            client.request(method, path, allow_redirects=False) as answer,
        ):
            return answer.status, answer.headers.get("Location", "")


async def test_pages_lead_to_the_node_that_has_the_broadcast() -> None:
    """With everything that is in the address: a ticket is good there; forms and files are this node's own."""
    memory = Memory()
    a, b = places(A, memory, ["concert"]), places(B, memory)
    await a.say(again=True)
    assert await asked(b, "/watch/concert?ticket=x-y") == (
        307,
        "https://rtc1.test/watch/concert?ticket=x-y",
    )
    assert await asked(b, "/broadcasts/concert") == (307, "https://rtc1.test/broadcasts/concert")
    assert (await asked(b, "/live/pass/concert/watch"))[0] == 307
    for path in ("/watch/other", "/live/pass/concert/main.m3u8", "/broadcasts", "/host"):
        assert (await asked(b, path))[0] == 200
    assert (await asked(b, "/watch/concert", method="POST"))[0] == 200
    assert (await asked(a, "/watch/concert"))[0] == 200


async def test_nobody_is_sent_in_a_circle() -> None:
    """A node that has no address but the one all share is not led to: whoever went there could come back here."""
    memory = Memory()
    shared = evolve(A, broadcasts="https://rtc.test")
    await places(shared, memory, ["concert"]).say(again=True)
    b = places(B, memory)
    cast(Nodes, b.registry).alive["a"] = shared
    assert await asked(b, "/watch/concert") == (503, "")


async def test_a_node_without_broadcasts_leads_to_one_that_has_some() -> None:
    """The list too; where nobody has any it answers itself."""
    memory = Memory()
    none = evolve(A, name="c", broadcasts="")
    assert await asked(places(none, memory), "/broadcasts", lists=False) == (
        307,
        "https://rtc1.test/broadcasts",
    )
    alone = places(none, memory)
    cast(Nodes, alone.registry).alive = {"c": none}
    assert (await asked(alone, "/broadcasts", lists=False))[0] == 200


async def test_lists_lead_to_each_other() -> None:
    """The list of a node names the addresses of the others that have broadcasts, and not its own."""
    a = places(A, Memory())
    nodes = cast(Nodes, a.registry)
    nodes.alive["c"] = evolve(A, name="c", broadcasts="")
    nodes.alive["d"] = evolve(A, name="d")
    assert a.elsewhere() == ["https://rtc2.test"]


async def test_a_node_that_is_away() -> None:
    """Its viewers are told to come again, not that there is none; without Redis each node answers itself."""
    memory = Memory()
    await places(A, memory, ["concert"]).say(again=True)
    b = places(B, memory)
    cast(Nodes, b.registry).alive = {"b": B}
    assert await b.find("concert") is Nowhere.AWAY
    assert (await asked(b, "/watch/concert"))[0] == 503
    assert (await asked(b, "/whip/concert", method="POST"))[0] == 503
    memory.away = True
    assert await b.find("concert") is Nowhere.HERE
    assert await b.any() is None


async def test_what_is_said() -> None:
    """New ones at once, all of it now and then, what is gone no more; a silence of Redis loses nothing."""
    memory = Memory()
    held = {f"b{n}" for n in range(AT_ONCE + 1)}
    a = places(A, memory, held)
    await a.say(again=True)
    assert (memory.messages, len(memory.said)) == (2, AT_ONCE + 1)
    held.add("new")
    memory.away = True
    await a.say()
    memory.away = False
    await a.say()
    assert memory.said[f"{PLACE}new"] == b"a"
    held.discard("b0")
    memory.said[f"{PLACE}b1"] = b"b"
    held.discard("b1")
    await a.say()
    assert f"{PLACE}b0" not in memory.said
    assert memory.said[f"{PLACE}b1"] == b"b"  # another node's by now
    memory.said.clear()
    await a.say(again=True)
    assert len(memory.said) == len(held)


@pytest.mark.parametrize(
    ("path", "broadcast"),
    [
        ("/watch/concert", "concert"),
        ("/broadcasts/concert/floor", "concert"),
        ("/broadcasts/concert/camera", "concert"),
        ("/live/pa.ss/concert/captions", "concert"),
        ("/watch/static/0a/watch.js", None),
        ("/broadcasts/static/0a/desk.css", None),
        ("/broadcasts/concert/key", None),
        ("/live/pass/concert/figures", None),
        ("/watch/", None),
        ("/watch/a/b", None),
    ],
)
def test_which_pages(path: str, broadcast: str | None) -> None:
    """Those that somebody opens; neither files nor what pages ask for."""
    assert about(path) == broadcast


@pytest.mark.parametrize(
    ("path", "broadcast"),
    [
        ("/whip/concert", "concert"),
        ("/whep/concert/s-1", "concert"),
        ("/whip/concert/s/1", None),
        ("/whap/concert", None),
        ("/whip/", None),
        ("/live/pass/concert/watch", None),
    ],
)
def test_what_publishers_ask_for(path: str, broadcast: str | None) -> None:
    """WHIP, WHEP, and the sessions of both."""
    assert published(path) == broadcast


@given(st.text(max_size=80))
def test_any_path(path: str) -> None:
    """Nothing that is read breaks it, and what is found is a broadcast's name."""
    for one in (path, f"/watch/{path}", f"/live/x/{path}/watch"):
        found = about(one)
        assert found is None or (found.isascii() and 1 <= len(found) <= 64)
