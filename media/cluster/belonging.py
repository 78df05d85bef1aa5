"""Which call a request is about, and so which node has to answer it."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from aiohttp import hdrs, web
from attrs import frozen

from media.access.claims import NOWHERE
from media.access.endpoints import DELEGATE
from media.access.refusals import Refused
from media.access.requests import MOST_BYTES, Home, parse_delegation
from media.access.tokens import BadToken, Key, verify
from media.ids import RoomName
from media.signal import twirp
from media.signal.room_service import Failed

#: What comes with a participant's token: signalling, and what hosts ask.
SIGNALLING, HOSTS = "/livekit/sfu/rtc", "/livekit/host/"
DELEGATION = f"/livekit/jwt{DELEGATE}"
TWIRP = "/livekit/sfu/twirp/livekit.RoomService/"


class How(enum.Enum):
    """ENTER: begins the call where there is none. ABOUT: about one that is. EVERY: about the calls of all nodes."""

    ENTER = enum.auto()
    ABOUT = enum.auto()
    EVERY = enum.auto()


@frozen
class Belongs:
    how: How
    room: RoomName = NOWHERE


async def belongs(
    request: web.Request, keys: Sequence[Key], now: float, home: Home
) -> Belongs | None:
    """None: this node answers, if only to refuse. Nothing is refused here. `now`: seconds since 1970."""
    path = request.path
    if path.startswith((SIGNALLING, HOSTS)):
        claims = verify(_token(request), keys, now)
        if isinstance(claims, BadToken) or not claims.may_join:
            return None
        return Belongs(How.ENTER if path.startswith(SIGNALLING) else How.ABOUT, claims.room)
    if request.method != hdrs.METH_POST:
        return None
    if path == DELEGATION:
        if (request.content_length or MOST_BYTES + 1) > MOST_BYTES:
            return None
        asked = parse_delegation(await request.read(), home)
        return None if isinstance(asked, Refused) else Belongs(How.ABOUT, asked.room)
    if path.startswith(TWIRP):
        return await _of_a_service(request, path.removeprefix(TWIRP), keys, now)
    return None


async def _of_a_service(
    request: web.Request, name: str, keys: Sequence[Key], now: float
) -> Belongs | None:
    """A call of a method is passed on as it is: its rights are looked at where it is answered."""
    method = twirp.METHODS.get(name)
    if method is None or isinstance(verify(_token(request), keys, now), BadToken):
        return None
    if name == "ListRooms":
        return Belongs(How.EVERY)
    try:
        asked = await twirp.read(method.request(), request)
    except Failed:
        return None
    if name == "CreateRoom":
        return Belongs(How.ENTER, RoomName(asked.name))
    return Belongs(How.ABOUT, RoomName(asked.room))


def _token(request: web.Request) -> str:
    """The header's before the query's, as the doors have it (`media.signal.joining`)."""
    scheme, _, bearer = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    is_bearer = scheme.lower() == "bearer"
    return bearer.strip() if is_bearer else request.query.get("access_token", "")
