"""An origin with a stage in a process of its own: `python -m tests.media.broadcast.origins.process FOLDER PORT`.

The stage shows the same quarter of a minute again and again. The pass of everybody is `pass_of_everybody()`.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from attrs import evolve

from media.broadcast import passes
from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.parts import Part
from media.broadcast.cmaf.rhythm import LOW_LATENCY
from media.broadcast.origin.endpoints import Endpoints
from media.broadcast.origin.judging import Judge
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.publication import Told
from media.broadcast.origin.showing import Recordings
from media.broadcast.pages.asking import BadLine
from media.broadcast.pages.shown import Refusal, Seat
from media.broadcast.passes import Kind, Pass
from tests.media.broadcast.origins.world import KEY, Kept, Stage, coded, moments, opening
from tests.media.broadcast.pages.world import VIEWER, Remembering, app_of

SECONDS = 16
#: Seconds that are there when the process begins: a player needs three parts.
READY = 4.0


def now() -> float:
    return datetime.now(UTC).timestamp()  # noqa: TID251 -- a process of the tests has a clock


def pass_of_everybody() -> str:
    return passes.issue("concert", "@u0:school.test", Kind.VIEWER, [KEY], now())


class House(Remembering):
    """Every pass has a seat; what is typed is shown."""

    origin: Origin | None = None

    async def look(self, broadcast_id: str, token: str) -> Seat | Refusal:
        del broadcast_id
        return evolve(VIEWER, token=token, broadcast=self.broadcast)

    def type(self, seat: Seat, code: str, line: str) -> BadLine | None:
        assert self.may_type(seat, code)
        live = None if self.origin is None else self.origin.get("concert")
        return None if live is not None and live.say(line) is None else BadLine.NOT_NOW


async def show(origin: Origin) -> None:
    """Each moment when it is over."""
    loop = asyncio.get_running_loop()
    began = loop.time() - READY
    wall = int(now() * 1000 - READY * 1000)
    given = 0
    while True:
        stage = Stage(origin.open(opening(rhythm=LOW_LATENCY)), wall + given * 1000 // RATE)
        for moment in moments(coded(SECONDS, gop=25, rhythm=LOW_LATENCY)):
            given += next(one.ticks for one in moment if isinstance(one, Part))
            await asyncio.sleep(max(0.0, began + given / RATE - loop.time()))
            stage.one(moment)


async def _anybody(given: Pass) -> bool:
    return given.kind is Kind.VIEWER


async def main(folder: Path, port: int) -> None:
    kept, told = Kept(), list[Told]()
    origin = Origin(
        folder=folder / "parts",
        recordings=folder / "recordings",
        tell=told.append,
        materials=kept,
        tag=lambda: secrets.token_hex(4),
        leaves_free=0,
    )
    judge = Judge([KEY], _anybody, now)
    house = House(broadcast=evolve(VIEWER.broadcast, captions=True))
    house.origin = origin
    app = app_of(house, asyncio.get_running_loop().time)
    Endpoints(origin=origin, judge=judge).add_routes(app)
    Recordings(judge=judge, file_of=kept.file_of).add_routes(app)
    await origin.restore()
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with asyncio.TaskGroup() as group:
        group.create_task(origin.run())
        group.create_task(show(origin))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
