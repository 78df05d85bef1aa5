"""A real nginx with our configuration, between viewers and an origin."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector
from attrs import define, frozen
from multidict import CIMultiDictProxy

from media.broadcast import edge_nginx, passes
from media.broadcast.edge import Edge
from media.broadcast.edge_nginx import configuration
from media.broadcast.hls.events import Event
from media.broadcast.origin import endpoints
from media.broadcast.passes import LIVES_S, Kind, Pass
from media.broadcast.roll import MOST_OF_CROWD, Place
from tests.media.broadcast.origin import KEY, Origin
from tests.media.broadcast.origins import world as product
from tests.media.broadcast.world import Stage, broadcast
from tests.support.polling import UNHURRIED_S, until, until_async
from tests.support.process import ServerProcess, free_port, listens, not_installed

pytestmark = pytest.mark.integration

NOW = 1_800_000_000.0
SECRET = "s" * 43
PAGE = "https://rtc.school.test"
#: Enough that each is a connection, few enough for a busy machine.
VIEWERS = 24


@frozen
class Got:
    """An answer, unpacked."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


@define
class World:
    """One edge, its origin, and whoever watches."""

    port: int
    origin: Origin
    stage: Stage
    stack: AsyncExitStack

    async def viewer(self) -> ClientSession:
        """Another one, with connections of their own."""
        connector = TCPConnector(ssl=False)
        session = ClientSession(connector=connector)
        return await self.stack.enter_async_context(session)

    async def get(
        self, who: ClientSession, pass_: str, path: str, headers: dict[str, str] | None = None
    ) -> Got:
        """Fetched whole."""
        url = f"https://127.0.0.1:{self.port}/live/{pass_}/concert/{path}"
        async with who.get(url, headers=headers) as response:
            return Got(response.status, response.headers, await response.read())


def issue(account: int = 0, at: float = NOW) -> str:
    """A viewer's."""
    return passes.issue("concert", f"@u{account}:school.test", Kind.VIEWER, [KEY], at)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Self-signed, for all of this file."""
    folder = tmp_path_factory.mktemp("edge-tls")
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "1", "-subj", "/CN=edge.test",
            "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder


@asynccontextmanager
async def edge_before(
    folder: Path, certificate: Path, origin_port: int, secret: str
) -> AsyncIterator[int]:
    """nginx as `configuration` says, in front of an origin of this machine; → its port."""
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/bin")
    if binary is None:
        not_installed("nginx")
    edge = Edge(
        name="edge.test",
        origins=(f"127.0.0.1:{origin_port}",),
        secret=secret,
        certificate=str(certificate / "cert.pem"),
        key=str(certificate / "key.pem"),
        page=PAGE,
        port=free_port(),
        cache=str(folder),
        log=str(folder / "error.log"),
        pid=str(folder / "pid"),
        user=getpass.getuser(),
        workers=2,
        auth_s=1,
        longest_wait_s=1,
    )
    file = folder / "nginx.conf"
    file.write_text(configuration(edge))
    command = [binary, "-p", str(folder), "-c", str(file), "-e", str(folder / "start.log")]
    _judged(command)
    nginx = ServerProcess("nginx", [*command, "-g", "daemon off;"], folder / "nginx.out")
    nginx.start()
    try:
        until(lambda: nginx.is_alive() and listens(edge.port), what="nginx")
        yield edge.port
    finally:
        nginx.stop()


@pytest.fixture(autouse=True)
def a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A roll may be on its way for longer than in a school: who asks for it here waits for the same processor."""
    monkeypatch.setattr(edge_nginx, "WAY_S", 30)


@pytest.fixture
async def world(tmp_path: Path, certificate: Path) -> AsyncIterator[World]:
    """An edge, and the first segment of a concert."""
    origin = Origin(broadcast(), SECRET, NOW, longest_wait_s=1)
    stage = Stage(origin.of)
    stage.begin()
    stage.segments(1)
    stage.part()
    await origin.start()
    try:
        async with (
            edge_before(tmp_path, certificate, origin.port, SECRET) as port,
            AsyncExitStack() as stack,
        ):
            yield World(port, origin, stage, stack)
    finally:
        await origin.stop()


def _judged(command: list[str]) -> None:
    """nginx itself has nothing to say against it."""
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr, checked.stderr


