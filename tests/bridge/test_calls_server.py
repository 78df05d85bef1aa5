"""What the calls server says of its broadcasts decides whether pages lead there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.calls_server import PATH, CallsServer
from tests.support.process import free_port


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


async def test_what_it_answers(session: aiohttp.ClientSession) -> None:
    """404 is none; a page or a way to one is some; what it does not say itself changes nothing."""
    status = 404

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get(PATH, answer)
    async with TestServer(app) as server:
        calls = CallsServer(str(server.make_url("")).rstrip("/"))
        assert calls.broadcasts
        for status, has in (
            (404, False),
            (502, False),
            (200, True),
            (404, False),
            (303, True),
            (503, True),
        ):
            await calls.look(session)
            assert calls.broadcasts is has, status


async def test_nobody_there(session: aiohttp.ClientSession) -> None:
    """A calls server that is away takes no link from a page, nor gives one."""
    for before in (True, False):
        calls = CallsServer(f"http://127.0.0.1:{free_port()}", before)
        await calls.look(session)
        assert calls.broadcasts is before
