"""An origin of the tests with a stage whose parts are real: H.264 and AAC, through the packager."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

from aiohttp import web
from attrs import define, evolve, field

from media.broadcast import passes
from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.cutter import Cutter
from media.broadcast.cmaf.parts import Init, Output, Rendition
from media.broadcast.cmaf.parts import Part as CmafPart
from media.broadcast.cmaf.pictures import Picture as Coded
from media.broadcast.cmaf.pictures import PictureReader
from media.broadcast.cmaf.rhythm import USUAL, Rhythm
from media.broadcast.cmaf.still import black
from media.broadcast.hls.multivariant import Captions, Picture, Variant
from media.broadcast.hls.values import Part, Shape
from media.broadcast.origin.endpoints import Endpoints
from media.broadcast.origin.figures import OriginFigures
from media.broadcast.origin.judging import Judge
from media.broadcast.origin.mirror import Mirror
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.publication import Opening, Publication, Recording, Told
from media.broadcast.origin.showing import Recordings
from media.broadcast.origin.writer import Files
from media.broadcast.passes import Kind, Pass
from tests.media.broadcast.cmaf.camera import film

KEY = b"k" * 32
SECRET = "s" * 43
NOW = 1_800_000_000.0


@cache
def coded(
    seconds: int, *, width: int = 64, height: int = 48, gop: int = 50, rhythm: Rhythm = USUAL
) -> tuple[Output, ...]:
    """So many seconds at 25 pictures a second, in silence."""
    cutter, reader = Cutter(rhythm, black(width, height), 2, 0), PictureReader()
    out: list[Output] = []
    step = RATE // 25
    for number, units in enumerate(film(seconds * 25, width=width, height=height, gop=gop)):
        now = number * step
        picture = reader.read(units, now)
        assert isinstance(picture, Coded)
        out += cutter.take_picture(evolve(picture, ticks=now), now)
    out += cutter.end(seconds * RATE)
    return tuple(one for one in out if isinstance(one, Init | CmafPart))


def opening(name: str = "concert", *, recorded: bool = True, rhythm: Rhythm = USUAL) -> Opening:
    return Opening(
        broadcast=name,
        shape=Shape(part_ticks=rhythm.part_ticks, target_s=7, window_s=30),
        variants=(
            Variant(
                rendition="video",
                bandwidth_bps=400_000,
                picture=Picture(codec="avc1.42c00a", width=64, height=48),
            ),
            Variant(rendition="audio", bandwidth_bps=64_000),
        ),
        recorded=recorded,
        captions=Captions(),
    )


@define
class Stage:
    """Gives what the packager made to a publication; a moment has a part in each rendition."""

    to: Publication
    wall_ms: int = int(NOW * 1000)
    ticks: int = 0
    _inits: dict[str, bytes] = field(factory=dict, init=False)

    def give(self, out: Sequence[Output]) -> None:
        for moment in moments(out):
            self.one(moment)

    def one(self, moment: Sequence[Output]) -> None:
        for each in moment:
            if isinstance(each, Init):
                self._inits[each.rendition.value] = each.data
        for each in moment:
            if not isinstance(each, CmafPart):
                continue
            if self._inits:
                wall = self.wall_ms + self.ticks * 1000 // RATE
                assert self.to.begin(each.discontinuity, self._inits, wall, each.begins) is None
                self._inits = {}
            name = each.rendition.value
            part = Part(
                name, each.discontinuity, each.segment, each.part, each.ticks, each.independent
            )
            assert self.to.part(part, each.data) is None
            if name == "audio":
                self.ticks += each.ticks
        self.to.settle()


def moments(out: Sequence[Output]) -> list[list[Output]]:
    """What comes at one time: init segments, and a part in both renditions."""
    found: list[list[Output]] = [[]]
    for each in out:
        found[-1].append(each)
        if isinstance(each, CmafPart) and each.rendition is Rendition.SOUND:
            found.append([])
    return [one for one in found if one]


@define
class Kept:
    """Materials that remember; `refuses`: so many times not now."""

    refuses: int = 0
    files: list[Recording] = field(factory=list)
    asked: int = 0

    async def keep(self, recording: Recording) -> bool:
        self.asked += 1
        if self.asked > self.refuses:
            self.files.append(recording)
        return self.asked > self.refuses

    def file_of(self, broadcast: str) -> Path | None:
        return next((Path(one.path) for one in self.files if one.broadcast == broadcast), None)

    def captions_of(self, broadcast: str) -> Path | None:
        return next((Path(one.captions) for one in self.files if one.captions), None)


@define
class World:
    """`out`: accounts that may not watch; `now`: seconds since 1970 for passes."""

    origin: Origin
    kept: Kept
    told: list[Told]
    endpoints: Endpoints
    recordings: Recordings
    out: set[str] = field(factory=set)
    asked: list[str] = field(factory=list)
    away: bool = False
    now: float = NOW
    url: str = ""
    runner: web.AppRunner | None = None

    @property
    def connections(self) -> int:
        assert self.runner is not None
        assert self.runner.server is not None
        return len(self.runner.server.connections)

    @property
    def figures(self) -> OriginFigures:
        return OriginFigures(self.endpoints, self.recordings)

    async def may_watch(self, given: Pass) -> bool:
        self.asked.append(given.account)
        if self.away:
            raise ConnectionError
        return given.account not in self.out

    def issue(self, account: str = "@u0:school.test", at: float | None = None) -> str:
        at = self.now if at is None else at
        return passes.issue("concert", account, Kind.VIEWER, [KEY], at)

    def live(self, pass_: str | None = None, name: str = "concert") -> str:
        """Address of a broadcast's folder."""
        return f"{self.url}/live/{self.issue() if pass_ is None else pass_}/{name}"

    def publish(self, *, recorded: bool = True) -> Stage:
        return Stage(self.origin.open(opening(recorded=recorded)))


def make(
    folder: Path,
    *,
    kept: Kept | None = None,
    files: Files | None = None,
    mirror: Mirror | None = None,
) -> World:
    """Not running yet."""
    materials, told = kept or Kept(), list[Told]()
    origin = Origin(
        folder=folder / "parts",
        recordings=folder / "recordings",
        tell=told.append,
        materials=materials,
        tag=iter("abcdefgh").__next__,
        lingers_s=0.0,
        again_s=0.05,
        leaves_free=0,
        mirror=mirror,
        files=files or Files(),
    )
    world: World

    async def may_watch(given: Pass) -> bool:
        return await world.may_watch(given)

    judge = Judge([KEY], may_watch, lambda: world.now)
    endpoints = Endpoints(origin=origin, judge=judge, secrets=[SECRET])
    recordings = Recordings(
        judge=judge, file_of=materials.file_of, captions_of=materials.captions_of
    )
    world = World(origin, materials, told, endpoints, recordings)
    return world


async def _page(_: web.Request) -> web.Response:
    """Where scripts of browsers' tests run."""
    return web.Response(text="<!doctype html><title>page</title>", content_type="text/html")


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[World]:
    """Over HTTP, with recordings being made; stopped as the process is."""
    app = web.Application()
    app.router.add_get("/page", _page)
    world.endpoints.add_routes(app)
    world.recordings.add_routes(app)
    runner = world.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await world.origin.restore()
    running = asyncio.ensure_future(world.origin.run())
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        world.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield world
    finally:
        await runner.cleanup()
        running.cancel()
        # To its end: a process that is just being started is waited for, and must not be cancelled on its own.
        with suppress(asyncio.CancelledError):
            await running
        await world.origin.stop()
