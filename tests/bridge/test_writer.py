"""The one writer, into a real Synapse with the module."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from sqlalchemy import text

from bridge.contact import Email, Medium, Phone
from bridge.people import LinkStatus, SourceKey, Status
from bridge.ports import Store
from bridge.ports_homeserver import HomeserverDown, SignIn
from bridge.records import StepsId, StepsState
from bridge.roles import ClassId, OrgId, PersonId, UserId
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
    WriteContacts,
)
from bridge.store import SqlStore
from bridge.store.engine import open_engine
from bridge.vault import FileVault
from bridge.writer import TRIED_FOR, Finished, Writer, forget_done
from tests.bridge.synapse_world import (
    ORG,
    PASSWORD,
    Ways,
    World,
    bind,
    clock,
    decide,
    pupil_of,
    threepid,
)
from tests.bridge.values import NOW
from tests.support import personal
from tests.support.fleet import Fleet
from tests.support.polling import until_async

pytestmark = pytest.mark.integration

WAIT_S = 30.0


@pytest.fixture(scope="module")
def world(homeserver: Fleet) -> Iterator[World]:
    world = World.start(homeserver)
    yield world
    world.server.stop()


@pytest.fixture
async def ways(world: World) -> AsyncIterator[Ways]:
    async with world.connect() as ways:
        yield ways


@asynccontextmanager
async def running(*writers: Writer) -> AsyncIterator[None]:
    """As `__main__` runs them; ended as by a kill: nothing is tidied up."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(writer.run()) for writer in writers]
        yield
        for task in tasks:
            task.cancel()


async def finished(writer: Writer, *steps: StepsId) -> list[Finished]:
    return list(await asyncio.gather(*(writer.finish(one, WAIT_S) for one in steps)))


async def newcomer(ways: Ways, store: Store, phone: Phone) -> tuple[UserId, PersonId, StepsId]:
    """Somebody of the list whose phone is proved and who has chosen a password."""
    user_id, person_id = ways.world.new_user_id(), await ways.new_pupil()
    steps = (EnsureAccount(PASSWORD), Activate(person_id))
    return user_id, person_id, await decide(store, user_id, user_id, *steps, binds=[phone])


@define(eq=False)
class Counted:
    """The homeserver with every call written down; `stop_at` stays in that call for ever."""

    inner: Any
    calls: list[str] = field(factory=list)
    stop_at: str = ""
    stopped: asyncio.Event = field(factory=asyncio.Event)

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **more: Any) -> Any:
            self.calls.append(name)
            if name == self.stop_at:
                self.stopped.set()
                await asyncio.Event().wait()
            return await getattr(self.inner, name)(*args, **more)

        return call


async def test_a_newcomer_signs_in_at_once(world: World, ways: Ways, store: Store) -> None:
    """With phone and password, in any client, as soon as `finish` says done; with as few calls as can be."""
    homeserver, directory = Counted(ways.homeserver), Counted(ways.directory)
    writer = ways.writer(store, homeserver=homeserver, directory=directory)
    phone = world.new_phone()
    user_id, _, steps_id = await newcomer(ways, store, phone)
    async with running(writer):
        assert await finished(writer, steps_id) == [Finished.DONE]
    assert world.may_sign_in(phone.e164)
    assert await ways.threepids(user_id) == {threepid(phone)}
    assert homeserver.calls == ["account", "owner", "put_account"]
    assert directory.calls == ["activate"]


async def test_nothing_is_written_when_nothing_differs(
    world: World, ways: Ways, store: Store
) -> None:
    """Doing it again costs one look; a password chosen meanwhile stays."""
    homeserver = Counted(ways.homeserver)
    writer = ways.writer(store, homeserver=homeserver)
    user_id, phone = world.new_user_id(), world.new_phone()
    first = await decide(store, user_id, user_id, EnsureAccount(PASSWORD), binds=[phone])
    second = await decide(store, user_id, user_id, EnsureAccount("another"), WriteContacts())
    async with running(writer):
        assert await finished(writer, first, second) == [Finished.DONE] * 2
    assert homeserver.calls == ["account", "owner", "put_account", "account", "account"]


