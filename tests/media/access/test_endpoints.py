"""Every answer of the access part, in front of a real Synapse."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from media.access.claims import EVERYTHING, Source
from media.access.hashes import device_identity, member_identity, room_name
from media.access.openid import KEEP_S
from tests.media.access.world import (
    BASE,
    HOME_URL,
    KEYS,
    PUPIL,
    World,
    get_token,
    openid,
    running,
    sfu_get,
)
from tests.support.accounts import Account
from tests.support.fleet import Fleet
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

ROOM = "!anyroom:school.test"


@pytest.fixture(scope="module")
def synapse(homeserver: Fleet) -> Iterator[Homeserver]:
    with homeserver() as server:
        yield server


@pytest.fixture(scope="module")
def ann(synapse: Homeserver) -> Account:
    return synapse.register("ann")


@pytest.fixture(scope="module")
def bob(synapse: Homeserver) -> Account:
    return synapse.register("bob")


@pytest.fixture
async def world(synapse: Homeserver) -> AsyncIterator[World]:
    async with running(synapse) as world:
        yield world


async def test_the_old_form(world: World, synapse: Homeserver, ann: Account) -> None:
    """A member gets a token for the room's call, under the identity of their device, with their rights."""
    claims = await world.claims("/sfu/get", sfu_get(ROOM, await openid(synapse, ann)))
    assert claims.may_join
    assert claims.room == room_name(ROOM)
    assert claims.identity == device_identity(ann.user_id, "DEV")
    assert claims.sources == {Source.CAMERA, Source.MICROPHONE}
    assert (claims.create, claims.admin, claims.hidden) == (False, False, False)
    assert (claims.can_subscribe, claims.can_update_own_metadata) == (True, True)
    assert claims.expires_at == world.clocks.now + 3600
    member = claims.member
    assert member is not None
    assert (member.user_id, member.room_id, member.org_id) == (ann.user_id, ROOM, "s86")
    assert (member.host, member.muted_on_entry, member.limit) == (False, True, 100)
    assert (claims.name, claims.metadata, dict(claims.attributes)) == ("", "", {})
    assert world.module.asked == [
        ({"user_id": ann.user_id, "room_id": ROOM}, f"Bearer {synapse.service_token}")
    ]


async def test_the_new_form(world: World, synapse: Homeserver, ann: Account) -> None:
    """The same call under a hashed identity; a host publishes everything and is not muted."""
    world.module.answer |= {
        "host": True,
        "muted_on_entry": False,
        "roles": ["teacher"],
        "may_publish": {"camera": True, "microphone": True, "screen": True},
    }
    claims = await world.claims(
        "/get_token", get_token(ROOM, await openid(synapse, ann), ann.user_id)
    )
    assert claims.room == room_name(ROOM)
    assert claims.identity == member_identity(ann.user_id, "DEV", "m1")
    assert claims.sources == EVERYTHING
    assert claims.member is not None
    assert (claims.member.host, claims.member.muted_on_entry) == (True, False)


async def test_nobody_of_this_room(world: World, synapse: Homeserver, ann: Account) -> None:
    """Who is not in the room and who asks for a room that does not exist read the same."""
    world.module.answer = {"member": False}
    token = await openid(synapse, ann)
    for path, body in (
        ("/sfu/get", sfu_get("!none:school.test", token)),
        ("/get_token", get_token(ROOM, token, ann.user_id)),
    ):
        assert (await world.ask("POST", path, body))[:2] == (
            403,
            {"errcode": "M_FORBIDDEN", "error": "no call for you in this room"},
        )


async def test_somebody_elses_name(
    world: World, synapse: Homeserver, ann: Account, bob: Account
) -> None:
    """A token of one's own with the claim to be another: 401, and the module is not even asked."""
    body = get_token(ROOM, await openid(synapse, ann), bob.user_id)
    status, answer, _ = await world.ask("POST", "/get_token", body)
    assert (status, answer["errcode"]) == (401, "M_UNAUTHORIZED")
    assert world.module.asked == []


