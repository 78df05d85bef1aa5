"""What hosts are told, the key of passes, who publishes, names of a call, one broadcast with nobody behind it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from attrs import define, field

from media.broadcast.house import speaking
from media.broadcast.house.admitting import Publishers
from media.broadcast.house.board import NOBODY, STAYS_S, Board
from media.broadcast.house.onair import OnAir
from media.broadcast.house.pass_key import FILE, pass_key
from media.broadcast.origin.endpoints import Endpoints
from media.broadcast.pages.endpoints import WatchPages
from media.broadcast.passes import LEAST_KEY
from media.broadcast.program.choosing import Choice, Refusal, Shot
from media.broadcast.program.notices import SENTENCES, Notice
from media.broadcast.program.scene import Scene
from media.broadcast.register.values import Broadcast
from media.broadcast.whip.admitted import Admitted
from media.broadcast.whip.ids import BroadcastId
from media.broadcast.whip.refusals import Refused, Why
from media.forwarder.api import Layer
from media.ids import Identity, TrackSid
from media.logs import AccessLog
from serving.secret_files import BadSecret
from tests.media.broadcast.house.world import CONCERT, ID
from tests.media.broadcast.pages.world import NOW
from tests.support.polling import until_async


def test_the_board() -> None:
    """What is right again is off it; what nobody takes back goes after half a minute; a full disk stays."""
    board = Board()
    for notice in (Notice.PICTURE_AWAY, Notice.B_FRAMES, Notice.DISK_FULL):
        board.say(notice, 0.0)
    assert len(board.sentences(1.0)) == 3
    board.say(Notice.PICTURE_BACK, 2.0)
    assert SENTENCES[Notice.PICTURE_AWAY] not in board.sentences(2.0)
    assert board.sentences(STAYS_S + 1) == (SENTENCES[Notice.DISK_FULL],)


def test_what_a_button_of_the_call_means() -> None:
    """The key that the page sends is the one it was given, whatever the name of a connection; anything else is none."""
    choice = Choice(speaker=Identity("a b c"), shot=Shot.SCREEN)
    assert speaking.choice_of(speaking.key_of(choice)) == choice
    assert speaking.key_of(Choice()) == ""
    for key in ("", "camera", "camera ", "nothing a", "x a", " a"):
        assert speaking.choice_of(key) is None
    assert set(speaking.UNABLE) == set(Refusal)


def test_the_key_of_passes(tmp_path: Path) -> None:
    """Made once, for us alone; one that others may read or that is none is named and never quoted."""
    folder = tmp_path / "broadcasts"
    key = pass_key(folder, os.urandom)
    assert len(key) >= LEAST_KEY
    assert pass_key(folder, os.urandom) == key
    assert (folder / FILE).stat().st_mode & 0o077 == 0
    (folder / FILE).chmod(0o644)
    with pytest.raises(BadSecret, match="chmod 600"):
        pass_key(folder, os.urandom)
    (folder / FILE).chmod(0o600)
    (folder / FILE).write_text("geheim")
    with pytest.raises(BadSecret) as bad:
        pass_key(folder, os.urandom)
    assert "geheim" not in str(bad.value)


@define
class Keyed:
    """`Sessions` that know one key."""

    async def admit(self, broadcast: BroadcastId, token: str) -> Admitted | Refused:
        return Admitted(broadcast, "") if token == "key" else Refused(Why.UNAUTHORIZED)

    def create(self, admitted: Admitted, raw: bytes) -> Any:
        return Refused(Why.TAKEN)

    def patch(self, admitted: Admitted, session: str, if_match: str | None, raw: bytes) -> Any:
        return Refused(Why.LIMITED)

    def delete(self, admitted: Admitted, session: str) -> Refused | None:
        return Refused(Why.NO_SESSION)


@pytest.mark.asyncio
async def test_who_publishes() -> None:
    """The key of OBS, or the token of the camera's page of this very broadcast."""
    doors = Publishers(Keyed(), lambda one, token: (one, token) == (ID, "page"))
    for broadcast, token, may in (
        (ID, "key", True),
        (ID, "page", True),
        (BroadcastId("other"), "page", False),
        (ID, "", False),
    ):
        assert isinstance(await doors.admit(broadcast, token), Admitted) is may
    admitted = Admitted(ID, "")
    assert doors.create(admitted, b"x") == Refused(Why.TAKEN)
    assert doors.patch(admitted, "s", None, b"x") == Refused(Why.LIMITED)
    assert doors.delete(admitted, "s") == Refused(Why.NO_SESSION)


@define(eq=False)
class Runs:
    """A `Running` that remembers."""

    shown: list[TrackSid | None] = field(factory=list)
    cleared: int = 0
    opened: bool = True
    over: asyncio.Event = field(factory=asyncio.Event)

    def show(self, scene: Scene, tapping: object) -> None:
        self.shown.append(scene.picture)

    def clear(self) -> None:
        self.cleared += 1

    def stop(self) -> None:
        self.over.set()

    async def run(self) -> None:
        await self.over.wait()


def _fact(probe: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return probe()

    return look


class Taps:
    def tap(self, track: TrackSid, layers: frozenset[Layer]) -> None: ...

    def ask_key(self, track: TrackSid, layer: Layer) -> None: ...


@pytest.mark.asyncio
async def test_a_broadcast_runs_from_its_first_picture_on() -> None:
    """Before it hosts read that nobody publishes; a loss is a still picture; a run that ends begins anew."""
    made = [Runs(), Runs()]
    runs: Iterator[Runs] = iter(made)

    def make(_broadcast: Broadcast, _from_call: bool, _board: Board) -> Any:
        return next(runs)

    async with asyncio.TaskGroup() as group:
        one = OnAir(broadcast=CONCERT, make=make, group=group, taps=Taps(), clock=lambda: 0.0)
        assert one.seen(0).notices == (NOBODY,)
        assert not one.seen(0).opened
        one.publish(Scene(picture=TrackSid("TR_a")))
        assert (one.seen(1).notices, one.seen(1).opened) == ((), True)
        one.publish(None)
        assert (made[0].cleared, one.seen(0).notices) == (1, (NOBODY,))
        made[0].over.set()
        await until_async(_fact(lambda: one.running is None), what="the end of a run")
        assert one.seen(0).opened  # what was written can be watched
        one.publish(Scene(picture=TrackSid("TR_b")))
        assert made[1].shown == ["TR_b"]
        one.look()
        one.end()
        one.publish(Scene(picture=TrackSid("TR_c")))
        assert made[1].shown == ["TR_b"]


def test_files_of_viewers_are_no_lines_of_the_log() -> None:
    """Forty thousand requests a second would be; what people press is said as ever."""
    app = web.Application()
    nobody: Any = SimpleNamespace()
    Endpoints(origin=nobody, judge=nobody).add_routes(app)
    WatchPages(house=nobody, wall=lambda: NOW, clock=lambda: 0.0).add_routes(app)
    routes = {resource.canonical for resource in app.router.resources()}
    assert set(AccessLog.dull) - routes == {"/healthz"}
    assert "/live/{token}/{id}/ask" not in AccessLog.dull
