"""A Synapse module of its own: rooms filled by an invitation and a join each, the way without our fill.

It registers no callback. It waits for the file `plan`, makes the rooms, fills them through the public module API, and
writes what that cost into the file `done`.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from attrs import frozen
from synapse.module_api import ModuleApi

#: Milliseconds between two looks for work.
_LOOK_MS = 200
SERVICE = "sferum"


@frozen(kw_only=True)
class PairsConfig:
    """`plan`: `[{"create": body of createRoom, "members": [user id]}]`; `done`: `{"cpu_s", "wall_s", "rooms"}`."""

    plan: Path
    done: Path


class Pairs:
    """What Synapse loads."""

    def __init__(self, config: PairsConfig, api: ModuleApi) -> None:
        self._config, self._api = config, api
        self._busy = False
        api.looping_background_call(self._look, _LOOK_MS, desc="bench_pairs")

    @staticmethod
    def parse_config(raw: dict[str, Any]) -> PairsConfig:
        return PairsConfig(plan=Path(raw["plan"]), done=Path(raw["done"]))

    async def _look(self) -> None:
        if self._busy or not self._config.plan.exists():
            return
        self._busy = True
        try:
            done = await self._work(json.loads(self._config.plan.read_text("utf-8")))
        except Exception as error:  # the measurement waits for a file, not for a log line
            done = {"error": repr(error)}
        self._config.plan.unlink()
        scratch = self._config.done.with_suffix(".tmp")
        scratch.write_text(json.dumps(done), "utf-8")
        scratch.replace(self._config.done)
        self._busy = False

    async def _work(self, plan: list[dict[str, Any]]) -> dict[str, Any]:
        service = self._api.get_qualified_user_id(SERVICE)
        if await self._api.check_user_exists(service) is None:
            await self._api.register_user(SERVICE, displayname="Школа")
        rooms = [
            (await self._api.create_room(service, room["create"], ratelimit=False))[0]
            for room in plan
        ]
        wall, cpu = time.monotonic(), _cpu_s()
        for room_id, room in zip(rooms, plan, strict=True):
            for user_id in room["members"]:
                await self._api.update_room_membership(service, user_id, room_id, "invite")
                await self._api.update_room_membership(user_id, user_id, room_id, "join")
        return {"cpu_s": _cpu_s() - cpu, "wall_s": time.monotonic() - wall, "rooms": rooms}


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system
