"""The recording: one file that everybody can play and seek, whatever the stage was shown in."""

from __future__ import annotations

import resource
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from aiohttp import ClientSession

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.parts import Rendition
from media.broadcast.origin.assembling import Assembly
from media.broadcast.origin.ranges import Span, Unsatisfiable, span_of
from media.broadcast.origin.remux import record
from media.broadcast.origin.samples import Unreadable, described, runs
from tests.media.broadcast.cmaf.reading import boxes, inits_of, parts_of, samples
from tests.media.broadcast.origins.world import NOW, Stage, coded, make, opening, serving
from tests.media.element_call.world import chromium
from tests.support.polling import until_async

#: Plays at eight times the speed; the sizes that were seen, the length, where it ended.
PLAY = """async (url) => {
    const video = document.createElement('video');
    video.muted = true;
    video.src = url;
    const sizes = [];
    video.addEventListener('resize', () => sizes.push([video.videoWidth, video.videoHeight]));
    const ended = new Promise((go, fail) => {
        video.addEventListener('ended', go);
        video.addEventListener('error', () => fail(new Error(video.error.message)));
    });
    video.playbackRate = 8;
    await video.play();
    await ended;
    return [sizes, video.duration, video.currentTime, video.getVideoPlaybackQuality().totalVideoFrames];
}"""


async def fact(probe: Callable[[], bool], what: str) -> None:
    async def look() -> bool:
        return probe()

    await until_async(look, what=what)


def private(path: Path) -> bytes:
    """A file that nobody else may read."""
    assert path.stat().st_mode & 0o077 == 0
    return path.read_bytes()


def frames(path: Path) -> tuple[list[float], list[tuple[int, int]], int]:
    """Times of pictures, their sizes in turn, samples of sound, as FFmpeg decodes them."""
    times: list[float] = []
    sizes: list[tuple[int, int]] = []
    sound = 0
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            assert frame.time is not None
            times.append(frame.time)
            if sizes[-1:] != [(frame.width, frame.height)]:
                sizes.append((frame.width, frame.height))
    with av.open(str(path)) as file:
        sound = sum(frame.samples for frame in file.decode(audio=0))
    return times, sizes, sound


@pytest.mark.integration
async def test_one_file_for_all_that_was_shown(tmp_path: Path) -> None:
    """Two sizes and a restart between them: each picture is there, in step with the sound; Chromium plays all of it."""
    world = make(tmp_path)
    async with serving(world), ClientSession() as session:
        stage = world.publish()
        stage.give(coded(10))
        wider = coded(8, width=96, height=64)
        again = Stage(world.origin.open(opening()), wall_ms=int(NOW * 1000) + 60_000)
        again.give(wider)
        again.to.end()
        await fact(lambda: bool(world.kept.files), "the recording")
        made = world.kept.files[0]
        path, size = Path(made.path), made.size
        assert (made.broadcast, made.began_ms, made.picture) == ("concert", NOW * 1000, (96, 64))
        data = private(path)
        assert (path, size) == (tmp_path / "recordings" / "concert.mp4", len(data))
        played = (
            sum(one.ticks for out in (coded(10), wider) for one in parts_of(out, Rendition.SOUND))
            / RATE
        )
        assert abs(made.seconds - played) < 0.001
        assert [kind for kind, _ in boxes(data)] == [b"ftyp", b"moov", b"mdat"]
        times, sizes, sound = frames(path)
        assert sizes == [(64, 48), (96, 64)]
        assert abs(sound / RATE - played) < 0.03
        assert len(times) == sum(
            one.track == 2
            for out in (coded(10), wider)
            for part in parts_of(out, Rendition.PICTURES)
            for one in samples(part.data)
        )
        gaps = [after - before for before, after in pairwise(times)]
        assert [round(one, 3) for one in gaps if not 0.02 < one < 0.07] == []
        url = f"{world.live()}/recording.mp4"
        async with session.get(url, headers={"Range": "bytes=4-7"}) as part:
            assert (part.status, await part.read()) == (206, b"ftyp")
            assert part.headers["Content-Range"] == f"bytes 4-7/{size}"
            assert part.headers["Cache-Control"] == "private, no-cache"
        async with session.get(url, headers={"Range": f"bytes={size}-"}) as nothing:
            assert (nothing.status, nothing.headers["Content-Range"]) == (416, f"bytes */{size}")
        async with session.get(url) as whole:
            assert (whole.status, await whole.read()) == (200, data)
        async with chromium() as browser:
            page = await browser.new_page()
            await page.goto(f"{world.url}/page")
            answer: list[Any] = await page.evaluate(PLAY, url)
        assert answer[0][-2:] == [[64, 48], [96, 64]]
        assert abs(answer[1] - played) < 0.1
        assert abs(answer[2] - played) < 0.1
        assert answer[3] >= len(times) - 5
        world.out.add("@u0:school.test")
        world.now += 60
        async with session.get(url) as gone:
            assert gone.status == 403


