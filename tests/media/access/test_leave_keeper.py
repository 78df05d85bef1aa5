"""Delayed leaves at a real Synapse: restarted while connected, sent when gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, field
from livekit import rtc

from media.access.claims import Leave
from media.access.delayed_leave import DelayedLeaves
from media.access.hashes import member_identity, room_name
from media.ids import Identity, ParticipantSid, RoomName
from tests.media.access.world import HOME_URL, World, get_token, openid, real_now, running
from tests.media.world import KEY, calls, eventually
from tests.support.accounts import Account
from tests.support.fleet import Fleet
from tests.support.polling import until_async
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

MEMBER = "org.matrix.msc3401.call.member"
DELAYED = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events"
SID = ParticipantSid("PA_1")


@define
class Caller:
    """Somebody in a call, as Element Call tells Synapse: a membership, and a delayed event that ends it."""

    synapse: Homeserver
    account: Account
    room_id: str = ""

    async def call(self, method: str, path: str, json: Any = None) -> Any:
        return await asyncio.to_thread(
            self.synapse.call, method, path, self.account.access_token, json
        )

    @property
    def state(self) -> str:
        key = f"_{self.account.user_id}_DEV_m.call"
        return f"/_matrix/client/v3/rooms/{quote(self.room_id)}/state/{MEMBER}/{quote(key)}"

    async def enter(self, delay_ms: int) -> str:
        """The id of the delayed leave."""
        if not self.room_id:
            made = await self.call("POST", "/_matrix/client/v3/createRoom", {})
            self.room_id = made["room_id"]
        path = f"{self.state}?org.matrix.msc4140.delay={delay_ms}"
        found = await self.call("PUT", path, {})
        await self.call("PUT", self.state, {"application": "m.call"})
        return str(found["delay_id"])

    async def is_in(self) -> bool:
        return bool(await self.call("GET", self.state))

    async def is_out(self) -> bool:
        return not await self.is_in()

    async def delayed(self) -> list[Any]:
        """Delayed events of this room that are still to come."""
        found = await self.call("GET", DELAYED)
        return [event for event in found["delayed_events"] if event["room_id"] == self.room_id]


@pytest.fixture(scope="module")
def synapse(homeserver: Fleet) -> Iterator[Homeserver]:
    with homeserver() as server:
        yield server


@pytest.fixture(scope="module")
def ann(synapse: Homeserver) -> Account:
    return synapse.register("ann")


@pytest.fixture
async def caller(synapse: Homeserver, ann: Account) -> Caller:
    return Caller(synapse, ann)


@pytest.fixture
async def world(synapse: Homeserver) -> AsyncIterator[World]:
    async with running(synapse) as world:
        yield world


def delay(delay_id: str, timeout_ms: int) -> dict[str, Any]:
    return {
        "delay_id": delay_id,
        "delay_timeout": timeout_ms,
        "delay_cs_api_url": HOME_URL,
    }


async def handed_over(world: World, caller: Caller, timeout_ms: int) -> Identity:
    """Enter as Element Call does with a service that takes delayed leaves; connected afterwards."""
    body = get_token(
        "",
        await openid(caller.synapse, caller.account),
        caller.account.user_id,
        **delay(await caller.enter(timeout_ms), timeout_ms),
    )
    claims = await world.claims("/get_token", body | {"room_id": caller.room_id})
    assert claims.member is not None
    assert claims.member.leave is not None
    world.access.leaves.connected(claims.room, claims.identity, SID, claims.member.leave)
    return claims.identity


async def test_sent_when_gone(world: World, caller: Caller) -> None:
    """The homeserver would have waited an hour; the others see them leave in seconds."""
    identity = await handed_over(world, caller, 3_600_000)
    assert await caller.is_in()
    world.access.leaves.disconnected(room_name(caller.room_id), identity, SID)
    await until_async(caller.is_out, what="the membership's end")
    assert await caller.delayed() == []
    counted = world.access.leaves.counted
    await eventually(lambda: counted["send.done"] == 1, "its answer")
    assert counted == {"restart.done": 1, "send.done": 1}


async def test_somebody_whose_machine_goes_dark(world: World, caller: Caller) -> None:
    """From Synapse's event to the Python SDK's connection and back: without a goodbye, the call has them out."""
    world.access.keys = lambda: (KEY,)
    world.clocks.now = real_now()
    keeper = world.access.leaves
    async with calls(leaves=keeper) as node:
        body = get_token(
            "",
            await openid(caller.synapse, caller.account),
            caller.account.user_id,
            **delay(await caller.enter(3_600_000), 3_600_000),
        )
        status, answer, _ = await world.ask(
            "POST", "/get_token", body | {"room_id": caller.room_id}
        )
        assert status == 200
        client = rtc.Room()
        await client.connect(node.ws, answer["jwt"])
        await eventually(lambda: keeper.counted["restart.done"] == 1, "the restart")
        assert await caller.is_in()
        await client.disconnect()
        await until_async(caller.is_out, what="the membership's end")
        await eventually(lambda: keeper.counted["send.done"] == 1, "its answer")


async def test_restarted_while_connected(world: World, caller: Caller) -> None:
    """A leave of five seconds is put off for as long as they are there."""
    await handed_over(world, caller, 5_000)
    (first,) = await caller.delayed()

    async def restarted_twice() -> bool:
        return world.access.leaves.counted["restart.done"] >= 3

    await until_async(restarted_twice, what="two more restarts", deadline_s=20)
    assert await caller.is_in()
    (last,) = await caller.delayed()
    put_off_ms = last["running_since"] - first["running_since"]
    assert put_off_ms >= 7_000  # two times 80 % of five seconds, and some: without us it was sent


async def test_delegated_later(world: World, caller: Caller) -> None:
    """`/delegate_delayed_leave` of somebody who is connected already; a repeated one changes nothing."""
    delay_id = await caller.enter(3_600_000)
    user_id = caller.account.user_id
    identity = member_identity(user_id, "DEV", "m1")
    world.access.leaves.connected(room_name(caller.room_id), identity, SID, None)
    body = get_token(
        caller.room_id,
        await openid(caller.synapse, caller.account),
        user_id,
        **delay(delay_id, 3_600_000),
    )
    for _ in range(2):
        assert (await world.ask("POST", "/delegate_delayed_leave", body))[:2] == (200, {})

    async def restarted() -> bool:
        return world.access.leaves.counted["restart.done"] == 1

    await until_async(restarted, what="the restart")
    world.access.leaves.disconnected(room_name(caller.room_id), identity, SID)
    await until_async(caller.is_out, what="the membership's end")
    assert world.access.leaves.counted["restart.done"] == 1


async def test_delegated_by_somebody_else(
    world: World, caller: Caller, synapse: Homeserver
) -> None:
    """Nobody hands over in another one's name."""
    eve = await asyncio.to_thread(synapse.register, "eve")
    delay_id = await caller.enter(3_600_000)
    body = get_token(
        caller.room_id,
        await openid(synapse, eve),
        caller.account.user_id,
        **delay(delay_id, 60_000),
    )
    status, answer, _ = await world.ask("POST", "/delegate_delayed_leave", body)
    assert (status, answer["errcode"]) == (401, "M_UNAUTHORIZED")
    assert len(world.access.leaves) == 0


