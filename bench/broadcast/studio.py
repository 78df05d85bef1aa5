"""A node's studio and origin in a process of their own, one broadcast on air: `python -m bench.broadcast.studio`.

A line of JSON comes in: `folder`, `key` of WHIP, `low_latency`. One goes out with the address, then one with each part.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

from bench.broadcast.origin import Nothing
from bench.broadcast.stage import BROADCAST
from bench.broadcast.telling import Telling
from media.broadcast.cmaf.rhythm import LOW_LATENCY, USUAL
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.publication import Opening, Publication
from media.broadcast.whip.ids import BroadcastId
from media.forwarder.choose import choose
from media.plane.choose import plane_of
from media.transport.api import TransportSettings
from media.transport.dtls import Certificate
from media.transport.listener import listen
from tests.media.broadcast.program.assembly import assembled


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

    def opened(asked: Opening) -> Publication:
        return Telling(origin.open(asked))

    settings = TransportSettings(
        host="127.0.0.1", udp_port=0, tcp_port=0, advertised=("127.0.0.1",)
    )
    certificate = Certificate.generateCertificate()
    rhythm = LOW_LATENCY if options["low_latency"] else USUAL
    async with (
        listen(settings, certificate, plane_of(chosen, 1)) as listener,
        assembled(
            listener,
            listener.plane,
            broadcast=BroadcastId(BROADCAST),
            key=options["key"],
            rhythm=rhythm,
            open_=opened,
        ) as studio,
    ):
        runner = web.AppRunner(studio.app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        print(json.dumps({"port": port, "forwarder": chosen.name}), flush=True)
        await origin.run()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
