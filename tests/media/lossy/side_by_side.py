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
from itertools import pairwise
from pathlib import Path
from typing import Any

from attrs import Factory, define, evolve, frozen

from media.forwarder.plain.forwarder import PlainForwarder
from media.plane.plain import PlainPlane
from tests.media.lossy.figures import Figures, Sample, Stage, figures
from tests.media.lossy.world import Lossy, lossy_calls
from tests.media.planes import PLANES
from tests.media.signal.browser import Viewer, browsers
from tests.media.world import eventually

PAGE = Path(__file__).parent / "conditions_page.js"
PUBLISHER, WATCHER = "anna", "boris"
LARGE = "document.querySelector('video').style.cssText = 'width: 960px; height: 540px'"
#: Of one room: the page's clock, seconds, and pictures of each layer since it was published.
Sent = tuple[float, dict[str, int]]
#: Widths of the layers, pixels: as in `conditions_page.js`.
LAYERS = (240, 480, 960)
#: For so many seconds each layer has nearly all pictures, before the line changes.
WHOLE_S, WHOLE = 1.0, 0.7
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
        sent = []
        for number, stage in enumerate(schedule):
            for world in self.worlds.values():
                world.path.line(WATCHER).set(up=stage.up, down=stage.down)
            sent.append(await self._begin(number))
            await self._until(clock() + stage.lasts_s)
            await self._until(clock() + stage.waits_s, stage.width)
            await self._until(clock() + stage.then_s)
        sent.append(await self._begin(len(schedule)))
        found = {}
        for (name, viewer), its in zip(self.pages.items(), zip(*sent, strict=True), strict=True):
            samples = await viewer.page.evaluate("recording.samples")
            found[name] = figures(schedule, [Sample(**one) for one in samples], _rates(its))
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

    async def _begin(self, stage: int) -> list[Sent]:
        """Now; what each room was sent until then."""
        sent: list[Sent] = await self.publisher.page.evaluate("filmSent(rooms)")
        asked = (
            page.page.evaluate(f"beginStage({json.dumps(PUBLISHER)}, {stage})")
            for page in self.pages.values()
        )
        await asyncio.gather(*asked)
        return sent


def _rates(sent: Sequence[Sent]) -> list[float]:
    """Pictures a second between two moments, of the layer that had most."""
    return [
        max(frames - old.get(rid, 0) for rid, frames in new.items()) / (then - at)
        for (at, old), (then, new) in pairwise(sent)
    ]


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
        await eventually(Whole(publisher).now, "all layers are sent")
        yield SideBySide(worlds=worlds, pages=pages, publisher=publisher)


@define
class Whole:
    """Whether every layer has as many pictures as any, to every room: the publisher's estimates begin low."""

    publisher: Viewer
    _before: list[Sent] = Factory(list)

    async def now(self) -> bool:
        sent: list[Sent] = await self.publisher.page.evaluate("filmSent(rooms)")
        if not self._before:
            self._before = sent
        if sent[0][0] - self._before[0][0] < WHOLE_S:
            return False
        made = [
            [frames - old.get(rid, 0) for rid, frames in new.items()]
            for (_, old), (_, new) in zip(self._before, sent, strict=True)
        ]
        self._before = sent
        return all(min(frames) >= WHOLE * max(frames) > 0 for frames in made)


async def _publish(worlds: Mapping[str, Lossy], viewer: Viewer) -> None:
    """One page is in every room: the pictures are the same ones."""
    page: Any = viewer.page
    await page.evaluate(PAGE.read_text())
    await page.evaluate("var rooms = [room]")
    for world in list(worlds.values())[1:]:
        urls = json.dumps(world.calls.ws), json.dumps(world.calls.token(PUBLISHER))
        await page.evaluate(f"join({urls[0]}, {urls[1]}, {{}}, {{}}).then(() => rooms.push(room))")
    await page.evaluate("publishFilm(rooms)")
