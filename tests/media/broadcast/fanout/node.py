"""A school's node in a process of its own, for a test that kills it; its one argument is JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from media.broadcast.fanout.asking import write_public
from media.broadcast.fanout.peer import School
from tests.media.broadcast.fanout.world import Node


async def main() -> None:
    given = json.loads(sys.argv[1])
    node = Node("c.example", Path(given["folder"]), Ed25519PrivateKey.generate())
    await node.start()
    hello = {"key": write_public(node.key), "at": node.viewer("@pupil:c.example")}
    sys.stdout.write(json.dumps(hello) + "\n")
    sys.stdout.flush()
    async with aiohttp.ClientSession() as http:
        while True:  # the test makes us known after this line
            await node.puller(http, School("a.example", given["url"]), []).run()
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main())