async def test_tokens_that_prove_nothing(world: World, synapse: Homeserver, ann: Account) -> None:
    """An invented one, an access token instead, one that has expired."""
    expired = await openid(synapse, ann)
    with closing(sqlite3.connect(synapse.directory / "homeserver.db")) as database, database:
        database.execute(
            "UPDATE open_id_tokens SET ts_valid_until_ms = 1 WHERE token = ?",
            (expired["access_token"],),
        )
    for token in (
        {**expired, "access_token": "invented"},
        {**expired, "access_token": ann.access_token},
        {**expired, "access_token": "x&access_token=y#?"},
        expired,
    ):
        status, answer, _ = await world.ask("POST", "/sfu/get", sfu_get(ROOM, token))
        assert (status, answer["errcode"]) == (401, "M_UNAUTHORIZED")
    assert world.module.asked == []


async def test_a_token_is_believed_for_seconds(
    world: World, synapse: Homeserver, ann: Account
) -> None:
    """Two questions of a client that enters are one to Synapse; half a minute later Synapse is asked again."""
    token = await openid(synapse, ann)
    await world.claims("/sfu/get", sfu_get(ROOM, token))
    with closing(sqlite3.connect(synapse.directory / "homeserver.db")) as database, database:
        database.execute("DELETE FROM open_id_tokens")
    await world.claims("/get_token", get_token(ROOM, token, ann.user_id))
    world.clocks.ahead_s = KEEP_S
    status, _, _ = await world.ask("POST", "/sfu/get", sfu_get(ROOM, token))
    assert status == 401


async def test_rights_are_asked_for_each_time(
    world: World, synapse: Homeserver, ann: Account
) -> None:
    """Whoever was taken out of the room a second ago gets no token any more."""
    body = sfu_get(ROOM, await openid(synapse, ann))
    await world.claims("/sfu/get", body)
    world.module.answer = {"member": False}
    assert (await world.ask("POST", "/sfu/get", body))[0] == 403


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (401, {"errcode": "M_UNKNOWN_TOKEN"}),
        (404, {"errcode": "M_UNRECOGNIZED"}),
        (500, {}),
        (302, {}),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{" + b" " * 100_000),
        (200, {}),
        (200, {"member": "yes"}),
        (200, {**PUPIL, "limit": None}),
        (200, {**PUPIL, "host": None}),
        (200, {**PUPIL, "may_publish": ["camera"]}),
    ],
)
async def test_a_module_that_does_not_answer(
    world: World, synapse: Homeserver, ann: Account, status: int, answer: Any
) -> None:
    """No answer is no "yes": 503, whatever stands in for the module."""
    world.module.status, world.module.answer = status, answer
    body = sfu_get(ROOM, await openid(synapse, ann))
    found, said, headers = await world.ask("POST", "/sfu/get", body)
    assert (found, said["errcode"]) == (503, "M_UNKNOWN")
    assert headers["Access-Control-Allow-Origin"] == "*"