async def test_an_application_becomes_a_pupil_with_a_parent(
    world: World, ways: Ways, store: Store
) -> None:
    """R15, R16, R17: record, account, link and confirmation from one decision."""
    writer, mother, key = ways.writer(store), world.new_user_id(), world.new_key()
    child, phone = world.new_user_id(), world.new_phone()
    pupil = pupil_of(key, ClassId(world.school.class_id("5А")))
    mail = Email(f"{key.source_id}@school.test")
    steps = (
        CreatePerson(pupil),
        EnsureAccount(PASSWORD),
        Activate(key),
        Link(world.person("G3"), key, "мать", LinkStatus.CONFIRMED),
        Confirm(key),
    )
    steps_id = await decide(store, child, mother, *steps, binds=[phone, mail])
    again = await decide(store, child, mother, *steps)
    later = await decide(store, child, mother, Confirm(key))  # looks the record up by its number
    async with running(writer):
        assert await finished(writer, steps_id, again, later) == [Finished.DONE] * 3
    account = await ways.directory.account(child)
    record = await ways.directory.by_source(ORG, key)
    assert account is not None
    assert record is not None
    assert account.student_in == {pupil.class_id}
    assert record.confirmed
    family = await ways.directory.family(ORG, record.person_id)
    assert family is not None
    assert [(one.relation, one.status) for one in family.guardians] == [
        ("мать", LinkStatus.CONFIRMED)
    ]
    erase = await decide(store, child, mother, ErasePerson(key), Deactivate(), releases=True)
    async with running(writer):
        assert await finished(writer, erase) == [Finished.DONE]
    assert await ways.homeserver.owner(threepid(phone)) is None


@pytest.mark.parametrize("stop_at", ["account", "owner", "put_account", "activate"])
@pytest.mark.parametrize("store_kind", ["sqlite", "postgres"])
async def test_a_killed_writer_is_taken_over(
    world: World, ways: Ways, store: Store, stop_at: str
) -> None:
    """Between any two steps: the next one does the list again, and does not wait for the lease."""
    homeserver = Counted(ways.homeserver, stop_at=stop_at)
    directory = Counted(ways.directory, stop_at=stop_at, stopped=homeserver.stopped)
    killed = ways.writer(store, homeserver=homeserver, directory=directory)
    phone = world.new_phone()
    user_id, person_id, steps_id = await newcomer(ways, store, phone)
    async with running(killed):
        killed.wake()
        await homeserver.stopped.wait()
    async with store.begin() as work:
        assert await work.steps.state(steps_id) is StepsState.WAITING

    writer = ways.writer(store)
    async with running(writer):
        assert await finished(writer, steps_id) == [Finished.DONE]
        assert world.may_sign_in(phone.e164)
    record = await ways.directory.person(ORG, person_id)
    assert record is not None
    assert record.user_id == user_id


async def test_a_phone_goes_from_the_mother_to_her_child(
    world: World, ways: Ways, store: Store
) -> None:
    """R14: although Synapse still has it with the mother, because her own list comes later, or never came."""
    writer, phone = ways.writer(store), world.new_phone()
    mail = Email(f"{world.new_key().source_id}@school.test")
    mother, child = world.new_user_id(), world.new_user_id()
    first = await decide(store, mother, mother, EnsureAccount(PASSWORD), binds=[phone, mail])
    async with running(writer):
        assert await finished(writer, first) == [Finished.DONE]
    async with store.begin() as work:
        hers = {one.medium: one.id for one in await work.contacts.of_account(mother)}
        assert await work.contacts.release_one(hers[Medium.MSISDN], clock())
    second = await decide(store, child, child, EnsureAccount(PASSWORD), binds=[phone])
    async with running(writer):
        assert await finished(writer, second) == [Finished.DONE]
    assert await ways.threepids(child) == {threepid(phone)}
    assert await ways.threepids(mother) == {threepid(mail)}


