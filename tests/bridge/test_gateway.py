"""Gateways as data: presets against answers from their documentation, and answers nobody documented."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from bridge.gateway import Gateway, at
from bridge.ports_sending import Message, SendFailure, Sent
from bridge.sms_http import HttpSms
from bridge.sms_presets import PRESETS, preset
from tests.bridge.values import PHONE

MESSAGE = Message(id="m1", to=PHONE, text="Код: 482913 & {{ apikey }}")
DIGITS = PHONE.e164[1:]

SETTINGS = {
    "kannel": {"username": "u", "password": "secret", "sender": "SCHOOL"},
    "smsc.ru": {"apikey": "secret", "sender": "SCHOOL"},
    "smsaero": {"email": "office", "apikey": "secret", "sender": "SCHOOL"},
    "exolve": {"apikey": "secret", "sender": "SCHOOL"},
    "sms.ru": {"apikey": "secret"},
}

GATEWAYS = [preset(name, host="https://x", **SETTINGS[name]) for name in PRESETS]

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Call it with a handler; every path goes there. The answer is the server's address."""
    servers: list[TestServer] = []

    async def start(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        servers.append(TestServer(application, host="127.0.0.1"))
        await servers[-1].start_server(access_log=None)
        return str(servers[-1].make_url("")).rstrip("/")

    yield start
    for server in servers:
        await server.close()


async def send(gateway: Gateway) -> Sent | SendFailure:
    async with aiohttp.ClientSession() as session:
        return await HttpSms(gateway, session).send(MESSAGE)


def answering(status: int, body: Any) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text)

    return answer


ANSWERS: list[tuple[str, int, Any, Sent | SendFailure]] = [
    ("kannel", 202, "0: Accepted for delivery", Sent()),
    ("kannel", 202, "3: Queued for later delivery", Sent()),
    ("kannel", 202, "4: Rejected", SendFailure.REFUSED),
    ("kannel", 403, "Authorization failed for sendsms", SendFailure.CREDENTIALS),
    ("kannel", 503, "Temporal failure, try again later.", SendFailure.THROTTLED),
    ("smsc.ru", 200, {"id": 17, "cnt": 1}, Sent("17")),
    ("smsc.ru", 200, {"error": "authorise error", "error_code": 2}, SendFailure.REFUSED),
    ("smsc.ru", 200, "<html>maintenance</html>", SendFailure.REFUSED),
    ("smsaero", 200, {"success": True, "data": {"id": 18}}, Sent("18")),
    ("smsaero", 200, {"success": False, "data": None}, SendFailure.REFUSED),
    ("smsaero", 401, {"success": False}, SendFailure.CREDENTIALS),
    ("exolve", 200, {"message_id": "19"}, Sent("19")),
    ("exolve", 400, {"error": {"code": "bad number"}}, SendFailure.REFUSED),
    ("exolve", 429, {}, SendFailure.THROTTLED),
    ("sms.ru", 200, {"status": "OK", "sms": {DIGITS: {"status_code": 100, "sms_id": "20"}}}, Sent("20")),
    ("sms.ru", 200, {"status": "OK", "sms": {DIGITS: {"status_code": 202}}}, SendFailure.REFUSED),
    ("sms.ru", 200, {"status": "ERROR", "status_code": 301}, SendFailure.REFUSED),
    ("sms.ru", 500, "oops", SendFailure.BAD_ANSWER),
]  # fmt: skip


@pytest.mark.parametrize(("name", "status", "body", "want"), ANSWERS)
async def test_presets_understand_their_gateways(
    serve: Serve, name: str, status: int, body: Any, want: Sent | SendFailure
) -> None:
    """A no in an answer with status 200 is a no."""
    url = await serve(answering(status, body))

    assert await send(preset(name, host=url, **SETTINGS[name])) == want


@pytest.mark.parametrize("name", PRESETS)
async def test_presets_say_number_text_and_key(serve: Serve, name: str) -> None:
    """Encoded once, wherever the gateway wants them; braces in a text are text."""
    seen: list[str] = []

    async def keep(request: web.Request) -> web.Response:
        form = (
            dict(await request.post())
            if "json" not in request.content_type
            else await request.json()
        )
        authorization = request.headers.get("Authorization", "")
        password = (
            aiohttp.BasicAuth.decode(authorization).password
            if "Basic" in authorization
            else authorization
        )
        seen.extend([*request.query.values(), *map(str, form.values()), password])
        return web.Response()

    await send(preset(name, host=await serve(keep), **SETTINGS[name]))

    assert MESSAGE.text in seen
    assert {DIGITS, f"+{DIGITS}"} & set(seen)
    assert {"secret", "Bearer secret"} & set(seen)


async def test_a_redirect_is_not_followed(serve: Serve) -> None:
    """It would take the number and the key to somebody else."""
    asked: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/other"})

    gateway = Gateway(url=f"{await serve(elsewhere)}/send", data={"to": "{{ to }}"})

    assert await send(gateway) is SendFailure.BAD_ANSWER
    assert asked == ["/send"]


async def test_an_endless_answer_is_cut(serve: Serve) -> None:
    """64 KiB, then the connection is closed."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except ConnectionError:
            return response

    assert await send(Gateway(url=await serve(endless))) is SendFailure.TOO_LARGE


async def test_a_silent_gateway_is_left(serve: Serve) -> None:
    """After the configured time; another attempt comes later."""
    released = asyncio.Event()

    async def silent(_request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    url = await serve(silent)
    assert await send(Gateway(url=url, timeout_s=0.1)) is SendFailure.TIMEOUT
    released.set()


answers = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(answers, st.text(max_size=12))
def test_fuzz_any_answer_is_read_without_an_error(answer: Any, path: str) -> None:
    """A gateway may answer what it likes."""
    at(answer, path)
    for gateway in GATEWAYS:
        gateway.accepts(200, json.dumps(answer), DIGITS)
        gateway.reference(json.dumps(answer), DIGITS)


@given(st.text(max_size=40))
def test_fuzz_a_text_is_never_a_template(text: str) -> None:
    """What is sent is what was written."""
    request = GATEWAYS[1].request(to="+1", digits="1", text=text, id="m")

    assert request.data is not None
    assert request.data["mes"] == text
