"""`make bench B=onboarding`: 1 September at the school's door. One line of JSON; its keys are in docs/benchmarks.md.

Real Synapse with the module, the bridge as its own process, an SMS gateway on this machine that keeps what it is given.
Pupils whom the school's list names with their phone come by the link of their class, fifty at a time: page, code,
password, account, roster match, rooms, first sign-in of a client and its first sync.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from attrs import define, field

from bench.doorstep import Doorstep, Gateway, Pupil
from bench.forms import Pages
from bench.newcard import from_the_card
from bench.servers import p95, process_cpu_s
from tests.support.fleet import Fleet

#: Newcomers under way at once.
AT_ONCE = 50
PASSWORD = "три слова и число 7"
#: Seconds that one newcomer may take before something is wrong.
PATIENCE_S = 120.0


@define
class Rush:
    """What the newcomers of one run took."""

    door: Doorstep
    gateway: Gateway
    took: defaultdict[str, list[float]] = field(factory=lambda: defaultdict(list))
    whole_s: list[float] = field(factory=list)

    async def come(self, pupils: list[Pupil], at_once: int) -> float:
        """All of them, at most `at_once` under way; wall seconds."""
        gate = asyncio.Semaphore(at_once)
        limit = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=limit, cookie_jar=aiohttp.DummyCookieJar()
        ) as http:

            async def one(pupil: Pupil) -> None:
                async with gate:
                    began = time.monotonic()
                    async with asyncio.timeout(PATIENCE_S):
                        await self._register(pupil, http)
                    self.whole_s.append(time.monotonic() - began)

            began = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for pupil in pupils:
                    group.create_task(one(pupil))
            return time.monotonic() - began

    async def _register(self, pupil: Pupil, http: aiohttp.ClientSession) -> None:
        pages = Pages(self.door.url, http, self.took)
        await pages.get("link", pupil.link)
        await pages.send("phone", "phone", {"phone": pupil.phone})
        code = await self.gateway.code_to(pupil.phone)
        await pages.send("code", "code", {"code": code, "password": PASSWORD})
        while pages.loads_again:
            await asyncio.sleep(0.5)
            await pages.get("waiting", pages.path)
        await self._first_sync(pupil.phone, http)

    async def _first_sync(self, phone: str, http: aiohttp.ClientSession) -> None:
        """What a client does first: sign in with the phone, and sync until the class room is there."""
        began = time.monotonic()
        base = self.door.server.url
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": phone},
            "password": PASSWORD,
        }
        async with http.post(f"{base}/_matrix/client/v3/login", json=body) as answer:
            answer.raise_for_status()
            token = (await answer.json())["access_token"]
        self.took["client_login"].append(time.monotonic() - began)
        headers = {"Authorization": f"Bearer {token}"}
        since = ""
        while True:
            query = f"?timeout=1000{since}"
            url = f"{base}/_matrix/client/v3/sync{query}"
            async with http.get(url, headers=headers) as answer:
                answer.raise_for_status()
                found = await answer.json()
            rooms = found.get("rooms", {})
            if any(_is_class(room) for room in rooms.get("join", {}).values()):
                break
            since = f"&since={found['next_batch']}"
        self.took["client_in_class_room"].append(time.monotonic() - began)


def _is_class(room: dict[str, Any]) -> bool:
    events = room.get("state", {}).get("events", []) + room.get("timeline", {}).get("events", [])
    return any(
        event["type"] == "org.sferum.room" and event["content"].get("kind") == "class"
        for event in events
    )


def pages_ms(took: dict[str, list[float]], quantile: str) -> dict[str, float]:
    """One figure for each page, milliseconds."""
    pick = median if quantile == "p50" else p95
    return {name: round(pick(values) * 1000, 1) for name, values in sorted(took.items()) if values}


async def measure(fleet: Fleet, folder: Path, pupils: int, at_once: int) -> dict[str, Any]:
    """The whole line."""
    gateway = Gateway()
    async with gateway.open():
        door = await asyncio.to_thread(Doorstep.open, fleet, folder, gateway.url, pupils)
        try:
            warm, rest = door.pupils[:4], door.pupils[4:]
            await Rush(door, gateway).come(warm, 4)
            rush = Rush(door, gateway)
            bridge, synapse = (
                process_cpu_s(door.bridge.pid),
                process_cpu_s(door.server.main.server.pid),
            )
            wall = await rush.come(rest, at_once)
            bridge = process_cpu_s(door.bridge.pid) - bridge
            synapse = process_cpu_s(door.server.main.server.pid) - synapse
            card = await from_the_card(door, gateway)
        finally:
            await asyncio.to_thread(door.close)
    pages = {name: values for name, values in rush.took.items() if not name.startswith("client")}
    clients = {name: values for name, values in rush.took.items() if name.startswith("client")}
    return {
        "registrations_per_s": round(len(rest) / wall, 2),
        "page_p50_ms": pages_ms(pages, "p50"),
        "page_p95_ms": pages_ms(pages, "p95"),
        "bridge_cpu_over_synapse_cpu": round(bridge / synapse, 3),
        **card,
        "bridge_cpu_ms_per_registration": round(bridge / len(rest) * 1000, 1),
        "synapse_cpu_ms_per_registration": round(synapse / len(rest) * 1000, 1),
        "registration_s": {
            "p50": round(median(rush.whole_s), 2),
            "p95": round(p95(rush.whole_s), 2),
        },
        "client_ms_p50": pages_ms(clients, "p50"),
        "registrations": len(rest),
        "at_once": at_once,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.onboarding", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short form, under 60 s")
    arguments = parser.parse_args()
    began = time.monotonic()
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory(prefix="sferum-bench-") as directory:
        fleet = Fleet(Path(directory))
        try:
            pupils, at_once = (24, 10) if arguments.quick else (204, AT_ONCE)
            found = asyncio.run(measure(fleet, Path(directory) / "bridge", pupils, at_once))
        finally:
            fleet.stop()
    load.append(os.getloadavg()[0])
    found |= {
        "quick": arguments.quick,
        "took_s": round(time.monotonic() - began, 1),
        "load": [round(one, 1) for one in load],
    }
    print(json.dumps(found, ensure_ascii=False))
    print(f"onboarding: {found['took_s']} s", file=sys.stderr)


if __name__ == "__main__":
    main()
