"""What the host page asks: who is in the call, who waits, whose hand is up; and what hosts decide (R43-R45).

A host shows the token that `/livekit/jwt` gave them. Whether they are a host is asked each time, of the module and of
the room: a token lives for an hour, rights may end within it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from attrs import field, frozen

from media.access.claims import Claims, Member
from media.access.limits import Buckets
from media.access.rights import ModuleRights
from media.access.tokens import BadToken, verify
from media.ids import RoomName
from media.pages import shown
from media.pages.register_file import BadRequest, file_of, request_of
from media.pages.registers import Register, Registers, register_of
from media.room.model import Participant, Person
from media.room.operations import BadOperation, parse_operation
from media.room.room import View
from media.signal.hall import Hall
from media.signal.http import CORS, preflight
from media.signal.node import Node
from serving.json_http import NoAnswer

#: The page itself.
PAGE = Path(__file__).parent / "static"
FILES = (
    "host.css",
    "host.js",
    "call.js",
    "people.js",
    "matrix.js",
    "hands.js",
    "rows.js",
    "words.js",
)
#: The line of the page that leads to broadcasts.
LINK = re.compile(r' *<p id="broadcasts">.*</p>\n')
#: Nothing but our own files, and Matrix.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {home}; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
#: Bytes of a question; the longest has an identity of 512 characters.
MOST_BYTES = 4096
#: Bytes of a question for a register: names of a whole school.
MOST_NAMES = 512_000
#: Questions of one person: the module is asked at each. An open page asks every two seconds, a press is two more.
ASKED_PER_SECOND, ASKED_BURST = 4.0, 100.0
STATE, ASK, REGISTER = "/livekit/host/state", "/livekit/host/ask", "/livekit/host/register"


@frozen
class _Desk:
    """One host at the door: whom the module knows, and the call, if there is one.

    Attributes:
        everything: a host of the chat; False: staff who may have begun some of its calls.
    """

    claims: Claims
    person: Person
    everything: bool
    hall: Hall | None


@frozen
class HostDesk:
    """Answers hosts of the calls of this node."""

    node: Node
    rights: ModuleRights
    registers: Registers = field(factory=Registers)
    _asked: Buckets = field(factory=lambda: Buckets(ASKED_PER_SECOND, ASKED_BURST))

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(STATE, self.state)
        app.router.add_post(ASK, self.ask)
        app.router.add_post(REGISTER, self.register)
        for path in (STATE, ASK, REGISTER):
            app.router.add_options(path, preflight)

    def add_page(self, app: web.Application, client_url: str, *, broadcasts: bool = False) -> None:
        """`/host`: a list of chats, then the call of one of them. Needs `/config.json` of the call page.

        Args:
            broadcasts: there are some: the page leads to them.
        """
        headers = {
            "Content-Security-Policy": POLICY.format(home=client_url),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-cache",
        }

        def file(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
            async def answer(_request: web.Request) -> web.StreamResponse:
                return web.FileResponse(PAGE / name, headers=headers)

            return answer

        text = (PAGE / "host.html").read_text("utf-8")
        if not broadcasts:
            text = LINK.sub("", text)

        async def page(_request: web.Request) -> web.StreamResponse:
            return web.Response(text=text, content_type="text/html", headers=headers)

        app.router.add_get("/host", page)
        for name in FILES:
            app.router.add_get(f"/host/{name}", file(name))

    def finished(self, room: RoomName, view: View) -> None:
        """Who was there is kept for the hosts; `Node.finished` is this."""
        self.registers.keep(room, register_of(view, self.node.services.wall()))

    async def state(self, request: web.Request) -> web.StreamResponse:
        """The call as its hosts may see it; `call: null` while nobody is in. And which calls there were today."""
        desk = await self._desk(request)
        call = None
        if desk.hall is not None:
            view = desk.hall.room.view(self.node.services.clock())
            call = shown.call(view, _owner(desk.hall))
        kept = [
            {"id": one.call_id, "began_at": one.began_at, "ended_at": one.ended_at}
            for one in self._registers(desk)
        ]
        return _json({"call": call, "registers": kept})

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """`{"op": …}` as docs/contracts.md has them → `{"refused": null}`, or a word of `Refusal`."""
        desk = await self._desk(request)
        try:
            operation = parse_operation(await _object(request, MOST_BYTES))
        except (ValueError, RecursionError) as error:
            return _bad(str(error) if isinstance(error, BadOperation) else "json")
        if desk.hall is None:
            return _json({"refused": "ended"})
        refused = desk.hall.ask(operation)
        return _json({"refused": None if refused is None else refused.value})

    async def register(self, request: web.Request) -> web.StreamResponse:
        """Who was in a call, as a file for a spreadsheet. The page sends the names: this server knows none."""
        desk = await self._desk(request)
        try:
            wanted = request_of(await _object(request, MOST_NAMES))
        except (ValueError, RecursionError) as error:
            return _bad(str(error) if isinstance(error, BadRequest) else "json")
        known = list(self._registers(desk))
        if desk.hall is not None:
            known.append(register_of(desk.hall.room.view(self.node.services.clock())))
        found = next((one for one in known if one.call_id == wanted.call_id), None)
        if found is None:
            return _json({"errcode": "M_NOT_FOUND", "error": "call"}, 404)
        headers = CORS | {"Cache-Control": "no-store"}
        body = file_of(found, wanted)
        return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=headers)

    def _registers(self, desk: _Desk) -> list[Register]:
        """Of calls that are over; staff who are no hosts of the chat see those that they began."""
        found = self.registers.of(desk.claims.room, self.node.services.wall())
        return [one for one in found if desk.everything or one.starter == desk.person]

    async def _desk(self, request: web.Request) -> _Desk:
        """Whoever shows the token, if they are a host.

        Raises:
            HTTPException: no token, no host, too often, or the module does not answer.
        """
        services = self.node.services
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        claims = verify(token, services.keys, services.wall())
        if isinstance(claims, BadToken) or not claims.may_join or claims.member is None:
            raise web.HTTPUnauthorized(headers=CORS)
        if self._asked.wait_s(claims.member.user_id, services.clock()):
            self.node.count("host_too_often")
            raise web.HTTPTooManyRequests(headers=CORS)
        hall = self.node.halls.get(claims.room)
        person = Person(claims.member.user_id)
        now = await self._now(claims.member)
        if now is None or not (now.host or (now.staff and self._may_lead(hall, person))):
            raise web.HTTPForbidden(headers=CORS)
        return _Desk(claims, person, now.host, hall)

    async def _now(self, member: Member) -> Member | None:
        """What the module says today; None: no longer in the chat."""
        try:
            rights = await self.rights.of(member.user_id, member.room_id)
        except NoAnswer:
            raise web.HTTPServiceUnavailable(headers=CORS) from None
        return None if rights is None else rights.member

    def _may_lead(self, hall: Hall | None, person: Person) -> bool:
        """R43: staff lead the call that they began; before there is one, any of them may begin it."""
        if hall is None:
            return True
        return hall.room.view(self.node.services.clock()).starter in (None, person)


def _owner(hall: Hall) -> shown.Owner:
    """By the token, whose name the page finds in the chat; of a service's token the identity, as the room does."""

    def owner(one: Participant) -> Person:
        client = hall.clients.get(one.sid)
        member = client.claims.member if client is not None else None
        return Person(member.user_id if member is not None and member.user_id else one.identity)

    return owner


async def _object(request: web.Request, most: int) -> Mapping[str, object]:
    """The JSON object of the body; an empty one where it is something else, or too long.

    Raises:
        ValueError: no JSON.
    """
    raw = b""
    while len(raw) <= most and (more := await request.content.readany()):
        raw += more
    body = json.loads(raw) if len(raw) <= most else None
    return body if isinstance(body, dict) else {}


def _bad(name: str) -> web.Response:
    return _json({"errcode": "M_BAD_JSON", "error": name}, 400)


def _json(body: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status, headers=CORS | {"Cache-Control": "no-store"})
