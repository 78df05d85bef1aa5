"""A broadcast in a real school: Synapse, the module, its rooms, the register, and recordings over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define

from media.access.json_http import server_at
from media.access.openid import OpenId
from media.broadcast import passes
from media.broadcast.origin.judging import Judge
from media.broadcast.origin.publication import Recording as Ready
from media.broadcast.origin.showing import Recordings
from media.broadcast.passes import Kind
from media.broadcast.register import watchers
from media.broadcast.register.api import Made, No, Standing
from media.broadcast.register.opening import Register, open_register
from media.broadcast.register.values import Broadcast, Wish
from media.broadcast.register.watchers import LOOK_S, RENEW_S
from media.broadcast.whip.ids import BroadcastId
from tests.media.access.world import Clocks, openid, real_now
from tests.media.broadcast.register.world import waited
from tests.support import rosters
from tests.support.fleet import Fleet
from tests.support.polling import until_async
from tests.support.rosters import person
from tests.support.school import School
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

SYNC = "/_matrix/client/v3/sync?timeout=0"
KEYS = (b"p" * 32,)
FILM = bytes(range(256)) * 40
#: P2 is seven and nobody has confirmed them; G2's child is not known to the school.
ROSTER = rosters.roster(
    [
        person("D1", "director"),
        person("T1", "teacher"),
        person("T2", "teacher"),
        person("P1", "student", born="2010-05-05"),
        person("P2", "student", born="2019-05-05"),
        person("P3", "student", born="2010-05-05"),
        person("P4", "student", born="2010-05-05"),
        person("G1", "guardian"),
        person("G2", "guardian"),
    ],
    {"5А": ["P1", "P2", "P4"], "5Б": ["P3"]},
    {"5А": ["T1"], "5Б": ["T2"]},
    [("G1", "P1")],
)


@pytest.fixture(scope="module")
def synapse(homeserver: Fleet) -> Iterator[Homeserver]:
    with homeserver(module={"poll_interval_s": 0.1, "apply_rate": 400.0}) as server:
        yield server


@pytest.fixture(scope="module")
def school(synapse: Homeserver) -> School:
    school = School(synapse, "b86")
    school.create()
    school.apply(ROSTER)
    school.sign_in_all(["D1", "T1", "P1", "P2", "P3", "P4", "G1", "G2"])
    school.settle()
    return school


@pytest.fixture(scope="module")
def other(synapse: Homeserver) -> School:
    school = School(synapse, "b87")
    school.create()
    school.apply(rosters.roster([person("D1", "director")], {}, {}, []))
    school.sign_in_all(["D1"])
    return school


@define(eq=False)
class World:
    register: Register
    judge: Judge
    clocks: Clocks
    http: aiohttp.ClientSession
    url: str

    async def account(self, school: School, who: str) -> str:
        """By an OpenID token of their own client."""
        found = await self.register.doors.by_openid(
            await openid(school.server, school.signed_in[who])
        )
        assert isinstance(found, str)
        return found

    async def recording(self, token: str, broadcast: BroadcastId, **headers: str) -> Any:
        """(status, octets)."""
        path = f"{self.url}/live/{token}/{broadcast}/recording.mp4"
        async with self.http.get(path, headers=headers) as answer:
            return answer.status, await answer.read()


@pytest.fixture
async def world(
    school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setattr(watchers, "LOOK_S", 0.05)
    clocks, server = Clocks(), school.server
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        home = server_at(http, server.url)
        register = await stack.enter_async_context(
            open_register(
                folder=tmp_path / "broadcasts",
                homeserver=home,
                openid=OpenId({server.server_name: home}, clocks.seconds),
                server_name=server.server_name,
                service_tokens=lambda: ("an old one" * 4, server.service_token),
                link=lambda one: f"https://rtc.school.test/watch/{one}",
                recording_days=365,
                wall=real_now,
                clock=clocks.seconds,
                chance=_octets(),
            )
        )
        judge = Judge(
            KEYS,
            lambda one: register.watchers.may_watch(one.account, BroadcastId(one.broadcast)),
            real_now,
        )
        register.watchers.lost.append(
            lambda one, account: judge.revoked.account(one, account, real_now())
        )
        app = web.Application()
        Recordings(
            judge=judge, file_of=lambda one: register.materials.file_of(BroadcastId(one))
        ).add_routes(app)
        served = await stack.enter_async_context(TestServer(app))
        yield World(register, judge, clocks, http, str(served.make_url("")).rstrip("/"))


def _octets() -> Any:
    numbers = iter(range(1, 1000))
    return lambda count: next(numbers).to_bytes(count, "big")


def synced(school: School, who: str, since: str = "") -> dict[str, Any]:
    """What a member's client gets by /sync. Each `since` once: Synapse repeats an answer for minutes."""
    path = f"/_matrix/client/v3/sync?timeout=0&since={since}" if since else SYNC
    found: dict[str, Any] = school.server.call("GET", path, school.token(who))
    return found