@pytest.mark.parametrize("end", [WriteContacts(), Deactivate()])
async def test_a_contact_of_two_schools_is_with_whoever_proved_it_first(
    world: World, ways: Ways, store: Store, end: WriteContacts | Deactivate
) -> None:
    """ADR 32: whoever's list is carried out first; the next one gets it when the first releases it or is closed."""
    writer, phone = ways.writer(store), world.new_phone()
    first, second = world.new_user_id(), world.new_user_id()
    async with store.begin() as work:
        await bind(work, first, [phone])
        await bind(work, second, [phone], OrgId("other"), NOW + timedelta(minutes=1))
    for user_id, has in ((second, False), (first, True)):
        made = await decide(store, user_id, user_id, EnsureAccount(PASSWORD))
        async with running(writer):
            assert await finished(writer, made) == [Finished.DONE]
        assert await ways.threepids(user_id) == ({threepid(phone)} if has else set())
    released = await decide(store, first, first, end, releases=True)
    async with running(writer):
        assert await finished(writer, released) == [Finished.DONE]
    assert await ways.threepids(first) == set()
    assert await ways.threepids(second) == {threepid(phone)}


async def test_a_stale_list_takes_nothing_back(world: World, ways: Ways, store: Store) -> None:
    """The mother's list is from before she left; what is written is what she has now."""
    writer, phone = ways.writer(store), world.new_phone()
    mother, child = world.new_user_id(), world.new_user_id()
    lists = [
        await decide(store, mother, mother, EnsureAccount(PASSWORD), binds=[phone]),
        await decide(store, mother, mother, WriteContacts(), releases=True),
        await decide(store, child, child, EnsureAccount(PASSWORD), binds=[phone]),
    ]
    async with running(writer):
        assert await finished(writer, *lists) == [Finished.DONE] * 3
    assert await ways.threepids(child) == {threepid(phone)}
    assert await ways.threepids(mother) == set()


async def test_nobody_loses_a_contact_that_the_bridge_knows_nothing_of(
    world: World, ways: Ways, store: Store
) -> None:
    """The PUT would steal it without a word (an operator's account, say): the list is given up instead."""
    writer, phone = ways.writer(store), world.new_phone()
    other, user_id = world.new_user_id(), world.new_user_id()
    await ways.homeserver.put_account(other, threepids=frozenset({threepid(phone)}))
    steps_id = await decide(store, user_id, user_id, EnsureAccount(PASSWORD), binds=[phone])
    async with running(writer):
        assert await finished(writer, steps_id) == [Finished.DEAD]
    assert await ways.threepids(other) == {threepid(phone)}
    assert await ways.homeserver.account(user_id) is None
    async with store.begin() as work:
        assert await work.steps.failure(steps_id) == "threepid_taken"
        assert await work.steps.take_due(clock() + timedelta(days=1), clock(), 8) == []


async def test_phones_that_wander_end_where_the_bridge_says(
    world: World, ways: Ways, store: Store
) -> None:
    """Three accounts hand three phones round again and again, all at once: in the end Synapse agrees with us."""
    writer = ways.writer(store)
    users = [world.new_user_id() for _ in range(3)]
    phones = [world.new_phone() for _ in range(3)]
    lists = []
    async with running(writer):
        for turn in range(6):
            for user_id in users:
                async with store.begin() as work:
                    await work.contacts.release(user_id, clock())
            for number, user_id in enumerate(users):
                mine = [phones[(number + turn) % 3]]
                lists.append(await decide(store, user_id, user_id, EnsureAccount(), binds=mine))
            writer.wake()
        assert await finished(writer, *lists) == [Finished.DONE] * len(lists)
    for number, user_id in enumerate(users):
        assert await ways.threepids(user_id) == {threepid(phones[(number + 5) % 3])}


async def test_twenty_come_at_once(world: World, ways: Ways, store: Store) -> None:
    """A class with its teacher on the first of September."""
    writer = ways.writer(store)
    phones = [world.new_phone() for _ in range(20)]
    users = [world.new_user_id() for _ in phones]
    lists = [
        await decide(store, user_id, user_id, EnsureAccount(PASSWORD), binds=[phone])
        for user_id, phone in zip(users, phones, strict=True)
    ]
    async with running(writer):
        assert await finished(writer, *lists) == [Finished.DONE] * 20
    for user_id, phone in zip(users, phones, strict=True):
        assert await ways.homeserver.owner(threepid(phone)) == user_id


