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
from media.broadcast.fanout.puller import Now, Puller
from tests.media.broadcast import apple, m3u8
from tests.media.broadcast.fanout.world import BROADCAST, OPENING, Show, fetch, nodes, pulling
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


async def test_one_copy_for_all_viewers(tmp_path: Path) -> None:
    """Viewers of the other school get what was published, byte for byte; sixty of them cost the origin nothing."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        told: list[Now] = []
        puller = b.puller(http, a.school, told)
        async with pulling(puller) as task:
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
            # Parts and little else: pages of text, packed, twice a second.
            assert puller.peer.octets >= alone * 0.9
            assert a.endpoints.octets["viewer"] - alone < 5_000
            show.end()
            assert await task is Now.OVER
            assert told == [Now.LIVE, Now.OVER]
            last = await fetch(http, f"{b.viewer('@late:b.example')}/sound/live.m3u8")
            assert last.rstrip().endswith(b"#EXT-X-ENDLIST")


async def test_octets_grow_with_schools(tmp_path: Path) -> None:
    """Two schools cost their origin twice what one copy has, whatever else is asked."""
    names = ("a.example", "b.example", "c.example")
    async with nodes(tmp_path, *names) as (a, b, c), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        pullers = [one.puller(http, a.school, []) for one in (b, c)]
        async with pulling(pullers[0]), pulling(pullers[1]):
            await _go(show, 30, *pullers)
            carried = a.endpoints.octets["viewer"]
            assert 2 * show.octets * 0.6 < carried < 2 * show.octets * 1.3


async def test_a_node_that_is_killed(tmp_path: Path) -> None:
    """A node in a process of its own is killed: its viewers have nobody, all others go on, and it costs no more."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        given = {"url": a.url, "folder": str(tmp_path / "c")}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.media.broadcast.fanout.node",
            json.dumps(given),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        hello = json.loads(await process.stdout.readline())
        a.schools["c.example"] = public_key(hello["key"])
        a.followers.add("c.example")
        show = Show(a.origin.open(OPENING))
        show.go(9)
        puller = b.puller(http, a.school, [])
        async with pulling(puller):
            await _level(puller, show)

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
    """Its node's pass opens nothing any more, it gets no other one, and its viewers are told that it is over."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        show.go(9)
        puller = b.puller(http, a.school, [])
        async with pulling(puller) as task:
            await _level(puller, show)
            a.followers.discard("b.example")
            a.wall += 16  # a yes is remembered for 15 s
            b.wall += 16
            show.go(3)
            assert await task is Now.CUT_OFF
            last = await fetch(http, f"{b.viewer('@pupil:b.example')}/sound/live.m3u8")
            assert last.rstrip().endswith(b"#EXT-X-ENDLIST")
        assert a.door.counted["not_found"] >= 1


async def test_a_pass_that_runs_out(tmp_path: Path) -> None:
    """A node gets another pass when half of its time is over, or when the old one opens nothing."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        show.go(9)
        told: list[Now] = []
        puller = b.puller(http, a.school, told)
        async with pulling(puller):
            await _level(puller, show)
            a.wall += 400
            b.wall += 400
            for given in (2, 3):
                await _go(show, 6, puller)
                assert a.door.counted["given"] == given
                a.endpoints.judge.revoked.account(BROADCAST, "b.example", a.wall)
                a.wall += 2
                b.wall += 2
            assert told == [Now.LIVE]


async def test_a_way_that_is_interrupted(tmp_path: Path) -> None:
    """Shortly away, nothing is missing; long away, a new discontinuity begins; players are content with both."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        show.go(9)
        told: list[Now] = []
        puller = b.puller(http, a.school, told)
        async with pulling(puller):
            await _level(puller, show)
            for away_s in (5, 60):
                await a.stop()
                await _becomes(puller, Now.AWAY)
                show.go(away_s)
                await a.start()
                await _level(puller, show)
                await _becomes(puller, Now.LIVE)
                page = m3u8.read(
                    (await fetch(http, f"{b.viewer('@p:b.example')}/v360/live.m3u8")).decode()
                )
                assert list(apple.problems(page)) == []
                breaks = sum(one.breaks for one in page.everything)
                assert breaks == (away_s == 60)
        assert told == [Now.LIVE, Now.AWAY, Now.LIVE, Now.AWAY, Now.LIVE]
        assert not puller.counted["out_of_order"]


async def test_a_node_that_never_comes_back(tmp_path: Path) -> None:
    """After a while it is given up, and viewers are told that it is over."""
    async with nodes(tmp_path, "a.example", "b.example") as (a, b), aiohttp.ClientSession() as http:
        show = Show(a.origin.open(OPENING))
        show.go(9)
        puller = b.puller(http, a.school, [])
        puller.gives_up_s = 0.5
        async with pulling(puller) as task:
            await _level(puller, show)
            await a.stop()
            assert await task is Now.GIVEN_UP
            live = b.origin.get(BROADCAST)
            assert live is not None
            assert live.over is not None
