"""JSON over HTTP: what is an answer, what is none, and that each request is counted once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, field

from serving.json_http import Answer, InsecureUrl, JsonHttp, Lost, NoAnswer, path_of
from serving.json_object import JsonObject

MOST_BYTES = 100


@define
class Peer:
    """A server that says what it is told to, and what asks it."""

    status: int = 200
    body: bytes = b"{}"
    never: asyncio.Event = field(factory=asyncio.Event)
    asked: list[web.Request] = field(factory=list)
    heard: list[bytes] = field(factory=list)
    outcomes: list[str] = field(factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.heard.append(await request.read())
        if request.path == "/never":
            await self.never.wait()
        if request.path == "/elsewhere":
            raise web.HTTPFound("/there")
        return web.Response(status=self.status, body=self.body)


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
async def http(peer: Peer) -> AsyncIterator[JsonHttp]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", peer.answer)
    async with aiohttp.ClientSession() as session, TestServer(app) as there:
        yield JsonHttp(
            session=session,
            base_url=str(there.make_url("")),
            timeout_s=10.0,
            most_bytes=MOST_BYTES,
            token="ours",
            count=peer.outcomes.append,
        )
        peer.never.set()


async def test_an_object_under_500_is_an_answer(http: JsonHttp, peer: Peer) -> None:
    """Also a refusal; it is counted as answered, and asked with our token and JSON."""
    peer.status, peer.body = 404, b'{"errcode": "M_NOT_FOUND"}'
    answer = await http.ask("PUT", path_of("rooms", "!a/b"), {"имя": 1}, params={"q": "a b"})
    assert (answer.status, answer.errcode, answer.ok) == (404, "M_NOT_FOUND", False)
    assert answer.is_missing
    assert peer.asked[0].raw_path == "/rooms/%21a%2Fb?q=a+b"
    assert peer.asked[0].headers["Authorization"] == "Bearer ours"
    assert peer.asked[0].headers["Content-Type"] == "application/json"
    assert peer.heard == ['{"имя": 1}'.encode()]
    assert peer.outcomes == ["answered"]


async def test_one_request_may_have_a_token_of_its_own_or_none(http: JsonHttp, peer: Peer) -> None:
    """Nothing of ours goes along with it."""
    await http.ask("GET", "/", token="theirs")
    await http.ask("GET", "/", token="")
    given = [one.headers.get("Authorization") for one in peer.asked]
    assert given == ["Bearer theirs", None]


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, b"{}", Lost.FAILED),
        (502, b"<html>", Lost.FAILED),
        (200, b"<html>", Lost.BAD_ANSWER),
        (200, b"[]", Lost.BAD_ANSWER),
        (200, b"\xff", Lost.BAD_ANSWER),
        (200, b"[" * MOST_BYTES, Lost.BAD_ANSWER),
        (200, b'{"a": "%s"}' % (b"x" * MOST_BYTES), Lost.TOO_LARGE),
    ],
)
async def test_no_answer(http: JsonHttp, peer: Peer, status: int, body: bytes, why: Lost) -> None:
    """What cannot be trusted is named by a word, and counted by it."""
    peer.status, peer.body = status, body
    with pytest.raises(NoAnswer, match=why.value) as none:
        await http.ask("GET", "/")
    assert none.value.lost is why
    assert peer.outcomes == [why.value]


async def test_a_server_that_does_not_answer_is_down(http: JsonHttp, peer: Peer) -> None:
    """The request ends after its time, whatever the server does."""
    with pytest.raises(NoAnswer, match="timeout"):
        await http.ask("GET", "/never", timeout_s=0.05)
    assert peer.outcomes == ["timeout"]


async def test_nobody_is_followed_elsewhere(http: JsonHttp, peer: Peer) -> None:
    """A redirect is no answer: the token would go along."""
    with pytest.raises(NoAnswer, match="bad_answer"):
        await http.ask("GET", "/elsewhere")
    assert [one.path for one in peer.asked] == ["/elsewhere"]


async def test_a_request_may_expect_more_than_the_others(http: JsonHttp, peer: Peer) -> None:
    """A school's list is longer than an ordinary answer."""
    peer.body = b'{"a": "%s"}' % (b"x" * MOST_BYTES)
    assert (await http.ask("GET", "/", most_bytes=1000)).json.text("a") == "x" * MOST_BYTES


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ({"retry_after_ms": 1500}, 1.5),
        ({"retry_after_ms": 1e9}, 60.0),
        ({}, 0.0),
        ({"retry_after_ms": -1}, 0.0),
    ],
)
def test_a_busy_server_says_when_to_come_again(raw: dict[str, float], seconds: float) -> None:
    """Never longer than a minute, whatever it says."""
    assert Answer(429, JsonObject(raw)).retry_after_s == seconds


@pytest.mark.parametrize(
    "url", ["http://matrix.school.test", "ftp://localhost", "matrix.school.test", "https://", ""]
)
def test_plain_http_to_another_machine(url: str) -> None:
    """The service token and people's OpenID tokens would be readable on the way."""
    with pytest.raises(InsecureUrl):
        JsonHttp(session=None, base_url=url, timeout_s=1, most_bytes=1)  # type: ignore[arg-type]


def test_paths() -> None:
    """An id is one part of a path, whatever is in it."""
    assert path_of("a.b", "../c?d", "..", "é") == "/a.b/..%2Fc%3Fd/%2E%2E/%C3%A9"
