"""Another school's broadcast in the house: a host pastes a link, viewers see it; it ends here when it ends there."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import define, evolve, field
from prometheus_client.registry import Collector

from media.access.openid import OpenId
from media.broadcast.around import Around
from media.broadcast.desk.leading import FloorAct
from media.broadcast.desk.shown import Floor, Speaker, Unable
from media.broadcast.fanout.asking import write_public
from media.broadcast.fanout.keys import node_key
from media.broadcast.fanout.puller import Now
from media.broadcast.hls.answers import Text
from media.broadcast.hls.names import Ask, Kind
from media.broadcast.house.following import Following
from media.broadcast.house.leads import Leads
from media.broadcast.house.staging import OnStage
from media.broadcast.opening import Broadcasting, open_broadcasts
from media.broadcast.origin.publication import Told
from media.broadcast.pages.asking import Asked, Question
from media.broadcast.pages.shown import Phase, Said, Seat
from media.broadcast.register.values import Broadcast, State
from media.broadcast.settings import Broadcasts
from media.broadcast.whip.endpoints import Doors
from media.broadcast.whip.ids import BroadcastId
from serving.json_http import JsonHttp
from tests.media.broadcast.fanout.world import BROADCAST, OPENING, Show, nodes
from tests.media.broadcast.house.world import CONCERT, HOST, PUPIL, World
from tests.support.polling import until_async

NAMES = ("a.test", "b.test")


@define(eq=False)
class NoStage:
    """A `Studio` without media ports: nobody publishes here."""

    publishers: Doors = field(factory=lambda: Doors(sessions=None))  # type: ignore[arg-type] # nobody asks it
    viewers: Doors = field(factory=lambda: Doors(sessions=None))  # type: ignore[arg-type] # the same
    follows: object = None
    ended: list[BroadcastId] = field(factory=list)
    repeated: list[Said] = field(factory=list)

    async def begin(self, broadcast: Broadcast) -> bool:
        return True

    def end(self, broadcast: BroadcastId) -> None:
        self.ended.append(broadcast)

    def seen(self, broadcast: BroadcastId) -> OnStage:
        return OnStage()

    async def speakers(self, broadcast: Broadcast) -> Sequence[Speaker]:
        return ()

    async def names(self, accounts: Collection[str]) -> Mapping[str, str]:
        return {}

    def calls(self, broadcast: Broadcast) -> bool:
        return False

    def captioned(self, broadcast: BroadcastId) -> bool:
        return False

    def takes_lines(self, broadcast: BroadcastId) -> bool:
        return True

    def post(self, broadcast: BroadcastId, said: Said) -> None:
        del broadcast, said

    def repeat(self, broadcast: BroadcastId, lines: Sequence[Said]) -> None:
        self.repeated += lines

    def show(self, broadcast: Broadcast, account: str, speaker: str) -> Unable | None:
        return Unable.NO_CALL

    def figures(self) -> Sequence[Collector]:
        return ()

    def told(self, told: Told) -> None:
        raise AssertionError(told)

    def lost(self, broadcast: BroadcastId, account: str) -> None:
        raise AssertionError(broadcast)


async def _watchers(request: web.Request) -> web.Response:
    """The module: everybody may watch, hosts lead."""
    asked = (await request.json())["user_ids"]
    found = {one: {"watch": True, "ask": True, "host": one.startswith("@host")} for one in asked}
    return web.json_response({"watchers": found})


@asynccontextmanager
async def school(
    name: str, folder: Path, homeserver: str, schools: Path
) -> AsyncIterator[tuple[str, Broadcasting]]:
    """Broadcasts of one school as its process has them, but for the media ports → its address, and they."""
    (folder / "player").mkdir(parents=True, exist_ok=True)
    (folder / "player" / "hls.light.min.js").write_text("")
    at = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{at.getsockname()[1]}"
    loop = asyncio.get_running_loop()

    @asynccontextmanager
    async def stage(*_: object) -> AsyncIterator[NoStage]:
        yield NoStage()

    async with aiohttp.ClientSession() as http:
        api = JsonHttp(session=http, base_url=homeserver, timeout_s=5, most_bytes=100_000)
        around = Around(
            public_url=url,
            client_url=homeserver,
            server_name=name,
            trusted=(),
            homeserver=api,
            openid=OpenId({name: api}, loop.time),
            tokens=lambda: ("token",),
            wall=lambda: 1_800_000_000.0,
            clock=loop.time,
            bits=secrets.randbits,
        )
        settings = Broadcasts(folder=folder, player=folder / "player", schools_file=schools)
        async with open_broadcasts(settings, around, stage) as made:  # type: ignore[arg-type] # no ports
            app = web.Application()
            made.add_routes(app)
            runner = web.AppRunner(app, shutdown_timeout=0, access_log=None)
            await runner.setup()
            await web.SockSite(runner, at).start()
            try:
                yield url, made
            finally:
                await runner.cleanup()


async def _led(http: aiohttp.ClientSession, url: str, made: Broadcasting) -> str:
    """The host's page."""
    async with http.get(f"{url}/broadcasts/concert", headers=_host(made)) as answer:
        assert answer.status == 200
        return await answer.text()