async def test_who_may_see_it(tmp_path: Path) -> None:
    """Nobody 401; who may, but there is none, 404."""
    world = make(tmp_path)
    async with serving(world), ClientSession() as session:
        for pass_, status in (("", 401), ("x", 403), (world.issue(), 404)):
            async with session.get(f"{world.live(pass_)}/recording.mp4") as answer:
                assert answer.status == status
            async with session.get(f"{world.live(pass_)}/recording.vtt") as answer:
                assert answer.status == status


def test_it_is_cheap(tmp_path: Path) -> None:
    """A millisecond of CPU for each recorded second at most, in however many parts it came."""
    out = coded(30)
    init = inits_of(out, Rendition.PICTURES)[0]
    parts = parts_of(out, Rendition.PICTURES)
    before = resource.getrusage(resource.RUSAGE_THREAD)
    assembly = Assembly()
    assembly.begin(init.data)
    for _ in range(10):
        for part in parts:
            assembly.add(part.data)
    assembly.end()
    after = resource.getrusage(resource.RUSAGE_THREAD)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert assembly.ticks / RATE > 290
    assert spent < 0.001 * assembly.ticks / RATE
    with pytest.raises(ValueError, match="no broadcast"):
        record(tmp_path, tmp_path / "x.mp4")


def test_broken_parts_are_left_out() -> None:
    """Wherever a part is cut off or changed, it is taken whole or not at all, and nothing else is raised."""
    out = coded(10)
    init = inits_of(out, Rendition.PICTURES)[0].data
    part = parts_of(out, Rendition.PICTURES)[0].data
    for at in range(0, 400, 3):
        for broken in (part[:at], part[:at] + bytes((part[at] ^ 0xFF,)) + part[at + 1 :]):
            assembly = Assembly()
            assembly.begin(init)
            copied = assembly.add(broken)
            assert assembly.broken == (not copied)
            assert all(
                0 <= piece[0] <= len(broken) - piece[1]
                for piece in copied
                if isinstance(piece, tuple)
            )
        for parse in (described, runs):
            try:
                parse(init[:at] + b"\xff" + init[at + 1 :])
            except Unreadable:
                continue


def test_ranges() -> None:
    """One range of octets is understood; several, or nonsense, mean the whole file; behind the end is refused."""
    cases = {
        None: None,
        "bytes=0-0": Span(0, 0),
        "bytes=5-": Span(5, 9),
        "bytes=-3": Span(7, 9),
        "bytes=-99": Span(0, 9),
        "bytes=2-99": Span(2, 9),
        "bytes=3-2": None,
        "bytes=-": None,
        "bytes=0-1,3-4": None,
        "items=0-1": None,
        "bytes=" + "1" * 99 + "-": None,
    }
    assert {header: span_of(header, 10) for header in cases} == cases
    for header in ("bytes=10-", "bytes=-0"):
        with pytest.raises(Unsatisfiable):
            span_of(header, 10)
