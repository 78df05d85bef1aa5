"""A calls server in a process of its own, so that its CPU and its event loop can be told from its clients'.

::

    async with call_node() as node:          # a NodeProcess
        before = await node.figures()
        …
        after = await node.figures()

`python -m bench.call_node plain` (or native) writes one line with its port and ends when its standard input does.
`GET /figures`: CPU seconds, how late the event loop was since the last question, memory, files, threads, and the size
of every table that a client can make grow.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import secrets
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from attrs import define, field

from media.access.claims import Claims
from media.access.tokens import Key, mint
from media.forwarder.choose import choose
from media.ids import Identity, RoomName
from media.plane.choose import plane_of
from media.plane.plain import PlainPlane
from media.signal.http import RUNNER_OPTIONS, add_routes
from media.signal.node import Node, open_node
from media.transport.api import TransportSettings
from media.transport.dtls import Certificate

KEY = Key("bench", "a-secret-of-at-least-32-characters")
PREFIX = "/livekit/sfu"
#: Seconds between two looks at how late the event loop is.
LOOK_S = 0.005


@define
class Lateness:
    """How late the event loop was, in seconds, since it was last taken."""

    _seen: list[float] = field(factory=list)

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self._seen.append(clock() - due)

    def take(self) -> dict[str, float]:
        """Milliseconds: median, 99th percentile, worst."""
        seen, self._seen = sorted(self._seen) or [0.0], []
        picked = (seen[len(seen) // 2], seen[int((len(seen) - 1) * 0.99)], seen[-1])
        return {
            f"late_{name}_ms": round(one * 1000, 2)
            for name, one in zip(("p50", "p99", "max"), picked, strict=True)
        }


def tables(node: Node) -> dict[str, int]:
    """Entries of everything that joining, publishing and subscribing fill. Private names: leaks hide there."""
    services = node.services
    wiring: Any = services.wiring
    listener: Any = services.listener
    return {
        "rooms": len(node.halls),
        "clients": sum(len(hall.clients) for hall in node.halls.values()),
        "tracks": sum(len(hall.tracks) for hall in node.halls.values()),
        "wiring_peers": len(wiring._peers),
        "wiring_tracks": len(wiring._tracks),
        "wiring_muted": len(wiring._muted),
        "wiring_downs": len(wiring._downs),
        "listener_peers": len(listener._peers),
        "listener_ufrags": len(listener._by_ufrag),
        "listener_addresses": len(listener._by_address),
        "tasks": len(asyncio.all_tasks()),
        **_plane_tables(services.plane),
    }


def _plane_tables(plane: Any) -> dict[str, int]:
    if not isinstance(plane, PlainPlane):
        held = {f"engine_{name}": size for name, size in plane._engine.held().items()}
        return {**held, "plane_connections": plane.connections}
    forwarder: Any = plane.forwarder
    return {
        "plane_peers": len(plane._peers),
        "plane_owners": len(plane._owners),
        "plane_ways": len(plane._ways),
        "forwarder_peers": len(forwarder._peers),
        "forwarder_tracks": len(forwarder._tracks),
        "forwarder_downs": len(forwarder._downs),
        "forwarder_voices": len(forwarder._loudness._voices),
        "forwarder_groups": len(forwarder._loudest._groups),
    }


def process() -> dict[str, float]:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return {
        "cpu_s": time.process_time(),
        "rss_kb": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }


async def serve(forwarder: str) -> None:
    """Until standard input ends."""
    transport = TransportSettings(
        host="127.0.0.1", udp_port=0, tcp_port=None, advertised=("127.0.0.1",)
    )
    lateness = Lateness()
    async with open_node(
        transport,
        Certificate.generateCertificate(),
        plane=plane_of(choose(forwarder), None),
        keys=[KEY],
        wall=time.time,
        bits=secrets.randbits,
    ) as node:
        app = web.Application()
        add_routes(app, node, PREFIX)

        async def figures(request: web.Request) -> web.StreamResponse:
            if "collect" in request.query:
                gc.collect()
            stats = node.services.plane.stats()
            return web.json_response(
                {
                    **process(),
                    **lateness.take(),
                    "tables": tables(node),
                    "packets_in": stats.packets_in,
                    "packets_out": stats.packets_out,
                    "drops": dict(stats.drops),
                    "wrong": dict(node.services.wrong),
                }
            )

        app.router.add_get("/figures", figures)
        runner = web.AppRunner(app, shutdown_timeout=1, **RUNNER_OPTIONS)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
        looking = asyncio.ensure_future(lateness.run())
        try:
            await asyncio.to_thread(sys.stdin.read)
        finally:
            looking.cancel()
            await runner.cleanup()


@define(eq=False)
class NodeProcess:
    port: int
    pid: int
    http: aiohttp.ClientSession

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, identity: str, room: str) -> str:
        claims = Claims(identity=Identity(identity), room=RoomName(room), join=True)
        return mint(claims, [KEY], time.time())

    async def figures(self, *, collect: bool = False) -> dict[str, Any]:
        """`collect`: after a garbage collection, so that memory is what is held."""
        url = f"{self.base}/figures{'?collect' if collect else ''}"
        async with self.http.get(url) as answer:
            read: dict[str, Any] = await answer.json()
            return read


@asynccontextmanager
async def call_node(forwarder: str = "plain") -> AsyncIterator[NodeProcess]:
    """`forwarder`: as in media.yaml.

    Raises:
        RuntimeError: it did not start; what it wrote is on our stderr.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.call_node",
        forwarder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        line = await asyncio.wait_for(child.stdout.readline(), 60)
        if not line:
            raise RuntimeError("the calls server did not start")
        # Participants hold a WebSocket each; aiohttp's own limit is 100 connections.
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            yield NodeProcess(json.loads(line)["port"], child.pid, http)
    finally:
        child.stdin.close()
        try:
            await asyncio.wait_for(child.wait(), 30)
        except TimeoutError:
            child.kill()
            await child.wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
