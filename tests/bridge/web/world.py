"""The bridge as people meet it: real pages on a real port, a real Synapse with the module behind them.

Everything lives in the event loop of the test session. Messages go to senders that keep them, so that a test can
read its codes; the clock is the machine's and can be moved on.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import re
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from attrs import define, evolve, field, frozen
from playwright.async_api import Browser, BrowserContext, Page

from bridge.answers import Chance, Settings
from bridge.config import Clients, Config
from bridge.contact import Medium, parse_email, parse_phone, subject
from bridge.directory_http import HttpDirectory
from bridge.exports_http import HttpExports
from bridge.homeserver_http import HttpHomeserver
from bridge.homeserver_media import HttpMedia
from bridge.ids import new_localpart, user_id_of
from bridge.invite import InviteKind, Order
from bridge.inviting import Issued, issue_invite
from bridge.materials_http import HttpMaterials
from bridge.outbox import deliver_due, plain
from bridge.people import PersonRecord, SourceKey
from bridge.ports import Vault
from bridge.posted_files import PostedFiles
from bridge.quiet_http import HttpQuietHours
from bridge.records import BoundContact, ContactId, ListedContact, OutboxKind, Session
from bridge.roles import Account, ClassId, OrgId, PersonId, Role, UserId
from bridge.schedule_http import HttpSchedule
from bridge.services import Services
from bridge.steps import Activate, EnsureAccount, Steps
from bridge.store import SqlStore
from bridge.store.engine import open_engine
from bridge.vault import FileVault
from bridge.web.app import build
from bridge.web.visit import SERVICES, hash_of
from bridge.writer import Finished, Writer, enqueue
from tests.bridge.fakes import FakeSender
from tests.bridge.web.family import PASSWORD, Listed, people_of, school_roster
from tests.support import personal
from tests.support.polling import DEADLINE_S, until_async
from tests.support.process import free_port
from tests.support.school import School
from tests.support.synapse import Homeserver

CODE = re.compile(r"\b\d{6}\b")
_numbers = itertools.count(1)
_phones = itertools.count()
#: The file of a new database, once there is one.
_migrated: list[bytes] = []


def seconds_hidden(text: str, phone: str) -> str:
    """A page without its countdown, which the machine's pace decides, and the two digits that the visitor has typed."""
    return re.sub(r"через \d+ секунд\w*", "", text).replace(f"••{phone[-2:]}", "")


@define
class Clock:
    """The machine's clock, moved on or stopped by a test."""

    ahead: timedelta = timedelta(0)
    stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        return (self.stopped_at or datetime.now(UTC)) + self.ahead

    def stop(self) -> None:
        """However long the machine takes for what follows."""
        self.stopped_at = datetime.now(UTC)

    def move(self, **by: float) -> None:
        """As `timedelta` takes it: `move(minutes=2)`."""
        self.ahead += timedelta(**by)


@frozen
class Reply:
    """What came back, read to its end."""

    status: int
    text: str
    headers: Any

    @property
    def location(self) -> str:
        return str(self.headers.get("Location", ""))


@define(eq=False)
class Visitor:
    """A browser without a screen: cookies, forms with their token, no redirects followed."""

    world: World
    token: str
    http: aiohttp.ClientSession

    @property
    def csrf(self) -> str:
        hashed = hash_of(self.token).hex()
        return self.world.services.vault.lookup(f"csrf:{hashed}").hex()

    async def get(self, path: str, **headers: str) -> Reply:
        return await self._ask("GET", path, None, headers)

    async def post(self, path: str, **fields: Any) -> Reply:
        """A form of this browser; `csrf=...` overrides its token."""
        return await self._ask("POST", path, {"csrf": self.csrf, **fields}, {})

    async def upload(self, path: str, *files: tuple[str, bytes], **fields: str) -> Reply:
        """A form with files, each a name and contents, in the field `files`."""
        form = aiohttp.FormData(quote_fields=False)  # names as browsers write them
        for name, value in {"csrf": self.csrf, **fields}.items():
            form.add_field(name, value)
        for name, content in files:
            form.add_field("files", io.BytesIO(content), filename=name, content_type="text/csv")
        return await self._ask("POST", path, form, {})

    async def _ask(self, method: str, path: str, data: Any, headers: dict[str, str]) -> Reply:
        given = {"Cookie": f"sid={self.token}", "Accept-Language": "ru", **headers}
        async with self.http.request(
            method, self.world.url + path, data=data, headers=given, allow_redirects=False
        ) as response:
            text = await response.text(errors="replace")
            cookie = response.cookies.get("sid")
            if cookie is not None:
                self.token = cookie.value
            return Reply(response.status, text, response.headers)


