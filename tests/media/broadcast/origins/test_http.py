"""The origin over real HTTP: who gets what, what is kept for how long, what waits."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession
from attrs import define
from prometheus_client import CollectorRegistry, generate_latest

from media.broadcast import passes
from media.broadcast.cmaf.parts import Part as CmafPart
from media.broadcast.hls.events import Event
from media.broadcast.hls.values import PART, Part
from media.broadcast.origin import sending
from media.broadcast.origin.endpoints import ROLL_KEPT
from media.broadcast.passes import LIVES_S, Kind
from media.broadcast.roll import AFTER, Place
from tests.media.broadcast import apple, m3u8
from tests.media.broadcast.origins.world import (
    KEY,
    NOW,
    SECRET,
    Stage,
    World,
    coded,
    make,
    moments,
    serving,
)
from tests.support.polling import until_async


@define
class Web:
    """A stage, its origin, and somebody who asks."""

    world: World
    stage: Stage
    session: ClientSession

    async def get(self, url: str, **headers: str) -> tuple[int, Any, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(url, headers=named) as response:
            return response.status, response.headers, await response.read()

    async def status(self, url: str, **headers: str) -> int:
        return (await self.get(url, **headers))[0]


OUT = moments(coded(20))


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    """Eight parts are there: a segment of five and what follows."""
    world = make(tmp_path)
    async with (
        serving(world),
        ClientSession(auto_decompress=False, headers={"Accept-Encoding": "identity"}) as session,
    ):
        stage = world.publish()
        for moment in OUT[:8]:
            stage.one(moment)
        yield Web(world, stage, session)


async def test_who_gets_it(web: Web) -> None:
    """Nobody 401, forged, of another broadcast, gone from school or revoked 403, expired 410, unknown 404; no cache."""
    world = web.world
    world.out.add("@gone:school.test")
    other = passes.issue("lesson", "@u0:school.test", Kind.VIEWER, [KEY], NOW)
    cases = [
        (world.issue(), 200),
        ("", 401),
        ("a" * 100, 403),
        (other, 403),
        (world.issue("@gone:school.test"), 403),
        (world.issue(at=NOW - LIVES_S), 410),
    ]
    for pass_, status in cases:
        got, headers, _ = await web.get(f"{world.live(pass_)}/main.m3u8")
        assert got == status
        assert headers["Cache-Control"] == ("max-age=1" if status == 200 else "no-store")
        assert headers["X-Content-Type-Options"] == "nosniff"
    lesson = passes.issue("lesson", "@u0:school.test", Kind.VIEWER, [KEY], NOW)
    assert await web.status(f"{world.live(lesson, 'lesson')}/main.m3u8") == 404
    for path in ("video/p99.m4s", "video/x.m4s", "other/live.m3u8", "video/i7.mp4"):
        assert await web.status(f"{world.live()}/{path}") == 404
    assert await web.status(f"{world.live()}/video/live.m3u8?_HLS_part=1") == 400
    assert await web.status(f"{world.live()}/video/live.m3u8?_HLS_msn=9") == 400
    async with web.session.post(f"{world.live()}/main.m3u8") as refused:
        assert refused.status == 405


async def test_the_school_is_asked_once_and_a_revoked_pass_is_out_at_once(web: Web) -> None:
    """Many requests, one question; who left is out after a moment, who was revoked now; nobody to ask is 503."""
    world = web.world
    url = f"{world.live()}/main.m3u8"
    answers = await asyncio.gather(*(web.status(url) for _ in range(8)))
    assert set(answers) == {200}
    assert world.asked == ["@u0:school.test"]
    world.out.add("@u0:school.test")
    assert await web.status(url) == 200
    world.now += world.endpoints.judge.remembers_s
    assert await web.status(url) == 403
    teacher = f"{world.live(world.issue('@u1:school.test'))}/main.m3u8"
    assert await web.status(teacher) == 200
    world.endpoints.judge.revoked.account("concert", "@u1:school.test", world.now)
    assert await web.status(teacher) == 403
    world.away = True
    got, headers, _ = await web.get(f"{world.live(world.issue('@u2:school.test'))}/main.m3u8")
    assert (got, headers["Retry-After"]) == (503, "1")


async def test_an_edge(web: Web) -> None:
    """With the secret it gets everything without a pass, and is told of passes in words it can pass on."""
    world = web.world
    url = f"{world.url}/edge/concert/video/live.m3u8"
    assert await web.status(url) == 403
    assert await web.status(url, X_Sferum_Edge="s" * 42) == 403
    assert await web.status(url, X_Sferum_Edge=SECRET) == 200
    assert await web.status(f"{world.url}/edge/auth", X_Sferum_Pass=world.issue()) == 403
    world.out.add("@gone:school.test")
    cases = [
        (world.issue(), 204, None),
        ("", 401, "absent"),
        ("x", 403, "bad"),
        (world.issue(at=NOW - LIVES_S), 403, "expired"),
        (world.issue("@gone:school.test"), 403, "revoked"),
    ]
    for pass_, status, word in cases:
        got, headers, _ = await web.get(
            f"{world.url}/edge/auth",
            X_Sferum_Edge=SECRET,
            X_Sferum_Pass=pass_,
            X_Sferum_Broadcast="concert",
        )
        assert (got, headers.get("X-Sferum-Refusal")) == (status, word)


async def test_an_edges_roll(web: Web) -> None:
    """On it is who was let in by name and may still watch: not one who was revoked, has left, or is not known now."""
    world, crowds = web.world, dict[str, set[str]]()
    edge = {"X_Sferum_Edge": SECRET, "X_Sferum_Broadcast": "concert"}
    auth, roll = f"{world.url}/edge/auth", f"{world.url}/edge/roll"
    for account in ("@u0:school.test", "@u1:school.test", "@u2:school.test"):
        pass_ = world.issue(account)
        place = Place.of(pass_)
        assert place is not None
        crowds.setdefault(place.crowd, set())

    async def listed() -> int:
        marks = 0
        for crowd in crowds:
            got, headers, _ = await web.get(roll, **edge, X_Sferum_Crowd=crowd)
            assert (got, headers["Cache-Control"]) == (204, ROLL_KEPT)
            marks += headers["X-Sferum-Roll"].count(AFTER)
        return marks

    assert await listed() == 0
    for account in ("@u0:school.test", "@u1:school.test", "@u2:school.test"):
        assert await web.status(auth, **edge, X_Sferum_Pass=world.issue(account)) == 204
    assert await web.status(auth, **edge, X_Sferum_Pass="x" * 40) == 403
    assert await listed() == 3
    world.away = True  # nobody can say: who was on it is asked about by name, and is back with the next answer
    assert await listed() == 0
    world.away = False
    assert await listed() == 3
    world.out.add("@u0:school.test")
    world.endpoints.judge.revoked.account("concert", "@u1:school.test", world.now)
    assert await listed() == 1
    world.out.clear()
    assert await listed() == 1  # not by itself
    assert await web.status(roll, **edge, X_Sferum_Crowd="a2") == 403
    assert await web.status(roll, X_Sferum_Edge="s" * 42, X_Sferum_Crowd="a0") == 403
    got, headers, _ = await web.get(f"{world.url}/edge/unlisted", **edge)
    assert (got, headers["Cache-Control"]) == (403, "max-age=3600")


async def test_what_is_kept_and_for_how_long(web: Web) -> None:
    """Playlists packed, with an ETag that answers 304; media whole whatever range is asked for, and immutable."""
    live = web.world.live()
    got, headers, body = await web.get(f"{live}/video/live.m3u8", Accept_Encoding="gzip")
    assert (got, headers["Content-Encoding"], headers["Cache-Control"]) == (
        200,
        "gzip",
        "max-age=1",
    )
    plain = await web.get(f"{live}/video/live.m3u8", Accept_Encoding="identity")
    assert gzip.decompress(body) == plain[2]
    assert list(apple.problems(m3u8.read(plain[2].decode()))) == []
    unchanged = await web.get(f"{live}/video/live.m3u8", If_None_Match=headers["ETag"])
    assert (unchanged[0], unchanged[2]) == (304, b"")
    web.stage.one(OUT[8])
    assert await web.status(f"{live}/video/live.m3u8", If_None_Match=headers["ETag"]) == 200
    got, headers, part = await web.get(f"{live}/video/p0.m4s", Range="bytes=0-9")
    assert (got, headers["Cache-Control"]) == (200, "max-age=60, immutable")
    assert headers["Content-Type"] == "video/mp4"
    assert part == next(one.data for one in OUT[0] if isinstance(one, CmafPart))
    segment = (await web.get(f"{live}/video/s0.m4s"))[2]
    assert segment.startswith(part)
    async with web.session.head(f"{live}/video/p0.m4s") as head:
        assert (head.status, head.headers["Content-Length"]) == (200, str(len(part)))


async def test_everybody_waits_for_one_part(web: Web) -> None:
    """A playlist and the hinted part are held until the part is there; then all have the same, kept for long."""
    live = web.world.live()
    hint = f"{live}/video/p8.m4s"
    text = (await web.get(f"{live}/video/live.m3u8"))[2].decode()
    assert 'URI="p8.m4s"' in text
    of = web.world.origin.get("concert")
    assert of is not None
    number, place = of.of.next_place("video", new=False) or (0, 0)
    reload = f"{live}/video/live.m3u8?_HLS_msn={number}&_HLS_part={place}"
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(web.get(url)) for url in (reload, hint) * 4]

        async def all_wait() -> bool:
            return of.waiting.count == len(waiting)

        await until_async(all_wait, what="eight who wait")
        web.stage.one(OUT[8])
    answers = [one.result() for one in waiting]
    assert {one[0] for one in answers} == {200}
    assert {one[1]["Cache-Control"] for one in answers[::2]} == {"max-age=6"}
    assert len({one[2] for one in answers}) == 2
    assert of.waiting.count == 0


async def test_lines_for_all(web: Web) -> None:
    """Newcomers are told where the list is; a page is waited for, and kept for long; an edge gets the same."""
    live, of = web.world.live(), web.world.origin.get("concert")
    assert of is not None
    got, headers, body = await web.get(f"{live}/events.json")
    assert (got, headers["Cache-Control"], json.loads(body)) == (
        200,
        "max-age=1",
        {"next": 0, "events": []},
    )
    edge = f"{web.world.url}/edge/concert/events.json?seq=0"
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(web.get(f"{live}/events.json?seq=0")) for _ in range(3)]
        waiting.append(group.create_task(web.get(edge, X_Sferum_Edge=SECRET)))
        await until_async(lambda: _true(of.waiting.count == 4), what="four who wait")
        assert of.post(Event(17, "Когда конец?"))
        assert of.post(Event(18, "В восемь", host=True))
    answers = [one.result() for one in waiting]
    assert {one[0] for one in answers} == {200}
    assert {one[1]["Cache-Control"] for one in answers} == {"max-age=60, immutable"}
    assert {one[1]["Content-Type"] for one in answers} == {"application/json; charset=utf-8"}
    (page,) = {one[2] for one in answers}
    lines = json.loads(page)["events"]
    if len(lines) == 1:  # the second line came with the next page, a second later
        lines += json.loads((await web.get(f"{live}/events.json?seq=1"))[2])["events"]
    assert [one["id"] for one in lines] == [17, 18]
    for query, status in (("seq=99", 404), ("seq=x", 400), ("seq=1&seq=2", 400)):
        assert await web.status(f"{live}/events.json?{query}") == status
    web.stage.to.end()
    assert not of.post(Event(19, "x"))


async def test_what_can_be_gone_back_in(web: Web) -> None:
    """A list of qualities leads to every segment since the beginning; the sound alone has its own."""
    live = web.world.live()
    got, headers, body = await web.get(f"{live}/rewind.m3u8")
    assert (got, headers["Cache-Control"]) == (200, "max-age=1")
    assert b"video/rewind.m3u8" in body
    sound = (await web.get(f"{live}/soundrewind.m3u8"))[2]
    assert b"video" not in sound
    playlist = m3u8.read((await web.get(f"{live}/audio/rewind.m3u8"))[2].decode())
    assert playlist.headers["EXT-X-PLAYLIST-TYPE"] == "EVENT"
    assert await web.status(f"{live}/audio/s0.m4s") == 200


async def test_one_pass_takes_no_more_than_its_share(web: Web) -> None:
    """Who waits with too many requests is told to come later; others wait undisturbed."""
    bounds = web.world.endpoints.bounds
    greedy, modest = web.world.live(), web.world.live(web.world.issue("@u1:school.test"))
    async with asyncio.TaskGroup() as group:
        waiting = [
            group.create_task(web.get(f"{greedy}/video/p8.m4s")) for _ in range(bounds.of_one)
        ]

        async def all_wait() -> bool:
            return bounds.under_way == bounds.of_one

        await until_async(all_wait, what="all who may wait")
        got, headers, _ = await web.get(f"{greedy}/video/live.m3u8")
        assert (got, headers["Retry-After"]) == (503, "1")
        other = group.create_task(web.get(f"{modest}/video/p8.m4s"))
        await until_async(lambda: _true(bounds.under_way > bounds.of_one), what="the other")
        web.stage.one(OUT[8])
    assert {one.result()[0] for one in (*waiting, other)} == {200}
    assert (bounds.under_way, bounds.turned_away) == (0, 1)


async def _true(fact: bool) -> bool:
    return fact


@pytest.mark.parametrize("size", [60_000, 600_000])
async def test_who_never_reads_costs_nobody_else(
    web: Web, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A connection that asks and asks and reads nothing is cut off; the others are answered meanwhile."""
    monkeypatch.setattr(sending, "PIECE_S", 0.2)
    parts = urlsplit(web.world.live())
    of = web.world.origin.get("concert")
    assert of is not None
    assert of.part(Part("video", 0, 99, 0, PART), bytes(size)) is None
    line = f"GET {parts.path}/video/p8.m4s HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.setblocking(False)
        await loop.sock_connect(deaf, (parts.hostname, parts.port))
        await loop.sock_sendall(deaf, line * 300)
        await until_async(lambda: _true(web.world.connections == 1), what="the deaf one")
        assert await web.status(f"{web.world.live()}/video/p0.m4s") == 200
        await until_async(lambda: _true(web.world.connections == 1), what="the end of it")
        assert web.world.endpoints.bounds.under_way == 0