async def test_a_client_that_said_goodbye(world: World, caller: Caller) -> None:
    """It has sent its leave itself: nothing is left to do, and nothing goes wrong."""
    identity = await handed_over(world, caller, 3_600_000)

    async def restarted() -> bool:
        return world.access.leaves.counted["restart.done"] == 1

    await until_async(restarted, what="the restart")
    (event,) = await caller.delayed()
    await caller.call("POST", f"{DELAYED}/{event['delay_id']}/send", {})
    world.access.leaves.disconnected(room_name(caller.room_id), identity, SID)

    async def forgotten() -> bool:
        return len(world.access.leaves) == 0

    await until_async(forgotten, what="the end")
    assert world.access.leaves.counted["send.missing"] == 1


async def test_an_id_leads_nowhere_else(world: World, caller: Caller) -> None:
    """Slashes and dots in a delayed event's id are part of the id: it is another endpoint of Synapse never."""
    body = get_token(
        "!r:school.test", await openid(caller.synapse, caller.account), caller.account.user_id
    )
    for delay_id in ("../../../v3/logout", "a/../../b?x=", "..", "%2e%2e", "é\n#"):
        await world.claims("/get_token", {**body, **delay(delay_id, 5_000)})
        identity = member_identity(caller.account.user_id, "DEV", "m1")
        room = room_name("!r:school.test")
        world.access.leaves.connected(room, identity, SID, None)

        async def forgotten() -> bool:
            return len(world.access.leaves) == 0

        await until_async(forgotten, what="a refusal")
    assert sum(world.access.leaves.counted.values()) == 5
    assert world.access.leaves.counted["restart.done"] == 0


@define
class Bad:
    """A homeserver on a bad day."""

    answers: list[tuple[int, Any]]
    asked: list[str] = field(factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        status, body = self.answers.pop(0) if self.answers else (200, {})
        return web.json_response(body, status=status)


async def test_a_homeserver_on_a_bad_day(synapse: Homeserver) -> None:
    """503, "too many" and nonsense are tried again until it works; the leave is sent in the end."""
    bad = Bad([(503, {}), (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 10}), (200, [])])
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", bad.handle)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        async with running(synapse, homeserver_url=url) as world:
            keeper, room, ann = world.access.leaves, RoomName("r"), Identity("ann")
            keeper.connected(room, ann, SID, Leave("syd_1", 3_600_000))
            for turn in (1, 2, 3):

                async def postponed(turn: int = turn) -> bool:
                    return keeper.counted["restart.later"] == turn

                await until_async(postponed, what="a failure")
                world.clocks.ahead_s += 5.0
                keeper.hand_over(room, Identity("wakes"), Leave("x", 3_600_000))

            async def done() -> bool:
                return keeper.counted["restart.done"] == 1

            await until_async(done, what="the restart")
            keeper.disconnected(room, ann, SID)

            async def sent() -> bool:
                return keeper.counted["send.done"] == 1

            await until_async(sent, what="the leave")
    assert bad.asked == [f"{DELAYED}/syd_1/restart"] * 4 + [f"{DELAYED}/syd_1/send"]


async def test_too_many_are_refused_as_clients_expect(synapse: Homeserver, ann: Account) -> None:
    """In a request for a token 400 M_BAD_JSON, so that it is asked for again without; else 429."""
    async with running(synapse, leaves=DelayedLeaves(most=0)) as world:
        body = get_token(
            "!r:school.test", await openid(synapse, ann), ann.user_id, **delay("syd_1", 60_000)
        )
        status, answer, _ = await world.ask("POST", "/get_token", body)
        assert (status, answer["errcode"]) == (400, "M_BAD_JSON")
        status, answer, _ = await world.ask("POST", "/delegate_delayed_leave", body)
        assert (status, answer["errcode"]) == (429, "M_LIMIT_EXCEEDED")
