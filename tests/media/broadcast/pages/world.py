"""Broadcast pages over HTTP in front of a house that remembers what it was asked."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from attrs import Factory, define, evolve

from media.broadcast.pages.asking import Question
from media.broadcast.pages.endpoints import WatchPages, add_static
from media.broadcast.pages.heartbeat import Heartbeat
from media.broadcast.pages.shown import Broadcast, Figures, Phase, Refusal, Seat
from tests.media.element_call.world import CLIENTS
from tests.support.process import ROOT

MOSCOW = timezone(timedelta(hours=3))
NOW = datetime(2026, 11, 28, 15, 0, tzinfo=UTC)
PLAYER = CLIENTS / "hls-1.7.4"


def player() -> Path:
    """hls.js, fetched when it is not there."""
    ended = subprocess.run(
        [ROOT / "scripts" / "install-clients", CLIENTS], capture_output=True, check=False, text=True
    )
    if ended.returncode == 3:
        pytest.skip(ended.stderr)
    assert ended.returncode == 0, ended.stderr
    return PLAYER


CONCERT = Broadcast(
    id="concert",
    title="Школьный концерт",
    school="Школа № 1",
    phase=Phase.LIVE,
    begins_at=datetime(2026, 11, 28, 18, 30, tzinfo=MOSCOW),
    recorded=True,
)
VIEWER = Seat(viewer="masha", token="t-viewer", broadcast=CONCERT)
HOST = Seat(viewer="teacher", token="t-host", broadcast=CONCERT, host=True)


@define
class Remembering:
    """A house with one broadcast, a viewer and a host. `refusal`: of everybody, `deaf`: nothing arrives."""

    broadcast: Broadcast = CONCERT
    refusal: Refusal | None = None
    deaf: bool = False
    hand: bool = False
    beats: list[Heartbeat] = Factory(list)
    asked: list[str] = Factory(list)
    hands: list[bool] = Factory(list)
    done: list[str] = Factory(list)

    async def arrive(self, broadcast_id: str, cookies: Mapping[str, str]) -> str | Refusal:
        del broadcast_id
        if self.refusal is not None:
            return self.refusal
        return "t-viewer" if cookies.get("session") == "masha" else Refusal.SIGNED_OUT

    async def enter(self, broadcast_id: str, openid: Mapping[str, object]) -> str | Refusal:
        del broadcast_id
        if self.refusal is not None:
            return self.refusal
        return "t-viewer" if openid.get("access_token") == "good" else Refusal.OTHER_SCHOOL

    async def present(self, broadcast_id: str, ticket: str) -> str | Refusal:
        found = await self.enter(broadcast_id, {"access_token": ticket})
        return Refusal.SIGNED_OUT if found is Refusal.OTHER_SCHOOL else found

    async def look(self, broadcast_id: str, token: str) -> Seat | Refusal:
        if self.refusal is not None:
            return self.refusal
        if broadcast_id != self.broadcast.id:
            return Refusal.NOT_FOUND
        for seat in (VIEWER, HOST):
            if seat.token == token:
                return evolve(seat, broadcast=self.broadcast, hand=self.hand)
        return Refusal.OTHER_SCHOOL

    def beat(self, seat: Seat, beat: Heartbeat) -> None:
        del seat
        self.beats.append(beat)

    def figures(self, seat: Seat) -> Figures:
        assert seat.host
        return Figures(viewers=321, delay_s=2.44, stalled=0.013, hands=2)

    async def raise_hand(self, seat: Seat, up: bool) -> bool:
        del seat
        self.hands.append(up)
        self.hand = up
        return not self.deaf

    async def ask(self, seat: Seat, question: Question) -> bool:
        del seat
        self.asked.append(question.text)
        return not self.deaf

    async def start(self, seat: Seat) -> bool:
        assert seat.host
        self.done.append("start")
        return not self.deaf

    async def stop(self, seat: Seat) -> bool:
        assert seat.host
        self.done.append("stop")
        return not self.deaf


@define
class Clock:
    """Seconds that pass when the test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def app_of(house: Remembering, clock: Callable[[], float]) -> web.Application:
    pages = WatchPages(
        house=house,
        wall=lambda: NOW,
        clock=clock,
        sign_in_url="https://school.test",
        client_url="https://matrix.school.test",
    )
    app = web.Application()
    pages.add_routes(app)
    add_static(app, PLAYER)
    return app


@asynccontextmanager
async def browsing(house: Remembering, clock: Clock | None = None) -> AsyncIterator[Browser]:
    """Somebody without JavaScript."""
    app = app_of(house, Clock() if clock is None else clock)
    async with TestClient(TestServer(app)) as client:
        yield Browser(client)


@define
class Browser:
    client: TestClient[Any, Any]

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._answer("GET", path, headers, None)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self._answer("POST", path, headers, body)

    async def _answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.request(
            method, path, headers=named, data=body, allow_redirects=False
        ) as response:
            return Answer(response.status, dict(response.headers), await response.text())


@define
class Answer:
    status: int
    headers: dict[str, str]
    text: str