def _host(made: Broadcasting) -> dict[str, str]:
    cookie = made.house.signing.cookie(HOST, made.house.wall())
    return {"Cookie": f"{made.house.cookie}={cookie}", "Sec-Fetch-Site": "same-origin"}


async def test_from_host_to_host(tmp_path: Path) -> None:
    """The link on one host's page, pasted on the other's: viewers there see it, and it is over there when it ends."""
    homeserver = web.Application()
    homeserver.router.add_post(
        "/_synapse/client/sferum/v1/orgs/{org}/broadcasts/watchers", _watchers
    )
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(homeserver, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        module = f"http://127.0.0.1:{runner.addresses[0][1]}"
        http = await stack.enter_async_context(aiohttp.ClientSession())
        lists = {name: tmp_path / f"{name}.yaml" for name in NAMES}
        for file in lists.values():
            file.write_text("[]")
        (a_url, a), (b_url, b) = [
            await stack.enter_async_context(school(name, tmp_path / name, module, lists[name]))
            for name in NAMES
        ]
        for mine, theirs, url in (("a.test", "b.test", b_url), ("b.test", "a.test", a_url)):
            key = write_public(node_key(tmp_path / theirs))
            lists[mine].write_text(f"- {{name: {theirs}, url: '{url}', key: {key}}}\n")
        for one in (a, b):
            assert await one.register.book.add(evolve(CONCERT, state=State.LIVE)) is None
            await until_async(_has_schools(one), what="the list read again")
        show = Show(a.origin.open(OPENING))
        show.go(5)

        found = re.search(r"<code>(http://[^<]+/share/[^<]+)</code>", await _led(http, a_url, a))
        assert found is not None
        form = {"link": found[1]}
        where = f"{b_url}/broadcasts/concert/follow"
        async with http.post(where, data=form, headers=_host(b), allow_redirects=False) as answer:
            assert answer.headers["Location"].endswith("said=followed")

        async def live() -> bool:
            return "Показывается трансляция другой школы" in await _led(http, b_url, b)

        await until_async(live, what="the other school's broadcast")
        assert b.house.shown(CONCERT_ON_AIR).phase is Phase.LIVE
        token = b.house.signing.viewer("concert", PUPIL, b.house.wall())
        async with http.get(f"{b_url}/live/{token}/concert/v360/live.m3u8") as answer:
            assert answer.status == 200
            assert "p0.m4s" in await answer.text()
        assert "share/" not in await _led(http, b_url, b), "what is followed is not passed on"
        assert b.studio.follows(BroadcastId("concert")), "nobody publishes it here meanwhile"
        show.end()

        async def over() -> bool:
            one = b.register.book.get(BroadcastId("concert"))
            return one is not None and one.state is State.ENDED

        await until_async(over, what="the end")


CONCERT_ON_AIR = evolve(CONCERT, state=State.LIVE)


def _has_schools(one: Broadcasting) -> Callable[[], Awaitable[bool]]:
    async def there() -> bool:
        return one.house.schools is not None and one.house.schools.any

    return there


async def test_another_process_has_the_questions(tmp_path: Path) -> None:
    """Stopped in the middle and started again: hosts find the question, viewers the line; over, nothing is left."""
    homeserver = web.Application()
    homeserver.router.add_post(
        "/_synapse/client/sferum/v1/orgs/{org}/broadcasts/watchers", _watchers
    )
    lists = tmp_path / "schools.yaml"
    lists.write_text("[]")
    one = CONCERT.id
    async with TestServer(homeserver) as server:
        module = str(server.make_url("")).rstrip("/")
        async with school("a.test", tmp_path / "a", module, lists) as (_, made):
            assert await made.register.book.add(CONCERT) is None
            assert await made.house.begin(HOST, one) is None
            for text in ("Когда конец?", "Кто поёт?"):
                token = made.house.signing.viewer(one, PUPIL, made.house.wall())
                seat = await made.house.look(one, token)
                assert isinstance(seat, Seat)
                assert await made.house.ask(seat, Question(text)) is Asked.ARRIVED
            leads = Leads(made.house)
            before = await leads.floor(HOST, one)
            assert isinstance(before, Floor)
            shown = before.questions[0].number
            assert await leads.moderate(HOST, one, FloorAct.SHOW, shown, "") is None
        async with school("a.test", tmp_path / "a", module, lists) as (_, made):
            after = await Leads(made.house).floor(HOST, one)
            assert isinstance(after, Floor)
            assert [each.text for each in after.questions] == ["Кто поёт?"]
            assert after.said == (Said(shown, "Когда конец?"),)
            assert cast(NoStage, made.studio).repeated == list(after.said)
            Show(made.origin.open(OPENING)).go(1)  # an event list that begins later has it, too
            told = made.origin.lives[0].of.answer(Ask(Kind.EVENTS))
            assert isinstance(told, Text)
            assert "Когда конец?" in told.text
            assert await made.house.finish(HOST, one) is None
        assert list((tmp_path / "a" / "floors").iterdir()) == []


async def test_what_a_host_may_not(tmp_path: Path) -> None:
    """No host, no link, a picture of its own, a broadcast that is over: each has its word, and nothing is followed."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b):
        link = a.fan.link(BROADCAST)
        assert link is not None
        world = World()
        assert await world.leads.follow(HOST, "concert", link) is Unable.NO_LINK
        following = world.house.schools = Following(b.fan)
        assert await world.leads.follow(PUPIL, "concert", link) is Unable.NOT_HOST
        world.stage.now = OnStage()
        assert await world.leads.follow(HOST, "concert", link + "x") is Unable.NO_LINK
        world.stage.now = OnStage(publishers=1)
        assert await world.leads.follow(HOST, "concert", link) is Unable.OWN_PICTURE
        world.stage.now = OnStage(opened=True)
        assert await world.leads.follow(HOST, "concert", link) is Unable.OWN_PICTURE
        world.register.one = evolve(CONCERT, state=State.ENDED)
        assert await world.leads.follow(HOST, "concert", link) is Unable.GONE
        assert following.now(CONCERT.id) == ""


async def test_chosen_before_it_begins(tmp_path: Path) -> None:
    """A link that is pasted while the broadcast waits is followed from its start; the end of ours lets it go."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b):
        Show(a.origin.open(OPENING)).go(4)
        link = a.fan.link(BROADCAST)
        assert link is not None
        world = World()
        world.stage.now = OnStage()
        following = world.house.schools = Following(b.fan)
        assert await world.leads.follow(HOST, "concert", link) is None
        assert following.now(CONCERT.id) == "joining"
        assert b.origin.get(CONCERT.id) is None
        assert await world.leads.begin(HOST, "concert") is None

        async def live() -> bool:
            return following.now(CONCERT.id) == "live"

        await until_async(live, what="pictures")
        assert await world.leads.finish(HOST, "concert") is None
        assert following.now(CONCERT.id) == ""


async def test_what_is_told_of_it(tmp_path: Path) -> None:
    """What was never seen ends nothing of ours and is said to be refused; what was seen and ended, ends ours."""
    async with nodes(tmp_path, "b.example") as (b,):
        following = Following(b.fan)
        assert not following.heard(CONCERT.id, Now.CUT_OFF)
        assert following.now(CONCERT.id) == "cut_off"
        following.leave(CONCERT.id)
        assert following.now(CONCERT.id) == ""
        assert not following.heard(CONCERT.id, Now.LIVE)
        assert not following.heard(CONCERT.id, Now.AWAY)
        assert following.heard(CONCERT.id, Now.OVER)
