"""WHIP and WHEP over HTTP: each status code, what stands in the headers, CORS on all of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import Factory, define

from media.broadcast.whip import fragments
from media.broadcast.whip.descriptions import MAX_OFFER
from media.broadcast.whip.egress import Egress
from media.broadcast.whip.endpoints import (
    ADDRESS_BURST,
    BEGUN_BURST,
    BEGUN_PER_SECOND,
    CHANGED_BURST,
    CORS,
    Doors,
)
from media.broadcast.whip.ingest import Ingest
from media.broadcast.whip.links import IceServer
from tests.media.broadcast.whip.doubles import KEY, FakeGallery, FakeStage, numbered
from tests.media.broadcast.whip.offers import (
    CHROMIUM,
    CHROMIUM_VIEWER,
    OBS,
    RFC_VP8,
    restart,
    trickle,
)

RELAYS = (
    IceServer(url="stun:turn.school.test"),
    IceServer(url="turn:turn.school.test", username="1:sferum", credential="pw"),
)
ENDPOINT = "/whip/concert"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": fragments.MEDIA_TYPE}
BEARER = {"Authorization": f"Bearer {KEY}"}


@define
class Answer:
    status: int
    headers: Any
    text: str

    @property
    def why(self) -> str:
        return str(json.loads(self.text)["why"])


@define
class World:
    """Both protocols on one server; `now` is the clock of the limits."""

    stage: FakeStage
    gallery: FakeGallery
    doors: Doors
    now: list[float]
    http: aiohttp.ClientSession = Factory(aiohttp.ClientSession)
    url: str = ""

    async def ask(
        self, method: str, path: str = ENDPOINT, body: Any = None, **headers: str
    ) -> Answer:
        """With the broadcast's key, unless `Authorization` says otherwise. Every answer has CORS."""
        sent = BEARER | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        if isinstance(body, str):
            body = body.encode()
        async with self.http.request(
            method, self.url + path, data=body, headers=sent, skip_auto_headers=["Content-Type"]
        ) as response:
            for name, value in CORS.items():
                assert response.headers[name] == value, (method, path, name)
            return Answer(response.status, response.headers, await response.text())

    async def publish(self, text: str = OBS, **headers: str) -> Answer:
        return await self.ask(
            "POST", ENDPOINT, text, **({"Content_Type": "application/sdp"} | headers)
        )

    async def patch(self, path: str, text: str, **headers: str) -> Answer:
        return await self.ask(
            "PATCH", path, text, **({"Content_Type": fragments.MEDIA_TYPE} | headers)
        )


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    names = numbered()
    stage, gallery, now = FakeStage(), FakeGallery(), [0.0]
    doors = Doors(
        sessions=Ingest(stage, lambda: f"s{next(names)}"),
        ice_servers=lambda: RELAYS,
        clock=lambda: now[0],
    )
    whep = Doors(sessions=Egress(gallery, lambda: f"w{next(names)}"))
    app = web.Application()
    app.add_subapp("/whip", doors.app())
    app.add_subapp("/whep", whep.app())
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        yield World(stage, gallery, doors, now, http, str(server.make_url("")).rstrip("/"))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running() as world:
        yield world


