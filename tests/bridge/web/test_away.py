"""Pages while the directory is away: they say so, whoever asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from aiohttp import hdrs
from aiohttp.test_utils import TestClient, TestServer
from attrs import evolve

from bridge.ports_directory import DirectoryDown
from bridge.records import Session
from bridge.roles import UserId
from bridge.web.app import build
from bridge.web.visit import hash_of
from tests.bridge.test_leaving import SmallDirectory, services_of
from tests.bridge.values import MASHA, NOW

TOKEN = "a" * 43


class Away:
    """A directory that cannot be reached."""

    async def account(self, user_id: UserId) -> None:
        raise DirectoryDown("unreachable")


async def test_whoever_is_signed_in_is_told_to_try_again() -> None:
    """A page with everything that pages have, not a bare 500; who is a stranger can still read the front page."""
    services = evolve(services_of(SmallDirectory.of()), directory=cast(Any, Away()))
    async with services.store.begin() as work:
        month = timedelta(days=30)
        signed_in = Session(
            hash=hash_of(TOKEN), created_at=NOW, expires_at=NOW + month, user_id=MASHA
        )
        await work.sessions.add(signed_in)
    async with TestClient(TestServer(build(services))) as client:
        for path in ("/", "/me", "/school"):
            reply = await client.get(path, headers={hdrs.COOKIE: f"__Host-sid={TOKEN}"})
            assert reply.status == 503, path
            assert "Сервер школы занят" in await reply.text()
            assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
            assert reply.headers["Cache-Control"] == "no-store"
        assert (await client.get("/")).status == 200
