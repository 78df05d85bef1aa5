"""LiveKit's RoomService over Twirp: what services with a key of ours may ask (calls.md §2.7).

`POST {prefix}/twirp/livekit.RoomService/{Method}`, protobuf or JSON, answered in the same. Errors are JSON
`{"code", "msg"}` with Twirp's HTTP status.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from attrs import frozen
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from livekit.protocol import room

from media.access.claims import Claims
from media.access.tokens import BadToken, verify
from media.ids import RoomName
from media.signal import room_service
from media.signal.http import preflight
from media.signal.node import Node
from media.signal.room_service import Failed

logger = logging.getLogger(__name__)

#: Bytes. SendData carries 64 kB at most, base64 in JSON.
MAX_BODY = 256 * 1024
PROTOBUF, JSON = "application/protobuf", "application/json"
#: Twirp's codes (twitchtv.github.io/twirp/docs/errors.html) and their HTTP statuses.
STATUS: Mapping[str, int] = {
    "bad_route": 404,
    "malformed": 400,
    "invalid_argument": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "already_exists": 409,
    "failed_precondition": 412,
    "resource_exhausted": 429,
    "unimplemented": 501,
}


def _creates(claims: Claims, _request: Any) -> bool:
    return claims.create


def _lists(claims: Claims, _request: Any) -> bool:
    return claims.list_rooms


def _administers(claims: Claims, request: Any) -> bool:
    return claims.may_administer(RoomName(request.room))


@frozen
class Method:
    """`allowed`: which grant opens it."""

    request: type[Message]
    allowed: Callable[[Claims, Any], bool]
    answer: Callable[[Node, Any], Message]


METHODS: Mapping[str, Method] = {
    "CreateRoom": Method(room.CreateRoomRequest, _creates, room_service.create_room),
    "ListRooms": Method(room.ListRoomsRequest, _lists, room_service.list_rooms),
    "DeleteRoom": Method(room.DeleteRoomRequest, _creates, room_service.delete_room),
    "ListParticipants": Method(
        room.ListParticipantsRequest, _administers, room_service.list_participants
    ),
    "GetParticipant": Method(
        room.RoomParticipantIdentity, _administers, room_service.get_participant
    ),
    "RemoveParticipant": Method(
        room.RoomParticipantIdentity, _administers, room_service.remove_participant
    ),
    "MutePublishedTrack": Method(
        room.MuteRoomTrackRequest, _administers, room_service.mute_published_track
    ),
    "UpdateParticipant": Method(
        room.UpdateParticipantRequest, _administers, room_service.update_participant
    ),
    "UpdateSubscriptions": Method(
        room.UpdateSubscriptionsRequest, _administers, room_service.update_subscriptions
    ),
    "SendData": Method(room.SendDataRequest, _administers, room_service.send_data),
    "UpdateRoomMetadata": Method(
        room.UpdateRoomMetadataRequest, _administers, room_service.update_room_metadata
    ),
}
#: LiveKit has them, we do not: `unimplemented`, so that a caller knows it is not a misspelt word.
MISSING = frozenset({"ForwardParticipant", "MoveParticipant", "PerformRpc"})


def add_routes(app: web.Application, node: Node, prefix: str = "") -> None:
    """Beside the doors of signalling, whose CORS covers these answers too."""
    path = prefix + "/twirp/{service}/{method}"

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await _answer(node, request)
        except Failed as failed:
            return web.json_response(
                {"code": failed.code, "msg": failed.message}, status=STATUS[failed.code]
            )

    app.router.add_post(path, answer)
    app.router.add_options(path, preflight)


async def _answer(node: Node, request: web.Request) -> web.StreamResponse:
    name = request.match_info["method"]
    if request.match_info["service"] != "livekit.RoomService" or (
        name not in METHODS and name not in MISSING
    ):
        raise Failed("bad_route", f"no handler for {name[:64]}")
    claims = _claims(node, request)
    if name in MISSING:
        raise Failed("unimplemented", f"{name} is not served here")
    method = METHODS[name]
    asked = await read(method.request(), request)
    if not method.allowed(claims, asked):
        raise Failed("permission_denied", "permissions denied")
    answer = method.answer(node, asked)
    logger.info("room service method=%s by=%s", name, claims.identity or "service")
    if request.content_type == JSON:
        return web.Response(body=json_format.MessageToJson(answer, indent=None), content_type=JSON)
    return web.Response(body=answer.SerializeToString(), content_type=PROTOBUF)


def _claims(node: Node, request: web.Request) -> Claims:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Failed("unauthenticated", "no token")
    claims = verify(token.strip(), node.services.keys, node.services.wall())
    if isinstance(claims, BadToken):
        raise Failed("unauthenticated", f"invalid token: {claims.value}")
    return claims


async def read(message: Message, request: web.Request) -> Message:
    """The body as `message`; also asked by a node that passes a request on (media/cluster).

    Raises:
        Failed: too large, or not readable.
    """
    if request.content_type not in {PROTOBUF, JSON}:
        raise Failed(
            "bad_route", "Content-Type is neither application/json nor application/protobuf"
        )
    if (request.content_length or 0) > MAX_BODY:
        raise Failed("resource_exhausted", "body is too large")
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Failed("resource_exhausted", "body is too large") from None
    if len(body) > MAX_BODY:
        raise Failed("resource_exhausted", "body is too large")
    try:
        if request.content_type == JSON:
            json_format.ParseDict(
                json.loads(body or b"{}"),
                message,
                ignore_unknown_fields=True,
                max_recursion_depth=20,
            )
        else:
            message.ParseFromString(body)
    except (
        DecodeError,
        json_format.ParseError,
        ValueError,
        RecursionError,
        AttributeError,
        TypeError,
    ):
        raise Failed("malformed", "the body cannot be read") from None
    return message