@pytest.mark.parametrize("store_kind", ["postgres"])
async def test_two_processes_one_writer(
    world: World, ways: Ways, store: Store, store_url: str
) -> None:
    """Each waits for lists of its own pages, whichever writes; nothing is done twice; the other takes over."""
    other = SqlStore(open_engine(store_url))
    homeserver = Counted(ways.homeserver)
    first, second = (ways.writer(one, homeserver=homeserver) for one in (store, other))
    users = [world.new_user_id() for _ in range(6)]
    lists = [
        await decide(store, one, one, EnsureAccount(PASSWORD), binds=[world.new_phone()])
        for one in users
    ]
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(first.run())
        await until_async(_writes(first, lists[0]), what="the first list")
        waiting = group.create_task(second.run())
        assert await finished(second, *lists) == [Finished.DONE] * 6
        assert homeserver.calls.count("put_account") == 6
        writing.cancel()
        more = await decide(store, users[0], users[0], WriteContacts(), releases=True)
        assert await finished(second, more) == [Finished.DONE]
        waiting.cancel()
    await other.close()


def _writes(writer: Writer, steps_id: StepsId) -> Any:
    async def writes() -> bool:
        return await writer.finish(steps_id, 0) is Finished.DONE

    return writes


async def test_a_changed_password_and_devices(world: World, ways: Ways, store: Store) -> None:
    """«Забыли пароль?», with and without signing out; signing out alone; whoever is gone is no case for a password."""
    writer, phone = ways.writer(store), world.new_phone()
    user_id, _, first = await newcomer(ways, store, phone)
    nobody = world.new_user_id()
    async with running(writer):
        assert await finished(writer, first) == [Finished.DONE]
        world.server.login(user_id, PASSWORD, device_id="PHONE")
        steps = [
            await decide(store, user_id, user_id, SetPassword("второй пароль", sign_out=False)),
            await decide(store, nobody, nobody, SetPassword("x")),
        ]
        assert await finished(writer, *steps) == [Finished.DONE, Finished.DEAD]
        assert [one.device_id for one in await ways.homeserver.devices(user_id)] == ["PHONE"]
        assert world.may_sign_in(phone.e164, "второй пароль")
        steps = [await decide(store, user_id, user_id, SignOut())]
        assert await finished(writer, *steps) == [Finished.DONE]
        assert await ways.homeserver.devices(user_id) == []


async def test_leaving(world: World, ways: Ways, store: Store) -> None:
    """R14: the phone is free in Synapse too, and the old password opens nothing."""
    writer, phone = ways.writer(store), world.new_phone()
    user_id, person_id, first = await newcomer(ways, store, phone)
    async with running(writer):
        assert await finished(writer, first) == [Finished.DONE]
        steps = (Leave(person_id, "покинул"), WriteContacts(), SignOut())
        left = await decide(store, user_id, user_id, *steps, releases=True)
        assert await finished(writer, left) == [Finished.DONE]
    assert await ways.homeserver.owner(threepid(phone)) is None
    assert await ways.homeserver.sign_in(user_id, PASSWORD, "203.0.113.7") is SignIn.WRONG
    record = await ways.directory.person(ORG, person_id)
    assert record is not None
    assert record.status is Status.LEFT


async def test_a_closed_account_is_not_written_to(world: World, ways: Ways, store: Store) -> None:
    """Closing twice is closing once; what comes later is given up and says why."""
    writer, user_id = ways.writer(store), world.new_user_id()
    nobody, never = world.new_user_id(), world.new_user_id()
    lists = [
        await decide(store, user_id, user_id, EnsureAccount(PASSWORD)),
        await decide(store, user_id, user_id, Deactivate(), Deactivate()),
        await decide(store, user_id, user_id, EnsureAccount(), binds=[world.new_phone()]),
        await decide(store, user_id, user_id, SetPassword(PASSWORD)),
        await decide(store, nobody, nobody, Deactivate(), WriteContacts(), SignOut()),
        await decide(store, never, never, WriteContacts(), binds=[world.new_phone()]),
    ]
    async with running(writer):
        outcomes = await finished(writer, *lists)
    dead, done = Finished.DEAD, Finished.DONE
    assert outcomes == [done, done, dead, dead, done, dead]
    async with store.begin() as work:
        words = [await work.steps.failure(one) for one in lists]
    assert words[2:4] == ["account_closed"] * 2
    assert words[5] == "no_account"