@define(eq=False, kw_only=True)
class World:
    """One school with its pages. People are named by their id in `family.PEOPLE`; their phones are `phone(id)`."""

    server: Homeserver
    school: School
    people: dict[str, Listed]
    services: Services
    clock: Clock
    sms: FakeSender
    mail: FakeSender
    url: str
    app: web.Application
    browser: Browser | None = None
    _stack: AsyncExitStack

    @property
    def org_id(self) -> OrgId:
        return OrgId(self.school.org_id)

    def phone(self, source_id: str) -> str:
        """The phone that the lists name for somebody, `+7…`."""
        return self.people[source_id].phone

    def new_phone(self) -> str:
        """A phone that no list names; another one at each call."""
        return f"{self.people['D1'].phone[:8]}{5000 + next(_phones)}"

    def class_id(self, name: str) -> ClassId:
        return ClassId(self.school.class_id(name))

    def person_id(self, source_id: str) -> PersonId:
        return PersonId(self.school.person_id(source_id))

    async def person(self, source_id: str) -> PersonRecord:
        found = await self.services.directory.person(self.org_id, self.person_id(source_id))
        assert found is not None
        return found

    async def account(self, source_id: str) -> Account:
        """The directory's facts of somebody who is in, as they are now."""
        user_id = (await self.person(source_id)).user_id
        assert user_id is not None, f"{source_id} is not in"

        async def found() -> Account | None:
            return await self.services.directory.account(user_id)

        return await until_async(found, what=f"account of {source_id}")

    async def settle(self) -> None:
        """Wait until the rooms have followed the directory."""
        await asyncio.to_thread(self.school.settle)

    # --- getting in without the pages

    async def let_in(self, *source_ids: str, phone: bool = True) -> None:
        """Give these people accounts with PASSWORD, and their listed contact as a proved one."""
        waiting = []
        for source_id in source_ids:
            user_id = user_id_of(
                new_localpart(secrets.token_bytes), self.services.config.server_name
            )
            listed = self.people[source_id]
            async with self.services.store.begin() as work:
                if phone and (listed.phone or listed.email):
                    assert await work.contacts.claim(self._bound(listed, user_id))
                steps = Steps(
                    user_id=user_id,
                    org_id=self.org_id,
                    by=user_id,
                    steps=(EnsureAccount(PASSWORD), Activate(self.person_id(source_id))),
                )
                waiting.append(
                    await enqueue(
                        work, steps, self.clock(), self.services.vault, self.services.chance
                    )
                )
        for steps_id in waiting:
            assert await self.services.writer.finish(steps_id, 30) is Finished.DONE

    def _bound(self, listed: Listed, user_id: UserId) -> BoundContact:
        vault = self.services.vault
        medium, named, plain = contact_of(listed)
        return BoundContact(
            id=ContactId(secrets.token_hex(8)),
            user_id=user_id,
            org_id=self.org_id,
            medium=medium,
            lookup=vault.lookup(named),
            sealed=vault.seal(plain.encode(), f"contact:{user_id}"),
            verified_at=self.clock(),
        )

    async def issue(
        self, by: str, kind: InviteKind, role: Role | None = None, **order: Any
    ) -> Issued:
        """An invite of this school by somebody who is in."""
        issued = await issue_invite(
            await self.account(by),
            Order(org_id=self.org_id, kind=kind, role=role, **order),
            self.clock(),
            store=self.services.store,
            new_id=self.services.chance.new_id,
            random_bytes=self.services.random_bytes,
            below=self.services.chance.below,
        )
        assert isinstance(issued, Issued), issued
        personal.watch(issued.token, issued.code)
        return issued

    # --- browsers

    async def visitor(self, source_id: str | None = None) -> Visitor:
        """A browser over plain HTTP, signed in as somebody who is in, or a stranger's."""
        token = await self.session_of(source_id)
        http = await self._stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        )
        return Visitor(self, token, http)

    async def session_of(self, source_id: str | None) -> str:
        """A cookie's value, signed in as if by password."""
        token = secrets.token_urlsafe(32)
        personal.watch(token)
        if source_id is not None:
            account, now = await self.account(source_id), self.clock()
            async with self.services.store.begin() as work:
                await work.sessions.add(
                    Session(
                        hash=hash_of(token),
                        created_at=now,
                        expires_at=now + timedelta(hours=12),
                        user_id=account.user_id,
                    )
                )
        return token

    async def page(
        self, source_id: str | None = None, *, language: str = "ru", width: int = 360
    ) -> Page:
        """A page of Chromium in a context of its own, signed in or a stranger's; closed with the world."""
        assert self.browser is not None, "ask for the fixture `browsing` instead of `world`"
        context: BrowserContext = await self.browser.new_context(
            base_url=self.url,
            locale={"ru": "ru-RU", "en": "en-GB"}[language],
            viewport={"width": width, "height": 740},
        )
        self._stack.push_async_callback(context.close)
        if source_id is not None:
            token = await self.session_of(source_id)
            await context.add_cookies([{"name": "sid", "value": token, "url": self.url}])
        page = await context.new_page()
        page.set_default_timeout(DEADLINE_S * 1000)
        return page

    # --- messages

    async def code_to(self, contact: str, *, after: int = 0) -> str:
        """The newest code that was sent to a phone (`+7…`) or e-mail; waits for it.

        Args:
            after: how many messages to this contact are older than the one wanted.
        """

        async def found() -> str | None:
            texts = self.messages_to(contact)
            return CODE.findall(texts[-1])[0] if len(texts) > after else None

        return await until_async(found, what="a code")

    def messages_to(self, contact: str) -> list[str]:
        """Texts sent to a contact, oldest first."""
        sent = (*self.sms.sent, *self.mail.sent)
        return [one.text for one in sent if plain(one.to) == contact]


