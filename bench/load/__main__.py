"""What a hundred in one call cost a server, and how late packets come. One line of JSON for each figure.

    .venv/bin/python -m bench.load [--only one hundred storm] [--forwarder native plain] [--rounds 5] [--people 100]
        [--peer livekit ws://127.0.0.1:7880 PID --key devkey:secret] [--peer janus] [--peer janus_best FOLDER]

The first server is the one that is measured, the others what it is compared with; `--forwarder` without a value: none
of ours. Server and load are on a processor each, with real-time priority where that is granted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from contextlib import AsyncExitStack

from bench.load.plan import HUNDRED, ONE
from bench.load.program import build
from bench.load.rows import FULL, ROUNDS, load, storming
from bench.load.server import Server, ours
from bench.peers.api import Peer
from bench.peers.janus_process import janus, namespace
from bench.peers.livekit import livekit


def processors() -> tuple[int, int] | None:
    """The server's and the load's; None: there is one only."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else None


async def main(options: argparse.Namespace) -> None:
    program, cpus = build(), processors()
    if any(kind.startswith("janus") for kind, *_ in options.peer):
        namespace()
    if cpus is not None:
        os.sched_setaffinity(0, {cpus[1]})
    async with AsyncExitStack() as stack:
        peers: list[Peer] = []
        for forwarder in options.forwarder:
            server = await stack.enter_async_context(ours(forwarder, program, cpus=cpus))
            peers.append(server)
        for kind, *more in options.peer:
            match kind:
                case "livekit":
                    made = livekit(*more, key=options.key, program=program, cpus=cpus)
                    peers.append(await stack.enter_async_context(made))
                case "janus":
                    other = janus("janus_default", program, cpus=cpus, loops=0, libraries="")
                    peers.append(await stack.enter_async_context(other))
                case "janus_best":
                    other = janus(
                        "janus_best", program, cpus=cpus, loops=1, libraries=" ".join(more)
                    )
                    peers.append(await stack.enter_async_context(other))
                case _:
                    raise SystemExit(f"--peer: {kind} is not known")
        for mix in (ONE, HUNDRED):
            if mix.name in options.only:
                row = await load(mix, options.people, peers, options.rounds)
                print(json.dumps(row), flush=True)
        if "storm" in options.only and isinstance(peers[0], Server):
            print(json.dumps(await storming(peers[0], options.rounds)), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="+", default=["one", "hundred", "storm"])
    parser.add_argument("--forwarder", nargs="*", default=["native", "plain"])
    parser.add_argument("--people", type=int, default=FULL)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--peer", nargs="+", action="append", default=[])
    parser.add_argument("--key", default="devkey:secret", help="name:secret of the peer")
    asyncio.run(main(parser.parse_args()))