async def test_rights_that_are_not_spelled_out(
    world: World, synapse: Homeserver, ann: Account
) -> None:
    """A right to publish that is not `true` is none; nobody is then a publisher of everything by mistake."""
    world.module.answer |= {"may_publish": {"camera": "true", "hologram": True}, "hidden": True}
    claims = await world.claims("/sfu/get", sfu_get(ROOM, await openid(synapse, ann)))
    assert (claims.sources, claims.hidden) == (frozenset(), True)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "errcode"),
    [
        ("OPTIONS", "/sfu/get", None, 200, None),
        ("OPTIONS", "/get_token", None, 200, None),
        ("OPTIONS", "/delegate_delayed_leave", None, 200, None),
        ("GET", "/healthz", None, 200, None),
        ("POST", "/sfu/get", b"", 400, "M_NOT_JSON"),
        ("POST", "/get_token", {}, 400, "M_BAD_JSON"),
        ("POST", "/delegate_delayed_leave", b"", 400, "M_NOT_JSON"),
        ("POST", "/delegate_delayed_leave", {}, 400, "M_BAD_JSON"),
        ("POST", "/sfu/get", b"x" * 20_000, 413, "M_TOO_LARGE"),
        ("GET", "/sfu/get", None, 405, "M_UNRECOGNIZED"),
        ("PUT", "/get_token", {}, 405, "M_UNRECOGNIZED"),
        ("POST", "/nothing", {}, 404, "M_UNRECOGNIZED"),
        ("OPTIONS", "/nothing", None, 200, None),
        ("GET", "/", None, 404, "M_UNRECOGNIZED"),
        ("POST", "/sfu/get", {"room": "!r:x"}, 400, "M_BAD_JSON"),
    ],
)
async def test_every_answer_has_cors(
    world: World, method: str, path: str, body: Any, status: int, errcode: str | None
) -> None:
    """Also refusals, unknown addresses and other methods: else a browser shows its page nothing at all."""
    found, answer, headers = await world.ask(
        method,
        path,
        body,
        Origin="https://call.example",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type",
    )
    assert (found, answer["errcode"] if errcode else None) == (status, errcode)
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "content-type" in headers["Access-Control-Allow-Headers"].lower()


async def test_a_chunked_body_is_bounded(world: World) -> None:
    """Also when its length is not announced."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 1000

    async with world.http.post(world.url + BASE + "/get_token", data=chunks()) as answer:
        assert answer.status == 413
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_one_person_asking_all_the_time(
    world: World, synapse: Homeserver, ann: Account, bob: Account
) -> None:
    """After thirty at once 429 with a true wait; others are not touched, and time heals."""
    body = sfu_get(ROOM, await openid(synapse, ann))
    answers = [await world.ask("POST", "/sfu/get", body) for _ in range(31)]
    assert [status for status, *_ in answers[:30]] == [200] * 30
    status, answer, headers = answers[30]
    assert (status, answer["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    assert 0 < answer["retry_after_ms"] <= 2001
    assert int(headers["Retry-After"]) in {1, 2}
    await world.claims("/sfu/get", sfu_get(ROOM, await openid(synapse, bob)))
    world.clocks.ahead_s += 2.0
    await world.claims("/sfu/get", body)


async def test_one_address_asking_all_the_time(world: World) -> None:
    """Counted for the address before the proxy, not for the proxy."""
    world.access.addresses.burst = 2
    there = {"X_Forwarded_For": "203.0.113.7"}
    found = [(await world.ask("POST", "/get_token", {}, **there))[0] for _ in range(3)]
    assert found == [400, 400, 429]
    assert (await world.ask("POST", "/get_token", {}, X_Forwarded_For="203.0.113.8"))[0] == 400


async def test_a_synapse_that_is_away(
    synapse: Homeserver, ann: Account, unused_tcp_port: int
) -> None:
    """503, not "wrong token": the client tries again instead of giving up."""
    token = await openid(synapse, ann)
    nobody = f"http://127.0.0.1:{unused_tcp_port}"
    async with running(synapse, homeserver_url=nobody) as world:
        status, answer, _ = await world.ask("POST", "/sfu/get", sfu_get(ROOM, token))
        assert (status, answer["errcode"]) == (503, "M_UNKNOWN")


async def test_servers_of_others(homeserver: Fleet, synapse: Homeserver, ann: Account) -> None:
    """Nobody is asked who is not registered; a registered school's people prove themselves there, and never host."""
    other = await asyncio.to_thread(homeserver, server_name="other.test")
    zoe = await asyncio.to_thread(other.register, "zoe")
    token = await openid(other, zoe)
    async with running(synapse) as world:
        assert (await world.ask("POST", "/sfu/get", sfu_get(ROOM, token)))[0] == 401
    async with running(synapse, others={"other.test": other.url}) as world:
        world.module.answer |= {"host": True}
        claims = await world.claims("/sfu/get", sfu_get(ROOM, token))
        assert claims.member is not None
        assert claims.member.user_id == "@zoe:other.test"
        assert (claims.member.host, claims.member.may_start) == (False, False)
        own = {**await openid(synapse, ann), "matrix_server_name": "other.test"}
        assert (await world.ask("POST", "/sfu/get", sfu_get(ROOM, own)))[0] == 401


