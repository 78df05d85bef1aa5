"""The bridge's process: starting, what stops it from starting, working, ending in order, ending at once."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.answers import Chance
from bridge.contact import Medium, Phone, subject
from bridge.ids import new_localpart, user_id_of
from bridge.outbox import plain, waiting
from bridge.ports_sending import Message
from bridge.records import BoundContact, ContactId, OutboxKind, StepsId, StepsState
from bridge.roles import OrgId, UserId
from bridge.steps import EnsureAccount, Steps
from bridge.store import SqlStore
from bridge.vault import FileVault
from bridge.writer import enqueue
from tests.support import personal
from tests.support.bridge import BridgeProcess, new_token
from tests.support.fleet import Fleet
from tests.support.polling import until, until_async
from tests.support.process import free_port, listens
from tests.support.service import secret
from tests.support.synapse import Homeserver

pytestmark = pytest.mark.integration

CHANCE = Chance(below=secrets.randbelow, new_id=lambda: secrets.token_hex(10))
PASSWORD = "Klasse-7-Fruehling"


@pytest.fixture(scope="module")
def server(homeserver: Fleet) -> Iterator[Homeserver]:
    with homeserver(appservice=True) as server:
        server.wait_for_tables()
        yield server


@pytest.fixture
def bridge(server: Homeserver, tmp_path: Path) -> Iterator[BridgeProcess]:
    """Prepared, not started. At the end its whole log is looked through."""
    made = BridgeProcess.prepare(tmp_path / "bridge", server)
    yield made
    made.stop()
    made.api.close()
    leaks = list(personal.leaks_in_file(made.log)) if made.log.exists() else []
    assert not leaks


@asynccontextmanager
async def database_of(bridge: BridgeProcess) -> AsyncIterator[tuple[SqlStore, FileVault]]:
    """Its database and keys, as another process sees them."""
    store = await SqlStore.open(f"sqlite+aiosqlite:///{bridge.folder / 'bridge.db'}")
    try:
        yield store, FileVault.read(bridge.folder / "bridge.keys")
    finally:
        await store.close()


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the process under test reads the machine's clock


def bound(user_id: UserId, phone: Phone, vault: FileVault) -> BoundContact:
    return BoundContact(
        id=ContactId(secrets.token_hex(10)),
        user_id=user_id,
        org_id=OrgId("x"),
        medium=Medium.MSISDN,
        lookup=vault.lookup(subject(phone)),
        sealed=vault.seal(plain(phone).encode(), f"contact:{user_id}"),
        verified_at=now(),
    )


def test_it_starts_serves_and_ends(bridge: BridgeProcess) -> None:
    """Keys and database are made for their owner only; SIGTERM and Ctrl-C end it with code 0."""
    for how in (signal.SIGTERM, signal.SIGINT):
        bridge.start()
        assert bridge.api.request("GET", "/").status == 200
        for name in ("bridge.keys", "bridge.db"):
            assert (bridge.folder / name).stat().st_mode & 0o777 == 0o600, name
        bridge.until_logged("Synapse answers")
        assert bridge.stop(how) == 0
        assert bridge.lines().rstrip().endswith("bridge.serving stopped")
    assert bridge.lines().count("keys made") == 1


def test_figures_are_on_this_machine_only(bridge: BridgeProcess) -> None:
    """Prometheus reads requests by the route's pattern; the pages have no such address."""
    bridge.start()
    assert bridge.api.request("GET", "/metrics").status == 404
    text = until(
        lambda: found if 'route="/health"' in (found := bridge.figures()) else None, what="figures"
    )
    assert "sferum_bridge_messages_total" in text
    assert "sferum_bridge_steps_under_way" in text


def test_paths_and_queries_are_not_logged(bridge: BridgeProcess) -> None:
    """An invite's link, what follows a question mark, and an address of nowhere leave a pattern and a status."""
    bridge.start()
    invite, word = new_token(), new_token()
    bridge.api.request("GET", f"/i/{invite}")
    bridge.api.request("GET", f"/?next={word}")
    bridge.api.request("GET", f"/{invite}/{word}")
    bridge.api.request("POST", "/language", body=f"csrf={word}".encode())
    bridge.until_logged("POST /language 403")
    assert " GET / 200 " in bridge.lines()
    assert " GET ? 404 " in bridge.lines()
    assert invite not in bridge.lines()
    assert word not in bridge.lines()


