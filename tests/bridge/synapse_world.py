"""A real Synapse with the module and a small school, and the bridge's way into it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import aiohttp
from attrs import define, field

from bridge.answers import Chance
from bridge.contact import Email, Phone, medium_of, subject
from bridge.directory_http import HttpDirectory
from bridge.homeserver_http import HttpHomeserver
from bridge.ids import new_localpart, user_id_of
from bridge.outbox import plain
from bridge.people import NewPerson, SourceKey
from bridge.ports import Repositories, Store
from bridge.ports_homeserver import Threepid
from bridge.records import BoundContact, ContactId, StepsId
from bridge.roles import ClassId, OrgId, PersonId, Role, UserId
from bridge.steps import Step, Steps
from bridge.writer import Writer, enqueue
from tests.bridge.values import NOW, VAULT
from tests.support import rosters
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.school import School
from tests.support.synapse import Homeserver

ORG = OrgId("school1")
PASSWORD = "пароль из десяти букв"
#: Kept by `Chance` here: ids that nobody else has, of no meaning.
_numbers = iter(range(10**9))


def chance() -> Chance:
    return Chance(below=lambda bound: 0, new_id=lambda: f"id{next(_numbers)}")


def clock() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 (a test's edge)


def phone_of(number: int) -> Phone:
    """A number nobody has; the same for the same `number`."""
    return Phone(f"+7916{number:07}")


def threepid(contact: Phone | Email) -> Threepid:
    _, _, address = subject(contact).partition(":")
    return Threepid(medium_of(contact), address)


@define(eq=False)
class World:
    """Attributes:
    server: with the module and the bridge's application service.
    school: 5А: P1 P2 P3 with T1; 5Б: P4 P5 P6 with T2 (`rosters.small_school`); nobody has an account.
    """

    server: Homeserver
    school: School
    _number: int = field(default=0, init=False)

    @classmethod
    def start(cls, homeserver: Fleet, **options: object) -> World:
        given = {"overrides": NO_RATE_LIMITS, "module": {"poll_interval_s": 0.05}, **options}
        server = homeserver(appservice=True, **given)  # type: ignore[arg-type] # as Fleet takes them
        school = School(server, ORG)
        school.create("Школа № 1")
        school.apply(rosters.small_school())
        server.wait_for_own_accounts()
        return cls(server, school)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Ways]:
        assert self.server.as_token is not None
        async with aiohttp.ClientSession() as session:
            yield Ways(
                self,
                HttpDirectory.connect(
                    session,
                    self.server.url,
                    self.server.service_token,
                    asyncio.get_running_loop().time,
                ),
                HttpHomeserver.connect(session, self.server.url, self.server.as_token),
            )

    def person(self, source_id: str) -> PersonId:
        return PersonId(self.school.person_id(source_id))

    def new_user_id(self) -> UserId:
        self._number += 1
        localpart = new_localpart(lambda size: self._number.to_bytes(size, "big"))
        return user_id_of(localpart, self.server.server_name)

    def new_phone(self) -> Phone:
        self._number += 1
        return phone_of(self._number)

    def new_key(self) -> SourceKey:
        self._number += 1
        return SourceKey("bridge", f"a{self._number}")

    @property
    def bridge_user(self) -> UserId:
        return UserId(self.server.bridge_user)

    def may_sign_in(self, login: str, password: str = PASSWORD) -> bool:
        """What any client would find."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": login},
            "password": password,
        }
        return self.server.request("POST", "/_matrix/client/v3/login", json=body).status == 200


@define(eq=False)
class Ways:
    """Into the server, for one event loop."""

    world: World
    directory: HttpDirectory
    homeserver: HttpHomeserver

    def writer(self, store: Store, **changes: object) -> Writer:
        parts: dict[str, object] = {
            "store": store,
            "vault": VAULT,
            "directory": self.directory,
            "homeserver": self.homeserver,
            "clock": clock,
            "retry_after_s": (0.01,),
        }
        return Writer(**(parts | changes))  # type: ignore[arg-type] # as Writer takes them

    async def new_pupil(self, key: SourceKey | None = None) -> PersonId:
        """A record of 5А with no account yet."""
        new = pupil_of(key or self.world.new_key(), ClassId(self.world.school.class_id("5А")))
        made = await self.directory.create_person(ORG, new, self.world.bridge_user)
        return made.person_id

    async def threepids(self, user_id: UserId) -> set[Threepid]:
        account = await self.homeserver.account(user_id)
        return set() if account is None else set(account.threepids)


def pupil_of(key: SourceKey, class_id: ClassId) -> NewPerson:
    """Under 14 (R17)."""
    return NewPerson(
        key=key,
        family_name="Новикова",
        given_name="Дарья",
        birth_date=date(2018, 1, 2),
        roles=frozenset({Role.STUDENT}),
        class_id=class_id,
    )


async def bind(
    work: Repositories,
    user_id: UserId,
    contacts: Iterable[Phone | Email],
    org_id: OrgId = ORG,
    at: datetime = NOW,
) -> None:
    """Contacts that the account has proved."""
    for contact in contacts:
        assert await work.contacts.claim(
            BoundContact(
                id=ContactId(f"contact{next(_numbers)}"),
                user_id=user_id,
                org_id=org_id,
                medium=medium_of(contact),
                lookup=VAULT.lookup(subject(contact)),
                sealed=VAULT.seal(plain(contact).encode(), f"contact:{user_id}"),
                verified_at=at,
            )
        )


async def decide(
    store: Store,
    user_id: UserId,
    by: UserId,
    *steps: Step,
    binds: Iterable[Phone | Email] = (),
    releases: bool = False,
) -> StepsId:
    """One decision: contacts and steps in one transaction."""
    async with store.begin() as work:
        if releases:
            await work.contacts.release(user_id, NOW)
        await bind(work, user_id, binds)
        return await enqueue(
            work, Steps(user_id=user_id, org_id=ORG, by=by, steps=steps), clock(), VAULT, chance()
        )
