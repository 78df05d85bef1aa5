"""A real nginx with our configuration, between viewers and an origin."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector
from attrs import define, frozen
from multidict import CIMultiDictProxy

from media.broadcast import passes
from media.broadcast.edge import Edge
from media.broadcast.edge_nginx import configuration
from media.broadcast.passes import LIVES_S, Kind
from tests.media.broadcast.origin import KEY, Origin
from tests.media.broadcast.world import Stage, broadcast
from tests.support.polling import until, until_async
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


@pytest.fixture
async def world(tmp_path: Path, certificate: Path) -> AsyncIterator[World]:
    """nginx as `configuration` says, and the first segment of a concert."""
    binary = shutil.which("nginx", path="/usr/sbin:/usr/bin:/bin")
    if binary is None:
        not_installed("nginx")
    origin = Origin(broadcast(), SECRET, NOW, longest_wait_s=1)
    stage = Stage(origin.of)
    stage.begin()
    stage.segments(1)
    stage.part()
    await origin.start()
    edge = Edge(
        name="edge.test",
        origins=(f"127.0.0.1:{origin.port}",),
        secret=SECRET,
        certificate=str(certificate / "cert.pem"),
        key=str(certificate / "key.pem"),
        page=PAGE,
        port=free_port(),
        cache=str(tmp_path),
        log=str(tmp_path / "error.log"),
        pid=str(tmp_path / "pid"),
        user=getpass.getuser(),
        workers=2,
        auth_s=1,
        longest_wait_s=1,
    )
    file = tmp_path / "nginx.conf"
    file.write_text(configuration(edge))
    command = [binary, "-p", str(tmp_path), "-c", str(file), "-e", str(tmp_path / "start.log")]
    _judged(command)
    nginx = ServerProcess("nginx", [*command, "-g", "daemon off;"], tmp_path / "nginx.out")
    nginx.start()
    try:
        until(lambda: nginx.is_alive() and listens(edge.port), what="nginx")
        async with AsyncExitStack() as stack:
            yield World(edge.port, origin, stage, stack)
    finally:
        nginx.stop()
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
