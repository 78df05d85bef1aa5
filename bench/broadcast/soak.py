"""A broadcast of hours: `make soak` (BROADCAST_MINUTES=30). Viewers come and go, one edge, and what grows is named.

A few hundred stay from beginning to end; beside them others come, watch for half a minute and go. Memory, files and
threads of the origin, memory of nginx and the size of its cache are sampled; after the warm-up their least-squares
slopes must be flat. Nobody may meet an error. Ends with one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import fields, frozen

from bench.broadcast import sums
from bench.broadcast.crowd import PACKAGE, crowd
from bench.broadcast.rows import USUAL
from bench.broadcast.stand import Stand, stand
from bench.call_soak import slope_per_hour
from bench.native import build


@frozen(kw_only=True)
class Plan:
    """Attributes:
    warm_up_s: not looked at: caches fill until the live window and the passes' half minute are full.
    stay, guests: viewers; guest_s: how long guests stay.
    origin_kb…: growth in an hour that counts as flat. The origin knows where each segment of hours is: 1 MB an hour.
    """

    seconds: float
    warm_up_s: float
    stay: int = 300
    guests: int = 100
    guest_s: float = 30.0
    origin_kb_per_hour: float = 8_192.0
    nginx_kb_per_hour: float = 8_192.0
    files_per_hour: float = 4.0
    threads_per_hour: float = 4.0


@frozen
class Sample:
    at_s: float
    origin_kb: float
    nginx_kb: float
    files: float
    threads: float


def not_flat(samples: Sequence[Sample], plan: Plan) -> dict[str, float]:
    """What grows, and by how much in an hour."""
    slopes = {
        one.name: slope_per_hour(samples, one.name) for one in fields(Sample) if one.name != "at_s"
    }
    return {name: by for name, by in slopes.items() if by > getattr(plan, f"{name}_per_hour")}


def _sample(on: Stand, at_s: float) -> Sample:
    process = Path(f"/proc/{on.origin.pid}")
    return Sample(
        at_s,
        sums.pss_mb([on.origin.pid]) * 1_000,
        sums.pss_mb(on.edge_pids) * 1_000,
        len(os.listdir(process / "fd")),
        len(os.listdir(process / "task")),
    )


async def soak(films: Path, plan: Plan) -> dict[str, Any]:
    """Raises:
    AssertionError: somebody met an error, or something grows.
    """
    program, samples = await asyncio.to_thread(build, PACKAGE), list[Sample]()
    parts = came = 0
    async with (
        stand(films, USUAL) as on,
        crowd(program, on.where(), plan.stay, processes=1) as (everybody, _),
    ):
        await everybody.look()
        began, late = time.monotonic(), dict[int, int]()
        while time.monotonic() - began < plan.seconds:
            async with crowd(program, on.where(), plan.guests, processes=1) as (guests, first):
                await asyncio.sleep(plan.guest_s)
                both = [await everybody.look(), first, await guests.look()]
            for seen in both:
                wrong = {name: seen[name] for name in ("errors", "reconnects") if seen[name]}
                assert not wrong, f"{wrong} {seen['statuses']}"
                parts += seen["parts"]
            came += plan.guests
            for ms, count in both[0]["late"]:
                late[ms] = late.get(ms, 0) + count
            samples.append(_sample(on, time.monotonic() - began))
    warm = [one for one in samples if one.at_s >= plan.warm_up_s]
    grows = not_flat(warm, plan)
    assert not grows, f"grows in an hour by {grows}: {warm}"
    names = [one.name for one in fields(Sample) if one.name != "at_s"]
    return {
        "soak": "broadcast",
        "minutes": round(plan.seconds / 60, 1),
        "viewers": plan.stay,
        "came": came,
        "parts": parts,
        "samples": len(warm),
        "lag_p99_ms": sums.quantile_ms(sorted(late.items()), 0.99),
        **{
            name: [getattr(warm[0], name), getattr(warm[-1], name)] if warm else []
            for name in names
        },
        **{f"{name}_per_hour": round(slope_per_hour(warm, name), 1) for name in names},
    }


def planned(minutes: float) -> Plan:
    """Warm after a third, at most five minutes. In less than an hour growth of 8 MB is still noise."""
    warm_up_s = min(300.0, minutes * 20)
    hours = min(1.0, (minutes * 60 - warm_up_s) / 3600)
    return Plan(
        seconds=minutes * 60,
        warm_up_s=warm_up_s,
        origin_kb_per_hour=8_192 / hours,
        nginx_kb_per_hour=8_192 / hours,
        files_per_hour=2 / hours,
        threads_per_hour=2 / hours,
    )


def main() -> int:
    """Run it; 0 when nothing grew."""
    minutes = float(os.environ.get("BROADCAST_MINUTES", "30"))
    with TemporaryDirectory() as films:
        print(json.dumps(asyncio.run(soak(Path(films), planned(minutes)))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
