"""Tokens of the calls server: LiveKit's JWT, with our claims beside its grants. Pure; seconds since 1970 come in.

MSC4195 moves minting into the homeserver; then this file goes, and nothing else here.
"""

from __future__ import annotations

import base64
import enum
import json
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from attrs import field, frozen

from media.access.claims import EVERYTHING, Claims, Leave, Member, Source
from media.ids import Identity, RoomName

ALGORITHM = "HS256"
#: Seconds, as lk-jwt-service. A call that lasts longer is handed fresh ones.
LIVES_S = 3600
#: Seconds that the clocks of two machines may differ; LiveKit's own.
LEEWAY_S = 60
#: Characters. Ours have about 900; another service's may carry metadata.
MOST_CHARS = 16_384

#: PyJWT would read the clock itself.
_OPTIONS: Any = {
    "require": ["exp"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}


class BadToken(enum.Enum):
    """Why a token opens nothing; HTTP answers 401. The values are stable: counted, tested."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"
    EXPIRED = "expired"
    TOO_EARLY = "too_early"


@frozen
class Key:
    """A pair as LiveKit's clients and services are given it."""

    name: str
    secret: str = field(repr=False)


def mint(claims: Claims, keys: Sequence[Key], now: float, lives_s: float = LIVES_S) -> str:
    """A token signed with the first key; `claims.expires_at` is not looked at."""
    payload: dict[str, Any] = {
        "iss": keys[0].name,
        "sub": claims.identity,
        "nbf": int(now),
        "exp": int(now + lives_s),
        "video": _video(claims),
    }
    for name in ("name", "metadata", "sha256"):
        if getattr(claims, name):
            payload[name] = getattr(claims, name)
    if claims.attributes:
        payload["attributes"] = dict(claims.attributes)
    if claims.member is not None:
        payload["sferum"] = _sferum(claims.member)
    return jwt.encode(payload, keys[0].secret, ALGORITHM)


def verify(token: str, keys: Sequence[Key], now: float) -> Claims | BadToken:
    """What a token says, if one of our keys signed it and it holds at `now`."""
    if len(token) > MOST_CHARS:
        return BadToken.MALFORMED
    try:
        issuer = _issuer(token)
        key = next((one for one in keys if one.name == issuer), None)
        if key is None:
            return BadToken.UNKNOWN_KEY
        payload = jwt.decode(token, key.secret, algorithms=[ALGORITHM], options=_OPTIONS)
        expires_at, begins_at = float(payload["exp"]), float(payload.get("nbf", 0))
        claims = _claims(payload, expires_at)
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        return BadToken.FORGED
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        return BadToken.MALFORMED
    if not now <= expires_at + LEEWAY_S:  # also when it is no number
        return BadToken.EXPIRED
    return claims if now >= begins_at - LEEWAY_S else BadToken.TOO_EARLY


def _issuer(token: str) -> object:
    """Whose key it claims to be signed with; the rest of it, and whether it is, PyJWT looks at: once, as that is dear.

    Raises:
        ValueError, RecursionError: it is no token.
    """
    body = token.partition(".")[2].partition(".")[0]
    payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    if not isinstance(payload, dict):
        raise ValueError("payload")  # noqa: TRY004 (the token's fault, not the caller's)
    return payload.get("iss")


def _video(claims: Claims) -> dict[str, Any]:
    video: dict[str, Any] = {
        "roomCreate": claims.create,  # written even if False: clients read it
        "roomJoin": claims.join,
        "room": claims.room,
        "canPublish": bool(claims.sources),
        "canSubscribe": claims.can_subscribe,
        "canPublishData": claims.can_publish_data,
        "canUpdateOwnMetadata": claims.can_update_own_metadata,
    }
    if claims.sources and claims.sources != EVERYTHING:  # an empty list would mean everything
        video["canPublishSources"] = sorted(one.value for one in claims.sources)
    rare = {
        "roomList": claims.list_rooms,
        "roomAdmin": claims.admin,
        "hidden": claims.hidden,
    }
    return video | {name: True for name, given in rare.items() if given}


def _sferum(member: Member) -> dict[str, Any]:
    found: dict[str, Any] = {
        "room_id": member.room_id,
        "user_id": member.user_id,
        "org_id": member.org_id,
        "roles": sorted(member.roles),
        "host": member.host,
        "muted_on_entry": member.muted_on_entry,
        "limit": member.limit,
        "may_start": member.may_start,
        "waits": member.waits,
        "one_share": member.one_share,
    }
    if member.leave is not None:
        found["leave"] = {"id": member.leave.delay_id, "timeout_ms": member.leave.timeout_ms}
    return found


def _claims(payload: Mapping[str, Any], expires_at: float) -> Claims:
    """Raises ValueError for a field of another kind; unknown fields and sources are ignored."""
    video = _of(dict, payload, "video", {})
    attributes = _of(dict, payload, "attributes", {})
    if not all(isinstance(one, str) for pair in attributes.items() for one in pair):
        raise ValueError("attributes")
    ours = _of(dict, payload, "sferum", None)
    return Claims(
        identity=Identity(_of(str, payload, "sub", "")),
        name=_of(str, payload, "name", ""),
        metadata=_of(str, payload, "metadata", ""),
        attributes=attributes,
        room=RoomName(_of(str, video, "room", "")),
        join=_of(bool, video, "roomJoin", False),
        create=_of(bool, video, "roomCreate", False),
        list_rooms=_of(bool, video, "roomList", False),
        admin=_of(bool, video, "roomAdmin", False),
        sources=_sources(video),
        can_subscribe=_of(bool, video, "canSubscribe", True),
        can_publish_data=_of(bool, video, "canPublishData", _of(bool, video, "canPublish", True)),
        can_update_own_metadata=_of(bool, video, "canUpdateOwnMetadata", False),
        hidden=_of(bool, video, "hidden", False),
        member=None if ours is None else _member(ours),
        sha256=_of(str, payload, "sha256", ""),
        expires_at=expires_at,
    )


def _sources(video: Mapping[str, Any]) -> frozenset[Source]:
    """LiveKit's rule: a list that is not empty says which; without one, all or nothing."""
    listed = _of(list, video, "canPublishSources", [])
    if listed:
        return frozenset(one for one in Source if one.value in listed)
    return EVERYTHING if _of(bool, video, "canPublish", True) else frozenset()


def _member(ours: Mapping[str, Any]) -> Member:
    leave = _of(dict, ours, "leave", None)
    return Member(
        room_id=_of(str, ours, "room_id", ""),
        user_id=_of(str, ours, "user_id", ""),
        org_id=_of(str, ours, "org_id", ""),
        roles=frozenset(map(str, _of(list, ours, "roles", []))),
        host=_of(bool, ours, "host", False),
        muted_on_entry=_of(bool, ours, "muted_on_entry", False),
        limit=_of(int, ours, "limit", 100),
        may_start=_of(bool, ours, "may_start", True),
        waits=_of(bool, ours, "waits", False),
        one_share=_of(bool, ours, "one_share", True),
        leave=None
        if leave is None
        else Leave(_of(str, leave, "id", ""), _of(int, leave, "timeout_ms", 0)),
    )


def _of(kind: type[Any], where: Mapping[str, Any], name: str, default: Any) -> Any:
    """A field of this kind; absent or null is the default."""
    value = where.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise ValueError(name)  # noqa: TRY004 (the token's fault, not the caller's)
    return value
