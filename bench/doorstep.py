"""What newcomers are measured against: Synapse, the bridge's own process, a school's list, an SMS gateway."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from attrs import define, field, frozen

from bridge.invite import InviteKind, Order
from bridge.inviting import Issued, issue_invite
from bridge.roles import Account, ClassId, OrgId, Role, UserId
from bridge.store import SqlStore
from provisioning.sample import generate
from tests.support.bridge import BridgeProcess
from tests.support.configuration import NO_RATE_LIMITS
from tests.support.fleet import Fleet
from tests.support.http import Api
from tests.support.process import free_port
from tests.support.school import School
from tests.support.synapse import Homeserver

CODE = re.compile(r"\b\d{6}\b")
#: Enough for all grades: the browser's pupil must be 14.
PUPILS = 300
#: As a school's own network: no limit per address; and a first of September's budget.
LIMITS: dict[str, Any] = {
    "own_networks": ["127.0.0.0/8"],
    "invite_hour": 100_000,
    "day_budget": 100_000,
    "prefix_floor": 100_000,
}
#: homeserver.yaml.example as it is, but for limits on addresses: everybody here has one.
OVERRIDES: dict[str, Any] = {**NO_RATE_LIMITS, "bcrypt_rounds": 12}


@frozen
class Pupil:
    """Somebody on the list who comes today, by the link of their class."""

    source_id: str
    phone: str
    link: str


@define(eq=False)
class Gateway:
    """An SMS gateway over HTTP that keeps texts by number."""

    texts: dict[str, list[str]] = field(factory=dict)
    url: str = ""
    _came: asyncio.Condition = field(factory=asyncio.Condition)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listens until the end of the block."""
        app = web.Application()
        app.router.add_post("/send", self._send)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{port}/send"
        try:
            yield
        finally:
            await runner.cleanup()

    async def _send(self, request: web.Request) -> web.Response:
        message = await request.json()
        async with self._came:
            self.texts.setdefault(message["to"], []).append(message["text"])
            self._came.notify_all()
        return web.json_response({"id": "1"})

    async def code_to(self, phone: str) -> str:
        """The newest code sent to a number; waits for it."""
        async with self._came:
            await self._came.wait_for(lambda: phone in self.texts)
        return str(CODE.findall(self.texts[phone][-1])[0])


@define(eq=False)
class Doorstep:
    """One school with its bridge. `pupils` are on the list, with a phone each, and not in yet."""

    server: Homeserver
    bridge: BridgeProcess
    school: School
    pupils: list[Pupil]
    extra: Pupil  # one more, for the browser

    @property
    def url(self) -> str:
        return self.bridge.api.base_url

    @classmethod
    def open(cls, fleet: Fleet, folder: Path, gateway_url: str, pupils: int) -> Doorstep:
        """Start everything and apply the list; the rooms are there when it returns."""
        server = fleet(appservice=True, overrides=OVERRIDES)
        server.wait_for_tables()
        server.wait_for_own_accounts()
        school = School(server, "school")
        school.create("Школа № 1")
        roster = dict(generate(1, pupils=max(PUPILS, pupils + 1)).to_wire())
        school.apply(roster)
        school.settle()
        sms = {
            "url": gateway_url,
            "json": {"to": "{{ to }}", "text": "{{ text }}"},
            "ok_status": [200],
        }
        bridge = BridgeProcess.prepare(folder, server, sms=sms, limits=LIMITS)
        bridge.start()
        *rest, extra = _pupils(server, bridge, school, _oldest_last(roster), pupils + 1)
        return cls(server, bridge, school, rest, extra)

    def close(self) -> None:
        self.bridge.stop()
        self.server.stop()


def _oldest_last(roster: dict[str, Any]) -> dict[str, Any]:
    """The browser's pupil may write without a parent's yes (R17): the oldest of all is taken last."""
    born = {row["source_id"]: row["birth_date"] or "9999" for row in roster["people"]}
    pupils = [row for row in roster["enrolments"] if row["role"] == "student"]
    return roster | {"enrolments": sorted(pupils, key=lambda row: born[row["person"]])}


def _pupils(
    server: Homeserver, bridge: BridgeProcess, school: School, roster: dict[str, Any], most: int
) -> list[Pupil]:
    """Give the first pupils a phone each, tell the bridge as a list's upload does, and make their classes' links."""
    oldest, *others = roster["enrolments"]
    seats = [*others[: most - 1], oldest]
    phones = {row["person"]: f"+7916{2_000_000 + n}" for n, row in enumerate(seats)}
    contacts = [
        {"source_id": person, "group": "student", "medium": "msisdn", "address": phone[1:]}
        for person, phone in phones.items()
    ]
    body = {"source": "csv", "groups": ["student"], "contacts": contacts}
    api = Api(bridge.api.base_url)
    api.call("PUT", f"/service/orgs/{school.org_id}/listed-contacts", server.service_token, body)
    api.close()
    links = asyncio.run(_links(bridge, school, {row["class"] for row in seats}))
    return [Pupil(row["person"], phones[row["person"]], links[row["class"]]) for row in seats]


async def _links(bridge: BridgeProcess, school: School, classes: set[str]) -> dict[str, str]:
    """Class name → its link, as its class teacher would issue it."""
    store = SqlStore.open(f"sqlite+aiosqlite:///{bridge.folder / 'bridge.db'}")
    opened = await store
    by = Account(
        user_id=UserId(f"@bench:{school.server.server_name}"),
        org_id=OrgId(school.org_id),
        roles=frozenset({Role.DIRECTOR}),
    )
    links = {}
    for name in sorted(classes):
        order = Order(
            org_id=by.org_id,
            kind=InviteKind.CLASS_PUPIL,
            role=Role.STUDENT,
            class_id=ClassId(school.class_id(name)),
            max_uses=500,
            lifetime=timedelta(days=1),
        )
        issued = await issue_invite(
            by,
            order,
            datetime.now(UTC),
            store=opened,
            new_id=lambda: secrets.token_hex(8),
            random_bytes=secrets.token_bytes,
            below=secrets.randbelow,
        )
        if not isinstance(issued, Issued):
            raise RuntimeError(f"no link for {name}: {issued.value}")  # noqa: TRY004
        links[name] = f"/i/{issued.token}"
    await opened.close()
    return links
