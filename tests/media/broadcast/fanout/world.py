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
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from media.broadcast import passes
from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.parts import Init, Output, Rendition
from media.broadcast.cmaf.parts import Part as Chunk
from media.broadcast.fanout.asking import Judge as Questions
from media.broadcast.fanout.endpoints import NodeDoor
from media.broadcast.fanout.peer import Peer, School, Us
from media.broadcast.fanout.puller import Now, Puller
from media.broadcast.hls.multivariant import Picture, Variant
from media.broadcast.hls.values import Part, Shape
from media.broadcast.origin.endpoints import Endpoints
from media.broadcast.origin.judging import Judge
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.publication import Opening, Publication
from media.broadcast.passes import Kind, Pass
from tests.media.broadcast.cmaf.stage import Stage

BROADCAST = "concert"
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


async def nobody_keeps(*_: object) -> object | None:
    return None


@define(eq=False)
class Node:
    """One school's: origin, endpoints, the door for other nodes.

    Attributes:
        schools: keys of those that may ask; `followers`: who is shown what, and who was not cut off.
    """

    name: str
    folder: Path
    key: Ed25519PrivateKey
    schools: dict[str, Ed25519PublicKey] = field(factory=dict)
    followers: set[str] = field(factory=set)
    wall: float = WALL
    origin: Origin = field(init=False)
    endpoints: Endpoints = field(init=False)
    door: NodeDoor = field(init=False)
    seals: list[bytes] = field(factory=lambda: [b"k" * 32])
    port: int = 0
    _runner: web.AppRunner | None = None

    def __attrs_post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.origin = Origin(
            folder=self.folder / "parts",
            recordings=self.folder / "recordings",
            tell=lambda told: None,
            keep=nobody_keeps,
            tag=lambda: self.name[:1],
        )
        judge = Judge(self.seals, self._may_watch, lambda: self.wall)
        self.endpoints = Endpoints(origin=self.origin, judge=judge)
        self.door = NodeDoor(
            judge=Questions(self.name, self.schools),
            may_follow=self._may_follow,
            keys=self.seals,
            address_of=lambda request: request.remote or "",
            wall=lambda: self.wall,
            clock=loop.time,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def school(self) -> School:
        return School(self.name, self.url)

    async def start(self) -> None:
        app = web.Application()
        self.endpoints.add_routes(app)
        self.door.add_routes(app)
        self._runner = web.AppRunner(app, shutdown_timeout=0, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def viewer(self, who: str) -> str:
        """Where a viewer of this school watches."""
        token = passes.issue(BROADCAST, who, Kind.VIEWER, self.seals, self.wall)
        return f"{self.url}/live/{token}/{BROADCAST}"

    def puller(self, http: aiohttp.ClientSession, of: School, told: list[Now]) -> Puller:
        numbers = itertools.count()
        peer = Peer(
            http=http,
            us=Us(self.name, self.key),
            school=of,
            broadcast=BROADCAST,
            wall=lambda: self.wall,
            once=lambda: f"{self.name.replace('.', '-')}-{next(numbers):016d}",
        )
        return Puller(
            peer=peer,
            open=self.origin.open,
            clock=asyncio.get_running_loop().time,
            tell=told.append,
        )

    async def _may_watch(self, seen: Pass) -> bool:
        return seen.kind is not Kind.NODE or seen.account in self.followers

    async def _may_follow(self, broadcast: str, node: str) -> bool:
        return broadcast == BROADCAST and node in self.followers


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
    """Nodes that run; each knows the others' keys, and shows them everything."""
    keys = {
        name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b".")) for name in names
    }
    made = tuple(Node(name, folder / name, key) for name, key in keys.items())
    for one in made:
        for other, key in keys.items():
            one.schools[other] = key.public_key()
            one.followers.add(other)
        await one.start()
    try:
        yield made
    finally:
        for one in made:
            await one.stop()
            for live in one.origin.lives:
                live.end()
                await live.written.wait()


@asynccontextmanager
async def pulling(puller: Puller) -> AsyncIterator[asyncio.Task[Now]]:
    """While it runs; it is cancelled in the end if it is not over."""
    task = asyncio.ensure_future(puller.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def fetch(http: aiohttp.ClientSession, url: str) -> bytes:
    async with http.get(url) as response:
        assert response.status == 200, response.status
        return await response.read()
