"""hls.js in Chromium, with the settings of the watch page; it reads in the pictures when they were taken."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field
from playwright.async_api import BrowserContext, Page, Route, async_playwright

from bench.broadcast.crowd import Where
from bench.broadcast.edge import PAGE
from bench.broadcast.film import BITS, BLOCK, FRAMES, PICTURE
from bench.native import ROOT
from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.sound import FRAME
from media.broadcast.hls.values import HZ, Shape
from tests.support.chromium import CAMERAS

#: As scripts/install-clients puts it.
HLS = ROOT / "var" / "npm" / "hls-1.7.4" / "hls.light.min.js"
OURS = ROOT / "media" / "broadcast" / "pages" / "static" / "player.js"
#: A page of a public site is not let to servers of this machine otherwise (Local Network Access).
ARGUMENTS = (*CAMERAS, "--disable-features=LocalNetworkAccessChecks")
#: Milliseconds between two looks at the picture.
LOOKS_MS = 200

DOCUMENT = """<!doctype html><meta charset="utf-8"><title>watch</title>
<video id="video" muted autoplay playsinline width="640" height="360"></video>
<script src="/hls.js"></script>"""

#: How late each picture is that was looked at, in seconds; when the first one was seen; how often it stood still since.
WATCH = """async ([url, sync, bits, block, picture, length, every]) => {
    const {open} = await import('/player.js');
    const video = document.getElementById('video');
    const canvas = new OffscreenCanvas(2 * bits * block, block);
    const context = canvas.getContext('2d', {willReadFrequently: true});
    const seen = window.seen = {late: [], unread: 0, first: null, rebuffers: 0, failed: []};
    const began = performance.now();
    let looked = 0;
    const look = (now) => {
        video.requestVideoFrameCallback(look);
        if (seen.first === null) {
            seen.first = (performance.now() - began) / 1000;
            video.addEventListener('waiting', () => { seen.rebuffers += 1; });
        }
        if (now - looked < every) return;
        looked = now;
        context.drawImage(video, 0, 0, 2 * bits * block, block, 0, 0, 2 * bits * block, block);
        const {data} = context.getImageData(0, block / 2, 2 * bits * block, 1);
        const bit = (place) => data[(place * block + block / 2) * 4] > 128;
        let number = 0, good = true;
        for (let place = 0; place < bits; place++) {
            if (bit(place)) number += 2 ** place;
            good = good && bit(place) !== bit(place + bits);
        }
        if (!good) { seen.unread += 1; return; }
        const late = (Date.now() / 1000 - number * picture) % length;
        seen.late.push((late + length) % length);
    };
    video.requestVideoFrameCallback(look);
    const player = window.player = open(video, {live_sync_s: sync}, {
        failed: (kind) => seen.failed.push(kind), levels: () => {}, captions: () => {},
    });
    player.load(url, false);
}"""


class NoBrowser(Exception):
    """Says what is missing."""


@define(eq=False)
class Player:
    _page: Page = field(repr=False)

    async def watch(self, where: Where, shape: Shape, number: int) -> None:
        """`number`: of the viewer, whose pass it has."""
        url = f"https://127.0.0.1:{where.port}{where.path(number)}main.m3u8"
        sync_s = shape.part_ticks / HZ * shape.hold_back_percent / 100
        length_s, picture_s = FRAMES * FRAME / RATE, PICTURE / RATE
        words = [url, sync_s, BITS, BLOCK, picture_s, length_s, LOOKS_MS]
        await self._page.evaluate(WATCH, words)

    async def first_frame(self) -> float:
        """Seconds from the beginning to the first picture."""
        await self._page.wait_for_function("seen.first !== null", timeout=60_000)
        first: float = await self._page.evaluate("seen.first")
        return first

    async def forget(self) -> None:
        """A window begins."""
        await self._page.evaluate("seen.late = []; seen.rebuffers = 0; seen.unread = 0")

    async def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = await self._page.evaluate("seen")
        return found


@asynccontextmanager
async def player() -> AsyncIterator[Player]:
    """Raises:
    NoBrowser: says what is missing.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise NoBrowser("chromium is not installed; run scripts/install-services")
    if not HLS.exists():
        raise NoBrowser("hls.js is not there; run scripts/install-clients")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        try:
            context = await browser.new_context(ignore_https_errors=True)
            page = await _page(context)
            yield Player(page)
        finally:
            await browser.close()


async def _page(context: BrowserContext) -> Page:
    """Of the only site that an edge lets read what it serves."""
    texts = {
        f"{PAGE}/hls.js": await asyncio.to_thread(HLS.read_bytes),
        f"{PAGE}/player.js": await asyncio.to_thread(OURS.read_bytes),
    }

    async def answer(route: Route) -> None:
        text = texts.get(route.request.url)
        if text is not None:
            await route.fulfill(body=text, content_type="text/javascript")
        else:
            await route.fulfill(body=DOCUMENT, content_type="text/html")

    await context.route(f"{PAGE}/**", answer)
    page = await context.new_page()
    await page.goto(f"{PAGE}/")
    return page
