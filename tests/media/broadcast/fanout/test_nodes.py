"""Two and three schools: one copy of each quality crosses, and every school's own people are served at home."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from media.broadcast.cmaf.parts import Rendition
from media.broadcast.fanout.asking import public_key
from media.broadcast.fanout.node import FILE, Unfollowed, remembered
from media.broadcast.fanout.puller import Now, Puller
from media.broadcast.fanout.schools import School
from media.broadcast.hls.values import HZ
from tests.media.broadcast import apple, m3u8
from tests.media.broadcast.fanout.world import (
    BROADCAST,
    OPENING,
    OURS,
    Node,
    Show,
    fetch,
    nodes,
)
from tests.support.polling import until_async


async def _level(puller: Puller, show: Show) -> None:
    """Until everything that was published has come."""

    async def there() -> bool:
        course, last = puller._course, show.chunks[-1]
        return course is not None and (course.segment, course.part) == (last.segment, last.part + 1)

    await until_async(there, what="all parts")


async def _go(show: Show, seconds: int, *pullers: Puller) -> None:
    """Step by step, as fast as they come: less than what playlists still list."""
    for at in range(0, seconds, 5):
        show.go(min(5, seconds - at))
        for one in pullers:
            await _level(one, show)


async def _becomes(puller: Puller, now: Now) -> None:
    async def so() -> bool:
        return puller.now is now

    await until_async(so, what=now.value)


async def _says_over(node: Node, http: aiohttp.ClientSession) -> None:
    """Whoever watches there is told that it is over."""
    last = await fetch(http, f"{node.viewer('@late:school.example')}/sound/live.m3u8")
    assert last.rstrip().endswith(b"#EXT-X-ENDLIST")


async def test_one_copy_for_all_viewers(tmp_path: Path) -> None:
    """Viewers of the other school get what was published, byte for byte; sixty of them cost the origin nothing."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        puller = b.follow(a)
        await _go(show, 30, puller)
        alone = a.endpoints.octets["viewer"]

        async def watch(number: int) -> list[bytes]:
            at = b.viewer(f"@pupil{number}:b.example")
            await fetch(http, f"{at}/main.m3u8")
            page = m3u8.read((await fetch(http, f"{at}/v360/live.m3u8")).decode())
            assert list(apple.problems(page)) == []
            names = [part.uri for one in page.everything for part in one.parts]
            return [await fetch(http, f"{at}/v360/{name}") for name in names]

        seen = await asyncio.gather(*(watch(number) for number in range(60)))
        assert all(one == seen[0] for one in seen)
        published = [each.data for each in show.chunks if each.rendition is Rendition.PICTURES]
        assert len(seen[0]) >= 10
        assert seen[0] == published[len(published) - len(seen[0]) :]
        assert puller.peer.octets >= alone * 0.9
        assert a.endpoints.octets["viewer"] - alone < 5_000
        show.end()
        await _becomes(puller, Now.OVER)
        assert b.told == [Now.LIVE, Now.OVER]
        await _says_over(b, http)


