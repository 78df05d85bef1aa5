"""Whoever is taken out of a room is out of its call within a minute (R21, R40), and other rights reach a call as fast.

A token alone says for an hour what was true when it was made.

The call's own membership is not asked: a client that was removed from the room may still hold its connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Protocol

from attrs import define, field, frozen

from media.access.claims import Member
from media.access.rights import CallRights
from media.ids import ParticipantSid, RoomName
from serving.json_http import NoAnswer

logger = logging.getLogger(__name__)

#: Seconds between two looks at everybody.
EVERY_S = 45.0
#: Questions at one time; the module answers one in a few milliseconds from its cache.
AT_ONCE = 4


class Rights(Protocol):
    async def of(self, user_id: str, room_id: str) -> CallRights | None: ...


@frozen
class Present:
    """A participant of this process whose token came from us."""

    room: RoomName
    sid: ParticipantSid
    member: Member


def _nothing(_one: Present, _rights: CallRights) -> bool:
    """Where only removals count."""
    return False


@define(eq=False)
class Rechecker:
    """Asks the module again about everybody who is in a call.

    Attributes:
        present: who is.
        remove: what to do with somebody who is no longer in the room.
        apply: what to do with the rights of somebody who is; whether anything is different now.
        counted: people, by `still`, `changed`, `removed`, `unknown` (no answer: they stay), `bug` of ours.
    """

    _rights: Rights
    _present: Callable[[], Iterable[Present]]
    _remove: Callable[[Present], None]
    _apply: Callable[[Present, CallRights], bool] = _nothing
    counted: Counter[str] = field(factory=Counter, init=False)

    async def run(self, every_s: float = EVERY_S) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await self.look()

    async def look(self) -> None:
        """Once at everybody; several connections of one person are one question."""
        people: dict[tuple[str, str], list[Present]] = {}
        for one in self._present():
            people.setdefault((one.member.user_id, one.member.room_id), []).append(one)
        turns = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for (user_id, room_id), connections in people.items():
                group.create_task(self._ask(user_id, room_id, connections, turns))

    async def _ask(
        self, user_id: str, room_id: str, connections: list[Present], turns: asyncio.Semaphore
    ) -> None:
        async with turns:
            try:
                rights = await self._rights.of(user_id, room_id)
            except NoAnswer:
                self.counted["unknown"] += 1
                return
        try:
            self.counted[self._carry_out(rights, connections)] += 1
        except (
            Exception
        ):  # one room's bug is not the end of every call, and the others are asked about
            self.counted["bug"] += 1
            logger.exception("rights could not be carried out")

    def _carry_out(self, rights: CallRights | None, connections: list[Present]) -> str:
        if rights is None:
            for one in connections:
                self._remove(one)
            return "removed"
        changed = [self._apply(one, rights) for one in connections]
        return "changed" if any(changed) else "still"
