"""A broadcast's viewers, what they cost, and how late they are. One line of JSON.

    .venv/bin/python -m bench.broadcast [--size full|busy|quick] [--only edge short python edges restart fanout whip]
        [--viewers 10000] [--processes 2] [--seconds 60] [--python 2500 2000] [--no-browser] [--before]

`--before`, as root: servers, viewers and browser go before whatever else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import evolve

from bench.broadcast.crowd import PACKAGE
from bench.broadcast.place import go_before
from bench.broadcast.rows import (
    BUSY,
    FULL,
    LOW_LATENCY,
    QUICK,
    Size,
    Tools,
    fanned_out,
    python_only,
    restarted,
    several_edges,
    through_edge,
)
from bench.broadcast.whip import whip
from bench.native import build

SIZES = {"full": FULL, "busy": BUSY, "quick": QUICK}
#: Of `through_edge` with half-second parts, 8 of 10 viewers (broadcast.md §9, A3).
SHORT_SHARE, SHORT_SECONDS = 0.8, 20.0


async def short(tools: Tools, size: Size) -> dict[str, Any]:
    """Half-second parts through one edge."""
    viewers = round(size.viewers * SHORT_SHARE)
    seconds = min(size.seconds, SHORT_SECONDS)
    row = await through_edge(tools, evolve(size, viewers=viewers, seconds=seconds), LOW_LATENCY)
    return {"short_parts": row}


async def published(_: Tools, size: Size) -> dict[str, Any]:
    """A browser's broadcast."""
    return await whip(size.python_seconds)


KINDS: dict[str, Callable[[Tools, Size], Awaitable[dict[str, Any]]]] = {
    "edge": through_edge,
    "short": short,
    "python": python_only,
    "edges": several_edges,
    "restart": restarted,
    "fanout": fanned_out,
    "whip": published,
}


async def measured(size: Size, kinds: list[str], *, before: bool) -> dict[str, Any]:
    """All of it, one after the other."""
    program, begun = build(PACKAGE), time.monotonic()
    line: dict[str, Any] = {"bench": "broadcast", "before": before and go_before()}
    loads = [round(os.getloadavg()[0], 1)]
    with TemporaryDirectory() as films:
        for kind in kinds:
            print(kind, file=sys.stderr, flush=True)
            line |= await KINDS[kind](Tools(program, Path(films), before), size)
            loads.append(round(os.getloadavg()[0], 1))
    return line | {"took_s": round(time.monotonic() - begun), "load": loads}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--viewers", type=int)
    parser.add_argument("--processes", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--python", nargs="+", type=int)
    parser.add_argument("--no-browser", dest="browser", action="store_false", default=None)
    parser.add_argument("--before", action="store_true", help="others' work on this machine (root)")
    return parser.parse_args()


def main() -> None:
    """As the command line says."""
    options = _options()
    given = {
        name: value
        for name in ("viewers", "processes", "seconds", "python", "browser")
        if (value := getattr(options, name)) is not None
    }
    # A descriptor for each viewer, and for each of the origin's.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    size = evolve(SIZES[options.size], **given)
    print(json.dumps(asyncio.run(measured(size, options.only, before=options.before))), flush=True)


if __name__ == "__main__":
    main()
