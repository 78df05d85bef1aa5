"""What a client asks for when it opens `/rtc` (v0) or `/rtc/v1`: query and header to one value. Pure."""

from __future__ import annotations

import base64
import binascii
import enum
import zlib
from collections.abc import Mapping

from attrs import field
from google.protobuf.message import DecodeError
from livekit.protocol import rtc

from media.frozen import frozen

#: Bytes of a join request after inflating: 100 sections are 579 kB (calls.md §4), and a little more to spare.
MAX_JOIN_REQUEST = 1_500_000
MAX_TOKEN = 8_192


class Version(enum.Enum):
    V0 = 0  # two peer connections: publisher and subscriber
    V1 = 1  # one


class Wrong(enum.Enum):
    """Why a request to join could not be read. Stable: counted and tested."""

    NO_TOKEN = "no permissions to access the room"  # noqa: S105 -- LiveKit's sentence, no password
    NO_JOIN_REQUEST = "join_request is missing"
    BAD_JOIN_REQUEST = "join_request cannot be read"
    TOO_LARGE = "join_request is too large"


class BadJoin(Exception):
    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong.value)
        self.wrong = wrong


@frozen(kw_only=True)
class Joining:
    """Attributes:

    token: LiveKit's JWT, not yet checked.
    adaptive_stream: the client says which sizes it shows; until then it is sent the lowest layer.
    reconnect_sid: the PA_ sid it had; "" when it joins anew.
    offer: v1 only: the client's first offer, where it made one already (Chromium, libwebrtc).
    add_tracks: v1 only: what it publishes at once.
    """

    version: Version
    token: str = field(repr=False)
    auto_subscribe: bool = True
    adaptive_stream: bool = False
    reconnect_sid: str = ""
    offer: rtc.SessionDescription | None = field(default=None, repr=False)
    add_tracks: tuple[rtc.AddTrackRequest, ...] = field(default=(), repr=False)
    sync_state: rtc.SyncState | None = field(default=None, repr=False)


def read_joining(version: Version, query: Mapping[str, str], authorization: str) -> Joining:
    """The request to join in a URL's query and the Authorization header ("" without one).

    Raises:
        BadJoin: it cannot be read.
    """
    token = _token(query, authorization)
    return _read_v0(token, query) if version is Version.V0 else _read_v1(token, query)


def _token(query: Mapping[str, str], authorization: str) -> str:
    scheme, _, bearer = authorization.partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else query.get("access_token", "")
    if not token or len(token) > MAX_TOKEN:
        raise BadJoin(Wrong.NO_TOKEN)
    return token


def _yes(query: Mapping[str, str], name: str, default: bool = False) -> bool:
    return query[name] in ("1", "true") if name in query else default


def _read_v0(token: str, query: Mapping[str, str]) -> Joining:
    return Joining(
        version=Version.V0,
        token=token,
        auto_subscribe=_yes(query, "auto_subscribe", default=True),
        adaptive_stream=_yes(query, "adaptive_stream"),
        reconnect_sid=query.get("sid", "") if _yes(query, "reconnect") else "",
    )


def _read_v1(token: str, query: Mapping[str, str]) -> Joining:
    if not (packed := query.get("join_request", "")):
        raise BadJoin(Wrong.NO_JOIN_REQUEST)
    request = _unpack(packed)
    settings = request.connection_settings
    return Joining(
        version=Version.V1,
        token=token,
        auto_subscribe=settings.auto_subscribe,
        adaptive_stream=settings.adaptive_stream,
        reconnect_sid=request.participant_sid if request.reconnect else "",
        offer=request.publisher_offer if request.publisher_offer.sdp else None,
        add_tracks=tuple(request.add_track_requests),
        sync_state=request.sync_state if request.HasField("sync_state") else None,
    )


def _unpack(packed: str) -> rtc.JoinRequest:
    """Base64url, then maybe gzip: stopped at `MAX_JOIN_REQUEST` bytes, whatever a bomb still holds."""
    if len(packed) > MAX_JOIN_REQUEST:
        raise BadJoin(Wrong.TOO_LARGE)
    wrapped, request = rtc.WrappedJoinRequest(), rtc.JoinRequest()
    try:
        wrapped.ParseFromString(
            base64.b64decode(packed + "=" * (-len(packed) % 4), b"-_", validate=True)
        )
        body = wrapped.join_request
        if wrapped.compression == rtc.WrappedJoinRequest.GZIP:
            unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            body = unzip.decompress(body, MAX_JOIN_REQUEST)
            if unzip.unconsumed_tail:
                raise BadJoin(Wrong.TOO_LARGE)
        request.ParseFromString(body)
    except (binascii.Error, ValueError, DecodeError, zlib.error):
        raise BadJoin(Wrong.BAD_JOIN_REQUEST) from None
    return request
