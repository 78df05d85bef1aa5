"""Another school's node, which fetches the broadcast once and serves its own people: `python -m bench.broadcast.node`.

A line of JSON comes in: `name`, `private` (its key, hexadecimal), `url` of the school whose broadcast it is, the `code`
of its link, `folder`, `port`, `key` of its viewers' passes. With each part that came a line goes out.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.broadcast.origin import BACKLOG, SCHOOL, Nothing, everybody
from bench.broadcast.stage import BROADCAST
from bench.broadcast.telling import Telling
from media.broadcast.fanout.peer import Peer, Us
from media.broadcast.fanout.puller import Puller
from media.broadcast.fanout.schools import School
from media.broadcast.origin.endpoints import Endpoints
from media.broadcast.origin.judging import Judge
from media.broadcast.origin.origin import Origin


async def main(options: dict[str, Any]) -> None:
    """Until the broadcast is over."""
    folder = Path(options["folder"])
    origin = Origin(
        folder=folder / "parts",
        recordings=folder,
        tell=lambda told: print(told, file=sys.stderr),
        materials=Nothing(),
        tag=lambda: secrets.token_hex(4),
    )
    judge = Judge(keys=[bytes.fromhex(options["key"])], may_watch=everybody, now=time.time)
    app = web.Application()
    Endpoints(origin=origin, judge=judge).add_routes(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options["port"], backlog=BACKLOG).start()
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(options["private"]))
    async with aiohttp.ClientSession() as http:
        peer = Peer(
            http=http,
            us=Us(options["name"], key),
            school=School(SCHOOL, options["url"], key.public_key()),
            broadcast=BROADCAST,
            code=options["code"],
            wall=time.time,
            once=lambda: secrets.token_urlsafe(24),
        )
        puller = Puller(
            peer=peer,
            as_=BROADCAST,
            open=lambda asked: Telling(origin.open(asked)),
            clock=time.monotonic,
            tell=lambda now: print(now, file=sys.stderr),
        )
        await puller.run()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
