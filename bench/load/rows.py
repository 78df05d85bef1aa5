"""The figures of a hundred in one call: one line of JSON each, for `make bench B=calls` and `python -m bench.load`.

`calls.load.one`: one camera to everybody. `calls.load.speaker`: with its voice. `calls.load.hundred`: the class of
`plan.HUNDRED`. `calls.load.storm`: the same with seventeen places free, and somebody coming every 1/17 s.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median
from typing import Any

import aiohttp
from attrs import define, field

from bench.light import Light, until
from bench.load.medians import Round, Window, of_server, over, storm
from bench.load.plan import HUNDRED, ONE, SPEAKER, Mix
from bench.load.program import SEGMENTED, Program
from bench.load.server import Server
from bench.peers.api import Peer

#: A call is full then (R41).
FULL = 100
#: Rounds of windows; seconds measured of each, seconds of the same load before; before the first one more: estimates of
#: links start low.
ROUNDS, SECONDS, WARM_S, FIRST_WARM_S = 5, 2.0, 0.5, 3.0
JOINS_S = 17
DEADLINE_S = 20.0
ROOM = "lesson"
KINDS = ("one", "speaker", "hundred", "storm")


async def load(
    mix: Mix, people: int, peers: Sequence[Peer], rounds: int = ROUNDS
) -> dict[str, Any]:
    """All servers under the same load, window by window in turn."""
    async with AsyncExitStack() as stack:
        programs = {
            peer.name: await stack.enter_async_context(peer.fill(mix, people, ROOM))
            for peer in peers
        }
        for program in programs.values():
            await program.window(seconds=0.1, warm=FIRST_WARM_S)
        seen = [await _round(peers, programs) for _ in range(rounds)]
        first = peers[0].name
        return {
            "bench": f"calls.load.{mix.name}",
            "participants": people,
            "streams_wanted": mix.heard(people),
            "K_us": round(median(one.floor_us for one in seen), 2),
            **{
                name if server == first else f"{server}_{name}": value
                for server in programs
                for name, value in of_server(seen, server).items()
            },
            **{f"{name}_over_us": over(seen, name, first) for name in programs if name != first},
            **_circumstances(first, [one.windows[first] for one in seen]),
        }


async def _round(peers: Sequence[Peer], programs: dict[str, Program]) -> Round:
    floor = await programs[peers[0].name].floor()
    windows = {
        peer.name: await programs[peer.name].window(seconds=SECONDS, warm=WARM_S, pids=peer.pids)
        for peer in peers
    }
    return Round(floor, windows)


def _circumstances(server: str, windows: Sequence[Window]) -> dict[str, Any]:
    return {
        "server": server,
        "real_time": all(one["real_time"] for one in windows),
        "latest_burst_ms": max(one["latest_burst_ms"] for one in windows),
        "windows": len(windows),
        "segmented": SEGMENTED in os.environ,
        "load": round(os.getloadavg()[0], 1),
    }


@define(eq=False)
class Storm:
    """People who come at an even pace, get everything, and leave.

    Attributes:
        took: seconds from opening the WebSocket to all tracks, of everybody who came.
        failed: how many did not come within `DEADLINE_S`, or found the call full because others had not left yet.
    """

    server: Server
    tracks: int
    took: list[float] = field(factory=list)
    failed: int = 0
    _numbers: int = 0

    @asynccontextmanager
    async def blowing(self) -> AsyncIterator[None]:
        """While the block runs. Whoever is on the way at its end still arrives."""
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._blow(group, over))
            try:
                yield
            finally:
                over.set()

    async def _blow(self, group: asyncio.TaskGroup, over: asyncio.Event) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while not over.is_set():
            self._numbers += 1
            group.create_task(self._visit(f"new{self._numbers}"))
            due += 1 / JOINS_S
            await asyncio.sleep(max(0.0, due - clock()))

    async def _visit(self, name: str) -> None:
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            light = await Light.join(
                self.server, ROOM, name, v1=False, watch=True, prefix=self.server.prefix
            )
        except aiohttp.WSServerHandshakeError:
            self.failed += 1
            return
        try:
            async with asyncio.timeout(DEADLINE_S):
                await light.connected()
            await until(lambda: len(light.negotiated) >= self.tracks, f"{name} has all", DEADLINE_S)
            self.took.append(clock() - begun)
        except TimeoutError:
            self.failed += 1
        finally:
            await light.leave()


async def storming(server: Server, rounds: int = ROUNDS) -> dict[str, Any]:
    people = FULL - JOINS_S
    async with server.fill(HUNDRED, people, ROOM) as program:
        await program.window(seconds=0.1, warm=FIRST_WARM_S)
        storms = Storm(server, 2 * len(HUNDRED.publishers))
        quiet: list[Window] = []
        stormy: list[Window] = []
        joins: list[int] = []
        for _ in range(rounds):
            quiet.append(await program.window(seconds=SECONDS, warm=WARM_S, pids=server.pids))
            before = len(storms.took)
            async with storms.blowing():
                # They come while it is warming up too: the window sees a storm that goes on already.
                stormy.append(await program.window(seconds=SECONDS, warm=WARM_S, pids=server.pids))
                joins.append(round((len(storms.took) - before) * SECONDS / (SECONDS + WARM_S)))
        took = sorted(storms.took)
        return {
            "bench": "calls.load.storm",
            "participants": people,
            "joins_s": JOINS_S,
            **storm(quiet, stormy, joins),
            "joins_failed": storms.failed,
            "join_p50_ms": round(median(took) * 1000, 1),
            "join_p95_ms": round(took[int((len(took) - 1) * 0.95)] * 1000, 1),
            **_circumstances(server.name, [*quiet, *stormy]),
        }


async def rows(
    peers: Sequence[Peer],
    only: Sequence[str] = KINDS,
    people: int = FULL,
    rounds: int = ROUNDS,
) -> AsyncIterator[dict[str, Any]]:
    """The first of `peers` is measured, the others are what it is compared with."""
    for mix in (ONE, SPEAKER, HUNDRED):
        if mix.name in only:
            yield await load(mix, people, peers, rounds)
    if "storm" in only and isinstance(peers[0], Server):
        yield await storming(peers[0], rounds)