def test_what_is_no_http_leaves_nothing_in_the_log(bridge: BridgeProcess) -> None:
    """A broken request line is answered with 400, and its words are not repeated."""
    bridge.start()
    word = new_token()
    for text in (
        f"GET /{word}\x01 HTTP/1.1\r\n\r\n",
        f"{word}\r\n\r\n",
        f"GET / HTTP/1.1\r\n{word}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", bridge.port), timeout=5) as line:
            line.sendall(text.encode())
            assert b" 400 " in line.recv(200)
    bridge.stop()
    assert word not in bridge.lines()


# --- what stops it from starting


def refused(bridge: BridgeProcess) -> str:
    """The one line that it ends with."""
    code, text = bridge.run_to_its_end()
    assert code == 2, text
    *_, line = text.splitlines()
    assert "Traceback" not in text
    return line


def test_a_bad_setting_is_one_line(bridge: BridgeProcess) -> None:
    """It names the setting; the exit code is 2."""
    bridge.change(grace_days="a month")
    assert refused(bridge) == "bridge: grace_days: want int"


@pytest.mark.parametrize(
    ("name", "setting"),
    [("service.token", "service_token_file"), ("appservice.yaml", "appservice_file")],
)
def test_a_token_that_others_may_read_is_refused(
    bridge: BridgeProcess, name: str, setting: str
) -> None:
    """Both tokens open everything; the line says what to do. A missing file is named too."""
    (bridge.folder / name).chmod(0o640)
    assert refused(bridge).startswith(f"bridge: {setting}: ")
    (bridge.folder / name).unlink()
    assert refused(bridge).startswith(f"bridge: {setting}: ")


def test_a_taken_port_is_one_line(bridge: BridgeProcess) -> None:
    """Which setting, which port."""
    with socket.create_server(("127.0.0.1", bridge.port)):
        line = refused(bridge)
    assert line.startswith(f"bridge: listen_port: 127.0.0.1:{bridge.port}: ")


@pytest.mark.parametrize(
    "url", ["mysql://x", "bridge.db", "sqlite+aiosqlite:////no/such/folder/bridge.db"]
)
def test_a_database_that_cannot_be_is_one_line(bridge: BridgeProcess, url: str) -> None:
    """Another kind, no address, or a folder that does not exist."""
    bridge.change(database=url)
    assert refused(bridge).startswith("bridge: database: ")


async def test_other_keys_than_the_databases_are_refused(bridge: BridgeProcess) -> None:
    """With them nobody would be found again, so a lost or swapped key file stops the start and is not made anew."""
    bridge.start()
    async with database_of(bridge) as (store, vault), store.begin() as work:
        user_id = UserId("@uabcdefgh:school.test")
        assert await work.contacts.claim(bound(user_id, Phone("+79120000001"), vault))
    bridge.stop()
    keys = bridge.folder / "bridge.keys"
    mine = keys.read_text()

    keys.unlink()
    assert (
        await asyncio.to_thread(refused, bridge) == f"bridge: keys_file: {keys}: FileNotFoundError"
    )
    secret(keys, secrets.token_hex(32))
    assert "is not the file of keys" in await asyncio.to_thread(refused, bridge)
    secret(keys, mine)
    await asyncio.to_thread(bridge.start)


# --- what it waits for


def test_it_waits_for_synapse_and_says_so(homeserver: Fleet, tmp_path: Path) -> None:
    """The pages are there and say "busy"; when Synapse comes, everything works without a restart."""
    server = homeserver(appservice=True, start=False)
    bridge = BridgeProcess.prepare(tmp_path / "bridge", server)
    try:
        bridge.start()
        bridge.until_logged("waiting for Synapse kind=DirectoryDown")
        assert bridge.api.request("GET", "/").status == 200
        server.start()
        bridge.until_logged("Synapse answers")
    finally:
        bridge.stop()
        bridge.api.close()


def test_a_token_of_another_server_is_said(bridge: BridgeProcess) -> None:
    """The log tells "denied" from "unreachable"."""
    secret(bridge.folder / "service.token", secrets.token_hex(32))
    bridge.start()
    bridge.until_logged("waiting for Synapse kind=DirectoryDown why=.*denied")


