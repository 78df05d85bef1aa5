"""What is planned at schools, as a service: read a window, plan, change; each change with its line of the log (R51)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from zoneinfo import ZoneInfo

from attrs import evolve
from synapse.module_api import LoggingTransaction

from synapse_sferum.audit import AuditEntry
from synapse_sferum.broadcast_rows import named_rooms_txn
from synapse_sferum.directory import DirectoryService
from synapse_sferum.model import Org, OrgId, RoomId, RoomKey
from synapse_sferum.policy import Party
from synapse_sferum.schedule.details import local_text
from synapse_sferum.schedule.rights import Refusal, may_change, may_plan
from synapse_sferum.schedule.rows import (
    gathering_txn,
    gatherings_txn,
    open_count_txn,
    put_txn,
)
from synapse_sferum.schedule.values import Gathering, GatheringId

#: Gatherings of one school that are not over: fifty classes with as many series as a timetable has, and as many again.
MOST_OPEN = 3000

Rooms = dict[RoomKey, tuple[RoomId, str]]


class Planning(Exception):
    """Nothing was written, and why."""

    def __init__(self, refusal: Refusal | None) -> None:
        super().__init__("too many" if refusal is None else refusal.value)
        self.refusal = refusal  # None: too many are planned


def gathering_id_of(org_id: OrgId, author: str, once: str) -> GatheringId:
    """`g` + 16 of base32: a form that is sent twice plans one thing."""
    digest = hashlib.sha256("\x00".join(("gathering", org_id, author, once)).encode()).digest()
    return GatheringId("g" + base64.b32encode(digest).decode().lower()[:16])


class ScheduleBook:
    """All writes to `sferum_gatherings` that people ask for go through here.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(self, directory: DirectoryService, now_ms: Callable[[], int]) -> None:
        self._directory, self._now_ms = directory, now_ms

    async def window(
        self, org_id: OrgId, since_ms: int, until_ms: int
    ) -> tuple[list[Gathering], Rooms]:
        """What may be under way in a window, and the school's rooms."""

        def schedule_window_txn(txn: LoggingTransaction) -> tuple[list[Gathering], Rooms]:
            found = gatherings_txn(txn, org_id, since_ms, until_ms)
            return found, named_rooms_txn(txn, org_id)

        return await self._directory.read(schedule_window_txn)

    async def one(self, org_id: OrgId, gathering_id: str) -> tuple[Gathering | None, Rooms]:
        """One of a school, and the school's rooms."""

        def schedule_one_txn(txn: LoggingTransaction) -> tuple[Gathering | None, Rooms]:
            return gathering_txn(txn, org_id, gathering_id), named_rooms_txn(txn, org_id)

        return await self._directory.read(schedule_one_txn)

    async def plan(self, org: Org, who: Party, one: Gathering, actor: str) -> Gathering:
        """Write a new one down. What has its id already stays as it is, and is the answer.

        Raises:
            Planning: nothing was written.
        """

        def schedule_plan_txn(txn: LoggingTransaction) -> Gathering:
            archived = one.key not in named_rooms_txn(txn, org.org_id)
            refused = may_plan(who, org.org_id, one.key, one.kind, archived=archived)
            if refused is not None:
                raise Planning(refused)
            known = gathering_txn(txn, org.org_id, one.gathering_id)
            if known is not None:
                return known
            now = self._now_ms()
            if open_count_txn(txn, org.org_id, now) >= MOST_OPEN:
                raise Planning(None)
            made = evolve(one, created_ms=now)
            entry = AuditEntry(actor, "gathering", made.gathering_id, "", _said(made))
            put_txn(txn, made, ZoneInfo(org.timezone), now, [entry])
            return made

        return await self._directory.read(schedule_plan_txn)

    async def change(
        self,
        org: Org,
        who: Party,
        gathering_id: str,
        edit: Callable[[Gathering], Gathering],
        actor: str,
        reason: str = "",
    ) -> Gathering:
        """Run an edit on it as it is now, and write what it makes of it; an edit that changes nothing writes nothing.

        Raises:
            Planning: they may not. Nothing was written.
            Exception: what the edit raises. Nothing was written.
        """

        def schedule_change_txn(txn: LoggingTransaction) -> Gathering:
            before = gathering_txn(txn, org.org_id, gathering_id)
            if before is None:
                raise Planning(Refusal.NOT_FOUND)
            archived = before.key not in named_rooms_txn(txn, org.org_id)
            refused = may_change(who, before, archived=archived)
            if refused is not None:
                raise Planning(refused)
            after = edit(before)
            if after == before:
                return before
            after = evolve(after, sequence=before.sequence + 1)
            entry = AuditEntry(
                actor, "gathering", before.gathering_id, _said(before), _said(after), reason
            )
            put_txn(txn, after, ZoneInfo(org.timezone), self._now_ms(), [entry])
            return after

        return await self._directory.read(schedule_change_txn)

    async def mirror(self, org: Org, one: Gathering) -> None:
        """A broadcast as its own server tells of it: written where it differs, and not logged: that is done already."""

        def schedule_mirror_txn(txn: LoggingTransaction) -> None:
            before = gathering_txn(txn, org.org_id, one.gathering_id)
            now = self._now_ms()
            if before is None:
                if one.called_off or open_count_txn(txn, org.org_id, now) >= MOST_OPEN:
                    return
                put_txn(txn, evolve(one, created_ms=now), ZoneInfo(org.timezone), now, [])
                return
            after = evolve(
                one,
                created_ms=before.created_ms,
                sequence=before.sequence,
                author=before.author,
            )
            if after != before:
                after = evolve(after, sequence=before.sequence + 1)
                put_txn(txn, after, ZoneInfo(org.timezone), now, [])

        await self._directory.read(schedule_mirror_txn)


def _said(one: Gathering) -> str:
    """For the log: no titles and no notes, which may name somebody."""
    words = [one.kind.value, one.key.kind.value, one.key.ref, local_text(one.begins)]
    if one.repeat is not None:
        words.append(f"until {one.repeat.until.isoformat()}")
    words += [
        f"{day.isoformat()} {'off' if instead is None else local_text(instead.begins)}"
        for day, instead in sorted(one.changes.items())
    ]
    if one.called_off:
        words.append("called_off")
    return " ".join(word for word in words if word)