async def test_one_request_for_all_who_wait(world: World) -> None:
    """Everybody waits for the next part, with a pass of their own: the origin is asked once, all get it."""
    path, asked = "v720/live.m3u8?_HLS_msn=1&_HLS_part=1", world.origin.asked
    viewers = [await world.viewer() for _ in range(VIEWERS)]

    async def everybody_waits() -> bool:
        return len(world.origin.checked) == VIEWERS and bool(asked)

    async with asyncio.TaskGroup() as group:
        waiting = [
            group.create_task(world.get(who, issue(number), path))
            for number, who in enumerate(viewers)
        ]
        await until_async(everybody_waits, what="everybody at the edge, one at the origin")
        world.stage.part()
        world.origin.changed()
    answers = [one.result() for one in waiting]
    assert {one.status for one in answers} == {200}
    assert len({one.body for one in answers}) == 1
    assert answers[0].body.count(b"#EXT-X-PART:") == 6
    assert asked == {"/edge/concert/v720/live.m3u8?_HLS_msn=1&_HLS_part=1&": 1}
    assert all(one.headers["Access-Control-Allow-Origin"] == PAGE for one in answers)
    assert "Cookie" not in world.origin.headers


async def test_a_page_of_events_is_asked_for_once(world: World) -> None:
    """Everybody waits for it at the edge; a page's number makes no other copy of any other file."""
    viewers, asked = [await world.viewer() for _ in range(4)], world.origin.asked

    async def everybody_waits() -> bool:
        return len(world.origin.checked) == len(viewers) and bool(asked)

    async with asyncio.TaskGroup() as group:
        waiting = [
            group.create_task(world.get(who, issue(number), "events.json?seq=0"))
            for number, who in enumerate(viewers)
        ]
        await until_async(everybody_waits, what="everybody at the edge, one at the origin")
        events = world.origin.of.events
        assert events.put(Event(17, "Когда конец?"), 0.0) == 0.0
        events.turn(0.0)
        world.origin.changed()
    answers = [one.result() for one in waiting]
    assert {one.status for one in answers} == {200}
    (body,) = {one.body for one in answers}
    assert "Когда конец?" in body.decode()
    assert asked == {"/edge/concert/events.json?seq=0&": 1}
    for query in ("?seq=1", "?seq=2", ""):
        assert (await world.get(viewers[0], issue(), f"v720/p0.m4s{query}")).status == 200
    assert asked["/edge/concert/v720/p0.m4s"] == 1


