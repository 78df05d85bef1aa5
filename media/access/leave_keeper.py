"""Carries out what `delayed_leave` decides: calls to our own homeserver, a few at a time."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from attrs import define, field

from media.access.claims import Leave
from media.access.delayed_leave import Call, DelayedLeaves, Outcome
from media.ids import Identity, ParticipantSid, RoomName
from serving.json_http import JsonHttp, NoAnswer, path_of

logger = logging.getLogger(__name__)

PREFIX = ("_matrix", "client", "unstable", "org.matrix.msc4140", "delayed_events")
#: Calls at one time: a class of 30 leaves at the bell, and Synapse writes one event after the other anyway.
AT_ONCE = 8


@define(eq=False)
class LeaveKeeper:
    """Implements `api.Leaves`. `run` in a TaskGroup of the process.

    Attributes:
        clock: seconds that never go back.
        counted: `restart.done`, `send.missing`, …
    """

    _leaves: DelayedLeaves
    _homeserver: JsonHttp
    _clock: Callable[[], float]
    counted: Counter[str] = field(factory=Counter, init=False)
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)

    def hand_over(self, room: RoomName, identity: Identity, leave: Leave) -> bool:
        """False: too many are kept already."""
        taken = self._leaves.hand_over(room, identity, leave, self._clock())
        self._changed.set()
        return taken

    def connected(
        self, room: RoomName, identity: Identity, sid: ParticipantSid, leave: Leave | None
    ) -> None:
        self._leaves.connected(room, identity, sid, leave, self._clock())
        self._changed.set()

    def disconnected(self, room: RoomName, identity: Identity, sid: ParticipantSid) -> None:
        self._leaves.disconnected(room, identity, sid, self._clock())
        self._changed.set()

    def forget(self, room: RoomName) -> None:
        """Its people go on at another node, which looks after them."""
        self._leaves.forget(room)

    def drain(self) -> None:
        """Before this process tells its clients to go elsewhere: from now on nobody who goes is sent out of the call.

        They come back with their delayed event in the token; who does not is sent out by the homeserver at its end.
        """
        self._leaves.draining = True

    def __len__(self) -> int:
        """Delayed events that are looked after."""
        return len(self._leaves)

    async def run(self) -> None:
        """Until cancelled."""
        turns = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                for call in self._leaves.due(self._clock()):
                    group.create_task(self._make(call, turns))
                await self._wait()

    async def _wait(self) -> None:
        """For the next time, or for something new."""
        wakeup = self._leaves.next_wakeup()
        wait_s = None if wakeup is None else max(0.0, wakeup - self._clock())
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _make(self, call: Call, turns: asyncio.Semaphore) -> None:
        async with turns:
            outcome, retry_after_s = await self._outcome(call)
        self.counted[f"{call.action.value}.{outcome.value}"] += 1
        if outcome is Outcome.REFUSED:
            logger.warning("the homeserver refused a delayed leave action=%s", call.action.value)
        self._leaves.answered(call, outcome, self._clock(), retry_after_s=retry_after_s)
        self._changed.set()

    async def _outcome(self, call: Call) -> tuple[Outcome, float]:
        path = path_of(*PREFIX, call.delay_id, call.action.value)
        try:
            answer = await self._homeserver.ask("POST", path, body={})
        except NoAnswer:
            return Outcome.LATER, 0.0
        if answer.status == 429:
            return Outcome.LATER, answer.retry_after_s
        if answer.ok:
            return Outcome.DONE, 0.0
        # A path that does not exist is M_UNRECOGNIZED: the homeserver's address is wrong.
        return (Outcome.MISSING if answer.is_missing else Outcome.REFUSED), 0.0
