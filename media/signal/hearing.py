"""What each of LiveKit's requests leads to. One that is not in the table is a newer client's: counted, ignored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

from media.ids import TrackSid
from media.room import events
from media.room.model import LeaveReason
from media.signal import requests

if TYPE_CHECKING:
    from media.signal.client import Client

#: How a track's sid begins, as LiveKit has it; `media/pages/static/buttons.js` reads it.
SIDS: Mapping[int, str] = {
    models.MICROPHONE: "TR_AM",
    models.CAMERA: "TR_VC",
    models.SCREEN_SHARE: "TR_VS",
    models.SCREEN_SHARE_AUDIO: "TR_AS",
}


def hear(client: Client, request: rtc.SignalRequest) -> None:
    kind = request.WhichOneof("message") or ""
    answer = _REQUESTS.get(kind)
    if answer is None:
        client.services.wrong[f"request_{kind}"] += 1
    else:
        answer(client, request)


def add_track(client: Client, request: rtc.AddTrackRequest) -> None:
    if request.sid:
        _another_codec(client, request)
        return
    sid = TrackSid(client.services.sid(SIDS.get(request.source, "TR_")))
    client.place.handle(events.TrackAdded(requests.new_track(sid, client.sid, request)))


def _another_codec(client: Client, request: rtc.AddTrackRequest) -> None:
    """A track again in a second ("backup") codec: we never ask for one, so its section is nobody's."""
    client.negotiation.publications.refuse(request.cid)
    client.services.wrong["another_codec"] += 1
    refused = rtc.AddTrackRequest(cid=request.cid, sid=request.sid)
    answer = rtc.RequestResponse(reason="UNSUPPORTED_TYPE", add_track=refused)
    client.tell(rtc.SignalResponse(request_response=answer))


def synced(client: Client, state: rtc.SyncState) -> None:
    client.place.handle(events.Synced(client.sid, requests.received(state)))


def _mute(client: Client, request: rtc.MuteTrackRequest) -> None:
    client.place.handle(events.Muted(client.sid, TrackSid(request.sid), request.muted))


def _ping(client: Client, request: rtc.Ping) -> None:
    pong = rtc.Pong(
        last_ping_timestamp=request.timestamp, timestamp=int(client.services.wall() * 1000)
    )
    client.tell(rtc.SignalResponse(pong_resp=pong))


def _permission(client: Client, request: rtc.SubscriptionPermission) -> None:
    known = client.place.identities()
    client.place.handle(requests.subscription_permission(client.sid, request, known))


def _unsupported(client: Client) -> None:
    """Data tracks and blobs (calls.md §2.6): the client is told, and does without."""
    answer = rtc.RequestResponse(reason="UNSUPPORTED_TYPE")
    client.tell(rtc.SignalResponse(request_response=answer))


def _nothing(_client: Client, _request: rtc.SignalRequest) -> None:
    """Candidates: the client comes to us (ICE-lite). Layers: AddTrack has them. Features: nobody shows them."""


_REQUESTS: Mapping[str, Callable[[Client, rtc.SignalRequest], None]] = {
    "offer": lambda c, r: c.offered(r.offer),
    "answer": lambda c, r: c.answered(r.answer),
    "trickle": _nothing,
    "add_track": lambda c, r: add_track(c, r.add_track),
    "mute": lambda c, r: _mute(c, r.mute),
    "subscription": lambda c, r: c.place.handle(requests.subscription(c.sid, r.subscription)),
    "track_setting": lambda c, r: c.place.handle(requests.track_settings(c.sid, r.track_setting)),
    "leave": lambda c, _: c.place.handle(events.Left(c.sid, LeaveReason.CLIENT_INITIATED)),
    "update_layers": _nothing,
    "subscription_permission": lambda c, r: _permission(c, r.subscription_permission),
    "sync_state": lambda c, r: synced(c, r.sync_state),
    "ping": lambda c, r: c.tell(rtc.SignalResponse(pong=r.ping)),
    "ping_req": lambda c, r: _ping(c, r.ping_req),
    "update_metadata": lambda c, r: c.place.handle(requests.metadata(c.sid, r.update_metadata)),
    "update_audio_track": _nothing,
    "update_video_track": _nothing,
    "publish_data_track_request": lambda c, _: _unsupported(c),
    "store_data_blob_request": lambda c, _: _unsupported(c),
    "get_data_blob_request": lambda c, _: _unsupported(c),
}