async def test_what_a_visitor_adds_is_not_passed_on(world: World) -> None:
    """Other queries, headers and cookies make no other copy; without gzip the same text comes unpacked."""
    who = await world.viewer()
    plain = await world.get(who, issue(), "v720/p0.m4s")
    for path, headers in (
        ("v720/p0.m4s?x=1", {"Cookie": "a=b", "User-Agent": "other"}),
        ("v720/p0.m4s?_HLS_msn=abc&_HLS_skip=NO", {"Authorization": "Bearer x"}),
        ("v720/p0.m4s", {"Accept-Encoding": "identity", "X-Sferum-Edge": "mine"}),
    ):
        again = await world.get(who, issue(), path, headers)
        assert (again.status, again.body) == (200, plain.body)
    assert world.origin.asked == {"/edge/concert/v720/p0.m4s": 1}
    assert not {"Cookie", "Authorization", "User-Agent"} & world.origin.headers
    packed = await world.get(who, issue(), "v720/rewind.m3u8")
    unpacked = await world.get(who, issue(), "v720/rewind.m3u8", {"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.body == unpacked.body
    assert "Content-Encoding" not in unpacked.headers
    many = {"Range": "bytes=" + ",".join(f"{at}-{at}" for at in range(0, 400, 2))}
    assert (await world.get(who, issue(), "v720/p0.m4s", many)).body == plain.body


async def test_who_may_not_watch(world: World) -> None:
    """Nobody 401, forged or of another broadcast 403, expired 410, unknown files 404; our page can read which."""
    who = await world.viewer()
    other = passes.issue("lesson", "@u0:school.test", Kind.VIEWER, [KEY], NOW)
    cases = [
        (issue(), "main.m3u8", 200),
        ("", "main.m3u8", 401),
        ("a" * 100, "main.m3u8", 403),
        (other, "main.m3u8", 403),
        (issue(at=NOW - LIVES_S), "main.m3u8", 410),
        (issue(), "v720/p99.m4s", 404),
    ]
    for pass_, path, status in cases:
        answer = await world.get(who, pass_, path)
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, PAGE)
    async with who.post(f"https://127.0.0.1:{world.port}/live/{issue()}/concert/main.m3u8") as no:
        assert no.status == 405
    async with who.get(f"https://127.0.0.1:{world.port}/edge/auth") as no:
        assert no.status == 404


async def test_a_pass_is_asked_about_once_and_can_be_revoked(world: World) -> None:
    """Many requests, one question to Python; after the kept answer's time a revoked pass opens nothing."""
    who, pass_ = await world.viewer(), issue()
    for number in range(6):
        assert (await world.get(who, pass_, f"v720/p{number % 4}.m4s")).status == 200
    assert world.origin.checked[pass_] <= 3  # kept for a second here, for half a minute else
    world.origin.revoked.account("concert", "@u0:school.test", NOW + 1)

    async def refused() -> bool:
        return (await world.get(who, pass_, "v720/p0.m4s")).status == 403

    await until_async(refused, what="a 403")


async def test_a_roll_is_enough(world: World) -> None:
    """Nobody asks about those of the fullest roll that there may be; who is not on it is asked about, and refused."""
    who, mine = await world.viewer(), issue()
    given = passes.check(mine, "concert", [KEY], NOW)
    assert isinstance(given, Pass)
    others = [mine, *(f"{mine[:-18]}{number:016}{mine[-2:]}" for number in range(1, MOST_OF_CROWD))]
    for one in others:
        world.origin.rolls.add(one, given, NOW)
    for one in (others[0], others[200], others[-1]):
        assert (await world.get(who, one, "v720/p0.m4s")).status == 200
    assert not world.origin.checked
    # The same mark behind another beginning is the same viewer; half of one mark and half of the next is nobody.
    assert (await world.get(who, "AAAA" + mine[-20:], "v720/p0.m4s")).status == 200
    between = mine[:-18] + mine[-10:-2] + others[1][-18:-10] + mine[-2:]
    assert (await world.get(who, between, "v720/p0.m4s")).status == 403
    assert list(world.origin.checked) == [between]


async def test_whoever_leaves_the_school(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The origin of the product: seen, on the roll, and out when the roll is over; another one of that crowd stays."""
    monkeypatch.setattr(endpoints, "ROLL_KEPT", "max-age=1, stale-while-revalidate=1")
    mine, number = issue(), 1
    while _crowd(issue(number)) != _crowd(mine):
        number += 1
    (tmp_path / "edge").mkdir()
    async with (
        product.serving(product.make(tmp_path / "origin")) as origin,
        edge_before(
            tmp_path / "edge", certificate, int(origin.url.rpartition(":")[2]), product.SECRET
        ) as port,
        ClientSession(connector=TCPConnector(ssl=False)) as http,
    ):
        origin.publish().give(product.coded(2))
        answered = origin.endpoints.answered

        async def status(pass_: str) -> int:
            async with http.get(f"https://127.0.0.1:{port}/live/{pass_}/concert/main.m3u8") as got:
                return got.status

        async def listed() -> bool:
            seen = {await status(mine), await status(issue(number))}
            both = len(origin.endpoints.judge.rolls) == 2 and answered["roll", 204] >= 3
            return seen == {200} and both

        await until_async(listed, what="rolls with both on them", interval_s=UNHURRIED_S)
        origin.out.add("@u0:school.test")

        async def refused() -> bool:
            return (await status(mine), await status(issue(number))) == (403, 200)

        await until_async(refused, what="a 403", interval_s=UNHURRIED_S)
        assert len(origin.endpoints.judge.rolls) == 1


def _crowd(pass_: str) -> str:
    place = Place.of(pass_)
    assert place is not None
    return place.crowd


async def test_a_silent_stage(world: World) -> None:
    """The origin's 503 is everybody's: nobody who waited asks it once more; when it speaks again, it is heard."""
    path = "v720/live.m3u8?_HLS_msn=1&_HLS_part=1"
    viewers = [await world.viewer() for _ in range(VIEWERS)]
    answers = await asyncio.gather(
        *(world.get(who, issue(number), path) for number, who in enumerate(viewers))
    )
    assert {one.status for one in answers} == {503}
    assert sum(world.origin.asked.values()) <= 2
    world.stage.part()
    world.origin.changed()

    async def speaks() -> bool:
        return (await world.get(viewers[0], issue(), path)).status == 200

    await until_async(speaks, what="the part")


async def test_an_origin_that_is_away(world: World) -> None:
    """What is not there is 503 with a word when to come again, and comes when the origin is back."""
    who = await world.viewer()
    assert (await world.get(who, issue(), "v720/p0.m4s")).status == 200
    await world.origin.stop()
    away = await world.get(who, issue(1), "v720/p1.m4s")
    assert (away.status, away.headers["Retry-After"]) == (503, "1")
    assert away.headers["Access-Control-Allow-Origin"] == PAGE
    await world.origin.start()

    async def back() -> bool:
        return (await world.get(who, issue(1), "v720/p1.m4s")).status == 200

    await until_async(back, what="the origin")