@pytest.mark.parametrize("offer", [OBS, CHROMIUM], ids=["obs", "chromium"])
async def test_from_post_to_delete(world: World, offer: str) -> None:
    """201 with answer, place, tag and relays; candidates 204; a restart 200 under a new tag; the end 200, then 404."""
    created = await world.publish(offer)
    assert (created.status, created.headers["Content-Type"]) == (201, "application/sdp")
    assert created.text.startswith("v=0\r\n")
    assert "a=recvonly" in created.text
    place, tag = created.headers["Location"], created.headers["ETag"]
    assert place == "/whip/concert/s1"
    assert created.headers["Accept-Patch"] == fragments.MEDIA_TYPE
    assert created.headers.getall("Link") == [
        '<stun:turn.school.test>; rel="ice-server"',
        '<turn:turn.school.test>; rel="ice-server"; username="1:sferum"; credential="pw"; '
        'credential-type="password"',
    ]
    ufrag = "nAZ2" if offer is OBS else "bcpT"
    trickled = await world.patch(place, trickle(ufrag), If_Match=tag)
    assert (trickled.status, trickled.text) == (204, "")
    assert "ETag" not in trickled.headers
    restarted = await world.patch(place, restart(), If_Match="*")
    assert (restarted.status, restarted.headers["Content-Type"]) == (200, fragments.MEDIA_TYPE)
    assert restarted.headers["ETag"] not in {tag, ""}
    assert "a=ice-pwd:" in restarted.text
    ended = await world.ask("DELETE", place, If_Match='"whatever"')
    assert (ended.status, ended.text) == (200, "")
    gone = await world.ask("DELETE", place)
    assert (gone.status, gone.why) == (404, "no_session")
    assert world.doors.counted == {
        "created": 1,
        "trickled": 1,
        "restarted": 1,
        "deleted": 1,
        "no_session": 1,
    }


async def test_from_post_to_delete_as_a_viewer(world: World) -> None:
    """WHEP is the same with the answer sendonly, under a pass; OBS' key is none."""
    mine = {"Authorization": "Bearer pass-of-ann"}
    path = "/whep/concert"
    assert (await world.ask("POST", path, CHROMIUM_VIEWER, **SDP)).status == 401
    created = await world.ask("POST", path, CHROMIUM_VIEWER, **SDP, **mine)
    assert created.status == 201
    assert "a=sendonly" in created.text
    place, tag = created.headers["Location"], created.headers["ETag"]
    assert (await world.patch(place, trickle("bcpT"), If_Match=tag, **mine)).status == 204
    assert (await world.patch(place, restart(), If_Match="*", **mine)).status == 200
    others = {"Authorization": "Bearer pass-of-bob"}
    assert (await world.ask("DELETE", place, **others)).status == 404
    assert (await world.ask("DELETE", place, **mine)).status == 200
    world.gallery.tracks = ()
    waiting = await world.ask("POST", path, CHROMIUM_VIEWER, **SDP, **mine)
    assert (waiting.status, waiting.why, waiting.headers["Retry-After"]) == (409, "not_on_air", "5")


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer wrong",
        "Basic dXNlcjpwdw==",
        "Bearer",
        f"Bearer {KEY} {KEY}",
        "Bearer " + "a" * 2000,
    ],
)
async def test_no_key(world: World, authorization: str) -> None:
    """401 from each door, for a broadcast that is there and one that is not alike; bodies are not looked at."""
    answers = [
        await world.ask(method, path, "nonsense", Authorization=authorization)
        for method, path in (
            ("POST", ENDPOINT),
            ("POST", "/whip/nothing"),
            ("PATCH", f"{ENDPOINT}/s1"),
            ("DELETE", f"{ENDPOINT}/s1"),
        )
    ]
    assert {one.status for one in answers} == {401}
    assert {one.headers["WWW-Authenticate"] for one in answers} == {"Bearer"}
    assert len({one.text for one in answers}) == 1
    assert world.stage.told == []


async def test_another_media_type(world: World) -> None:
    """415 for each of the two; parameters of the right one do no harm."""
    for kind in ("", "text/plain", "application/json", fragments.MEDIA_TYPE):
        assert (await world.publish(Content_Type=kind)).status == 415
    place = (await world.publish(Content_Type="Application/SDP; charset=utf-8")).headers["Location"]
    for kind in ("", "application/sdp", "text/plain"):
        assert (await world.patch(place, trickle(), If_Match="*", Content_Type=kind)).status == 415


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 4096):
        yield b"a" * 4096


