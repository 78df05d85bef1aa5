"""Connections that never finish asking, before a server of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from serving.listening import LOOPBACK, listening
from serving.patience import patient
from tests.support.polling import until_async
from tests.support.process import free_port


async def _hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


@asynccontextmanager
async def _server(closed: list[None]) -> AsyncIterator[int]:
    app, port = web.Application(), free_port()
    app.router.add_get("/", _hello)
    runner = web.AppRunner(app)
    async with (
        patient(app, runner, lambda: closed.append(None)),
        listening(runner, LOOPBACK, port, "port"),
    ):
        yield port


async def test_a_request_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers that trickle in close the connection, which is counted; who asks in time is answered again and again."""
    monkeypatch.setattr("serving.patience.FIRST_S", 0.3)
    monkeypatch.setattr("serving.patience.LOOK_S", 0.05)
    closed: list[None] = []
    async with _server(closed) as port, aiohttp.ClientSession() as http:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        async with http.get(f"http://{LOOPBACK}:{port}/") as first:
            assert await first.text() == "hello"

        async def is_closed() -> bool:
            return len(closed) == 1

        await until_async(is_closed, what="the slow one is closed")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        async with http.get(f"http://{LOOPBACK}:{port}/") as second:
            assert await second.text() == "hello"
        assert len(closed) == 1
