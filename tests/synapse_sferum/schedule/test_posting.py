"""The turn that posts and reminds, in front of a database and a Synapse that dies whenever a test wants."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st
from synapse.module_api import ModuleApi

from synapse_sferum import schema
from synapse_sferum.directory_rows import insert_org_txn
from synapse_sferum.model import Org
from synapse_sferum.schedule.posting import AGAIN_S, SchedulePosts
from synapse_sferum.schedule.rows import gathering_txn, put_txn
from synapse_sferum.schedule.values import Gathering
from tests.support import databases
from tests.support.databases import Database
from tests.synapse_sferum.schedule.plans import CLASS, MOSCOW, ORG, gathering, weekly

ROOM = "!a:s.test"
SERVICE = "@sferum:s.test"
START = datetime(2026, 8, 31, 12, tzinfo=UTC)
LESSONS = gathering(repeat=weekly(1, until="2026-09-15"), remind=(60, 30))


class Died(BaseException):
    """The process is gone: nothing catches it."""


@define(eq=False)
class Machine:
    """One Synapse: a clock, a database, a room."""

    database: Database
    now: datetime = START
    #: Writes until the process dies before, or after, the next one; None: it lives.
    dies_before: int | None = None
    dies_after: int | None = None
    sent: list[Mapping[str, Any]] = field(factory=list)

    @property
    def server_name(self) -> str:
        return "s.test"

    async def run_db_interaction(self, _: str, func: Callable[..., Any], *args: Any) -> Any:
        with self.database.transaction() as txn:
            return func(txn, *args)

    async def create_and_send_event_into_room(self, event: Mapping[str, Any]) -> Any:
        if self._dies("dies_before"):
            raise Died
        event_id = f"${len(self.sent)}"
        self.sent.append(event["content"])
        with self.database.transaction() as txn:
            place, at = len(self.sent), self.now_ms()
            txn.execute(
                "INSERT INTO events VALUES (?, ?, ?, 'm.room.message', ?, ?)",
                (event_id, event["room_id"], event["sender"], at, place),
            )
            txn.execute("INSERT INTO event_json VALUES (?, ?)", (event_id, json.dumps(event)))
        if self._dies("dies_after"):
            raise Died
        return SimpleNamespace(event_id=event_id)

    def _dies(self, when: str) -> bool:
        left: int | None = getattr(self, when)
        setattr(self, when, None if not left else left - 1)
        return left is not None and left == 0

    def now_ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    def put(self, one: Gathering) -> None:
        with self.database.transaction() as txn:
            known = gathering_txn(txn, ORG, one.gathering_id)
            created = self.now_ms() if known is None else known.created_ms
            put_txn(txn, evolve(one, created_ms=created), MOSCOW, self.now_ms(), [])

    async def look(self) -> None:
        """A turn to its end: a process that died is started again."""
        while True:
            posts = SchedulePosts(
                cast("ModuleApi", self), SERVICE, "https://school.example", self.now_ms
            )
            try:
                await posts.turn()
            except Died:
                continue
            return

    def told(self) -> Counter[tuple[Any, ...]]:
        """Which messages there are, edits left out."""
        found = [one for one in self.sent if "m.relates_to" not in one]
        keys = ("post", "day", "slot")
        return Counter(tuple(one["org.sferum.gathering"].get(k) for k in keys) for one in found)


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = new_machine()
    yield made
    made.database.close()


def new_machine() -> Machine:
    database = databases.sqlite()
    with database.transaction() as txn:
        schema.migrate_txn(txn)
        insert_org_txn(txn, Org(org_id=ORG, name="Школа"), 1)
        txn.execute(
            "INSERT INTO sferum_rooms (org_id, kind, ref, room_id, state) VALUES (?, 'class', ?, ?, 'ready')",
            (ORG, CLASS.ref, ROOM),
        )
        txn.execute(
            "CREATE TABLE events (event_id TEXT, room_id TEXT, sender TEXT, type TEXT,"
            " origin_server_ts BIGINT, stream_ordering BIGINT)"
        )
        txn.execute("CREATE TABLE event_json (event_id TEXT, json TEXT)")
        txn.execute("CREATE TABLE redactions (event_id TEXT, redacts TEXT)")
    return Machine(database)


async def test_a_series_is_announced_once_and_reminded_of_each_time(machine: Machine) -> None:
    """Looking every half hour for more than two weeks: one plan, two reminders for each of three lessons."""
    machine.put(LESSONS)
    for _ in range(16 * 24 * 2):
        await machine.look()
        machine.now += timedelta(minutes=30)
    told = machine.told()
    assert [count for count in told.values() if count != 1] == []
    assert Counter(post for post, _, _ in told) == {"planned": 1, "reminder": 6}


async def test_a_room_that_is_not_there_yet(machine: Machine) -> None:
    """It is looked for again, and told then."""
    with machine.database.transaction() as txn:
        txn.execute("UPDATE sferum_rooms SET state = 'archived'")
    machine.put(LESSONS)
    await machine.look()
    assert machine.sent == []
    with machine.database.transaction() as txn:
        txn.execute("UPDATE sferum_rooms SET state = 'ready'")
    machine.now += timedelta(seconds=AGAIN_S)
    await machine.look()
    assert len(machine.sent) == 1


@pytest.mark.parametrize("when", ["dies_before", "dies_after"])
async def test_a_crash_around_a_message(machine: Machine, when: str) -> None:
    """Before it was written it is written afterwards; after it was written it is found in the room."""
    setattr(machine, when, 0)
    machine.put(LESSONS)
    await machine.look()
    assert machine.told() == {("planned", None, None): 1}


_CHANGES = st.one_of(
    st.integers(1, 5000).map(lambda minutes: ("wait", minutes)),
    st.sampled_from(["8:30", "10:00", "12:45"]).map(lambda at: ("retime", at)),
    st.integers(1, 3).map(lambda week: ("cancel", week)),
    st.just(("usual", 0)),
    st.just(("off", 0)),
)
_CRASHES = st.sampled_from([None, "dies_before", "dies_after"])


@given(st.lists(st.tuples(_CHANGES, _CRASHES), max_size=12))
@settings(max_examples=60, deadline=None)
async def test_whatever_happens_nothing_is_said_twice(
    steps: list[tuple[tuple[str, Any], str | None]],
) -> None:
    """Changes, waiting and crashes in any order: each message is there once, and a last look writes nothing."""
    machine, one = new_machine(), LESSONS
    try:
        machine.put(one)
        await machine.look()
        for (step, value), crash in steps:
            if crash is not None:
                setattr(machine, crash, 0)
            if step == "wait":
                machine.now += timedelta(minutes=value)
            else:
                one = changed(one, step, value)
                machine.put(one)
            await machine.look()
        told = machine.told()
        assert [key for key, count in told.items() if count > 1] == []
        assert told["planned", None, None] == 1
        machine.dies_before = machine.dies_after = None
        before = len(machine.sent)
        machine.put(one)
        await machine.look()
        assert len(machine.sent) == before
    finally:
        machine.database.close()


def changed(one: Gathering, step: str, value: Any) -> Gathering:
    if step == "retime":
        hour, minute = map(int, value.split(":"))
        return evolve(one, begins=one.begins.replace(hour=hour, minute=minute))
    if step == "cancel":
        day = one.begins.date() + timedelta(weeks=value - 1)
        return evolve(one, changes={**one.changes, day: None})
    if step == "usual":
        return evolve(one, changes={})
    return evolve(one, called_off=True)