async def test_a_refusal_of_the_directory_is_final(world: World, ways: Ways, store: Store) -> None:
    """Its code stays, and the next list of the account goes on."""
    writer, user_id = ways.writer(store), world.new_user_id()
    lists = [
        await decide(store, user_id, user_id, Leave(PersonId("p999999999999"), "")),
        await decide(store, user_id, user_id, Activate(SourceKey("bridge", "nobody"))),
        await decide(store, user_id, user_id, EnsureAccount(PASSWORD)),
    ]
    async with running(writer):
        assert await finished(writer, *lists) == [Finished.DEAD, Finished.DEAD, Finished.DONE]
    async with store.begin() as work:
        assert await work.steps.failure(lists[0]) == "M_NOT_FOUND"
        assert await work.steps.failure(lists[1]) == "no_person"


@define(eq=False)
class Away:
    """A Synapse that is away for some calls."""

    inner: Any
    times: int

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **more: Any) -> Any:
            if self.times > 0:
                self.times -= 1
                raise HomeserverDown("unreachable")
            return await getattr(self.inner, name)(*args, **more)

        return call


async def test_a_server_that_is_away_is_waited_for(world: World, ways: Ways, store: Store) -> None:
    """A page that cannot wait so long is told "pending"; the list is done by itself later."""
    away = Away(ways.homeserver, times=10**9)
    writer, phone = ways.writer(store, homeserver=away), world.new_phone()
    user_id, _, steps_id = await newcomer(ways, store, phone)
    async with running(writer):
        assert await writer.finish(steps_id, 0.1) is Finished.PENDING
        away.times = 2
        assert await finished(writer, steps_id) == [Finished.DONE]
    assert await ways.threepids(user_id) == {threepid(phone)}
    async with store.begin() as work:
        assert await work.steps.failure(steps_id) == "homeserver unreachable"


async def test_after_a_week_it_is_given_up(world: World, ways: Ways, store: Store) -> None:
    """A person must look; nothing personal waits for ever."""
    now = [clock()]
    away = Away(ways.homeserver, times=10**9)
    writer = ways.writer(store, homeserver=away, clock=lambda: now[0])
    user_id = world.new_user_id()
    steps_id = await decide(store, user_id, user_id, EnsureAccount(PASSWORD))
    now[0] += TRIED_FOR + timedelta(minutes=1)
    async with running(writer):
        assert await finished(writer, steps_id) == [Finished.DEAD]
    async with store.begin() as work:
        assert await work.steps.failure(steps_id) == "too_long"
    assert await forget_done(now[0], store=store) == 0
    assert await forget_done(now[0] + timedelta(days=31), store=store) == 1


async def test_the_wrong_key_file_costs_nobody_their_account(
    world: World, ways: Ways, store: Store
) -> None:
    """With it nothing can be read: the lists wait until the right one is back."""
    user_id = world.new_user_id()
    steps_id = await decide(store, user_id, user_id, EnsureAccount(PASSWORD))
    wrong = ways.writer(store, vault=FileVault(b"w" * 32))
    async with running(wrong):
        await until_async(_failed(store, steps_id, "unreadable"), what="a try with the wrong key")
    right = ways.writer(store)
    async with running(right):
        assert await finished(right, steps_id) == [Finished.DONE]


def _failed(store: Store, steps_id: StepsId, word: str) -> Any:
    async def failed() -> bool:
        async with store.begin() as work:
            return await work.steps.failure(steps_id) == word

    return failed


