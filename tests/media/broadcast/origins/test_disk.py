"""What is on the disk: a full one, a slow one, and what another process finds there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from aiohttp import ClientSession
from attrs import define, field

from media.broadcast.hls.names import read as asked
from media.broadcast.hls.values import HZ, PART
from media.broadcast.origin import history, reader
from media.broadcast.origin.journal import Begun, Entry, InitAt, Over, PartAt, Place, line, read
from media.broadcast.origin.opening_json import opened, written
from media.broadcast.origin.origin import Closed
from media.broadcast.origin.publication import Fault, TooBig
from media.broadcast.origin.writer import Files
from tests.media.broadcast import apple, m3u8
from tests.media.broadcast.origins.world import (
    NOW,
    Stage,
    coded,
    make,
    moments,
    opening,
    serving,
)
from tests.support.polling import until_async

OUT = moments(coded(30))


@define
class Small:
    """A disk with so many octets of room."""

    room: int
    held: list[Event] = field(factory=list)

    def write(self, file: int, data: bytes) -> int:
        for one in self.held:
            one.wait()
        if self.room < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(data)
        return os.write(file, data)


async def text(session: ClientSession, url: str) -> str:
    async with session.get(url) as response:
        assert response.status == 200
        return await response.text()


def mode(path: Path) -> int:
    return path.stat().st_mode


async def fact(probe: Callable[[], bool], what: str) -> None:
    async def look() -> bool:
        return probe()

    await until_async(look, what=what)


def test_a_journal_that_was_cut_off() -> None:
    """Whatever octet a killed process came to, what was written whole before is read, and nothing else."""
    entries: list[Entry] = [
        Begun(0, 5, 7),
        InitAt("video", 0, Place(0, 10)),
        PartAt("video", 0, 3, 0, 12, 1024, True, Place(10, 20)),
        Over(),
    ]
    whole = b"".join(map(line, entries))
    for end in range(len(whole) + 1):
        cut = whole[:end]
        assert read(cut.splitlines(keepends=True)) == entries[: cut.count(b"\n")]
    for broken in (
        b"[]\n",
        b"{}\n",
        b'["part",1]\n',
        b'["begun",-1,0,0]\n',
        b'["begun",0.5,0,0]\n',
        b"\xff\n",
    ):
        assert read([broken, line(Over())]) == []


def test_an_opening_is_read_as_it_was_written() -> None:
    """And what is none is refused."""
    assert opened(written(opening())) == opening()
    for text_ in (b"", b"[]", b"{}", written(opening()).replace(b"part_ticks", b"x"), b"\xff"):
        assert opened(text_) is None


def test_only_what_is_there_is_believed() -> None:
    """A part without its octets, its init segment or its beginning is none; renditions end together."""
    entries: list[Entry] = [
        Begun(0, 1_000, 0),
        InitAt("video", 0, Place(0, 10)),
        InitAt("audio", 0, Place(0, 10)),
        *(PartAt("video", 0, 0, n, n, 1_024, True, Place(10 + n * 10, 10)) for n in range(4)),
        *(PartAt("audio", 0, 0, n, n, 1_024, True, Place(10 + n * 10, 10)) for n in range(3)),
        PartAt("video", 1, 1, 0, 4, 1_024, True, Place(50, 10)),
    ]
    found = history.history_of(entries, {"video": 45, "audio": 100}, ["video", "audio"])
    assert {name: len(some) for name, some in found.parts.items()} == {"video": 3, "audio": 3}
    assert found.segments["video", 0] == Place(10, 30)
    assert found.first.serial > 4
    assert found.first.segment > 1
    nothing = history.history_of([], {}, ["video"])
    assert (nothing.parts, nothing.ended) == ({"video": ()}, False)


async def test_a_full_disk(tmp_path: Path) -> None:
    """It goes on live and is rewound to where it was full; the host is told once; what was written is the recording."""
    small = Small(sum(len(getattr(one, "data", b"")) for moment in OUT[:9] for one in moment))
    world = make(tmp_path, files=Files(write=small.write))
    async with serving(world), ClientSession() as session:
        stage = world.publish()
        for moment in OUT[:8]:
            stage.one(moment)
        live = world.origin.get("concert")
        assert live is not None
        await fact(lambda: live.writer.waiting == 0, "what fits")
        for moment in OUT[8:16]:
            stage.one(moment)
        await fact(lambda: live.fault is Fault.DISK_FULL, "the fault")
        for moment in OUT[16:]:
            stage.one(moment)
        assert [one.fault for one in world.told] == [Fault.DISK_FULL]
        rewind = m3u8.read(await text(session, f"{world.live()}/video/rewind.m3u8"))
        assert list(apple.problems(rewind)) == []
        for segment in rewind.segments:
            async with session.get(f"{world.live()}/video/{segment.uri}") as response:
                assert response.status == 200
        assert f'URI="p{len(OUT)}.m4s"' in await text(session, f"{world.live()}/video/live.m3u8")
        stage.to.end()
        await fact(lambda: bool(world.kept.files), "the recording")
        assert 6 < world.kept.files[0].seconds < 12
        assert world.origin.get("concert") is None or live.over is not None


async def test_a_disk_that_stands_still(tmp_path: Path) -> None:
    """What waits for it is bounded: then the broadcast goes on without it."""
    held = Event()
    world = make(tmp_path, files=Files(write=Small(10**9, [held]).write))
    try:
        async with serving(world):
            stage = world.publish()
            live = world.origin.get("concert")
            assert live is not None
            live.writer.most_waiting = 4_000
            stage.give(coded(30))
            await fact(lambda: live.fault is Fault.DISK_SLOW, "the fault")
            assert live.writer.waiting <= 4_000
            held.set()
    finally:
        held.set()


async def test_another_process_goes_on(tmp_path: Path) -> None:
    """Higher numbers and another tag for what is live, and all of before in the rewind playlist, with its octets."""
    before = make(tmp_path)
    async with serving(before), ClientSession() as session:
        stage = before.publish()
        for moment in OUT[:12]:
            stage.one(moment)
        first_live = await text(session, f"{before.live()}/video/live.m3u8")
    world = make(tmp_path)
    world.origin.tag = lambda: "other"
    async with serving(world), ClientSession() as session:
        assert [one.opening for one in world.origin.lives] == [opening()]
        old = m3u8.read(await text(session, f"{world.live()}/video/rewind.m3u8"))
        assert [round(one.duration) for one in old.segments] == [4, 4, 4]
        restored = world.origin.lives[0]
        stage = Stage(world.origin.open(opening()), wall_ms=int(NOW * 1000) + 20_000)
        stage.give(coded(20, gop=25))
        said = await text(session, f"{world.live()}/video/live.m3u8")
        live = m3u8.read(said)
        assert list(apple.problems(live)) == []
        assert said.count("#EXT-X-DISCONTINUITY\n") == 1
        assert live.sequence > m3u8.read(first_live).sequence + 3
        rewind = m3u8.read(await text(session, f"{world.live()}/video/rewind.m3u8"))
        assert list(apple.problems(rewind)) == []
        assert list(apple.update_problems(old, rewind)) == []
        assert [one.discontinuity for one in rewind.segments[:5]] == [0, 0, 0, 1, 1]
        for segment in rewind.segments:
            for uri in {segment.uri, segment.map} - {None, ""}:
                async with session.get(f"{world.live()}/video/{uri}") as response:
                    assert (response.status, len(await response.read()) > 100) == (200, True)
        stage.to.end()
        await fact(lambda: bool(world.kept.files), "the recording")
        assert world.kept.files[0].seconds == restored.of.edge / HZ
        await fact(lambda: not (tmp_path / "parts" / "concert").exists(), "an empty folder")


async def test_captions_outlive_the_process(tmp_path: Path) -> None:
    """Lines of before are where they were, half a line is nothing, and the recording has all of them beside it."""
    before = make(tmp_path)
    async with serving(before):
        stage = before.publish()
        for number, moment in enumerate(OUT[:12]):
            stage.one(moment)
            if number == 1:
                assert stage.to.say("На сцене хор") is None
    at = f"00:00:0{2 * PART / HZ:.3f}"
    with (tmp_path / "parts" / "concert" / "captions").open("ab") as file:
        file.write('[1,2,3,0,"Поло'.encode())
    world = make(tmp_path)
    async with serving(world), ClientSession() as session:
        assert f"0\n{at} --> " in await text(session, f"{world.live()}/captions/s0.vtt")
        stage = Stage(world.origin.open(opening()), wall_ms=int(NOW * 1000) + 20_000)
        edge = world.origin.lives[0].of.edge
        assert stage.to.say("Дальше <оркестр>") is None
        stage.give(coded(20, gop=25))
        back = await text(session, f"{world.live()}/captions/rewind.m3u8")
        assert back.count("#EXTINF") > 3
        stage.to.end()
        await fact(lambda: bool(world.kept.files), "the recording")
        said = await text(session, f"{world.live()}/recording.vtt")
        assert said == (
            f"WEBVTT\n\n0\n{at} --> 00:00:0{2 * PART / HZ + 2:.3f}\nНа сцене хор\n\n"
            f"1\n00:00:{edge / HZ:06.3f} --> 00:00:{edge / HZ + 2:06.3f}\nДальше &lt;оркестр&gt;\n"
        )
        made = Path(world.kept.files[0].captions)
        assert made == tmp_path / "recordings" / "concert.vtt"
        assert mode(made) & 0o077 == 0
        world.out.add("@u0:school.test")
        world.now += 60
        async with session.get(f"{world.live()}/recording.vtt") as gone:
            assert gone.status == 403


async def test_what_is_over_is_finished_by_the_next_process(tmp_path: Path) -> None:
    """A recording that nobody could take is made by whoever starts next, once; unrecorded leftovers go."""
    world = make(tmp_path)
    world.kept.refuses = 10**6
    async with serving(world):
        world.publish().give(coded(20))
        world.origin.end("concert")
        quiet = Stage(world.origin.open(opening("quiet", recorded=False)))
        quiet.give(coded(20))
        quiet.to.end()
        await fact(lambda: [one.fault for one in world.told] == [Fault.NOT_HANDED_OVER], "the news")
        await fact(
            lambda: not (tmp_path / "parts" / "quiet").exists(), "nothing of what is not kept"
        )
        with pytest.raises(Closed):
            world.origin.open(opening())
    again = make(tmp_path)
    async with serving(again):
        await fact(lambda: not (tmp_path / "parts" / "concert").exists(), "an empty folder")
        assert [one.broadcast for one in again.kept.files] == ["concert"]


async def test_private_and_bounded(tmp_path: Path) -> None:
    """Folders and files are nobody else's; octets that no packager of ours makes are refused; so are strange names."""
    world = make(tmp_path)
    async with serving(world):
        stage = world.publish()
        stage.give(coded(20))
        live = world.origin.get("concert")
        assert live is not None
        await fact(lambda: live.writer.waiting == 0, "everything on the disk")
        folder = tmp_path / "parts" / "concert"
        assert folder.stat().st_mode & 0o077 == 0
        assert all(
            one.stat().st_mode & 0o077 == 0 for one in folder.iterdir() if one.suffix == ".mp4"
        )
        with pytest.raises(TooBig):
            live.begin(1, dict.fromkeys(("video", "audio"), bytes(70_000)), 0)
        for name in ("../x", "", "a/b", "x" * 65):
            with pytest.raises(ValueError, match="id"):
                world.origin.open(opening(name))
        assert live.of.answer(asked("video/p0.m4s")) is not None
        assert live.memory_bytes < 1_000_000
    assert reader.look(tmp_path) is None
