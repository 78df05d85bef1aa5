"""A list that is begun again looks before it does: the log of the directory tells of one change once (R51)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from attrs import define, evolve, field

from bridge.answers import Chance
from bridge.people import Family, LinkStatus, PersonRecord, Relative, Status
from bridge.ports_directory import DirectoryDown
from bridge.roles import PersonId, Role, UserId
from bridge.steps import Activate, Confirm, Leave, Link, Steps
from bridge.writer import Finished, Writer, enqueue
from tests.bridge.memory import MemoryStore
from tests.bridge.test_leaving import SmallDirectory, record
from tests.bridge.values import MASHA, MOTHER, NOW, SCHOOL, VAULT

CHILD = record("child", Role.STUDENT, user_id=MASHA)
MUM = record("mum", Role.GUARDIAN)


@define
class Forgetful(SmallDirectory):
    """Does what it is asked for and is away before it can say so, once for each kind of change."""

    links: list[Relative] = field(factory=list)

    def _lose(self, what: str) -> None:
        self.log.append(what)
        if self.log.count(what) == 1:
            raise DirectoryDown("timeout")

    async def activate(self, org_id: str, person_id: PersonId, user_id: str, by: UserId) -> None:
        self._lose("activate")

    async def confirm(self, org_id: str, person_id: PersonId, yes: bool, by: UserId) -> None:
        self._lose("confirm")

    async def leave(self, org_id: str, person_id: PersonId, reason: str, by: UserId) -> None:
        self._lose("leave")

    async def link(self, org_id: str, guardian: PersonId, student: PersonId, **of: Any) -> None:
        self.links.append(Relative(person=CHILD, relation=of["relation"], status=of["status"]))
        self._lose("link")

    async def person(self, org_id: str, person_id: PersonId) -> PersonRecord | None:
        return self.people[person_id]

    async def family(self, org_id: str, person_id: PersonId) -> Family:
        return Family(person=MUM, guardians=(), children=tuple(self.links))


async def carried_out(directory: SmallDirectory, *steps: Any) -> Finished:
    store, ids = MemoryStore(), iter(range(99))
    writer = Writer(
        store=store,
        vault=VAULT,
        directory=cast(Any, directory),
        homeserver=cast(Any, None),
        clock=lambda: NOW,
        retry_after_s=(0,),
    )
    listed = Steps(user_id=MOTHER, org_id=SCHOOL, by=MOTHER, steps=steps)
    chance = Chance(below=lambda n: 0, new_id=lambda: f"id{next(ids)}")
    async with store.begin() as work:
        steps_id = await enqueue(work, listed, NOW, VAULT, chance)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(writer.run())
        finished = await writer.finish(steps_id, 10)
        running.cancel()
    return finished


async def test_what_was_done_before_the_answer_was_lost_is_not_done_again() -> None:
    """Each kind of change that can be looked at: it stands in the log once."""
    link = Link(MUM.person_id, CHILD.person_id, "мать", LinkStatus.CONFIRMED)
    for step, what, people in (
        (Activate(MUM.person_id), "activate", [MUM]),
        (link, "link", [MUM, CHILD]),
        (Leave(MUM.person_id, "x"), "leave", [evolve(MUM, status=Status.LEFT)]),
        (Confirm(CHILD.person_id), "confirm", [evolve(CHILD, confirmed=True)]),
    ):
        directory = Forgetful({one.person_id: one for one in people})
        assert await carried_out(directory, step) is Finished.DONE
        assert directory.log == [what]
