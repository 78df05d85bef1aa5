"""The product's origin in a process of its own, under a stage that never ends: `python -m bench.broadcast.origin`.

A line of JSON comes in: `film`, `folder`, `port`, `secret`, `key`, and `schools` whose nodes may fetch it: keys by
name. With each part that is published a line goes out: `late_s` of the stage, and what was answered so far: `edge`,
`auth`, `viewer`; `octets` of all bodies.
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

from bench.broadcast import film
from bench.broadcast.stage import BROADCAST, Stage, opening
from media.broadcast.fanout.asking import Judge as Questions
from media.broadcast.fanout.asking import public_key
from media.broadcast.fanout.endpoints import NodeDoor
from media.broadcast.origin.endpoints import Endpoints
from media.broadcast.origin.judging import Judge
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.publication import Recording
from media.broadcast.passes import Pass

#: Whose stage it is.
SCHOOL = "school.test"
#: As `media` listens.
BACKLOG = 4_096


async def main(options: dict[str, Any]) -> None:
    """Until standard input ends."""
    shown, folder = film.load(Path(options["film"])), Path(options["folder"])
    origin = Origin(
        folder=folder / "parts",
        recordings=folder,
        tell=lambda told: print(told, file=sys.stderr),
        materials=Nothing(),
        tag=lambda: secrets.token_hex(4),
    )
    judge = Judge(keys=[bytes.fromhex(options["key"])], may_watch=everybody, now=time.time)
    endpoints = Endpoints(origin=origin, judge=judge, secrets=[options["secret"]])
    await origin.restore()
    app = web.Application()
    endpoints.add_routes(app)
    _door(judge, options["schools"]).add_routes(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options["port"], backlog=BACKLOG).start()
    stage = Stage(shown, Path(options["film"]), time.time)

    def published() -> None:
        said: dict[str, float] = {"late_s": round(stage.late_s, 3)}
        said |= dict.fromkeys(("edge", "auth", "roll", "viewer"), 0)
        for (who, _), count in endpoints.answered.items():
            said[who] += count
        said["octets"] = endpoints.octets.total()
        print(json.dumps(said), flush=True)

    async with asyncio.TaskGroup() as group:
        group.create_task(origin.run())
        group.create_task(stage.play(origin.open(opening(shown)), published))


def _door(judge: Judge, schools: dict[str, str]) -> NodeDoor:
    """Where nodes of other schools ask for a pass."""
    keys = {name: public_key(key) for name, key in schools.items()}
    return NodeDoor(
        judge=Questions(SCHOOL, keys.get),
        on_air=lambda broadcast: broadcast == BROADCAST,
        keys=judge.keys,
        address_of=lambda request: request.remote or "",
        wall=time.time,
        clock=time.monotonic,
    )


async def everybody(_: Pass) -> bool:
    """Whom the school knows is measured elsewhere."""
    return True


class Nothing:
    """Nothing ends here, so nothing is handed over."""

    async def keep(self, recording: Recording) -> bool:
        del recording
        return False


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
