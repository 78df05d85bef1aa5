"""The servers of one run, in the order in which they are named, each on its place of the machine."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from bench.load.server import ours
from bench.peers.api import Peer
from bench.peers.janus_process import janus
from bench.peers.livekit import livekit

#: Of SCHED_RR, for those who join.
PRIORITY = 5


class UnknownPeer(Exception):
    """No driver of that name."""


def processors() -> tuple[int, int] | None:
    """The servers' and the load's; None: there is one only."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else None


@contextmanager
def hurried() -> Iterator[None]:
    """With real-time priority where that is granted, below servers and load: other work keeps nobody from joining."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


@asynccontextmanager
async def lineup(
    program: Path,
    forwarders: Sequence[str] = ("native", "plain"),
    others: Sequence[Sequence[str]] = (),
    key: str = "",
) -> AsyncIterator[list[Peer]]:
    """`others`: `livekit ADDRESS PID`, `janus`, `janus_best FOLDER`. This process is on the load's processor meanwhile.

    Raises:
        UnknownPeer: of `others`.
    """
    before, cpus = os.sched_getaffinity(0), processors()
    async with AsyncExitStack() as stack:
        if cpus is not None:
            os.sched_setaffinity(0, {cpus[1]})
            stack.callback(os.sched_setaffinity, 0, before)
            stack.enter_context(hurried())
        peers: list[Peer] = [
            await stack.enter_async_context(ours(forwarder, program, cpus=cpus))
            for forwarder in forwarders
        ]
        for kind, *more in others:
            match kind:
                case "livekit":
                    made = livekit(*more, key=key, program=program, cpus=cpus)
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
                    raise UnknownPeer(kind)
        yield peers
