"""A node's studio and origin in a process of their own, one broadcast on air: `python -m bench.broadcast.studio`.

A line of JSON comes in: `folder`, `key` of WHIP, `low_latency`. One goes out with the address, then one with each part.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from bench.broadcast.origin import Nothing
from bench.broadcast.stage import BROADCAST
from bench.broadcast.telling import Telling
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.publication import Opening, Publication
from media.broadcast.program.studio import Surroundings, open_studio
from media.broadcast.whip.ids import BroadcastId
from media.broadcast.whip.tokens import digest
from media.forwarder.choose import choose
from media.plane.choose import plane_of
from media.transport.api import TransportSettings
from media.transport.dtls import Certificate
from media.transport.listener import listen


async def main(options: dict[str, Any]) -> None:
    """For ever."""
    folder = Path(options["folder"])
    origin = Origin(
        folder=folder / "parts",
        recordings=folder,
        tell=lambda told: print(told, file=sys.stderr),
        materials=Nothing(),
        tag=lambda: secrets.token_hex(4),
    )
    chosen = choose("auto")

    async def key_of(broadcast: BroadcastId) -> bytes | None:
        return digest(options["key"]) if broadcast == BROADCAST else None

    async def nobody(_broadcast: BroadcastId, _token: str) -> str | None:
        return None

    def opened(asked: Opening) -> Publication:
        return Telling(origin.open(asked))

    settings = TransportSettings(
        host="127.0.0.1", udp_port=0, tcp_port=0, advertised=("127.0.0.1",)
    )
    certificate = Certificate.generateCertificate()
    async with listen(settings, certificate, plane_of(chosen, 1)) as listener:
        studio = open_studio(
            Surroundings(
                listener=listener,
                plane=listener.plane,
                keys=key_of,
                accounts=nobody,
                open_=opened,
                tell=lambda _broadcast, notice: print(notice, file=sys.stderr),
                clock=asyncio.get_running_loop().time,
                wall=time.time,
                bits=secrets.randbits,
            )
        )
        app = web.Application()
        app.add_subapp("/whip", studio.whip.app())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        low = bool(options["low_latency"])
        assert studio.airing.start(BroadcastId(BROADCAST), recorded=False, low_latency=low)
        port = runner.addresses[0][1]
        print(json.dumps({"port": port, "forwarder": chosen.name}), flush=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(origin.run())
            group.create_task(studio.run())


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
