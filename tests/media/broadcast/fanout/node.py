"""A school's node in a process of its own, for a test that kills it: `FOLDER`; says who it is, reads what to follow."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from media.broadcast.fanout.asking import write_public
from media.broadcast.fanout.schools import School
from tests.media.broadcast.fanout.world import OURS, Node, key_of


async def main() -> None:
    node = Node("c.example", Path(sys.argv[1]), Ed25519PrivateKey.generate())
    async with aiohttp.ClientSession() as http:
        await node.open(http)
        hello = {
            "key": write_public(node.key),
            "url": node.url,
            "at": node.viewer("@pupil:c.example"),
        }
        sys.stdout.write(json.dumps(hello) + "\n")
        sys.stdout.flush()
        asked = json.loads(await asyncio.to_thread(sys.stdin.readline))
        theirs = School("a.example", asked["url"], key_of("a.example").public_key())
        node.schools["a.example"] = theirs
        assert node.fan.promise(OURS, asked["link"]) is None
        assert node.fan.begin(OURS, recorded=False)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
