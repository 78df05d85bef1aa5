"""50,000 malformed datagrams a second, while two people see and hear each other through the native forwarder."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from media.forwarder.choose import NoForwarder, choose
from media.plane.choose import plane_of
from tests.media.hostile.siege import Siege, siege
from tests.support.process import ROOT

SECONDS, RATE = 5, 50_000


async def flooded(call: Siege) -> int:
    """How many were sent, by a process of its own."""
    command = (sys.executable, "-m", "tests.media.hostile.flood")
    numbers = (call.way.node[1], SECONDS, RATE)
    sender = await asyncio.create_subprocess_exec(
        *command, *map(str, numbers), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await sender.communicate()
    assert sender.returncode == 0
    return int(said)


@pytest.mark.integration
async def test_a_flood_costs_nobody_their_call() -> None:
    """Pictures come on while it lasts, nobody is thrown out, nothing is kept of it, and what arrived is counted."""
    try:
        choice = choose("native")
    except NoForwarder:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("the native forwarder is not built (make native)")
    async with siege(plane_of(choice, None)) as call:
        sent = 0

        async def attack() -> None:
            nonlocal sent
            before = len(call.boris.frames["anna"])
            sent = await flooded(call)
            seen = len(call.boris.frames["anna"]) - before
            assert seen > 3 * SECONDS, f"{seen} of {15 * SECONDS} pictures"

        ignored = ("stranger", "stun_malformed", "not_ours")
        before = sum(call.figure("ignored", why) for why in ignored)
        await call.withstands("a flood", attack, ("ignored", "stranger"))
        counted = sum(call.figure("ignored", why) for why in ignored) - before
        assert sent > RATE * SECONDS / 2
        assert counted > 1_000
        call.boris.loudest_hz.clear()
        await call.boris.hears("anna")
        listener = call.world.node.services.listener
        assert len(listener._by_address) < 20  # type: ignore[attr-defined]