async def test_a_server_speaks_for_its_own_people_only(synapse: Homeserver) -> None:
    """A registered server that says "this is your director" is not believed."""
    said: dict[str, Any] = {}

    async def userinfo(_request: web.Request) -> web.StreamResponse:
        return web.json_response(said)

    app = web.Application()
    app.router.add_get("/_matrix/federation/v1/openid/userinfo", userinfo)
    async with TestServer(app) as liar:
        url = str(liar.make_url("/"))
        async with running(synapse, others={"liar.test": url}) as world:
            token = {"access_token": "t", "matrix_server_name": "liar.test"}
            for sub in (
                "@director:school.test",
                "@director:liar.test:school.test",
                "@:liar.test",
                "director:liar.test",
                "",
                None,
                ["@a:liar.test"],
            ):
                said["sub"] = sub
                status, _, _ = await world.ask("POST", "/sfu/get", sfu_get(ROOM, token))
                assert status == 401
            said["sub"] = "@a:liar.test"
            await world.claims("/sfu/get", sfu_get(ROOM, token))


async def test_no_address_of_a_client_is_ever_called(synapse: Homeserver, ann: Account) -> None:
    """Server names and addresses in requests lead nowhere: a listener that counts hears nothing."""
    heard: list[str] = []

    async def listen(request: web.Request) -> web.StreamResponse:
        heard.append(request.path)
        return web.json_response({"sub": "@a:b"})

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", listen)
    async with TestServer(app) as canary, running(synapse) as world:
        url = str(canary.make_url(""))
        token = await openid(synapse, ann)
        for name in (
            f"127.0.0.1:{canary.port}",
            f"localhost:{canary.port}",
            url,
            f"school.test@127.0.0.1:{canary.port}",
            f"[::1]:{canary.port}",
            "169.254.169.254",
            "school.test/../..",
            "SCHOOL.test",
        ):
            body = sfu_get(ROOM, {**token, "matrix_server_name": name})
            status, _, _ = await world.ask("POST", "/sfu/get", body)
            assert status == 401
        delay = {"delay_id": "a", "delay_timeout": 60_000}
        for address in (url, f"{HOME_URL}@127.0.0.1:{canary.port}", f"{HOME_URL}.evil.example"):
            for path, body in (
                ("/sfu/get", sfu_get(ROOM, token)),
                ("/get_token", get_token(ROOM, token, ann.user_id)),
                ("/delegate_delayed_leave", get_token(ROOM, token, ann.user_id)),
            ):
                full = {**body, **delay, "delay_cs_api_url": address}
                status, answer, _ = await world.ask("POST", path, full)
                assert (status, answer["errcode"]) == (400, "M_BAD_JSON")
                assert answer["field"] == "delay_cs_api_url"
    assert heard == []


async def test_what_is_counted_and_said(
    world: World, synapse: Homeserver, ann: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """Outcomes by name; the log has no user, no token, no address."""
    token = await openid(synapse, ann)
    await world.claims("/sfu/get", sfu_get(ROOM, token))
    await world.ask("POST", "/sfu/get", sfu_get(ROOM, {**token, "access_token": "invented"}))
    await world.ask("POST", "/sfu/get", {})
    assert world.access.counted == {"granted": 1, "unauthorized": 1, "bad_field": 1}
    ours = [record for record in caplog.records if record.name.startswith("media")]
    assert len(ours) == 2
    for word in (ann.user_id, token["access_token"], "invented", KEYS[0].secret):
        assert all(word not in record.getMessage() for record in ours)