def test_it_waits_for_postgresql_and_can_be_stopped_meanwhile(bridge: BridgeProcess) -> None:
    """The line names the database; SIGTERM ends the wait at once."""
    bridge.change(database=f"postgresql+asyncpg://x@127.0.0.1:{free_port()}/x")
    bridge.start(ready=False)
    bridge.until_logged("waiting for the database")
    began = time.monotonic()  # noqa: TID251 - it must not sit out its wait
    assert bridge.stop() == 0
    assert time.monotonic() - began < 3  # noqa: TID251 - as above


async def test_it_works_on_postgresql(
    bridge: BridgeProcess, homeserver: Fleet, postgres_url: str
) -> None:
    """The database of a school: same pages, same log."""
    bridge.change(database=postgres_url)
    await asyncio.to_thread(bridge.start)
    await asyncio.to_thread(bridge.until_logged, "this process writes now")


@pytest.fixture
def postgres_url(homeserver: Fleet) -> str:
    arguments = homeserver.cluster.arguments(homeserver.cluster.create_database())
    return (
        f"postgresql+asyncpg://{arguments['user']}@/{arguments['dbname']}?host={arguments['host']}"
    )


# --- working


async def put_message(bridge: BridgeProcess, text: str) -> None:
    """As a page does that has been asked for a code."""
    async with database_of(bridge) as (store, vault), store.begin() as work:
        message = Message(id=CHANCE.new_id(), to=Phone("+79120000001"), text=text)
        await work.outbox.add(waiting(message, OutboxKind.SMS, now(), timedelta(minutes=5), vault))


async def test_a_code_leaves_within_a_third_of_a_second(bridge: BridgeProcess) -> None:
    """It appears on the screen, masked number first, and is in no log."""
    await asyncio.to_thread(bridge.start)
    took = []
    for number in range(5):
        await put_message(bridge, f"Код {number}: 482913")
        began = time.monotonic()  # noqa: TID251 - the limit is in seconds of the machine

        def shown(want: str = f"Код {number}:") -> bool:
            return want in bridge.shown()

        await asyncio.to_thread(until, shown, what="the code")
        took.append(time.monotonic() - began)  # noqa: TID251 - as above
    assert sorted(took)[2] < 0.3
    assert "--- to +7 ••• ••01" in bridge.shown()
    assert "482913" not in bridge.lines()


async def enqueue_accounts(
    bridge: BridgeProcess, server: Homeserver, count: int
) -> dict[UserId, StepsId]:
    """So many newcomers at once, as pages leave them."""
    made: dict[UserId, StepsId] = {}
    async with database_of(bridge) as (store, vault):
        for number in range(count):
            user_id = user_id_of(new_localpart(secrets.token_bytes), server.server_name)
            steps = Steps(
                user_id=user_id, org_id=OrgId("x"), by=user_id, steps=(EnsureAccount(PASSWORD),)
            )
            phone = Phone(f"+7912{secrets.randbelow(10**7):07}")
            async with store.begin() as work:
                assert await work.contacts.claim(bound(user_id, phone, vault))
                made[user_id] = await enqueue(work, steps, now(), vault, CHANCE)
            del number
    return made


async def test_killed_in_the_middle_it_goes_on(bridge: BridgeProcess, server: Homeserver) -> None:
    """SIGKILL while newcomers' accounts are being made: after the next start each is there with its phone."""
    await asyncio.to_thread(bridge.start)
    first = await enqueue_accounts(bridge, server, 4)

    async def states(of: dict[UserId, StepsId]) -> set[StepsState | None]:
        async with database_of(bridge) as (store, _), store.begin() as work:
            return {await work.steps.state(one) for one in of.values()}

    async def some() -> bool:
        return await states(first) == {StepsState.DONE}

    def under_way() -> bool:
        return "sferum_bridge_steps_under_way 8.0" in bridge.figures()

    await until_async(some, what="the first accounts", deadline_s=30)
    synapse = server.main.server.pid
    os.kill(synapse, signal.SIGSTOP)  # what it is asked now it does after the bridge's end
    try:
        made = first | await enqueue_accounts(bridge, server, 12)
        await asyncio.to_thread(until, under_way, what="as many as are made at once")
        await asyncio.to_thread(bridge.kill)
    finally:
        os.kill(synapse, signal.SIGCONT)
    assert await states(made) == {StepsState.DONE, StepsState.WAITING}

    await asyncio.to_thread(bridge.start)

    async def every() -> bool:
        return await states(made) == {StepsState.DONE}

    await until_async(every, what="all accounts", deadline_s=60)
    for user_id in made:
        path = f"/_synapse/admin/v2/users/{user_id}"
        account = await asyncio.to_thread(server.call, "GET", path, server.as_token)
        assert [one["medium"] for one in account["threepids"]] == ["msisdn"]
    assert PASSWORD not in bridge.lines()


