"""All broadcasts of this node, in memory, each change on the disk before it counts."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection, Sequence

from attrs import define, evolve, field

from media.broadcast.register.api import No
from media.broadcast.register.store import Store
from media.broadcast.register.values import Broadcast, State, moved
from media.broadcast.whip.ids import BroadcastId

logger = logging.getLogger(__name__)

#: Of one school that are not over; of all that are remembered.
MOST_OPEN, MOST = 50, 5_000
#: Seconds that one without a recording is remembered after its end: its link still says that it is over.
REMEMBERED_S = 30 * 86_400.0

Change = Callable[[Broadcast], Broadcast | None]


@define(eq=False)
class Book:
    """Attributes:
    store: opened by `open`.
    wall: seconds since 1970.
    changed: told after each change, on the event loop.
    """

    _store: Store
    _wall: Callable[[], float]
    changed: list[Callable[[Broadcast], None]] = field(factory=list)
    _all: dict[BroadcastId, Broadcast] = field(factory=dict, init=False)
    _turn: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def open(self) -> None:
        """Raises:
        OSError, sqlite3.Error: the file cannot be used.
        """
        self._all = {one.id: one for one in await self._store.open()}

    async def close(self) -> None:
        await self._store.close()

    def get(self, broadcast: BroadcastId) -> Broadcast | None:
        """None: no such one, or called off."""
        found = self._all.get(broadcast)
        return None if found is None or found.state is State.DELETED else found

    def all(self) -> Sequence[Broadcast]:
        """Those that were not called off, the newest first."""
        return [one for one in self.every() if one.state is not State.DELETED]

    def ids(self) -> Collection[BroadcastId]:
        """Of all that are remembered."""
        return self._all.keys()

    def every(self) -> Sequence[Broadcast]:
        """Those too: their rooms have to be told."""
        return sorted(self._all.values(), key=lambda one: (-one.made_at, one.id))

    async def add(self, one: Broadcast) -> No | None:
        """A new one."""
        async with self._turn:
            waiting = sum(
                other.org_id == one.org_id and other.publishable for other in self._all.values()
            )
            if waiting >= MOST_OPEN or len(self._all) >= MOST:
                return No.FULL
            return await self._write(one)

    async def change(self, broadcast: BroadcastId, change: Change) -> Broadcast | No:
        """What `change` makes of it; None of it: CONFLICT. A change that changes nothing writes nothing."""
        async with self._turn:
            before = self._all.get(broadcast)
            if before is None:
                return No.NOT_FOUND
            after = change(before)
            if after is None:
                return No.CONFLICT
            if after != before and (failed := await self._write(after)) is not None:
                return failed
            return after

    async def moved(
        self, broadcast: BroadcastId, to: State, by: str = "", reason: str = ""
    ) -> Broadcast | No:
        """Into this state, by an account or ("") by what the machine saw."""

        def move(one: Broadcast) -> Broadcast | None:
            after = moved(one, to, self._wall())
            return after if after is None or after is one else evolve(after, by=by, reason=reason)

        return await self.change(broadcast, move)

    async def tidy(self) -> None:
        """Forget what is long over and was told everywhere."""
        before = self._wall() - REMEMBERED_S
        async with self._turn:
            for one in list(self._all.values()):
                over = one.state is State.DELETED or (
                    one.state is State.ENDED and one.recording is None
                )
                since = one.ended_at if one.ended_at is not None else one.made_at
                # A called off one may have been made for a far day: then as long after that.
                since = max(since, one.begins_at or 0.0)
                if over and one.told == one.stage and since < before:
                    try:
                        await self._store.remove(one.id)
                    except sqlite3.Error:
                        return
                    del self._all[one.id]

    async def _write(self, one: Broadcast) -> No | None:
        try:
            await self._store.put(one)
        except (OSError, sqlite3.Error) as error:
            logger.warning("the register was not written why=%s", type(error).__name__)
            return No.UNAVAILABLE
        self._all[one.id] = one
        for told in self.changed:
            told(one)
        return None
