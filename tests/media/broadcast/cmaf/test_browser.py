"""A browser's Media Source plays what is written: no hole, and no picture thrown away after a long one."""

from __future__ import annotations

import asyncio
import shutil
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve
from playwright.async_api import Browser, async_playwright

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.cutter import Cutter
from media.broadcast.cmaf.parts import Init, Output, Part, Rendition
from media.broadcast.cmaf.pictures import Picture, PictureReader
from media.broadcast.cmaf.rhythm import LOW_LATENCY, USUAL, Rhythm
from media.broadcast.cmaf.still import black
from tests.media.broadcast.cmaf.camera import film
from tests.media.broadcast.cmaf.judge import judge
from tests.media.broadcast.cmaf.reading import inits_of, parts_of, samples
from tests.support.chromium import CAMERAS

pytestmark = pytest.mark.integration

#: Plays at eight times the speed; resolves with the lengths of what is buffered, and how many pictures were seen.
PLAY = """async ([codecs, files]) => {
    const event = (target, name) => new Promise((go) => target.addEventListener(name, go, {once: true}));
    const video = document.createElement('video');
    video.muted = true;
    const source = new MediaSource();
    video.src = URL.createObjectURL(source);
    await event(source, 'sourceopen');
    const buffer = source.addSourceBuffer(`video/mp4; codecs="${codecs}"`);
    for (const file of files) {
        buffer.appendBuffer(Uint8Array.from(atob(file), (each) => each.charCodeAt(0)));
        await event(buffer, 'updateend');
    }
    const ranges = [];
    for (let at = 0; at < buffer.buffered.length; at++)
        ranges.push(buffer.buffered.end(at) - buffer.buffered.start(at));
    source.endOfStream();
    video.currentTime = video.buffered.start(0);
    video.playbackRate = 8;
    const ended = event(video, 'ended');
    await video.play();
    await ended;
    return [ranges, video.getVideoPlaybackQuality().totalVideoFrames, video.error && video.error.message];
}"""


def _broadcast(rhythm: Rhythm, step: int, gop: int, moments: Sequence[range]) -> list[Output]:
    """Pictures every `step` ticks in these stretches of seconds, coded without a break; no sound."""
    cutter, reader = Cutter(rhythm, black(64, 48), 2, 0), PictureReader()
    out: list[Output] = []
    end = moments[-1].stop
    sent = film(end * RATE // step, gop=gop)
    whole = True
    for now in range(0, end * RATE, RATE // 100):
        out += cutter.advance(now)
        if now % step:
            continue
        picture = reader.read(sent[now // step], now)
        assert isinstance(picture, Picture)
        there = any(now // RATE in each for each in moments)
        whole = there and (whole or picture.key)
        out += cutter.take_picture(evolve(picture, ticks=now), now) if whole else cutter.lose(now)
    return out + cutter.end(end * RATE)


#: A camera, a screen once a second, one every 2.5 s, a camera that is away for six seconds.
BROADCASTS = [
    (USUAL, RATE // 25, 50, [range(8)]),
    (LOW_LATENCY, RATE, 100, [range(16)]),
    (USUAL, 5 * RATE // 2, 100, [range(20)]),
    (USUAL, RATE // 25, 50, [range(4), range(10, 14)]),
]


async def test_chromium_plays_all_of_it() -> None:
    """What is buffered is one range from beginning to end, and every picture is decoded, whatever the camera did."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=CAMERAS)
        async with asyncio.TaskGroup() as group:
            for rhythm, step, gop, moments in BROADCASTS:
                out = _broadcast(rhythm, step, gop, moments)
                judge(out, rhythm, coded=True)
                group.create_task(_plays(browser, out))
        await browser.close()


async def _plays(browser: Browser, out: Sequence[Output]) -> None:
    files = [
        b64encode(each.data).decode()
        for each in out
        if isinstance(each, (Init, Part)) and each.rendition is Rendition.PICTURES
    ]
    parts = parts_of(out, Rendition.PICTURES)
    written = sum(each.track == 2 for part in parts for each in samples(part.data))
    page = await browser.new_page()
    answer: list[Any] = await page.evaluate(
        PLAY, [inits_of(out, Rendition.PICTURES)[0].codecs, files]
    )
    ranges, decoded, error = answer
    assert error is None
    assert len(ranges) == 1
    assert abs(ranges[0] - sum(part.ticks for part in parts) / RATE) < 0.1
    assert decoded >= written