async def test_the_end(web: Web) -> None:
    """Whoever waits gets the playlist with its end."""
    live = web.world.live()
    web.world.origin.lingers_s = 600
    of = web.world.origin.get("concert")
    assert of is not None
    number, place = of.of.next_place("audio", new=False) or (0, 0)
    waiting = asyncio.ensure_future(
        web.get(f"{live}/audio/live.m3u8?_HLS_msn={number}&_HLS_part={place}")
    )
    await until_async(lambda: _true(of.waiting.count == 1), what="the viewer")
    web.stage.to.end()
    assert (await waiting)[2].endswith(b"#EXT-X-ENDLIST\n")
    assert (await web.get(f"{live}/video/rewind.m3u8"))[2].endswith(b"#EXT-X-ENDLIST\n")


async def test_a_process_that_stops_keeps_nobody_waiting(web: Web) -> None:
    """Whoever waits is told to ask again; what was given out is on the disk."""
    of = web.world.origin.get("concert")
    assert of is not None
    waiting = asyncio.ensure_future(web.get(f"{web.world.live()}/video/p8.m4s"))
    await until_async(lambda: _true(of.waiting.count == 1), what="the viewer")
    assert web.world.runner is not None
    await web.world.runner.cleanup()
    assert (await waiting)[0] == 503
    await web.world.origin.stop()
    assert (of.writer.waiting, of.fault) == (0, None)


async def test_figures(web: Web) -> None:
    """What is counted can be read by Prometheus, without a name of anybody."""
    for _ in range(3):
        await web.get(f"{web.world.live()}/video/p0.m4s")
    registry = CollectorRegistry()
    registry.register(web.world.figures)
    text = generate_latest(registry).decode()
    for line in (
        'sferum_broadcast_origin_requests_total{status="200",who="viewer"} 3.0',
        "sferum_broadcast_origin_live 1.0",
        "sferum_broadcast_origin_parts 16.0",
        'sferum_broadcast_origin_judged_total{answer="yes"} 1.0',
    ):
        assert line in text
    assert "u0" not in text
    assert "concert" not in text