async def test_a_bug_stops_one_list_only(world: World, ways: Ways, store: Store) -> None:
    """Everybody else's go on; the log has the kind of the error and not its text."""

    @define(eq=False)
    class Broken(Away):
        def __getattr__(self, name: str) -> Any:
            async def call(*args: Any, **more: Any) -> Any:
                if args[0] == self.victim:
                    raise ZeroDivisionError("a name that nobody may see")
                return await getattr(self.inner, name)(*args, **more)

            return call

        victim: str = ""

    victim, other = world.new_user_id(), world.new_user_id()
    broken = Broken(ways.homeserver, 0, victim=victim)
    writer = ways.writer(store, homeserver=broken)
    first = await decide(store, victim, victim, EnsureAccount(PASSWORD))
    second = await decide(store, other, other, EnsureAccount(PASSWORD))
    async with running(writer):
        assert await finished(writer, second) == [Finished.DONE]
        await until_async(_failed(store, first, "error ZeroDivisionError"), what="the failure")


@pytest.mark.parametrize("store_kind", ["sqlite"])
async def test_no_password_is_readable_anywhere(
    world: World, ways: Ways, store: SqlStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the database while it waits nor afterwards, nor in a log, nor in a repr."""
    secret, phone = "очень-тайный-пароль", world.new_phone()
    user_id = world.new_user_id()
    steps = (EnsureAccount(secret), SetPassword(secret))
    steps_id = await decide(store, user_id, user_id, *steps, binds=[phone])
    assert secret not in repr(steps)

    def written() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.glob("bridge.db*"))

    forms = (secret.encode(), secret.encode("utf-16-le"), phone.e164[1:].encode())
    assert not any(form in written() for form in forms)
    writer = ways.writer(store)
    async with running(writer):
        assert await finished(writer, steps_id) == [Finished.DONE]
    assert not any(form in written() for form in forms)
    async with store.engine.connect() as connection:
        kept = (await connection.execute(text("SELECT payload, failure FROM steps"))).one()
    assert tuple(kept) == (None, "")
    logs = "\n".join(record.getMessage() for record in caplog.records)
    server_log = world.server.log_text()
    for log in (logs, server_log):
        assert secret not in log
        assert phone.e164[2:] not in log
    assert "/threepid/msisdn/users/<redacted>" in server_log
    assert any(
        record.levelno == logging.INFO and user_id in record.getMessage()
        for record in caplog.records
    )
    assert personal.kind_of(logs) is None


async def test_the_store_may_be_away_for_a_while(
    world: World, ways: Ways, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that fails once does not end the writer."""
    monkeypatch.setattr("bridge.writer.RECOVER_S", 0.01)
    user_id = world.new_user_id()
    steps_id = await decide(store, user_id, user_id, EnsureAccount(PASSWORD))

    @define(eq=False)
    class Failing:
        inner: Store
        times: int = 2

        def begin(self) -> Any:
            return self.inner.begin()

        def only_writer(self) -> Any:
            if self.times:
                self.times -= 1
                raise OSError("away")
            return self.inner.only_writer()

    writer = ways.writer(Failing(store))
    async with running(writer):
        assert await finished(writer, steps_id) == [Finished.DONE]


@pytest.mark.parametrize("store_kind", ["postgres"])
async def test_a_lost_connection_costs_the_turn_and_no_list(
    world: World, ways: Ways, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL started again: whoever held the lock asks for it again before writing."""
    monkeypatch.setattr("bridge.writer.RECOVER_S", 0.01)
    writer, user_id = ways.writer(store), world.new_user_id()
    first = await decide(store, user_id, user_id, EnsureAccount(PASSWORD))
    end_holder = text(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    async with running(writer):
        assert await finished(writer, first) == [Finished.DONE]
        async with store.engine.connect() as connection:
            assert (await connection.execute(end_holder)).scalars().all() == [True]
        second = await decide(store, user_id, user_id, WriteContacts(), binds=[world.new_phone()])
        assert await finished(writer, second) == [Finished.DONE]


async def test_an_unknown_list_is_no_success(ways: Ways, store: Store) -> None:
    """A page must not say "done" about it."""
    assert await ways.writer(store).finish(StepsId("none"), 0) is Finished.DEAD