def messages(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Their contents; redacted ones are empty."""
    return [one["content"] for one in events if one["type"] == "m.room.message"]


def shown(school: School, who: str, room_id: str) -> list[dict[str, Any]]:
    """What a room shows to a member, the newest last."""
    path = f"/_matrix/client/v3/rooms/{room_id}/messages?dir=f&limit=100"
    return messages(school.server.call("GET", path, school.token(who))["chunk"])


async def over_with_recording(
    world: World, school: School, who: str, room_id: str = ""
) -> Broadcast:
    """Made, begun and ended by a host, with its file."""
    register, account = world.register, await world.account(school, who)
    made = await register.desk.make(account, Wish(title="Концерт", room_id=room_id))
    assert isinstance(made, Made)
    one = made.broadcast
    await until_told(world, one)
    assert isinstance(await register.desk.start(account, one.id), Broadcast)
    await until_told(world, one)
    assert isinstance(await register.desk.stop(account, one.id), Broadcast)
    film = register.materials.folder.parent / "film.mp4"
    film.write_bytes(FILM)
    ready = Ready(broadcast=one.id, path=str(film), seconds=4, began_ms=0, size=len(FILM))
    assert await register.materials.keep(ready)
    await until_told(world, one)
    return one


async def until_told(world: World, one: Broadcast) -> None:
    def told() -> bool:
        now = world.register.book.get(one.id)
        return now is not None and now.told == now.stage

    await waited(told, what="the rooms")


async def test_the_life_of_a_concert(world: World, school: School) -> None:
    """A member's /sync shows the beginning with a link, then the recording; the director deletes it (R48)."""
    hall, kept = school.room_id("announcements"), school.room_id("materials")
    one = await over_with_recording(world, school, "D1")
    link = f"https://rtc.school.test/watch/{one.id}"
    seen = await asyncio.to_thread(synced, school, "P1")
    started, ended, edited = messages(seen["rooms"]["join"][hall]["timeline"]["events"])
    assert "Трансляция началась: «Концерт». Идёт запись." in started["body"]
    assert link in started["body"]
    assert "Запись готовится" in ended["m.new_content"]["body"]
    assert link in edited["m.new_content"]["body"]
    (material,) = await asyncio.to_thread(shown, school, "G1", kept)
    assert material["body"].startswith("Запись готова")
    director = await world.account(school, "D1")
    assert isinstance(await world.register.desk.delete_recording(director, one.id), Broadcast)
    await until_told(world, one)
    assert await asyncio.to_thread(shown, school, "G1", kept) == [{}]
    assert list(world.register.materials.folder.iterdir()) == []
    token = passes.issue(one.id, director, Kind.VIEWER, KEYS, real_now())
    assert (await world.recording(token, one.id))[0] == 404
    log = await asyncio.to_thread(school.call, "GET", "/audit")
    mine = [entry for entry in log["entries"] if entry["target"] == one.id]
    assert [entry["after"] for entry in mine] == ["removed", "recorded", "ended", "live", "waiting"]
    assert (mine[0]["actor"], mine[0]["reason"]) == (director, "by hand")
    assert mine[1]["actor"] == "service"


async def test_who_fetches_the_recording_of_a_class(
    world: World, school: School, other: School
) -> None:
    """R27: its pupils, parents, teacher and the heads, seekable; anonymous 401, others 403, an old pass 410."""
    one = await over_with_recording(world, school, "T1", school.room_id("class", "5А"))
    found: dict[str, int] = {}
    people = [(school, who) for who in ("D1", "T1", "P1", "P2", "P3", "G1", "G2")]
    for where, who in (*people, (other, "D1")):
        account = where.signed_in[who].user_id
        token = passes.issue(one.id, account, Kind.VIEWER, KEYS, real_now())
        status, octets = await world.recording(token, one.id, Range="bytes=100-199")
        assert octets == (FILM[100:200] if status == 206 else b"")
        found[f"{where.org_id} {who}"] = status
    assert found == {
        **dict.fromkeys(("b86 D1", "b86 T1", "b86 P1", "b86 P2", "b86 G1"), 206),
        **dict.fromkeys(("b86 P3", "b86 G2", "b87 D1"), 403),
    }
    assert (await world.recording("", one.id))[0] == 401
    assert (await world.recording("x" * 80, one.id))[0] == 403
    pupil = school.signed_in["P1"].user_id
    old = passes.issue(one.id, pupil, Kind.VIEWER, KEYS, real_now() - 5 * 3600)
    assert (await world.recording(old, one.id))[0] == 410
    elsewhere = passes.issue("another", pupil, Kind.VIEWER, KEYS, real_now())
    assert (await world.recording(elsewhere, one.id))[0] == 403


async def test_whoever_leaves_is_out(world: World, school: School) -> None:
    """A pupil who left the school gets nothing by the address they know, within half a minute."""
    one = await over_with_recording(world, school, "D1")
    account = await world.account(school, "P4")
    token = passes.issue(one.id, account, Kind.VIEWER, KEYS, real_now())
    assert (await world.recording(token, one.id))[0] == 200
    path = f"/people/{school.person_id('P4')}/leave"
    await asyncio.to_thread(school.call, "POST", path, {"reason": "переезд"})
    assert RENEW_S + LOOK_S < 30
    world.clocks.ahead_s += RENEW_S

    async def refused() -> bool:
        status, _ = await world.recording(token, one.id)
        return bool(status == 403)

    await until_async(refused, what="the pass to be worth nothing")
    assert await world.register.watchers.standing(account, one.id) is No.NOT_YOURS


async def test_what_everybody_is(world: World, school: School, other: School) -> None:
    """The module's answers as the register has them, for everybody at once; a stranger's token opens no door."""
    made = await world.register.desk.make(await world.account(school, "D1"), Wish(title="Концерт"))
    assert isinstance(made, Made)
    people = {who: one.user_id for who, one in school.signed_in.items()}
    people["another school"] = other.signed_in["D1"].user_id
    found = dict(
        zip(
            people,
            await asyncio.gather(
                *(world.register.watchers.standing(a, made.broadcast.id) for a in people.values())
            ),
            strict=True,
        )
    )
    watch = Standing(ask=True)
    assert found == {
        "D1": Standing(ask=True, host=True, keeper=True),
        **dict.fromkeys(("T1", "P1", "P3", "G1"), watch),
        **dict.fromkeys(("P2", "P4", "G2", "another school"), No.NOT_YOURS),
    }
    bad = {"access_token": "none", "matrix_server_name": school.server.server_name}
    assert await world.register.doors.by_openid(bad) is No.SIGNED_OUT
    assert await world.register.doors.by_openid({"access_token": 1}) is No.SIGNED_OUT


async def test_the_hall_reaches_the_hosts(world: World, school: School) -> None:
    """A question arrives in a room that the class teacher is in, with the pupil's name and class."""
    room_id = school.room_id("class", "5А")
    teacher = await world.account(school, "T1")
    made = await world.register.desk.make(teacher, Wish(title="Урок", room_id=room_id))
    assert isinstance(made, Made)
    since = (await asyncio.to_thread(synced, school, "T1"))["next_batch"]
    pupil = await world.account(school, "P1")
    assert world.register.announcer.question(pupil, made.broadcast.id, "Можно вопрос?")

    async def arrived() -> bool:
        nonlocal since
        found = await asyncio.to_thread(synced, school, "T1", since)
        since = found["next_batch"]
        rooms = found.get("rooms", {}).get("join", {}).values()
        events = [event for room in rooms for event in room["timeline"]["events"]]
        return any("5А: Можно вопрос?" in str(one.get("body")) for one in messages(events))

    await until_async(arrived, what="the question")
