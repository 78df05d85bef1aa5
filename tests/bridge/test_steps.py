"""Lists of steps: as bytes, and waiting in the store for the one writer."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bridge import steps_json
from bridge.people import LinkStatus, NewPerson, SourceKey
from bridge.ports import Store
from bridge.records import Sealed, StepsId, StepsItem, StepsState
from bridge.roles import ClassId, OrgId, PersonId, Role, UserId
from bridge.steps import (
    Activate,
    Confirm,
    CreatePerson,
    Deactivate,
    EnsureAccount,
    ErasePerson,
    Leave,
    Link,
    SetPassword,
    SignOut,
    Step,
    Steps,
    WriteContacts,
)
from bridge.store import SqlStore
from bridge.store.engine import open_engine
from serving.json_object import BadJson
from tests.bridge.values import MASHA, MOTHER, NOW

KEY = SourceKey("bridge", "a1")
LATER = NOW + timedelta(minutes=1)
NEW = NewPerson(
    key=KEY,
    family_name="Иванова",
    given_name="Мария",
    birth_date=date(2015, 2, 3),
    roles=frozenset({Role.STUDENT}),
    class_id=ClassId("c1"),
)
EVERY: tuple[Step, ...] = (
    EnsureAccount("пароль"),
    EnsureAccount(),
    WriteContacts(),
    SetPassword("пароль", sign_out=False),
    CreatePerson(NEW),
    CreatePerson(NewPerson(key=KEY, family_name="И", given_name="М", roles=frozenset())),
    Activate(KEY),
    Activate(PersonId("p1")),
    Link(PersonId("p2"), KEY, "мать", LinkStatus.CLAIMED),
    Confirm(PersonId("p1")),
    Leave(PersonId("p1"), "покинул"),
    SignOut(),
    ErasePerson(KEY),
    Deactivate(),
)


def steps(*some: Step) -> Steps:
    return Steps(user_id=MASHA, org_id=OrgId("school"), by=MOTHER, steps=some)


def item(name: str, user_id: UserId = MASHA, minutes: int = 0) -> StepsItem:
    return StepsItem(
        id=StepsId(name), user_id=user_id, payload=Sealed(b"sealed"), made_at=NOW,
        due_at=NOW + timedelta(minutes=minutes),
    )  # fmt: skip


def test_every_step_comes_back_as_it_was() -> None:
    """What waits sealed is what was decided."""
    assert steps_json.unpack(steps_json.pack(steps(*EVERY))) == steps(*EVERY)


def test_every_kind_of_step_is_tried_here() -> None:
    """A new kind must be packed too."""
    assert {type(step) for step in EVERY} == set(Step.__args__)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"more": 1},
        {"user_id": None},
        {"steps": [{"do": "destroy"}]},
        {"steps": [{"do": "sign_out", "all": True}]},
        {"steps": [{"do": "activate", "who": {"source": "bridge"}}]},
        {"steps": [{"do": "set_password", "password": "x", "sign_out": 1}]},
        {"steps": [{"do": "link", "guardian": "p", "student": "p", "relation": "", "status": "?"}]},
        {"steps": ["sign_out"]},
    ],
)
def test_nothing_else_is_taken_for_steps(change: dict[str, Any]) -> None:
    """A list of another version or a damaged one is refused, and no value of it is quoted."""
    words = json.loads(steps_json.pack(steps(SignOut()))) | change
    with pytest.raises(BadJson):
        steps_json.unpack(json.dumps(words).encode())


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_list(raw: bytes) -> None:
    """No other exception comes out."""
    with pytest.raises(BadJson):
        steps_json.unpack(raw)


async def test_of_an_account_one_list_after_the_other(store: Store) -> None:
    """Not even a later list that is due is taken before an earlier one that waits; other accounts do not mind."""
    async with store.begin() as work:
        for one in (item("s1", minutes=1), item("s2"), item("s3", MOTHER), item("s4", MOTHER)):
            await work.steps.add(one)
        assert [one.id for one in await work.steps.take_due(NOW, LATER, 8)] == ["s3"]
        assert await work.steps.take_due(NOW, LATER, 8) == []
        await work.steps.done(StepsId("s3"), NOW)
        (fourth,) = await work.steps.take_due(NOW, LATER, 8)
        assert (fourth.id, fourth.tries, fourth.payload) == ("s4", 1, b"sealed")
        taken = await work.steps.take_due(LATER, LATER, 8)
        assert [(one.id, one.tries) for one in taken] == [("s1", 1), ("s4", 2)]
        await work.steps.give_up(StepsId("s1"), LATER, "threepid_taken")
        assert [one.id for one in await work.steps.take_due(LATER, LATER, 1)] == ["s2"]


async def test_what_a_dead_writer_had_taken_is_due_again(store: Store) -> None:
    """A new writer does not wait for leases, nor for the pause after a failure."""
    async with store.begin() as work:
        await work.steps.add(item("s1"))
        await work.steps.add(item("s2", MOTHER))
        await work.steps.take_due(NOW, LATER, 8)
        await work.steps.postpone(StepsId("s2"), LATER, "homeserver timeout")
        assert await work.steps.take_due(NOW, LATER, 8) == []
        assert await work.steps.take_back(NOW) == 2
        again = await work.steps.take_due(NOW, LATER, 8)
        assert [(one.id, one.tries) for one in again] == [("s1", 2), ("s2", 2)]
        assert await work.steps.failure(StepsId("s2")) == "homeserver timeout"


async def test_states_and_forgetting(store: Store) -> None:
    """Waiting lists are never forgotten; settled ones are, by the time they were settled."""
    async with store.begin() as work:
        for name in ("s1", "s2", "s3"):
            await work.steps.add(item(name))
        await work.steps.done(StepsId("s1"), NOW)
        await work.steps.give_up(StepsId("s2"), LATER, "no_account")
        states = [await work.steps.state(StepsId(f"s{n}")) for n in range(1, 5)]
        assert states == [StepsState.DONE, StepsState.DEAD, StepsState.WAITING, None]
        assert await work.steps.failure(StepsId("s2")) == "no_account"
        assert await work.steps.purge(LATER) == 1
        assert await work.steps.purge(LATER + timedelta(days=400)) == 1
        assert await work.steps.state(StepsId("s3")) is StepsState.WAITING


async def test_a_settled_list_has_no_payload(sql_store: SqlStore) -> None:
    """Passwords and names are gone from the database, done or given up."""
    async with sql_store.begin() as work:
        await work.steps.add(item("s1"))
        await work.steps.add(item("s2"))
        await work.steps.done(StepsId("s1"), NOW)
        await work.steps.give_up(StepsId("s2"), NOW, "no_account")
    async with sql_store.engine.connect() as connection:
        kept = (await connection.execute(text("SELECT payload FROM steps"))).scalars().all()
    assert kept == [None, None]


async def test_one_process_writes(store: Store, store_url: str | None) -> None:
    """The second waits until the first is gone, however it went."""
    other: Store = store if store_url is None else SqlStore(open_engine(store_url))
    order: list[str] = []

    async def write(name: str, mine: Store, ready: asyncio.Event, go: asyncio.Event) -> None:
        async with mine.only_writer() as turn:
            assert await turn.is_mine()
            order.append(f"{name} in")
            ready.set()
            try:
                await go.wait()
            finally:
                order.append(f"{name} out")

    first_in, second_in, go, never = (asyncio.Event() for _ in range(4))
    go.set()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(write("first", store, first_in, never))
        await first_in.wait()
        group.create_task(write("second", other, second_in, go))
        for _ in range(20):  # time enough for the second to ask
            async with store.begin() as work:
                await work.steps.state(StepsId("s1"))
        first.cancel()
        await second_in.wait()
    assert order == ["first in", "first out", "second in", "second out"]
    if isinstance(other, SqlStore):
        await other.close()