async def test_too_long(world: World) -> None:
    """413 whether the length is announced or not; nothing of it is parsed."""
    long = b"v=0\r\n" + b"a" * MAX_OFFER
    assert (await world.ask("POST", ENDPOINT, long, **SDP)).status == 413
    streamed = await world.ask("POST", ENDPOINT, chunks(MAX_OFFER * 2), **SDP)
    assert (streamed.status, streamed.why) == (413, "too_large")
    place = (await world.publish()).headers["Location"]
    fragment = "a=x:\r\n" * fragments.MAX_BYTES
    assert (await world.patch(place, fragment, If_Match="*")).status == 413


async def test_offers_that_are_no_broadcast(world: World) -> None:
    """400 what cannot be read, with its line; 422 what can: in Russian, or the reader's language."""
    broken = await world.publish(OBS.replace("a=mid:0", "a=mid:a b"))
    assert (broken.status, broken.why) == (400, "not_sdp")
    assert '"line": 15' in broken.text
    refused = await world.publish(RFC_VP8)
    assert (refused.status, refused.why) == (422, "no_h264")
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    english = await world.publish(RFC_VP8, Accept_Language="en-US,en;q=0.9,ru;q=0.5")
    assert "offers no H.264 video" in english.text
    assert "offers no H.264 video" not in refused.text
    assert (await world.publish(b"\xff\xfe")).status == 400  # type: ignore[arg-type] # no text at all
    assert world.stage.told == []


async def test_conditions(world: World) -> None:
    """428 without If-Match, 412 with another's, 400 for a broken fragment; the session goes on."""
    created = await world.publish()
    place, tag = created.headers["Location"], created.headers["ETag"]
    mine = trickle("nAZ2")
    assert (await world.patch(place, mine)).status == 428
    assert (await world.patch(place, mine, If_Match='"other"')).status == 412
    assert (await world.patch(place, mine, If_Match=f"W/{tag}")).status == 412
    assert (await world.patch(place, restart(), If_Match=tag)).status == 412
    assert (await world.patch(place, "nonsense", If_Match="*")).status == 400
    assert (await world.patch(place, mine, If_Match=f'"other", {tag}')).status == 204


async def test_sessions_of_nobody(world: World) -> None:
    """404 for a session that is not there, and for one of another broadcast."""
    assert (await world.patch(f"{ENDPOINT}/none", trickle(), If_Match="*")).status == 404
    assert (await world.ask("DELETE", f"{ENDPOINT}/none")).status == 404
    unknown = await world.ask("GET", "/whip/a/b/c")
    assert (unknown.status, unknown.text) == (404, '{"status": 404, "title": "Not Found"}')


async def test_other_methods(world: World) -> None:
    """405 with what is allowed, kept for later versions (RFC 9725 4.2)."""
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
        answer = await world.ask(method, ENDPOINT)
        assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS,POST")
    for method in ("GET", "HEAD", "PUT", "POST"):
        answer = await world.ask(method, f"{ENDPOINT}/s1")
        assert (answer.status, answer.headers["Allow"]) == (405, "DELETE,OPTIONS,PATCH")


async def test_options(world: World) -> None:
    """200 for every address without a key; relays only for who shows one: their passwords are not for strangers."""
    preflight = {
        "Authorization": "",
        "Origin": "https://x.test",
        "Access-Control-Request-Method": "POST",
    }
    asked = await world.ask("OPTIONS", **preflight)
    assert (asked.status, asked.headers["Accept-Post"]) == (200, "application/sdp")
    assert "Link" not in asked.headers
    session = await world.ask("OPTIONS", f"{ENDPOINT}/s1", **preflight)
    assert (session.status, session.headers["Accept-Patch"]) == (200, fragments.MEDIA_TYPE)
    assert (await world.ask("OPTIONS", "/whip/a/b/c", **preflight)).status == 200
    assert "Link" not in (await world.ask("OPTIONS", Authorization="Bearer wrong")).headers
    assert len((await world.ask("OPTIONS")).headers.getall("Link")) == 2


