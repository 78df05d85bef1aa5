"""What a hundred in one call cost a server, and how late packets come. One line of JSON for each figure.

    .venv/bin/python -m bench.load [--only one speaker hundred storm] [--forwarder native plain] [--rounds 5]
        [--people 100] [--segmented] [--peer livekit ws://127.0.0.1:7880 PID [--key NAME:SECRET]]
        [--peer janus] [--peer janus_best FOLDER]

The first server is the one that is measured, the others what it is compared with; `--forwarder` without a value: none
of ours. Server and load are on a processor each, with real-time priority where that is granted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os

from bench.load.lineup import lineup
from bench.load.program import PACKAGE, SEGMENTED
from bench.load.rows import FULL, KINDS, ROUNDS, rows
from bench.native import build
from bench.peers.janus_process import namespace
from bench.peers.livekit import KEY


async def main(options: argparse.Namespace) -> None:
    program = build(PACKAGE)
    if options.segmented:
        os.environ[SEGMENTED] = "1"
    if any(kind.startswith("janus") for kind, *_ in options.peer):
        namespace()
    async with lineup(program, options.forwarder, options.peer, options.key) as peers:
        async for row in rows(peers, options.only, options.people, options.rounds):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--forwarder", nargs="*", default=["native", "plain"])
    parser.add_argument("--people", type=int, default=FULL)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--segmented",
        action="store_true",
        help="subscribers take segments that were sent together as they came: nobody pays for taking them apart, "
        "as where a network card does that",
    )
    parser.add_argument("--peer", nargs="+", action="append", default=[])
    parser.add_argument("--key", default=KEY, help="name:secret of the peer")
    asyncio.run(main(parser.parse_args()))
