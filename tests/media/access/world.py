"""The access part of the calls server on loopback, in front of homeservers that a test names."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, field

from media.access.claims import Claims
from media.access.delayed_leave import DelayedLeaves
from media.access.endpoints import access_app
from media.access.granting import Access
from media.access.json_http import server_at
from media.access.leave_keeper import LeaveKeeper
from media.access.openid import OpenId
from media.access.requests import Home
from media.access.rights import ModuleRights
from media.access.tokens import Key, verify
from tests.support.accounts import Account
from tests.support.synapse import Homeserver

BASE = "/livekit/jwt"
SFU_URL = "wss://rtc.school.test/livekit/sfu"
HOME_URL = "https://matrix.school.test"
KEYS = (Key("test", "k" * 64),)

#: A pupil's rights, as docs/contracts.md has them.
PUPIL: Mapping[str, Any] = {
    "member": True,
    "org_id": "s86",
    "roles": ["student"],
    "host": False,
    "may_publish": {"camera": True, "microphone": True, "screen": False},
    "muted_on_entry": True,
    "hidden": False,
    "limit": 100,
    "room_kind": "class",
}


def real_now() -> float:
    """For libraries that read the clock themselves; seconds since 1970."""
    return datetime.datetime.now(datetime.UTC).timestamp()  # noqa: TID251


@define
class Clocks:
    """What the access part takes for the time."""

    now: float = 1_800_000_000.0
    ahead_s: float = 0.0  # of the loop's

    def seconds(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead_s


@define
class Module:
    """Something at the module's address: for answers that the real one does not give when it is well."""

    status: int = 200
    answer: Any = field(factory=lambda: dict(PUPIL))
    asked: list[tuple[Mapping[str, str], str]] = field(factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((dict(request.query), request.headers.get("Authorization", "")))
        if isinstance(self.answer, bytes):
            return web.Response(body=self.answer, status=self.status)
        return web.json_response(self.answer, status=self.status)


@define
class World:
    access: Access
    url: str
    http: aiohttp.ClientSession
    clocks: Clocks
    module: Module

    async def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON and headers of one call below the base address."""
        data = body if isinstance(body, bytes) else None
        async with self.http.request(
            method,
            self.url + BASE + path,
            data=data,
            json=None if data is not None else body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        ) as answer:
            raw = await answer.read()
            return answer.status, (await answer.json() if raw else None), answer.headers

    async def claims(self, path: str, body: Any) -> Claims:
        """What the token of a call that must succeed says."""
        status, answer, _ = await self.ask("POST", path, body)
        assert status == 200, answer
        assert answer["url"] == SFU_URL
        found = verify(answer["jwt"], KEYS, self.clocks.now)
        assert isinstance(found, Claims)
        return found


@asynccontextmanager
async def running(
    homeserver: Homeserver,
    *,
    others: Mapping[str, str] | None = None,
    real_module: bool = False,
    homeserver_url: str = "",
    leaves: DelayedLeaves | None = None,
) -> AsyncIterator[World]:
    """Start it, and stop it at the end of the block.

    Args:
        others: server name → address of servers that the operator has registered.
        homeserver_url: another address for what should be the homeserver.
    """
    clocks, module = Clocks(), Module()
    stand_in = web.Application()
    stand_in.router.add_route("*", "/{any:.*}", module.handle)
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        there = await stack.enter_async_context(TestServer(stand_in))
        own = server_at(http, homeserver_url or homeserver.url)
        servers = {name: server_at(http, url) for name, url in (others or {}).items()}
        module_http = own if real_module else server_at(http, str(there.make_url("")))
        kept = DelayedLeaves() if leaves is None else leaves
        access = Access(
            Home(homeserver.server_name, frozenset({HOME_URL})),
            SFU_URL,
            OpenId({**servers, homeserver.server_name: own}, clocks.seconds),
            ModuleRights(module_http, lambda: (homeserver.service_token,)),
            LeaveKeeper(kept, own, clocks.seconds),
            lambda: KEYS,
            lambda: clocks.now,
            clocks.seconds,
        )
        app = web.Application()
        app.add_subapp(BASE, access_app(access))
        served = await stack.enter_async_context(TestServer(app))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        keeping = group.create_task(access.leaves.run())
        try:
            yield World(access, str(served.make_url("")).rstrip("/"), http, clocks, module)
        finally:
            keeping.cancel()


async def openid(homeserver: Homeserver, account: Account) -> dict[str, Any]:
    """What a client asks its homeserver for and shows us."""
    path = f"/_matrix/client/v3/user/{account.user_id}/openid/request_token"
    found: dict[str, Any] = await asyncio.to_thread(
        homeserver.call, "POST", path, account.access_token, {}
    )
    return found


def sfu_get(room_id: str, token: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"room": room_id, "openid_token": dict(token), "device_id": "DEV", **more}


def get_token(room_id: str, token: Mapping[str, Any], user_id: str, **more: Any) -> dict[str, Any]:
    return {
        "room_id": room_id,
        "slot_id": "m.call#ROOM",
        "openid_token": dict(token),
        "member": {"id": "m1", "claimed_user_id": user_id, "claimed_device_id": "DEV"},
        **more,
    }
