"""Schools whose nodes serve broadcasts to one another: real HTTP between them; the stage is one on paper."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from attrs import define, field
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from media.broadcast import passes
from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.parts import Init, Output, Rendition
from media.broadcast.cmaf.parts import Part as Chunk
from media.broadcast.fanout.endpoints import PATH
from media.broadcast.fanout.node import FanOut
from media.broadcast.fanout.peer import Us
from media.broadcast.fanout.puller import Now, Puller
from media.broadcast.fanout.schools import School
from media.broadcast.hls.multivariant import Picture, Variant
from media.broadcast.hls.values import Part, Shape
from media.broadcast.origin.endpoints import Endpoints
from media.broadcast.origin.judging import Judge
from media.broadcast.origin.live import Live
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.publication import Opening, Publication, Recording
from media.broadcast.passes import Kind, Pass
from tests.media.broadcast.cmaf.stage import Stage

#: The same broadcast there and here.
BROADCAST, OURS = "concert", "their-concert"
WALL = 1_800_000_000.0
NAMES: dict[object, str] = {Rendition.PICTURES: "v360", Rendition.SOUND: "sound"}
OPENING = Opening(
    broadcast=BROADCAST,
    shape=Shape(target_s=7),
    variants=(
        Variant(
            rendition="v360",
            bandwidth_bps=500_000,
            picture=Picture(codec="avc1.42c01f", width=640, height=360),
        ),
        Variant(rendition="sound", bandwidth_bps=64_000),
    ),
    recorded=False,
)


def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))


class Nobody:
    """Keeps no recordings."""

    async def keep(self, recording: Recording) -> bool:
        del recording
        return False


@define(eq=False)
class Node:
    """One school's: origin, endpoints, what goes to other schools and comes from there.

    Attributes:
        schools: the list of this node, as its file would say it.
        told: what was said of the broadcast that is followed.
    """

    name: str
    folder: Path
    key: Ed25519PrivateKey
    schools: dict[str, School] = field(factory=dict)
    wall: float = WALL
    told: list[Now] = field(factory=list)
    origin: Origin = field(init=False)
    endpoints: Endpoints = field(init=False)
    fan: FanOut = field(init=False)
    seals: list[bytes] = field(init=False)
    port: int = 0
    _runner: web.AppRunner | None = None
    _task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def school(self) -> School:
        return School(self.name, self.url, self.key.public_key())

    async def open(self, http: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        self.seals = [self.name.encode().ljust(32, b".")]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.origin = Origin(
            folder=self.folder / "parts",
            recordings=self.folder / "recordings",
            tell=lambda told: None,
            materials=Nobody(),
            tag=lambda: self.name[:1],
        )
        judge = Judge(self.seals, self._may_watch, lambda: self.wall)
        self.endpoints = Endpoints(origin=self.origin, judge=judge)
        await self.start()
        numbers = itertools.count()
        self.fan = FanOut(
            us=Us(self.name, self.key),
            url=self.url,
            keys=self.seals,
            schools=lambda: self.schools,
            http=http,
            folder=self.folder,
            open=self.origin.open,
            on_air=self._on_air,
            tell=lambda _, now: self.told.append(now),
            address_of=lambda request: request.remote or "",
            wall=lambda: self.wall,
            clock=loop.time,
            once=lambda: f"{next(numbers):022d}",
        )
        self._task = asyncio.ensure_future(self.fan.run())

    async def start(self) -> None:
        app = web.Application()
        self.endpoints.add_routes(app)
        app.router.add_post(PATH, self._door)
        self._runner = web.AppRunner(app, shutdown_timeout=0, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Nobody can reach it."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def close(self) -> None:
        await self.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for live in self.origin.lives:
            live.end()
            await live.written.wait()

    def viewer(self, who: str) -> str:
        """Where a viewer of this school watches what it follows."""
        token = passes.issue(OURS, who, Kind.VIEWER, self.seals, self.wall)
        return f"{self.url}/live/{token}/{OURS}"

    def follow(self, other: Node) -> Puller:
        """A host there gives the link, a host here shows the broadcast."""
        link = other.fan.link(BROADCAST)
        assert link is not None
        assert self.fan.promise(OURS, link) is None
        assert self.fan.begin(OURS, recorded=False)
        return self.fan._followed[OURS].puller

    @property
    def live(self) -> Live:
        found = self.origin.get(OURS)
        assert found is not None
        return found

    async def _door(self, request: web.Request) -> web.Response:
        return await self.fan.door.answer(request)

    async def _may_watch(self, seen: Pass) -> bool:
        return seen.kind is not Kind.NODE or self.fan.may_watch(seen)

    def _on_air(self, broadcast: str) -> bool:
        live = self.origin.get(broadcast)
        return live is not None and live.over is None


@define(eq=False)
class Show:
    """The stage of a school, published as fast as a test likes.

    Attributes:
        octets: of all parts and init segments, once.
    """

    publication: Publication
    stage: Stage = field(factory=lambda: Stage(gop=90))
    octets: int = 0
    chunks: list[Chunk] = field(factory=list)
    _inits: dict[str, bytes] = field(factory=dict)

    def go(self, seconds: float) -> None:
        self.stage.go(int(seconds * RATE))
        self._publish(self.stage.out)
        self.stage.out.clear()

    def end(self) -> None:
        self.stage.end()
        self._publish(self.stage.out)
        self.publication.end()

    def _publish(self, out: Sequence[Output]) -> None:
        for each in out:
            if isinstance(each, Init):
                self._inits[NAMES[each.rendition]] = each.data
                if len(self._inits) == len(NAMES):
                    self.octets += sum(map(len, self._inits.values()))
                    at = next(
                        one.begins
                        for one in out
                        if isinstance(one, Chunk) and one.discontinuity == each.discontinuity
                    )
                    wall_ms = int(WALL * 1000) + at * 1000 // RATE
                    assert (
                        self.publication.begin(each.discontinuity, self._inits, wall_ms, at) is None
                    )
                    self._inits = {}
            elif isinstance(each, Chunk):
                part = Part(
                    NAMES[each.rendition],
                    each.discontinuity,
                    each.segment,
                    each.part,
                    each.ticks,
                    each.independent,
                )
                assert self.publication.part(part, each.data) is None
                self.octets += len(each.data)
                self.chunks.append(each)
                if each.rendition is Rendition.SOUND:
                    self.publication.settle()


@asynccontextmanager
async def nodes(folder: Path, *names: str) -> AsyncIterator[tuple[Node, ...]]:
    """Nodes that run, each in the others' lists."""
    made = tuple(Node(name, folder / name, key_of(name)) for name in names)
    async with aiohttp.ClientSession() as http:
        for one in made:
            await one.open(http)
        for one in made:
            one.schools |= {other.name: other.school for other in made if other is not one}
        try:
            yield made
        finally:
            for one in made:
                await one.close()


async def fetch(http: aiohttp.ClientSession, url: str) -> bytes:
    async with http.get(url) as response:
        assert response.status == 200, response.status
        return await response.read()
