"""A real process, killed as a power cut would: viewers go on by themselves. FFmpeg plays from it, too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import av
import pytest
from aiohttp import ClientSession
from playwright.async_api import Page

from media.broadcast.hls.values import HZ
from media.broadcast.origin import reader
from tests.media.broadcast import m3u8
from tests.media.broadcast.origins.process import pass_of_everybody
from tests.media.broadcast.pages.world import player
from tests.media.element_call.world import chromium
from tests.support.polling import until, until_async
from tests.support.process import ServerProcess, free_port, listens, python_module

pytestmark = pytest.mark.integration

#: Seconds until a viewer's picture moves again, after the process has been killed and another one was started: A9.
RESUMES_S = 10.0
BUFFERED = "(one => one.buffered.end(one.buffered.length - 1))(document.querySelector('video'))"
SEEN = """() => {
  const one = document.querySelector('video'), {buffered} = one;
  return {said: document.querySelector('#said').textContent, paused: one.paused, ready: one.readyState,
    error: one.error && one.error.message, at: one.currentTime, seeking: one.seeking,
    buffered: [...Array(buffered.length).keys()].map(at => [buffered.start(at), buffered.end(at)])};
}"""
POSITION = "document.querySelector('video').currentTime"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[ServerProcess, str]]:
    """The process, and the folder of its broadcast."""
    await asyncio.to_thread(player)
    port = free_port()
    command = python_module("tests.media.broadcast.origins.process", str(tmp_path), str(port))
    process = ServerProcess("origin", command, tmp_path / "output")
    process.start()
    try:
        await asyncio.to_thread(until, lambda: listens(port), what="the origin")
        yield process, f"http://127.0.0.1:{port}/live/{pass_of_everybody()}/concert"
    finally:
        process.stop()


async def plays(page: Page, after: float) -> None:
    """The picture is behind that second."""

    async def behind() -> bool:
        return bool(await page.evaluate(POSITION) > after)

    try:
        await until_async(behind, what="a moving picture")
    except TimeoutError as late:
        raise TimeoutError(f"{late}; {await page.evaluate(SEEN)}") from None


async def test_a_killed_origin(served: tuple[ServerProcess, str], tmp_path: Path) -> None:
    """hls.js on our page goes on within ten seconds without loading it anew; all that was shown is on the disk."""
    process, live = served
    async with ClientSession() as session, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{live}/watch")
        await page.evaluate("window.never = 'loaded again'")
        await plays(page, await page.evaluate(POSITION) + 0.5)
        async with session.get(f"{live}/audio/live.m3u8") as response:
            shown = m3u8.read(await response.text())
        process.kill()
        left = await asyncio.to_thread(reader.look, tmp_path / "parts" / "concert")
        assert left is not None
        written = sum(one.ticks for one in left.history.parts["audio"]) / HZ
        assert written >= sum(one.duration for one in shown.segments)
        had = await page.evaluate(BUFFERED)
        process.start()
        await asyncio.to_thread(until, lambda: listens(urlsplit(live).port or 0), what="the next")
        loop = asyncio.get_running_loop()
        began = loop.time()
        await plays(page, had + 0.3)
        assert loop.time() - began < RESUMES_S
        assert await page.evaluate("window.never") == "loaded again"
        played = await asyncio.to_thread(_played, f"{live}/sound.m3u8")
        assert played > HZ


def _played(url: str) -> int:
    """Samples that FFmpeg's HLS player decodes of the first seconds it gets; their times only grow."""
    samples, last = 0, -1.0
    with av.open(url, options={"live_start_index": "-3"}, timeout=20.0) as source:
        for frame in source.decode(audio=0):
            assert frame.time is not None
            assert frame.time > last
            last = frame.time
            samples += frame.samples
            if samples > 2 * HZ:
                break
    return samples
