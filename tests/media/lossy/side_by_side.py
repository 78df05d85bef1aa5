"""One film to a page of each forwarder, at the same time, over lines that change together.

::

    async with side_by_side() as pair:
        seen = await pair.walk(SCHEDULE)
        seen["native"]

Both lines throw the same dice, packet by packet. A busy machine is busy for both.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from media.forwarder.plain.forwarder import PlainForwarder
from media.plane.plain import PlainPlane
from tests.media.lossy.figures import Figures, Sample, Sent, Stage, figures, with_made
from tests.media.lossy.world import Lossy, lossy_calls
from tests.media.planes import PLANES
from tests.media.signal.browser import Viewer, browsers
from tests.media.world import eventually

PAGE = Path(__file__).parent / "conditions_page.js"
PUBLISHER, WATCHER = "anna", "boris"
LARGE = "document.querySelector('video').style.cssText = 'width: 960px; height: 540px'"
#: Widths of the layers, pixels: as in `conditions_page.js`.
LAYERS = (240, 480, 960)
RIDS = dict(zip(LAYERS, "qhf", strict=True))
#: For so many times 0.25 s each layer has nearly all pictures, before the line changes.
WHOLE, NEARLY = 5, 0.7
#: Without a memory of every datagram: it would be long.
MAKERS = PLANES | {"plain": lambda: PlainPlane(PlainForwarder())}


@frozen(kw_only=True)
class SideBySide:
    """By the name of the forwarder."""

    worlds: Mapping[str, Lossy]
    pages: Mapping[str, Viewer]
    publisher: Viewer

    async def walk(self, schedule: Sequence[Stage]) -> dict[str, tuple[Figures, ...]]:
        """Through all stages."""
        clock = asyncio.get_running_loop().time
        for number, stage in enumerate(schedule):
            for world in self.worlds.values():
                world.path.line(WATCHER).set(up=stage.up, down=stage.down)
            await self._begin(number)
            await self._until(clock() + stage.lasts_s)
            await self._until(clock() + stage.waits_s, stage.width)
            await self._until(clock() + stage.then_s)
        await self._begin(len(schedule))
        sent: list[list[Sent]] = await self.publisher.page.evaluate("told")
        found = {}
        for (name, viewer), its in zip(self.pages.items(), sent, strict=True):
            samples = [Sample(**one) for one in await viewer.page.evaluate("recording.samples")]
            found[name] = figures(schedule, with_made(samples, its, RIDS))
        return found

    async def _until(self, ends: float, width: int | None = None) -> None:
        """Until then, or until each page's picture has this width."""
        clock = asyncio.get_running_loop().time

        async def over() -> bool:
            if clock() >= ends or width is None:
                return clock() >= ends
            widths = [
                await page.page.evaluate("recording.samples.at(-1).width")
                for page in self.pages.values()
            ]
            return all(one >= width for one in widths)

        await eventually(over, "the stage is over", 60)

    async def _begin(self, stage: int) -> None:
        asked = (
            page.page.evaluate(f"beginStage({json.dumps(PUBLISHER)}, {stage})")
            for page in self.pages.values()
        )
        await asyncio.gather(*asked)


@asynccontextmanager
async def side_by_side() -> AsyncIterator[SideBySide]:
    """Until every page sees the large picture and hears the tone."""
    async with AsyncExitStack() as stack:
        worlds = {
            name: await stack.enter_async_context(lossy_calls(plane=make()))
            for name, make in MAKERS.items()
        }
        chromium = await stack.enter_async_context(browsers(next(iter(worlds.values())).calls))
        doors = {name: evolve(chromium, world=world.calls) for name, world in worlds.items()}
        publisher = await chromium.join(PUBLISHER)
        await _publish(worlds, publisher)
        pages = {name: await door.join(WATCHER) for name, door in doors.items()}
        for viewer in pages.values():
            await viewer.page.evaluate(PAGE.read_text())
            await viewer.sees(PUBLISHER)
            await viewer.page.evaluate(LARGE)
        for viewer in pages.values():
            await viewer.sees(PUBLISHER, width=LAYERS[-1])
            await viewer.hears(PUBLISHER)
        await eventually(lambda: _whole(publisher), "all layers are sent")
        yield SideBySide(worlds=worlds, pages=pages, publisher=publisher)


async def _whole(publisher: Viewer) -> bool:
    """Whether every layer has nearly as many pictures as any, to every room: the publisher's estimates begin low."""
    sent: list[list[Sent]] = await publisher.page.evaluate("told")
    if min(map(len, sent)) <= WHOLE:
        return False
    made = ([its[-1][1][rid] - its[-WHOLE][1].get(rid, 0) for rid in its[-1][1]] for its in sent)
    return all(min(frames) >= NEARLY * max(frames) > 0 for frames in made)


async def _publish(worlds: Mapping[str, Lossy], viewer: Viewer) -> None:
    """One page is in every room: the pictures are the same ones."""
    page: Any = viewer.page
    await page.evaluate(PAGE.read_text())
    await page.evaluate("var rooms = [room]")
    for world in list(worlds.values())[1:]:
        urls = json.dumps(world.calls.ws), json.dumps(world.calls.token(PUBLISHER))
        await page.evaluate(f"join({urls[0]}, {urls[1]}, {{}}, {{}}).then(() => rooms.push(room))")
    await page.evaluate("publishFilm(rooms)")
    await page.evaluate("tellSent(rooms)")
