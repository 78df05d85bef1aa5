"""Calls: how long joining takes, and what negotiation costs the node. `make bench B=calls`; needs the dev group.

The node runs in a process of its own (`call_node`), participants are light ones (`light`): real signalling, ICE, DTLS
and descriptions of a browser's size, nothing decoded. One JSON line each:

`calls.join`: a newcomer who only watches, in a room of N publishers of a microphone and a camera who watch nobody: from
opening the WebSocket to the transport, to every track being negotiated, to the first packet of each (publishers send
one every 100 ms). `calls.crowd`: everybody publishes and watches everybody, and one more comes: CPU of the node until
all have all, bytes to all of them, and its CPU a second at rest. `calls.forward`: what packets cost and how late they
come (`calls_forward`). `calls.load.…`: a hundred people on the native part of the load (`bench/load`).

    .venv/bin/python -m bench.calls [--only join|crowd|forward|load] [--version v0|v1] [--newcomers 10] [10 50 100]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bench.call_node import NodeProcess, call_node
from bench.calls_forward import forwarding
from bench.light import Light, until
from bench.load.lineup import lineup
from bench.load.program import PACKAGE
from bench.load.rows import rows
from bench.native import build
from media.forwarder.plain.loudest import PLACES

SIZES = (1, 10, 50, 100)
#: Subscribers of one camera; with its publisher a call is full at 100.
SUBSCRIBERS = (12, 50, 99)
#: Newcomers measured, and of a crowd; joins are cheap in small rooms and take a second of CPU in the largest.
NEWCOMERS, CROWD_NEWCOMERS = 20, 3
#: Participants who come at the same time while a room is filled.
GROUP = 5
#: Seconds between two packets of a publisher.
PACKET_S = 0.1
#: Seconds over which the node's CPU at rest is measured, and of quiet that end a negotiation.
REST_S, QUIET_S = 2.0, 0.5
DEADLINE_S = 60.0
ROOM = "lesson"


async def joining(size: int, v1: bool, newcomers: int) -> dict[str, Any]:
    async with (
        call_node() as node,
        crowd(node, size - 1, v1=False, watch=False) as people,
        sending(people),
    ):
        taken: list[tuple[float, float, float]] = []
        told: dict[str, int] = {}
        cpu_ms: list[float] = []
        late_ms = 0.0
        idle = await at_rest(node)
        for number in range(newcomers):
            before = await node.figures()
            light, times = await come(node, f"new{number}", 2 * (size - 1), v1)
            after = await node.figures()
            taken.append(times)
            told = signalling(light)
            cpu_ms.append((after["cpu_s"] - before["cpu_s"] - idle * times[2]) * 1000)
            late_ms = max(late_ms, after["late_max_ms"])
            await light.leave()
        return {
            "bench": "calls.join",
            "version": "v1" if v1 else "v0",
            "participants": size,
            "newcomers": newcomers,
            **spread("connected", [one[0] for one in taken]),
            **spread("all_tracks", [one[1] for one in taken]),
            **spread("all_packets", [one[2] for one in taken]),
            "node_cpu_ms": round(statistics.median(cpu_ms), 1),
            "node_late_max_ms": round(late_ms, 1),
            **told,
            "load": round(os.getloadavg()[0], 1),
        }


async def come(
    node: NodeProcess, name: str, tracks: int, v1: bool
) -> tuple[Light, tuple[float, float, float]]:
    """Seconds from opening the WebSocket to the transport, to all tracks, to a packet of each that is forwarded.

    Half of `tracks` are voices, of which the loudest go on.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    light = await Light.join(node, ROOM, name, v1=v1, watch=True)
    await asyncio.wait_for(light.connected(), DEADLINE_S)
    connected = clock() - began
    await until(lambda: len(light.negotiated) >= tracks, f"{tracks} tracks", DEADLINE_S)
    negotiated = clock() - began
    silent = max(0, tracks // 2 - PLACES)
    await until(lambda: len(light.missing()) <= silent, "a packet of each track", DEADLINE_S)
    return light, (connected, max(connected, negotiated), clock() - began)


async def crowding(size: int, v1: bool, newcomers: int) -> dict[str, Any]:
    async with call_node() as node, crowd(node, size - 1, v1=v1, watch=True) as people:
        idle = await at_rest(node)
        cpu_ms, bytes_to, bytes_from, seconds, late = [], [], [], [], 0.0
        clock = asyncio.get_running_loop().time
        for number in range(newcomers):
            to, from_ = (
                sum(getattr(one, name) for one in people) for name in ("bytes_in", "bytes_out")
            )
            before, began = await node.figures(), clock()
            light = await publisher(node, f"new{number}", v1=v1, watch=True)
            people.append(light)
            await complete(people)
            took = clock() - began
            await asyncio.sleep(QUIET_S)
            after = await node.figures()
            span = clock() - began
            cpu_ms.append((after["cpu_s"] - before["cpu_s"] - idle * span) * 1000)
            bytes_to.append(sum(one.bytes_in for one in people) - to)
            bytes_from.append(sum(one.bytes_out for one in people) - from_)
            seconds.append(took)
            late = max(late, after["late_max_ms"])
            if number < newcomers - 1:
                people.remove(light)
                await light.leave()
                await asyncio.sleep(QUIET_S)
        return {
            "bench": "calls.crowd",
            "version": "v1" if v1 else "v0",
            "participants": size,
            "node_cpu_ms_per_join": round(statistics.median(cpu_ms)),
            "all_have_all_s": round(statistics.median(seconds), 2),
            "node_late_max_ms": round(late, 1),
            "node_cpu_share_at_rest": round(idle, 3),
            "bytes_to_all": int(statistics.median(bytes_to)),
            "bytes_from_all": int(statistics.median(bytes_from)),
            **signalling(people[-1]),
            "load": round(os.getloadavg()[0], 1),
        }


@asynccontextmanager
async def crowd(
    node: NodeProcess, people: int, *, v1: bool, watch: bool
) -> AsyncIterator[list[Light]]:
    """`people` publishers of a microphone and a camera."""
    inside: list[Light] = []
    try:
        for first in range(0, people, GROUP):
            group = range(first, min(first + GROUP, people))
            inside += await asyncio.gather(
                *(publisher(node, f"p{number}", v1=v1, watch=watch) for number in group)
            )
        if watch:
            await complete(inside)
        yield inside
    finally:
        await asyncio.gather(*(light.leave() for light in inside))


async def publisher(node: NodeProcess, name: str, *, v1: bool, watch: bool) -> Light:
    light = await Light.join(node, ROOM, name, v1=v1, watch=watch, publish=v1)
    if not v1:
        await light.publish()
    await until(
        lambda: light.is_publishing and all(one.track for one in light.senders),
        f"{name} publishes",
        DEADLINE_S,
    )
    return light


async def complete(people: Sequence[Light]) -> None:
    tracks = 2 * (len(people) - 1)
    for light in people:
        what = f"{light.name} has all: {len(light.negotiated)} of {tracks}, {light.state()}"
        await until(lambda: len(light.negotiated) >= tracks, what, DEADLINE_S)  # noqa: B023 (awaited before the next turn)


@asynccontextmanager
async def sending(people: Sequence[Light]) -> AsyncIterator[None]:
    """Each sends a packet of sound and a picture every `PACKET_S`, evenly spread."""

    async def send() -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            for light in people:
                light.speak()
                light.film(key=True, size=100)
                due += PACKET_S / len(people)
                await asyncio.sleep(max(0.0, due - clock()))
            due = max(due, clock() - PACKET_S)

    task = asyncio.ensure_future(send()) if people else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def at_rest(node: NodeProcess) -> float:
    """The node's CPU seconds a second while nobody comes."""
    clock = asyncio.get_running_loop().time
    await asyncio.sleep(QUIET_S)
    before, began = await node.figures(), clock()
    await asyncio.sleep(REST_S)
    after = await node.figures()
    return float((after["cpu_s"] - before["cpu_s"]) / (clock() - began))


def spread(name: str, seconds: Sequence[float]) -> dict[str, int]:
    ordered = sorted(seconds)
    return {
        f"{name}_p50_ms": round(statistics.median(ordered) * 1000),
        f"{name}_p95_ms": round(ordered[round((len(ordered) - 1) * 0.95)] * 1000),
    }


def signalling(light: Light) -> dict[str, int]:
    """Bytes of one participant: all, and the largest description each way, uncompressed."""
    largest = light.largest
    return {
        "bytes_to_client": light.bytes_in,
        "bytes_from_client": light.bytes_out,
        "largest_from_node": max(largest["offer"], largest["answer"]),
        "largest_from_client": max(largest["offer of ours"], largest["answer of ours"]),
    }


async def main(options: argparse.Namespace) -> None:
    wanted: dict[str, Callable[[int, bool], Awaitable[dict[str, Any]]]] = {
        "join": lambda size, v1: joining(size, v1, options.newcomers or NEWCOMERS),
        "crowd": lambda size, v1: crowding(size, v1, options.newcomers or CROWD_NEWCOMERS),
    }
    for kind, measure in wanted.items():
        if options.only not in (None, kind):
            continue
        for version in ("v0", "v1"):
            if options.version not in (None, version):
                continue
            for size in options.sizes or SIZES:
                print(json.dumps(await measure(size, version == "v1")), flush=True)
                print(f"{kind} {version} {size} done", file=sys.stderr)
    if options.only in (None, "forward"):
        for subscribers in options.sizes or SUBSCRIBERS:
            print(json.dumps(await forwarding(subscribers)), flush=True)
    if options.only in (None, "load"):
        async with lineup(build(PACKAGE)) as peers:
            async for row in rows(peers):
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", choices=("join", "crowd", "forward", "load"))
    parser.add_argument("--version", choices=("v0", "v1"))
    parser.add_argument("--newcomers", type=int)
    parser.add_argument("sizes", type=int, nargs="*")
    asyncio.run(main(parser.parse_args()))
