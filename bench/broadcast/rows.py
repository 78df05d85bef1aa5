"""One measurement each, as the line of `make bench B=broadcast` has it."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.broadcast import film, sums
from bench.broadcast.crowd import Crowd, Where, crowd
from bench.broadcast.place import go_before
from bench.broadcast.player import player
from bench.broadcast.stage import BROADCAST, opening
from bench.broadcast.stand import Child, Stand, stand
from media.broadcast.cmaf.sound import FRAME
from media.broadcast.fanout.asking import write_public
from media.broadcast.fanout.sharing import code_of
from media.broadcast.hls.values import PART, SHORT_PART
from tests.support.process import free_port

#: AAC frames of a part: 1.024 s and 0.512 s.
USUAL, LOW_LATENCY = PART // FRAME, SHORT_PART // FRAME
#: With half-second parts from Python alone nobody may wait longer than this (issue 6).
PYTHON_P99_MS = 500
#: Seconds until everybody is back after the origin was killed, at most; wanted are 10.
RESUMES_S = 90.0


@frozen(kw_only=True)
class Size:
    """Attributes:
    viewers: of the main row. processes: that they are shared among.
    settle_s: after everybody has come: joins are over, and the two seconds of parts that they began with.
    python: viewers of the origin alone, tried in this order until one does.
    edges, edge_viewers: of the row with several edges, viewers of each.
    nodes: of other schools, each with edge_viewers too.
    restart: viewers while the origin is killed.
    """

    viewers: int = 10_000
    processes: int = 2
    seconds: float = 60.0
    settle_s: float = 5.0
    python: Sequence[int] = (2_500, 2_000, 1_500, 1_000, 500)
    python_seconds: float = 20.0
    edges: int = 4
    edge_viewers: int = 250
    nodes: int = 3
    restart: int = 500
    browser: bool = True


FULL = Size()
#: Sees that everything works; the figures are those of handfuls.
QUICK = Size(
    viewers=40,
    seconds=4.0,
    settle_s=1.0,
    python=(40,),
    python_seconds=3.0,
    edges=2,
    edge_viewers=20,
    nodes=1,
    restart=20,
    browser=False,
)
#: A machine that others use too (broadcast.md §9).
BUSY = Size(viewers=2_000, seconds=20.0)


@frozen
class Tools:
    """Attributes:
    program: the viewers'. films: a folder for what is broadcast.
    before: whether all of it goes before what else the machine does.
    """

    program: Path
    films: Path
    before: bool = False

    def hurry(self) -> None:
        """What was started until now."""
        if self.before:
            go_before()


@frozen
class Used:
    """CPU seconds at one moment, and what the origin had answered."""

    at: float
    edge: float
    origin: float
    viewers: float
    idle: float
    said: dict[str, Any]

    @classmethod
    def now(cls, on: Stand, viewers: Crowd) -> Used:
        return cls(
            time.monotonic(),
            sums.cpu_s(on.edge_pids),
            sums.cpu_s([on.origin.pid]),
            sums.cpu_s(viewers.pids),
            sums.idle_s(),
            dict(on.origin.said),
        )


def between(first: Used, last: Used, viewers: int) -> dict[str, Any]:
    """What was used meanwhile, by second and viewer."""
    seconds = last.at - first.at
    return {
        "nginx_us_per_viewer_s": round((last.edge - first.edge) / seconds / viewers * 1e6, 1),
        "nginx_core": round((last.edge - first.edge) / seconds, 3),
        "origin_core": round((last.origin - first.origin) / seconds, 4),
        "origin_requests_s": round((last.said["edge"] - first.said["edge"]) / seconds, 2),
        "auth_requests_s": round((last.said["auth"] - first.said["auth"]) / seconds, 1),
        "roll_requests_s": round((last.said["roll"] - first.said["roll"]) / seconds, 1),
        "generator_core": round((last.viewers - first.viewers) / seconds, 3),
        "idle": round((last.idle - first.idle) / seconds / (os.cpu_count() or 1), 3),
    }


async def through_edge(tools: Tools, size: Size, part_frames: int = USUAL) -> dict[str, Any]:
    """Viewers of one nginx over TLS, and hls.js beside them."""
    async with AsyncExitStack() as stack:
        on = await stack.enter_async_context(stand(tools.films, part_frames))
        watching = None
        if size.browser:
            watching = await stack.enter_async_context(player())
        tools.hurry()
        everybody, came = await stack.enter_async_context(
            crowd(tools.program, on.where(), size.viewers, processes=size.processes)
        )
        row: dict[str, Any] = {}
        if watching is not None:
            await watching.watch(on.where()[0], opening(on.film).shape, size.viewers)
            row["first_frame_s"] = round(await watching.first_frame(), 2)
        await asyncio.sleep(size.settle_s)
        if watching is not None:
            await watching.forget()
        await everybody.look()
        first = Used.now(on, everybody)
        await asyncio.sleep(size.seconds)
        seen, last = await everybody.look(), Used.now(on, everybody)
        row = {
            **sums.of_viewers(seen, last.at - first.at),
            **between(first, last, size.viewers),
            "nginx_cache": on.edges[0].cache,
            "nginx_pss_mb": sums.pss_mb(on.edge_pids),
            "join_errors": came["errors"],
            "stage_late_s": on.origin.said["late_s"],
            **row,
        }
        if watching is not None:
            row |= sums.of_player(await watching.seen())
        return row


async def python_only(tools: Tools, size: Size) -> dict[str, Any]:
    """How many the origin serves by itself with half-second parts; every try is in the row."""
    tries: list[dict[str, Any]] = []
    tools.hurry()
    for viewers in size.python:
        async with (
            stand(tools.films, LOW_LATENCY, edges=0) as on,
            crowd(tools.program, on.where(), viewers, processes=1) as (everybody, _),
        ):
            await asyncio.sleep(size.settle_s)
            await everybody.look()
            first = Used.now(on, everybody)
            await asyncio.sleep(size.python_seconds)
            seen, last = await everybody.look(), Used.now(on, everybody)
        row = sums.of_viewers(seen, last.at - first.at)
        used = between(first, last, viewers)
        tries.append(row | {name: used[name] for name in ("origin_core", "idle")})
        late, wrong = row["lag_p99_ms"], row["errors"] + row["reconnects"]
        if row["viewers"] == viewers and not wrong and late is not None and late <= PYTHON_P99_MS:
            return {"python_only_viewers": viewers, "python_only": tries}
    return {"python_only_viewers": 0, "python_only": tries}


async def several_edges(tools: Tools, size: Size) -> dict[str, Any]:
    """What the origin is asked by each of several edges, and what it sends them."""
    viewers = size.edges * size.edge_viewers
    async with (
        stand(tools.films, USUAL, edges=size.edges) as on,
        crowd(tools.program, on.where(), viewers, processes=size.edges) as (everybody, _),
    ):
        tools.hurry()
        await asyncio.sleep(size.settle_s)
        await everybody.look()
        first = Used.now(on, everybody)
        await asyncio.sleep(size.python_seconds)
        seen, last = await everybody.look(), Used.now(on, everybody)
    used = between(first, last, viewers)
    octets = last.said["octets"] - first.said["octets"]
    return {
        "edges": size.edges,
        "edges_viewers": seen["viewers"],
        "edges_errors": seen["errors"],
        "origin_requests_per_edge_s": round(used["origin_requests_s"] / size.edges, 2),
        "origin_kbit_s_per_edge": round(octets * 8e-3 / (last.at - first.at) / size.edges, 1),
    }


async def restarted(tools: Tools, size: Size) -> dict[str, Any]:
    """The origin is killed and started again: the longest that anybody had no new part."""
    async with (
        stand(tools.films, USUAL) as on,
        crowd(tools.program, on.where(), size.restart, processes=1) as (everybody, _),
    ):
        tools.hurry()
        await asyncio.sleep(size.settle_s)
        await everybody.look()
        begun = time.monotonic()
        await on.origin.kill()
        await on.origin.start()
        published = time.monotonic() - begun
        longest_ms, statuses = 0, Counter[str]()
        async with asyncio.timeout(RESUMES_S):
            while True:
                await asyncio.sleep(2 * on.film.part_s)
                seen = await everybody.look()
                longest_ms = max(longest_ms, seen["longest_gap_ms"])
                statuses.update(seen["statuses"])
                # In the window after the last one came back nobody has waited for long.
                if seen["longest_gap_ms"] < 3 * on.film.part_s * 1_000:
                    break
    return {
        "resume_s": round(longest_ms / 1_000, 2),
        "resume_viewers": seen["viewers"],
        "resume_origin_s": round(published, 2),
        "resume_statuses": dict(statuses),
    }


async def fanned_out(tools: Tools, size: Size) -> dict[str, Any]:
    """Other schools' nodes fetch it once each; their people cost the first school nothing."""
    keys = {f"node{number}.test": Ed25519PrivateKey.generate() for number in range(size.nodes)}
    schools = {name: write_public(key) for name, key in keys.items()}
    async with (
        AsyncExitStack() as stack,
        stand(tools.films, USUAL, edges=0, schools=schools) as on,
    ):
        where = [await _node(stack, on, name, key) for name, key in keys.items()]
        viewers = size.nodes * size.edge_viewers
        tools.hurry()
        everybody, _ = await stack.enter_async_context(
            crowd(tools.program, where, viewers, processes=size.nodes)
        )
        await asyncio.sleep(size.settle_s)
        await everybody.look()
        await on.origin.speaks(on.origin.lines + 1)  # from one part to another
        first = Used.now(on, everybody)
        parts = max(2, round(size.python_seconds / on.film.part_s))
        await on.origin.speaks(on.origin.lines + parts)
        seen, last = await everybody.look(), Used.now(on, everybody)
        sent = last.said["octets"] - first.said["octets"]
        bitrate = film.octets(tools.films / str(USUAL)) / on.film.length_s
    copies = sent / (last.at - first.at) / bitrate
    row = sums.of_viewers(seen, last.at - first.at)
    return {
        "fanout_nodes": size.nodes,
        "fanout_viewers": row["viewers"],
        "fanout_errors": row["errors"],
        "fanout_copies": round(copies, 2),
        "fanout_lag_p99_ms": row["lag_p99_ms"],
    }


async def _node(stack: AsyncExitStack, on: Stand, name: str, private: Ed25519PrivateKey) -> Where:
    """Runs, and has its first parts."""
    key, port = secrets.token_bytes(32), free_port()
    options = {
        "name": name,
        "private": private.private_bytes_raw().hex(),
        "url": f"http://127.0.0.1:{on.origin.options['port']}",
        "code": code_of(BROADCAST, on.key),
        "folder": stack.enter_context(TemporaryDirectory()),
        "port": port,
        "key": key.hex(),
    }
    node = Child("bench.broadcast.node", options)
    stack.push_async_callback(node.kill)
    await node.start(lines=3)
    return Where(port=port, certificate=None, key=key, now=time.time())
