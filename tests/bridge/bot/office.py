"""A school with the bot in its administration room, colleagues with real clients, and people who apply."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from attrs import define, field

from bridge.applicant import Applicant, pack, purpose
from bridge.application import Application, ApplicationId, State
from bridge.bot.running import Bot
from bridge.contact import Medium, parse_phone, subject
from bridge.ids import new_localpart, user_id_of
from bridge.records import BoundContact, CardKind, ContactId, StaffCard
from bridge.roles import Role, UserId
from bridge.steps import EnsureAccount, Steps
from bridge.writer import Finished, enqueue
from tests.bridge.web.family import PASSWORD
from tests.bridge.web.world import World, open_world
from tests.support import accounts
from tests.support.accounts import Account
from tests.support.appservice import STAFF_BOT
from tests.support.client import Client
from tests.support.polling import UNHURRIED_S, until_async
from tests.support.synapse import Homeserver

CLIENT = "/_matrix/client/v3"


@define(eq=False, kw_only=True)
class Office:
    """Attributes:
    room_id: the administration room.
    folder: of the bot's keys.
    """

    world: World
    room_id: str
    folder: Path
    _http: aiohttp.ClientSession
    _stack: AsyncExitStack
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _signed_in: dict[str, Account] = field(factory=dict, init=False)

    @property
    def server(self) -> Homeserver:
        return self.world.server

    # --- the bot

    def start_bot(self, **options: Any) -> Bot:
        """Its loops, as `__main__` runs them."""
        assert self.server.as_token is not None
        bot = Bot(
            services=self.world.services,
            session=self._http,
            as_token=self.server.as_token,
            seconds=asyncio.get_running_loop().time,
            look_again_s=0.05,
            begin_again_s=(0.1,),
        )
        for name, value in options.items():
            setattr(bot, name, value)
        self._task = asyncio.get_running_loop().create_task(bot.run())
        return bot

    async def stop_bot(self) -> None:
        """In the middle of whatever it does."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    # --- colleagues

    async def signed_in(self, source_id: str) -> Account:
        """One device of somebody who is in; the same every time."""
        if source_id not in self._signed_in:
            user_id = (await self.world.account(source_id)).user_id
            self._signed_in[source_id] = await asyncio.to_thread(
                accounts.login, self.server.api, user_id, PASSWORD
            )
        return self._signed_in[source_id]

    async def client(self, source_id: str) -> Client:
        """A client without encryption."""
        client = Client(await self.signed_in(source_id), self.server.url)
        self._stack.push_async_callback(client.close)
        return client

    async def call(
        self, source_id: str, method: str, path: str, json: Any = None
    ) -> Mapping[str, Any]:
        token = (await self.signed_in(source_id)).access_token
        found = await asyncio.to_thread(self.server.call, method, CLIENT + path, token, json)
        return dict(found)

    async def say(self, source_id: str, body: str) -> str:
        return await (await self.client(source_id)).send(self.room_id, body)

    async def react(self, source_id: str, event_id: str, key: str) -> None:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        client = await self.client(source_id)
        await client.send(self.room_id, {"m.relates_to": relation}, "m.reaction")

    async def events(self, source_id: str = "D1") -> list[Mapping[str, Any]]:
        """The room from its beginning, as a member sees it."""
        path = f"/rooms/{quote(self.room_id)}/messages?dir=b&limit=200"
        return list((await self.call(source_id, "GET", path))["chunk"])[::-1]

    async def messages(self, source_id: str = "D1") -> list[Mapping[str, Any]]:
        """What the bot has written: not its edits, not its signs."""
        return [
            event
            for event in await self.events(source_id)
            if event["type"] == "m.room.message"
            and event["sender"] == self.server.staff_bot
            and event["content"].get("m.relates_to", {}).get("rel_type") != "m.replace"
        ]

    async def bodies(self) -> list[str]:
        return [str(event["content"].get("body")) for event in await self.messages()]

    async def until_body(self, fits: Callable[[str], bool], what: str) -> str:
        """The first message of the bot of which that is true."""

        async def find() -> str | None:
            return next((body for body in await self.bodies() if fits(body)), None)

        return await until_async(find, what=what, interval_s=UNHURRIED_S)

    async def answer(self, source_id: str, body: str) -> str:
        """Say it and wait for the bot's answer."""
        event_id = await self.say(source_id, body)
        return await self.answer_to(event_id)

    async def answer_to(self, event_id: str) -> str:
        async def find() -> str | None:
            for event in await self.messages():
                relation = event["content"].get("m.relates_to", {})
                if relation.get("m.in_reply_to", {}).get("event_id") == event_id:
                    return str(event["content"]["body"])
            return None

        return await until_async(find, what="the bot's answer", interval_s=UNHURRIED_S)

    async def edits(self, event_id: str) -> list[str]:
        """What was made of a message, in order."""
        return [
            str(event["content"]["m.new_content"]["body"])
            for event in await self.events()
            if event["content"].get("m.relates_to", {}).get("rel_type") == "m.replace"
            and event["content"]["m.relates_to"]["event_id"] == event_id
        ]

    async def until_edit(self, event_id: str, words: str) -> None:
        async def find() -> bool:
            return any(words in body for body in await self.edits(event_id))

        await until_async(find, what=f"edit with {words}", interval_s=UNHURRIED_S)

    # --- applications

    async def apply(
        self,
        role: Role = Role.STUDENT,
        class_name: str | None = "5А",
        *,
        family: str = "Новикова",
        given: str = "Дарья",
        phone: str | None = None,
        born: date | None = None,
        waits: timedelta = timedelta(0),
    ) -> Application:
        """Somebody who has proved a phone and filled in the form."""
        services, now = self.world.services, self.world.clock()
        user_id = user_id_of(new_localpart(secrets.token_bytes), services.config.server_name)
        typed = phone or self.world.new_phone()
        parsed: Any = parse_phone(typed, services.settings.phones)
        class_id = None if class_name is None else self.world.class_id(class_name)
        made = Application(
            id=ApplicationId(services.chance.new_id()),
            org_id=self.world.org_id,
            role=role,
            class_id=class_id,
            applicant=user_id,
            submitted_at=now - waits,
        )
        applicant = Applicant(family_name=family, given_name=given, birth_date=born)
        contact = BoundContact(
            id=ContactId(secrets.token_hex(8)),
            user_id=user_id,
            org_id=made.org_id,
            medium=Medium.MSISDN,
            lookup=services.vault.lookup(subject(parsed)),
            sealed=services.vault.seal(typed.encode(), f"contact:{user_id}"),
            verified_at=now,
        )
        steps = Steps(
            user_id=user_id, org_id=made.org_id, by=user_id, steps=(EnsureAccount(PASSWORD),)
        )
        async with services.store.begin() as work:
            assert await work.contacts.claim(contact)
            sealed = services.vault.seal(pack(applicant), purpose(made.id))
            await work.applications.add(made, sealed)
            steps_id = await enqueue(work, steps, now, services.vault, services.chance)
        assert await services.writer.finish(steps_id, 30) is Finished.DONE
        return made

    async def card(
        self, ref: str, shown: str = "new", kind: CardKind = CardKind.APPLICATION
    ) -> StaffCard:
        """The card of an application or a dispute, once it shows that state."""

        async def find() -> StaffCard | None:
            async with self.world.services.store.begin() as work:
                found = await work.cards.of(kind, ref)
            return found if found is not None and found.shown == shown else None

        return await until_async(find, what=f"card showing {shown}")

    async def state(self, application: Application) -> State:
        async with self.world.services.store.begin() as work:
            found = await work.applications.get(application.id)
        assert found is not None
        return found.state

    async def is_in(self, user_id: UserId | None) -> bool:
        """Whether the account is of the school."""
        assert user_id is not None
        return await self.world.services.directory.account(user_id) is not None

    async def bring_in(self, *source_ids: str) -> None:
        """Accounts for these people, and the rooms that follow."""
        await self.world.let_in(*source_ids)
        await self.world.settle()


@asynccontextmanager
async def open_office(server: Homeserver, folder: Path, **settings: Any) -> AsyncIterator[Office]:
    """A school whose director and deputy are in. `settings`: of the school."""
    keys = folder / "bot"
    async with (
        AsyncExitStack() as stack,
        open_world(server, folder, bot=STAFF_BOT, bot_store=keys) as world,
        aiohttp.ClientSession() as http,
    ):
        if settings:
            await asyncio.to_thread(world.school.call, "PATCH", "", {"settings": settings})
        await world.let_in("D1", "D2")
        await world.settle()
        room_id = await asyncio.to_thread(world.school.room_id, "administration")
        office = Office(world=world, room_id=room_id, folder=keys, http=http, stack=stack)
        try:
            yield office
        finally:
            await office.stop_bot()
