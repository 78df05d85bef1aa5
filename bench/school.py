"""`make bench B=school`: what a school costs its server. One line of JSON; its keys are in docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen

from bench import fill, guard, life, search
from provisioning.sample import generate
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.rosters import school86, small_school
from tests.support.school import School

#: Joins of the comparison come one after another; everything else is as in homeserver.yaml.example.
UNLIMITED: dict[str, Any] = {
    **NO_RATE_LIMITS,
    "rc_joins": {"local": {"per_second": 10_000, "burst_count": 10_000}},
    "rc_joins_per_room": {"per_second": 10_000, "burst_count": 10_000},
    "rc_invites": {
        kind: {"per_second": 10_000, "burst_count": 10_000}
        for kind in ("per_room", "per_user", "per_issuer")
    },
    "rc_key_requests": {"per_second": 10_000, "burst_count": 10_000},
}


@frozen(kw_only=True)
class Size:
    """How much is done."""

    filled: Callable[[], list[Any]]  # lists of the schools that are filled both ways
    listed: Callable[[], Any]  # of the school whose rooms are made with nobody active
    read: Callable[[], Any]  # of the school that is filled while somebody reads
    idle_s: float
    moves: int
    guard_rounds: int
    guard_pupils: int
    directory_copies: int  # of some 9,900 people each
    searches: int


FULL = Size(
    filled=lambda: [sample(1, 100), sample(2, 60)],
    listed=school86,
    read=lambda: sample(99, 60),
    idle_s=5,
    moves=7,
    guard_rounds=30,
    guard_pupils=28,
    directory_copies=10,
    searches=60,
)
QUICK = Size(
    filled=lambda: [small_school()],
    listed=small_school,
    read=lambda: guard.small_class(12),
    idle_s=2,
    moves=2,
    guard_rounds=3,
    guard_pupils=8,
    directory_copies=1,
    searches=20,
)


def sample(seed: int, pupils: int) -> dict[str, Any]:
    """A sample school of `sferum sample`."""
    return dict(generate(seed, pupils=pupils).to_wire())


def rooms_part(fleet: Fleet, size: Size) -> dict[str, Any]:
    """Filling, and what people notice of it."""
    server = fleet(module={"apply_rate": 1000}, overrides=UNLIMITED)
    one_by_one = {"apply_rate": 1000, "together_from": 1_000_000}
    inviting = fleet(module=one_by_one, overrides=UNLIMITED)
    bare = fill.PairsServer(fleet, UNLIMITED)
    rosters = size.filled()
    found, schools = fill.compare(server, inviting, bare, rosters, idle_s=size.idle_s)
    bare.server.stop()
    inviting.stop()
    events, took = fill.second_apply(schools[0], rosters[0])
    found |= {"second_apply_events": events, "second_apply_s": round(took, 2)}
    found |= life.change_figures(life.class_changes(schools[0], rosters[0], size.moves))
    found["rooms_ready_s"] = round(life.rooms_ready(School(server, "new"), size.listed()), 2)
    found |= life.latency(server, size.read(), size.idle_s)
    server.stop()
    return found


def guard_part(fleet: Fleet, size: Size) -> dict[str, Any]:
    """The module's share of ordinary requests."""
    found = guard.overhead(fleet, UNLIMITED, size.guard_rounds, size.guard_pupils)
    fleet.stop_since(0)
    return found


def search_part(fleet: Fleet, size: Size) -> dict[str, Any]:
    """Finding people by name."""
    return search.search(fleet, UNLIMITED, size.directory_copies, size.searches)


PARTS: dict[str, Callable[[Fleet, Size], dict[str, Any]]] = {
    "rooms": rooms_part,
    "guard": guard_part,
    "search": search_part,
}
#: First in the line, in this order.
KEYS = (
    "fill_cpu_ms_per_membership",
    "fill_speedup_vs_invite_join",
    "second_apply_events",
    "second_apply_s",
    "class_change_effective_s",
    "rooms_ready_s",
    "http_p95_ms_while_filling",
    "http_p95_ms_idle",
    "guard_overhead_ratio",
    "guard_overhead_by_request",
    "directory_search_ms",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.school", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, under 90 s")
    parser.add_argument("--only", choices=PARTS, help="one part; the others' keys are missing")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else FULL
    began = time.monotonic()
    found: dict[str, Any] = {}
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory(prefix="sferum-bench-") as directory:
        fleet = Fleet(Path(directory))
        try:
            for name in [arguments.only] if arguments.only else PARTS:
                part = time.monotonic()
                found |= PARTS[name](fleet, size)
                load.append(os.getloadavg()[0])
                took = time.monotonic() - part
                print(f"{name}: {took:.0f} s, load {load[-1]:.1f}", file=sys.stderr, flush=True)
        finally:
            fleet.stop()
    line = {key: found.pop(key) for key in KEYS if key in found} | found
    line |= {
        "quick": arguments.quick,
        "took_s": round(time.monotonic() - began, 1),
        "load": [round(one, 1) for one in load],
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
