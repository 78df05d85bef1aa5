"""What the host page asks: who is in the call, who waits, whose hand is up; and what hosts decide (R43-R45).

A host shows the token that `/livekit/jwt` gave them. Whether they are a host is asked of the module each time: a
token lives for an hour, rights may end within it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from attrs import frozen

from media.access.claims import Claims, Member
from media.access.json_http import NoAnswer
from media.access.rights import ModuleRights
from media.access.tokens import BadToken, verify
from media.ids import ParticipantSid
from media.room.model import Participant
from media.room.operations import BadOperation, parse_operation
from media.room.room import View
from media.signal.hall import Hall
from media.signal.http import CORS, preflight
from media.signal.node import Node

#: Beside this file: the page itself.
PAGE = Path(__file__).parent
#: Nothing but our own files, and Matrix.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {home}; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
#: Bytes of a question; the longest has an identity of 512 characters.
MOST_BYTES = 4096
STATE, ASK = "/livekit/host/state", "/livekit/host/ask"


@frozen
class HostDesk:
    """Answers hosts of the calls of this node."""

    node: Node
    rights: ModuleRights

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(STATE, self.state)
        app.router.add_post(ASK, self.ask)
        for path in (STATE, ASK):
            app.router.add_options(path, preflight)

    def add_page(self, app: web.Application, client_url: str) -> None:
        """`/host`: a list of chats, then the call of one of them. Needs `/config.json` of the call page."""
        headers = {
            "Content-Security-Policy": POLICY.format(home=client_url),
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
        }

        def file(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
            async def answer(_request: web.Request) -> web.StreamResponse:
                return web.FileResponse(PAGE / name, headers=headers)

            return answer

        app.router.add_get("/host", file("host.html"))
        for name in ("host.css", "host.js"):
            app.router.add_get(f"/host/{name}", file(name))

    async def state(self, request: web.Request) -> web.StreamResponse:
        """The call as its hosts may see it; `call: null` while nobody is in."""
        hall = await self._hall(request)
        if hall is None:
            return _json({"call": None})
        view = hall.room.view(self.node.services.clock())
        return _json({"call": _call(view, hall)})

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """`{"op": …}` as docs/contracts.md has them → `{"refused": null}`, or a word of `Refusal`."""
        hall = await self._hall(request)
        raw = await request.content.read(MOST_BYTES + 1)
        try:
            body = json.loads(raw) if len(raw) <= MOST_BYTES else None
            operation = parse_operation(body if isinstance(body, dict) else {})
        except (ValueError, BadOperation) as error:
            field = str(error) if isinstance(error, BadOperation) else "json"
            return _json({"errcode": "M_BAD_JSON", "error": field}, 400)
        if hall is None:
            return _json({"refused": "ended"})
        refused = hall.ask(operation)
        return _json({"refused": None if refused is None else refused.value})

    async def _hall(self, request: web.Request) -> Hall | None:
        """Of the token's room.

        Raises:
            HTTPException: no token, no host.
        """
        services = self.node.services
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        claims = verify(token, services.keys, services.wall())
        if isinstance(claims, BadToken) or not claims.may_join or claims.member is None:
            raise web.HTTPUnauthorized
        if not await self._is_host(claims, claims.member):
            raise web.HTTPForbidden
        return self.node.halls.get(claims.room)

    async def _is_host(self, claims: Claims, member: Member) -> bool:
        """By the module; or as staff who began the call, which the room knows (R43)."""
        try:
            rights = await self.rights.of(member.user_id, member.room_id)
        except NoAnswer:
            raise web.HTTPServiceUnavailable from None
        return rights is not None and rights.member.host and claims.member is not None


def _call(view: View, hall: Hall) -> dict[str, Any]:
    settings = view.settings
    return {
        "participants": [_participant(one, hall) for one in view.participants],
        "waiting": [_participant(one, hall) for one in view.waiting],
        "hands": [str(one) for one in view.hands],
        "settings": {
            "limit": settings.limit,
            "waiting_room": settings.waiting_room,
            "one_share": settings.one_share,
            "self_unmute": settings.self_unmute,
            "locked": settings.locked,
            "spotlight": settings.spotlight,
        },
    }


def _participant(one: Participant, hall: Hall) -> Mapping[str, Any]:
    return {
        "sid": one.sid,
        "identity": one.identity,
        "user_id": _user_id(one.sid, hall),
        "name": one.name,
        "joined_at": one.joined_at,
        "may_publish": sorted(source.value for source in one.permission.sources),
        "tracks": [
            {"sid": track.sid, "source": track.source.value, "muted": track.muted}
            for track in one.tracks
        ],
    }


def _user_id(sid: ParticipantSid, hall: Hall) -> str:
    """Of whoever came with a token of the school's; the page finds the name in the chat."""
    client = hall.clients.get(sid)
    member = client.claims.member if client is not None else None
    return member.user_id if member is not None else ""


def _json(body: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status, headers=CORS | {"Cache-Control": "no-store"})