def was_read(line: socket.socket, port: int) -> bool:
    """Whether whoever listens at `port` of this machine has taken everything that was sent (proc(5), /proc/net/tcp)."""
    ends = f"0100007F:{port:04X}", f"0100007F:{line.getsockname()[1]:04X}"
    for row in Path("/proc/net/tcp").read_text().splitlines():
        _, local, remote, _, queues, *_ = row.split()
        if (local, remote) == ends:
            return int(queues.partition(":")[2], 16) == 0
    return False


def test_a_request_under_way_is_answered_before_the_end(bridge: BridgeProcess) -> None:
    """SIGTERM while a page waits for the database: its visitor still gets the answer, new ones do not."""
    bridge.start()
    with (
        closing(sqlite3.connect(bridge.folder / "bridge.db", isolation_level=None)) as other,
        socket.create_connection(("127.0.0.1", bridge.port), timeout=10) as line,
    ):
        other.execute("BEGIN IMMEDIATE")
        line.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: was_read(line, bridge.port), what="the request in the bridge's hands")
        line.settimeout(0.5)
        with pytest.raises(TimeoutError):
            line.recv(1)
        bridge.ask(signal.SIGTERM)
        bridge.until_logged("stopping")
        until(lambda: not listens(bridge.port), what="the closed door")
        other.execute("ROLLBACK")
        line.settimeout(10)
        assert line.recv(200).startswith(b"HTTP/1.1 200")
    assert bridge.stop() == 0


def test_a_client_that_never_ends_its_form_does_not_hold_up_the_end(bridge: BridgeProcess) -> None:
    """After ten seconds it is cut off."""
    bridge.start()
    head = "POST /language HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\ncsrf"
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=10) as line:
        line.sendall(head.encode())
        until(lambda: bridge.api.request("GET", "/health").status == 200, what="another request")
        began = time.monotonic()  # noqa: TID251 - the limit is in seconds of the machine
        assert bridge.stop() == 0
        assert time.monotonic() - began < 20  # noqa: TID251 - as above


def test_two_processes_share_one_database(
    bridge: BridgeProcess, server: Homeserver, tmp_path: Path
) -> None:
    """The second serves pages and waits for its turn to write; when the first is killed it takes over."""
    bridge.start()
    bridge.until_logged("this process writes now")
    other = BridgeProcess.prepare(
        tmp_path / "other",
        server,
        database=f"sqlite+aiosqlite:///{bridge.folder / 'bridge.db'}",
        keys_file=str(bridge.folder / "bridge.keys"),
    )
    try:
        other.start()
        assert other.api.request("GET", "/").status == 200
        assert "writes now" not in other.lines()
        bridge.kill()
        other.until_logged("this process writes now")
    finally:
        other.stop()
        other.api.close()


def test_the_bot_is_one_of_the_loops(bridge: BridgeProcess) -> None:
    """Named in the configuration, it signs in; asked to end, the process ends with it."""
    bridge.change(bot="sferum-bot", bot_store="bot")
    bridge.start()
    bridge.until_logged("bot signed in account=@sferum-bot:")
    assert (bridge.folder / "bot").stat().st_mode & 0o777 == 0o700
    assert bridge.stop() == 0


def test_a_school_gives_no_contact_without_a_code(bridge: BridgeProcess) -> None:
    """`--trial`, which binds demo people's phones, is refused where codes go to a gateway."""
    bridge.change(sms={"preset": "sms.ru", "apikey": "x"})
    code, text = bridge.run_to_its_end("--trial")
    assert (code, text) == (2, "bridge: sms: --trial is for `console: true` only\n")