def test_what_a_page_may_do() -> None:
    """A browser's WHIP client sends these and must read those, from any origin."""
    allowed, exposed = CORS["Access-Control-Allow-Headers"], CORS["Access-Control-Expose-Headers"]
    assert {"Authorization", "Content-Type", "If-Match"} <= set(allowed.split(", "))
    assert {"Location", "Link", "ETag", "Retry-After"} <= set(exposed.split(", "))
    assert {"POST", "PATCH", "DELETE"} <= set(CORS["Access-Control-Allow-Methods"].split(", "))
    assert CORS["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in CORS


async def test_two_publishers_and_a_third(world: World) -> None:
    """The second is the spare; the third gets 409 with a time to try again."""
    assert [(await world.publish()).status for _ in range(2)] == [201, 201]
    third = await world.publish()
    assert (third.status, third.why, third.headers["Retry-After"]) == (409, "taken", "5")


async def test_a_node_that_drains(world: World) -> None:
    """503 with a time to try again."""
    world.stage.draining = True
    refused = await world.publish()
    assert (refused.status, refused.why, refused.headers["Retry-After"]) == (503, "draining", "5")


async def test_a_client_that_begins_again_and_again(world: World) -> None:
    """429 with a time after twenty; then one every two seconds."""
    statuses = [(await world.publish(RFC_VP8)).status for _ in range(int(BEGUN_BURST))]
    assert set(statuses) == {422}
    limited = await world.publish()
    assert (limited.status, limited.why) == (429, "limited")
    assert limited.headers["Retry-After"] == str(int(1 / BEGUN_PER_SECOND))
    world.now[0] += 1 / BEGUN_PER_SECOND
    assert (await world.publish()).status == 201


async def test_a_session_that_changes_again_and_again(world: World) -> None:
    """429 after eighty; its end waits as well, other sessions do not."""
    place = (await world.publish()).headers["Location"]
    for _ in range(int(CHANGED_BURST)):
        assert (await world.patch(place, restart(), If_Match='"x"')).status == 412
    assert (await world.patch(place, restart(), If_Match="*")).status == 429
    assert (await world.ask("DELETE", place)).status == 429
    other = (await world.publish()).headers["Location"]
    assert (await world.ask("DELETE", other)).status == 200


async def test_an_address_that_tries_keys(world: World) -> None:
    """429 for that address, whatever key it has by then; another one behind the same proxy is not held up."""
    wrong = {"Authorization": "Bearer wrong", "X_Forwarded_For": "198.51.100.9"}
    for _ in range(int(ADDRESS_BURST)):
        assert world.doors._addresses.wait_s("198.51.100.9", 0.0) == 0
    assert (await world.publish(**wrong)).status == 429
    assert (await world.publish(X_Forwarded_For="198.51.100.9")).status == 429
    assert (await world.publish(X_Forwarded_For="198.51.100.8")).status == 201


async def test_a_mistake_of_ours(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """500 as a problem with CORS; the log has the traceback and no key."""
    world.stage.broken = True
    with caplog.at_level(logging.ERROR):
        answer = await world.publish()
    assert answer.status == 500
    assert "no registry" in caplog.text
    assert "no registry" not in answer.text
    assert KEY not in caplog.text


async def test_a_client_that_leaves_in_the_middle(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a body and away: nothing is published, nothing is logged as ours, the next one is served."""
    host, port = world.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {ENDPOINT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
    writer.write(
        f"{head}Content-Type: application/sdp\r\nContent-Length: 900\r\n\r\nv=0\r\n".encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await world.publish()).status == 201
    assert "not answered" not in caplog.text


async def test_nothing_secret_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Neither keys nor descriptions nor addresses of the connection, whatever is asked."""
    with caplog.at_level(logging.DEBUG, logger="media"):
        place = (await world.publish()).headers["Location"]
        await world.publish(Authorization="Bearer wrong-one")
        await world.patch(place, trickle("nAZ2"), If_Match="*")
    for secret in (KEY, "wrong-one", "V4eB0yRVlWsUeKQ7xLhrxb", "192.0.2.1", "a=mid"):
        assert secret not in caplog.text
