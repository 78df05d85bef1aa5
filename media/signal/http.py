"""The doors of signalling: `/rtc` and `/rtc/v1`, and `…/validate` that clients ask when a door stayed shut.

Every answer carries CORS, 404 too: without it a browser cannot tell "no such version" from "no server" and does not
fall back to v0 (calls.md §2.1).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from aiohttp import hdrs, web
from attrs import frozen

from media.access.claims import Claims
from media.signal.joining import BadJoin, Joining, Version, Wrong, read_joining
from media.signal.socket import Socket, tell_alone

#: Of aiohttp's runner. A v1 rejoin of a room of 100 has 10 kB of gzipped offer in its URL (calls.md §4).
RUNNER_OPTIONS: Mapping[str, Any] = {"max_line_size": 65_536, "max_field_size": 16_384}
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept, X-Requested-With",
    "Access-Control-Max-Age": "86400",
}

_NO_WEBSOCKET = "a WebSocket is expected here"
#: What livekit-client takes for "no such version": it comes again with v0.
_NO_VERSION = "this version is not for this browser"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@frozen
class Shut:
    """Why the door stays shut: what the client is answered. Element Call shows 503 as "insufficient capacity"."""

    status: int
    text: str
    why: str = ""  # a word for figures; "": the status says enough


class Doors(Protocol):
    """What this file asks the node."""

    def look(self, joining: Joining) -> Claims | Shut:
        """Check the token, the room and its places. Changes nothing: `validate` asks too."""

    def greet(self, claims: Claims) -> Shut | None:
        """Whether this one comes in too often. Asked once for each WebSocket."""

    def count(self, why: str) -> None:
        """A door stayed shut."""

    async def serve(self, socket: Socket, joining: Joining, claims: Claims) -> None:
        """One client from its first message to its last."""


def add_routes(app: web.Application, doors: Doors, prefix: str = "", *, v1: bool = True) -> None:
    """`prefix`: the path of the URL given out with tokens. Without `v1` clients use v0, as Firefox always does."""
    app.on_response_prepare.extend((_add_cors, tell_alone))
    for version, path in ((Version.V0, "/rtc"), (Version.V1, "/rtc/v1")):
        if version is Version.V1 and not v1:
            continue
        app.router.add_get(prefix + path, _door(doors, version))
        app.router.add_get(f"{prefix}{path}/validate", _validate(doors, version))
        app.router.add_options(f"{prefix}{path}/validate", preflight)


async def _add_cors(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in CORS.items():
        response.headers.setdefault(name, value)


async def preflight(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=200)


def _needs_v0(version: Version, request: web.Request) -> bool:
    """Firefox (not its name on iOS, `FxiOS`) loses pictures and voices for good whose packets come before it has taken
    in the description that names them, and in v1 nobody tells us when it has (ADR 35).
    """
    return version is Version.V1 and "Firefox/" in request.headers.get(hdrs.USER_AGENT, "")


def _asked(doors: Doors, version: Version, request: web.Request) -> tuple[Joining, Claims] | Shut:
    if _needs_v0(version, request):
        return Shut(404, _NO_VERSION)
    try:
        joining = read_joining(version, request.query, request.headers.get("Authorization", ""))
    except BadJoin as bad:
        doors.count(f"join_{bad.wrong.name.lower()}")
        return Shut(401 if bad.wrong is Wrong.NO_TOKEN else 400, bad.wrong.value)
    looked = doors.look(joining)
    if isinstance(looked, Shut):
        doors.count(f"join_{looked.why or looked.status}")
        return looked
    return joining, looked


def _validate(doors: Doors, version: Version) -> Handler:
    async def validate(request: web.Request) -> web.StreamResponse:
        asked = _asked(doors, version, request)
        if isinstance(asked, Shut):
            return web.Response(status=asked.status, text=asked.text)
        return web.Response(text="success")

    return validate


def _door(doors: Doors, version: Version) -> Handler:
    async def door(request: web.Request) -> web.StreamResponse:
        asked = _asked(doors, version, request)
        if isinstance(asked, Shut):
            return web.Response(status=asked.status, text=asked.text)
        if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
            return web.Response(status=426, text=_NO_WEBSOCKET)
        if (shut := doors.greet(asked[1])) is not None:
            doors.count("join_too_often")
            return web.Response(status=shut.status, text=shut.text)
        socket = Socket()
        try:
            await socket.prepare(request)
        except web.HTTPBadRequest:  # one of a version or with a key that there is not
            return web.Response(status=426, text=_NO_WEBSOCKET)
        await doors.serve(socket, *asked)
        return socket

    return door
