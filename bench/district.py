"""`make bench B=district`: a district of 300 schools on one school's server, and a school that goes on a year.

Two schools of the district run, the others are names and keys in the register. What a decision costs is CPU of the
school's Synapse, in turns with a server that is alike but for the register: for messages the module without a district,
for requests of another server a stock Synapse that answers everybody. One line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from bench import timed
from bench.promotion import measure as measure_promotion
from bench.servers import fine_cpu_s
from synapse_sferum.district.signed import verified
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.foreign import ForeignServer
from tests.support.rosters import school86, small_school
from tests.support.school import School
from tests.support.synapse import Homeserver
from tests.synapse_sferum import district_values as values
from tests.synapse_sferum.district_world import (
    CLIENT,
    District,
    entry,
    open_school,
    serving,
    until_standing,
)

#: Schools of the district (the issue's), times a register is verified, requests in a turn.
SCHOOLS, VERIFIED, TURN = 300, 20, 25
#: Seconds in which a server is only looked at.
IDLE_S = 10.0
#: As homeserver.yaml names the module.
MODULE = "synapse_sferum.SferumModule"
#: Turns of each server: thousands of decisions against a noise of some ten microseconds.
TURNS, QUICK_TURNS = 40, 4


def rss_mb(server: Homeserver) -> float:
    """Memory of the Synapse process, in 10^6 bytes."""
    pages = int(Path(f"/proc/{server.main.server.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def verify_ms(register: bytes) -> float:
    """Milliseconds to parse a register and to check it to the last field and signature."""
    took = []
    for _ in range(VERIFIED):
        began = time.perf_counter()
        verified(register, district=values.DISTRICT, anchor=values.anchor())
        took.append((time.perf_counter() - began) * 1000)
    return median(took)


def difference_us(
    ours: tuple[Homeserver, Callable[[], None]],
    other: tuple[Homeserver, Callable[[], None]],
    turns: int,
) -> float:
    """CPU microseconds by which one request costs the first server more, the median of turns.

    What a server uses without work is taken off: it is not paid for by requests.
    """
    sides = [
        (server, request, idle_share(server), list[float]()) for server, request in (ours, other)
    ]
    for server, request, idle, costs in sides * turns:
        before, began = fine_cpu_s(server), time.monotonic()
        for _ in range(TURN):
            request()
        used = fine_cpu_s(server) - before - idle * (time.monotonic() - began)
        costs.append(used / TURN * 1e6)
    first, second = (median(costs) for _, _, _, costs in sides)
    return first - second


def idle_share(server: Homeserver) -> float:
    """Share of a core that a server uses while nobody asks it anything."""
    before = fine_cpu_s(server)
    time.sleep(IDLE_S)
    return (fine_cpu_s(server) - before) / IDLE_S


def messages(school: School) -> Callable[[], None]:
    """Another message of a class teacher in the class's room at each call."""
    rooms = school.call("GET", "/rooms")["rooms"]
    room_id = next(
        r["room_id"] for r in rooms if (r["kind"], r["ref"]) == ("class", school.class_id("5А"))
    )
    numbers = iter(range(1_000_000))

    def send() -> None:
        path = f"{CLIENT}/rooms/{quote(room_id)}/send/m.room.message/n{next(numbers)}"
        body = {"msgtype": "m.text", "body": "сообщение"}
        school.server.call("PUT", path, school.token("T1"), body)

    return send


def questions(peer: ForeignServer, server: Homeserver, user_id: str) -> Callable[[], None]:
    """A signed question for somebody's name at each call."""
    path = f"/_matrix/federation/v1/query/profile?user_id={quote(user_id)}"

    def ask() -> None:
        answer = peer.signed_request(server, "GET", path)
        if answer.status != 200:
            raise RuntimeError(f"{server.server_name}: {answer.status}")

    return ask


def measure(fleet: Fleet, folder: Path, turns: int) -> dict[str, Any]:
    """The register's own figures."""
    with ExitStack() as stack:
        web = stack.enter_context(serving())
        district = District(web, folder)
        a, b = (district.join(fleet, name) for name in ("school-a", "school-b"))
        with_clocks(a.server)
        for school in (a, b):
            school.server.start()
            open_school(school)
            school.settle()
        until_standing(a, standing="none")
        module = {"poll_interval_s": 0.05}
        known = {"allow_profile_lookup_over_federation": True, **NO_RATE_LIMITS}
        alone = School(fleet(federation=True, module=module, overrides=known), "school-c")
        open_school(alone)
        alone.settle()
        senders = (a.server, messages(a)), (alone.server, messages(alone))
        # Two servers that are alike differ by some per cent: what they differ by without a register is taken off.
        apart = difference_us(*senders, turns)
        before = rss_mb(a.server)
        real = [entry(school.server) for school in (a, b)]
        made_up = [values.school(f"school{n}.example") for n in range(SCHOOLS - len(real))]
        district.publish(1, entries=[*real, *made_up])
        for school in (a, b):
            until_standing(school, standing="open", serial=1, peers=SCHOOLS - 1)
        added = rss_mb(a.server) - before
        stock = fleet.foreign(overrides=known).homeserver
        somebody = stock.register("somebody").user_id
        peer = ForeignServer(b.server)
        found = {
            "schools": SCHOOLS,
            "register_bytes": len(web.body),
            "verify_ms": round(verify_ms(web.body), 2),
            "server_us_per_event": round(difference_us(*senders, turns) - apart),
            "servers_apart_us": round(apart),
            "server_us_per_federation_request": round(
                difference_us(
                    (a.server, questions(peer, a.server, a.accounts["T1"])),
                    (stock, questions(peer, stock, somebody)),
                    turns,
                )
            ),
            "rss_mb_added": round(added, 1),
        }
        clocked = decisions_us(a.server)
        return {
            **found,
            "decision_us_per_event": round(median(clocked["event"])),
            "decision_us_per_federation_request": round(median(clocked["federation"])),
            "decisions": {what: len(each) for what, each in clocked.items()},
        }


def with_clocks(server: Homeserver) -> None:
    """Its module is `bench.timed`'s; before it starts."""
    file = server.directory / "homeserver.yaml"
    text = file.read_text("utf-8")
    if text.count(MODULE) != 1:
        raise RuntimeError(f"{file.name} names the module otherwise")
    file.write_text(text.replace(MODULE, "bench.timed.TimedModule"), "utf-8")


def decisions_us(server: Homeserver) -> dict[str, list[float]]:
    """What its decisions took since the register was there: those of the measurement are nearly all."""
    found: dict[str, list[float]] = {"event": [], "federation": []}
    for line in (server.directory / timed.FILE).read_text("utf-8").splitlines():
        for what, took in json.loads(line).items():
            found[what].append(took)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.district", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few turns, a school of a few people")
    arguments = parser.parse_args()
    load = [round(os.getloadavg()[0], 2)]
    roster: Mapping[str, Any] = small_school() if arguments.quick else school86()
    with tempfile.TemporaryDirectory(prefix="sferum-bench-") as folder:
        fleet = Fleet(Path(folder))
        try:
            turns = QUICK_TURNS if arguments.quick else TURNS
            found = measure(fleet, Path(folder), turns)
        finally:
            fleet.stop()
        fleet = Fleet(Path(folder) / "year")
        fleet.directory.mkdir(exist_ok=True)
        try:
            year = measure_promotion(fleet, dict(roster))
        finally:
            fleet.stop()
    load.append(round(os.getloadavg()[0], 2))
    print(json.dumps({**found, **year, "load": load}, ensure_ascii=False))


if __name__ == "__main__":
    main()