def contact_of(listed: Listed) -> tuple[Medium, str, str]:
    """Medium, the name it is looked up by, and as it is sealed."""
    if listed.phone:
        phone = parse_phone(listed.phone, Settings(host="x").phones)
        assert not hasattr(phone, "value"), "the phones of the test school may get an SMS"
        return Medium.MSISDN, subject(phone), listed.phone
    email = parse_email(listed.email)
    return Medium.EMAIL, subject(email), listed.email  # type: ignore[arg-type]


def listed_contacts(vault: Vault, people: Iterable[Listed]) -> list[ListedContact]:
    """What the lists say of phones and e-mails, as the bridge keeps it."""
    return [
        ListedContact(
            source="csv",
            source_id=one.source_id,
            group=one.group,
            medium=contact_of(one)[0],
            lookup=vault.lookup(contact_of(one)[1]),
        )
        for one in people
        if one.phone or one.email
    ]


@asynccontextmanager
async def open_world(
    server: Homeserver, folder: Path, browser: Browser | None = None, **changes: Any
) -> AsyncIterator[World]:
    """A new school on `server` with pages of its own; `changes` are settings of bridge.yaml."""
    number = next(_numbers)
    people = people_of(number)
    personal.watch(PASSWORD, *(one.family_name for one in people.values()))
    school = School(server, f"s{number}")
    await asyncio.to_thread(school.create, "Школа № 7")
    await asyncio.to_thread(school.apply, school_roster())
    clock = Clock()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, school.abandon)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        store = await _new_store(folder / "bridge.db")
        stack.callback(assert_nobody_is_in, folder / "bridge.db", people.values())
        stack.push_async_callback(store.close)
        vault = FileVault.make(folder / "keys")
        assert server.as_token is not None
        directory = HttpDirectory.connect(http, server.url, server.service_token, time.monotonic)
        homeserver = HttpHomeserver.connect(http, server.url, server.as_token)
        writer = Writer(
            store=store, vault=vault, directory=directory, homeserver=homeserver, clock=clock
        )
        token_file = folder / "service-token"
        token_file.write_text(server.service_token, encoding="ascii")
        config = Config(
            public_url="http://127.0.0.1",
            keys_file=folder / "keys",
            homeserver_url=server.url,
            server_name=server.server_name,
            service_token_file=token_file,
            appservice_file=folder / "unused",
            clients=Clients(homeserver_url=server.url, calls="https://rtc.school.example"),
            folder=folder,
            **changes,
        )
        sms, mail = FakeSender(), FakeSender()
        schedules = HttpSchedule.connect(http, server.url, server.service_token)
        materials = HttpMaterials.connect(http, server.url, server.service_token)
        runner, services, url = await _serve(
            config, store, vault, directory, homeserver, schedules, materials, writer, clock
        )
        stack.push_async_callback(runner.cleanup)
        await stack.enter_async_context(_Background(store, vault, sms, mail, clock, writer))
        async with store.begin() as repositories:
            await repositories.listed.replace(
                OrgId(school.org_id),
                "csv",
                ["student", "staff", "guardian"],
                listed_contacts(vault, people.values()),
            )
        yield World(
            server=server,
            school=school,
            people=people,
            services=services,
            clock=clock,
            sms=sms,
            mail=mail,
            url=url,
            app=runner.app,
            browser=browser,
            stack=stack,
        )


