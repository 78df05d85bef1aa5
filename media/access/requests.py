"""What clients ask for, as MSC4195 is deployed (calls.md §5.2). Pure: bytes in, a value or a refusal out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from media.access.claims import Leave
from media.access.hashes import CALL_SLOT, device_identity, member_identity, room_name
from media.access.refusals import Refused, Why
from media.ids import Identity, RoomName

#: Bytes of a body; real ones have about 600.
MOST_BYTES = 16_384
#: Characters of an id (Matrix: 255 bytes) and of an OpenID token or a device's id, where nothing says how many.
MOST_ID = 255
MOST_TOKEN = 1024
#: Milliseconds of a delayed leave. Less: restarting would be a flood; more: Synapse refuses (max_event_delay_duration).
SHORTEST_LEAVE_MS = 5_000
LONGEST_LEAVE_MS = 86_400_000


@frozen
class OpenIdToken:
    """Proves to us who somebody is at their own server."""

    access_token: str = field(repr=False)
    server_name: str


@frozen(kw_only=True)
class Asked:
    """One request, of whichever of the three forms.

    Attributes:
        user_id: claimed; "" in the old form, which claims nobody.
        member_id: "" in the old form, whose identity is a device's.
        leave: to be restarted while they are connected and sent when they are gone.
    """

    openid: OpenIdToken
    room_id: str
    user_id: str = field(default="", repr=False)
    device_id: str = field(repr=False)
    member_id: str = field(default="", repr=False)
    leave: Leave | None = None

    @property
    def room(self) -> RoomName:
        return room_name(self.room_id)

    def identity(self, user_id: str) -> Identity:
        """In the call, once `user_id` is proved."""
        if self.member_id:
            return member_identity(user_id, self.device_id, self.member_id)
        return device_identity(user_id, self.device_id)


@frozen
class Home:
    """Whose delayed events may be handed over: those of our own server.

    Attributes:
        urls: of its client API as clients know it, without a slash at the end. It is never called under an address
            that a client gave.
    """

    server_name: str
    urls: frozenset[str]


def parse_sfu_get(raw: bytes, home: Home) -> Asked | Refused:
    """`POST /sfu/get`, of clients before Matrix 2.0 and of Element Call's ordinary mode."""

    def read(body: _Fields) -> Asked:
        openid = body.openid()
        return Asked(
            openid=openid,
            room_id=body.id("room", "!"),
            device_id=body.text("device_id"),
            leave=body.leave(openid, home),
        )

    return _parsed(raw, read)


def parse_get_token(raw: bytes, home: Home) -> Asked | Refused:
    """`POST /get_token`."""
    return _parsed(raw, lambda body: _member_asks(body, home))


def parse_delegation(raw: bytes, home: Home) -> Asked | Refused:
    """`POST /delegate_delayed_leave`, by somebody who is connected already. `leave` is not None."""

    def read(body: _Fields) -> Asked:
        asked = _member_asks(body, home)
        if asked.leave is None:
            raise _BadField("delay_id")
        return asked

    return _parsed(raw, read)


def _member_asks(body: _Fields, home: Home) -> Asked:
    openid = body.openid()
    if body.text("slot_id") != CALL_SLOT:
        raise _BadField("slot_id")
    member = body.object("member")
    return Asked(
        openid=openid,
        room_id=body.id("room_id", "!"),
        user_id=member.id("claimed_user_id", "@"),
        device_id=member.text("claimed_device_id"),
        member_id=member.text("id"),
        leave=body.leave(openid, home),
    )


class _BadField(Exception):
    """Names the field."""


@frozen
class _Fields:
    """An object of the body; `at` is where it stands in it."""

    raw: Mapping[str, Any]
    at: str = ""

    def text(self, name: str, most: int = MOST_ID) -> str:
        value = self.raw.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= most or not _is_unicode(value):
            raise _BadField(self.at + name)
        return value

    def id(self, name: str, sigil: str) -> str:
        value = self.text(name)
        if not value.startswith(sigil) or len(value) == 1:
            raise _BadField(self.at + name)
        return value

    def object(self, name: str) -> _Fields:
        value = self.raw.get(name)
        if not isinstance(value, dict):
            raise _BadField(self.at + name)
        return _Fields(value, f"{self.at}{name}.")

    def openid(self) -> OpenIdToken:
        """`expires_in` and `token_type` are not looked at: the server that made it decides."""
        given = self.object("openid_token")
        return OpenIdToken(given.text("access_token", MOST_TOKEN), given.text("matrix_server_name"))

    def leave(self, openid: OpenIdToken, home: Home) -> Leave | None:
        """All of delay_* or nothing; a client whose delay is refused asks again without it (calls.md §5.2)."""
        if not any(map(self.raw.get, ("delay_id", "delay_timeout", "delay_cs_api_url"))):
            return None
        delay_id = self.text("delay_id")
        timeout_ms = self.raw.get("delay_timeout")
        if type(timeout_ms) is not int or not SHORTEST_LEAVE_MS <= timeout_ms <= LONGEST_LEAVE_MS:
            raise _BadField("delay_timeout")
        if openid.server_name != home.server_name:
            raise _BadField("delay_id")
        url = self.raw.get("delay_cs_api_url")  # newer drafts have none
        if url and (not isinstance(url, str) or url.rstrip("/") not in home.urls):
            raise _BadField("delay_cs_api_url")
        return Leave(delay_id, timeout_ms)


def _parsed(raw: bytes, read: Callable[[_Fields], Asked]) -> Asked | Refused:
    if len(raw) > MOST_BYTES:
        return Refused(Why.TOO_LARGE)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return Refused(Why.NOT_JSON)
    if not isinstance(body, dict):
        return Refused(Why.NOT_JSON)
    try:
        return read(_Fields(body))
    except _BadField as bad:
        return Refused(Why.BAD_FIELD, str(bad))


def _is_unicode(text: str) -> bool:
    """Half a surrogate pair is JSON, and no text."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)