async def test_captions_of_the_other_school(tmp_path: Path) -> None:
    """A line that a person types there is in the same segment here, at its moment, once; the last one too."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        puller = b.follow(a)
        await _go(show, 10, puller)
        assert b.live.of.captions is None
        lines = {}
        for text in ("Добрый вечер", "Поёт <хор>", "Спасибо"):
            lines[text] = a.origin.lives[0].of.edge
            assert show.publication.say(text) is None
            await _go(show, 5, puller)
        show.end()
        await _becomes(puller, Now.OVER)
        said = [cue.text for cue in b.live.of._track._cues]
        assert said == list(lines)
        assert puller.counted["captions"] == len(lines)
        entered = a.origin.lives[0].of.edge - b.live.of.edge
        for cue in b.live.of._track._cues:
            assert abs(cue.starts_at - (lines[cue.text] - entered)) <= HZ // 400
        at = b.viewer("@pupil:b.example")
        assert b"TYPE=SUBTITLES" in await fetch(http, f"{at}/main.m3u8")
        page = (await fetch(http, f"{at}/captions/live.m3u8")).decode().splitlines()
        files = [await fetch(http, f"{at}/captions/{one}") for one in page if one.endswith(".vtt")]
        assert "Поёт &lt;хор&gt;" in b"".join(files).decode()


async def test_octets_grow_with_schools(tmp_path: Path) -> None:
    """Two schools cost their origin twice what one copy has; a school that follows gives to no third one."""
    async with nodes(tmp_path, "a.example", "b.example", "c.example") as (a, b, c):
        show = Show(a.origin.open(OPENING))
        pullers = [one.follow(a) for one in (b, c)]
        await _go(show, 30, *pullers)
        carried = a.endpoints.octets["viewer"]
        assert 2 * show.octets * 0.6 < carried < 2 * show.octets * 1.3
        assert b.fan.link(OURS) is None


async def test_a_node_that_is_killed(tmp_path: Path) -> None:
    """A node in a process of its own is killed: its viewers have nobody, all others go on, and it costs no more."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.media.broadcast.fanout.node",
            str(tmp_path / "c"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdin is not None
        hello = json.loads(await process.stdout.readline())
        a.schools["c.example"] = School("c.example", hello["url"], public_key(hello["key"]))
        asked = {"url": a.url, "link": a.fan.link(BROADCAST)}
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        puller = b.follow(a)
        await _go(show, 9, puller)

        async def theirs() -> bool:
            async with http.get(f"{hello['at']}/sound/live.m3u8") as response:
                return response.status == 200 and b"p0.m4s" in await response.read()

        await until_async(theirs, what="viewers of c")
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        with pytest.raises(aiohttp.ClientError):
            await fetch(http, f"{hello['at']}/sound/live.m3u8")
        octets, before = a.endpoints.octets["viewer"], show.octets
        await _go(show, 20, puller)
        assert a.endpoints.octets["viewer"] - octets < (show.octets - before) * 1.4


async def test_a_school_that_is_cut_off(tmp_path: Path) -> None:
    """Taken out of the list, it gets nothing after 15 s, nor another pass, and its viewers are told it is over."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        puller = b.follow(a)
        await _go(show, 9, puller)
        del a.schools["b.example"]
        a.wall += 16  # a yes is remembered for 15 s
        b.wall += 16
        show.go(3)
        await _becomes(puller, Now.CUT_OFF)
        await _says_over(b, http)
        assert a.fan.door.counted["stranger"] >= 1


async def test_a_school_that_cuts_off(tmp_path: Path) -> None:
    """Taken out of its own list: a school stops fetching, and its viewers are told that it is over."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        puller = b.follow(a)
        await _go(show, 9, puller)
        del b.schools["a.example"]
        show.go(3)
        await _becomes(puller, Now.CUT_OFF)
        await _says_over(b, http)


async def test_who_gets_a_pass(tmp_path: Path) -> None:
    """A link of no school in the list, or with another code, shows nothing; one of a broadcast to come waits for it."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b):
        link = a.fan.link(BROADCAST)
        assert link is not None
        assert b.fan.promise(OURS, link.replace("//127", "//128")) is Unfollowed.NO_LINK
        assert b.fan.promise(OURS, link[:-22] + "x" * 22) is None
        assert b.fan.begin(OURS, recorded=False)
        await _becomes(b.fan._followed[OURS].puller, Now.CUT_OFF)
        assert a.fan.door.counted == {"other_code": 1}
        puller = b.follow(a)

        async def asked() -> bool:
            return puller.counted["notthere"] > 0

        await until_async(asked, what="a question")
        assert puller.now is Now.JOINING
        Show(a.origin.open(OPENING)).go(4)
        await _becomes(puller, Now.LIVE)


async def test_an_origin_that_takes_no_more(tmp_path: Path) -> None:
    """Where our own origin does not take it, it is said, and the node goes on with others."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b):
        Show(a.origin.open(OPENING)).go(4)
        b.origin.most = 0
        puller = b.follow(a)
        await _becomes(puller, Now.NOT_TAKEN)
        b.origin.most = 1
        await _becomes(b.follow(a), Now.LIVE)


async def test_a_pass_that_runs_out(tmp_path: Path) -> None:
    """A node gets another pass when half of its time is over, or when the old one opens nothing."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b):
        show = Show(a.origin.open(OPENING))
        puller = b.follow(a)
        await _go(show, 9, puller)
        a.wall += 400
        b.wall += 400
        for given in (2, 3):
            await _go(show, 6, puller)
            assert a.fan.door.counted["given"] == given
            a.endpoints.judge.revoked.account(BROADCAST, "b.example", a.wall)
            a.wall += 2
            b.wall += 2
        assert b.told == [Now.LIVE]


async def test_a_way_that_is_interrupted(tmp_path: Path) -> None:
    """Shortly away, nothing is missing; long away, a new discontinuity begins; players are content with both."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        puller = b.follow(a)
        await _go(show, 9, puller)
        for away_s in (5, 60):
            await a.stop()
            await _becomes(puller, Now.AWAY)
            show.go(away_s)
            await a.start()
            await _level(puller, show)
            await _becomes(puller, Now.LIVE)
            seen = await fetch(http, f"{b.viewer('@p:b.example')}/v360/live.m3u8")
            page = m3u8.read(seen.decode())
            assert list(apple.problems(page)) == []
            assert sum(one.breaks for one in page.everything) == (away_s == 60)
        assert b.told == [Now.LIVE, Now.AWAY, Now.LIVE, Now.AWAY, Now.LIVE]
        assert not b.live.unfit


async def test_a_node_that_never_comes_back(tmp_path: Path) -> None:
    """After a while it is given up, and viewers are told that it is over."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        puller = b.follow(a)
        puller.gives_up_s = 0.5
        await _go(show, 9, puller)
        await a.stop()
        await _becomes(puller, Now.GIVEN_UP)
        await _says_over(b, http)


async def test_what_is_followed_is_remembered(tmp_path: Path) -> None:
    """For the next start of the process, in a file of its own alone; what is left or over is forgotten."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b):
        file = b.folder / FILE
        Show(a.origin.open(OPENING)).go(2)
        link = a.fan.link(BROADCAST)
        assert link is not None
        assert b.fan.now(OURS) is None
        assert not b.fan.begin(OURS, recorded=False)
        assert b.fan.promise(OURS, link) is None
        assert b.fan.now(OURS) is Now.JOINING

        async def there() -> bool:
            return remembered(file) == {OURS: link}

        await until_async(there, what="the link")
        assert file.stat().st_mode & 0o777 == 0o600
        assert b.fan.begin(OURS, recorded=False)
        await _becomes(b.fan._followed[OURS].puller, Now.LIVE)
        assert b.fan.now(OURS) is Now.LIVE
        b.fan.leave(OURS)

        async def forgotten() -> bool:
            return remembered(file) == {}

        await until_async(forgotten, what="an empty list")
        assert b.fan.now(OURS) is None
        assert b.live.over is None, "whoever leads it ends it"
        for wrong in ("", "[]", '{"a": 5}', "{"):
            file.write_text(wrong)
            assert remembered(file) == {}