def assert_nobody_is_in(database: Path, people: Iterable[Listed]) -> None:
    """What the bridge keeps of people is sealed: no phone, e-mail or family name of the school, and no password.

    Raises:
        AssertionError: names what kind it is, not whose.
    """
    kept = b"".join(
        path.read_bytes() for path in database.parent.glob(f"{database.name}*") if path.is_file()
    )
    for one in people:
        assert not one.phone or one.phone.removeprefix("+7").encode() not in kept, "a phone"
        assert not one.email or one.email.encode() not in kept, "an e-mail"
        assert one.family_name.encode() not in kept, "a name"
    assert PASSWORD.encode() not in kept, "a password"


async def _new_store(path: Path) -> SqlStore:
    """Empty, with the bridge's tables: a copy of the first one of this run, which takes a tenth of making each."""
    url = f"sqlite+aiosqlite:///{path}"
    if not _migrated:
        await (await SqlStore.open(url)).close()
        _migrated.append(path.read_bytes())  # noqa: ASYNC240 (a test's edge)
    path.write_bytes(_migrated[0])  # noqa: ASYNC240 (as above)
    return SqlStore(open_engine(url))


async def _serve(
    config: Config,
    store: SqlStore,
    vault: FileVault,
    directory: HttpDirectory,
    homeserver: HttpHomeserver,
    schedules: HttpSchedule,
    materials: HttpMaterials,
    writer: Writer,
    clock: Clock,
) -> tuple[web.AppRunner, Services, str]:
    """The pages on a free port. The port is part of `public_url`, so the application is built twice over."""

    def services_of(config: Config) -> Services:
        return Services(
            config=config,
            store=store,
            vault=vault,
            directory=directory,
            homeserver=homeserver,
            schedules=schedules,
            materials=materials,
            posted=PostedFiles(HttpMedia(homeserver._http), config.posted_files),
            quiet=HttpQuietHours(materials._calls),
            exports=HttpExports(materials._calls),
            writer=writer,
            settings=Settings(host="127.0.0.1", limits=config.limits, phones=config.phones),
            chance=Chance(below=secrets.randbelow, new_id=lambda: secrets.token_hex(8)),
            clock=clock,
            random_bytes=secrets.token_bytes,
        )

    url = f"http://127.0.0.1:{free_port()}"
    services = services_of(evolve(config, public_url=url))
    runner = web.AppRunner(build(services), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(url.rpartition(":")[2])).start()
    assert runner.app[SERVICES] is services
    return runner, services, url


@define(eq=False)
class _Background:
    """The loops that `__main__` runs: messages out, steps carried out."""

    store: SqlStore
    vault: FileVault
    sms: FakeSender
    mail: FakeSender
    clock: Clock
    writer: Writer
    _tasks: list[asyncio.Task[None]] = field(factory=list)

    async def __aenter__(self) -> _Background:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._deliver()), loop.create_task(self.writer.run())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self) -> None:
        senders = {OutboxKind.SMS: self.sms, OutboxKind.MAIL: self.mail}
        with closing(sqlite3.connect(str(self.store.engine.url.database))) as quick:
            while True:
                # Thirty times a second: such a look takes microseconds, a transaction of the store milliseconds.
                if quick.execute("SELECT 1 FROM outbox LIMIT 1").fetchone():
                    await deliver_due(
                        self.clock(), store=self.store, vault=self.vault, senders=senders
                    )
                await asyncio.sleep(0.03)


def source_key(source_id: str) -> SourceKey:
    return SourceKey("csv", source_id)
