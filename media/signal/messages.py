"""Our values as LiveKit's messages, on their way out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import field, frozen
from livekit.protocol import models, rtc

from media.forwarder.api import Codec, Layer
from media.room import messages
from media.room.model import (
    LeaveReason,
    Participant,
    Permission,
    Refusal,
    RoomInfo,
    Source,
    State,
    Track,
    TrackCodec,
    VideoLayer,
)

#: Clients judge features by it (calls.md §2.2): what LiveKit could do at 1.11 is what this server can.
SERVER_VERSION = "1.11.0"
PROTOCOL = 16
#: Seconds: how often a client pings, and when it gives up. The Python SDK makes a timer of the first: never 0.
PING_INTERVAL_S, PING_TIMEOUT_S = 5, 15
#: The first video codec is what browsers fall back to: VP8, whose layers we can switch.
CODECS = (Codec.OPUS, Codec.VP8, Codec.H264, Codec.VP9, Codec.AV1)

SOURCES: Mapping[Source, str] = {
    Source.UNKNOWN: "UNKNOWN",
    Source.CAMERA: "CAMERA",
    Source.MICROPHONE: "MICROPHONE",
    Source.SCREEN: "SCREEN_SHARE",
    Source.SCREEN_AUDIO: "SCREEN_SHARE_AUDIO",
}
#: RequestResponse.Reason of each refusal; the refusal's own word goes into `message`.
REASONS: Mapping[Refusal, str] = {
    Refusal.NOT_FOUND: "NOT_FOUND",
    Refusal.TOO_MANY_TRACKS: "LIMIT_EXCEEDED",
    Refusal.TOO_LARGE: "LIMIT_EXCEEDED",
    Refusal.DUPLICATE: "INVALID_REQUEST",
}


@frozen(kw_only=True)
class NodeFacts:
    """What a JoinResponse says of the node.

    Attributes:
        relays: TURN servers with a fresh password each time.
        sif_trailer: random, marks frames a server would inject.
    """

    node_id: str = "sferum"
    region: str = ""
    relays: Callable[[], tuple[rtc.ICEServer, ...]] = field(default=tuple, repr=False)
    sif_trailer: bytes = b"sferum"

    @property
    def server_info(self) -> models.ServerInfo:
        return models.ServerInfo(
            edition="Standard",
            version=SERVER_VERSION,
            protocol=PROTOCOL,
            region=self.region,
            node_id=self.node_id,
        )


def welcome(
    message: messages.Welcome, facts: NodeFacts, *, others: bytes, subscriber_primary: bool
) -> rtc.SignalResponse:
    """`others`: a JoinResponse of nothing but those who are there, written."""
    response = rtc.SignalResponse(
        join=rtc.JoinResponse(
            room=room(message.room),
            participant=participant(message.participant),
            server_version=SERVER_VERSION,
            ice_servers=facts.relays(),
            subscriber_primary=subscriber_primary,
            client_configuration=models.ClientConfiguration(resume_connection="ENABLED"),
            server_region=facts.region,
            ping_timeout=PING_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            server_info=facts.server_info,
            sif_trailer=facts.sif_trailer,
            enabled_publish_codecs=[models.Codec(mime=one.value) for one in CODECS],
            fast_publish=True,
        )
    )
    response.join.MergeFromString(others)
    return response


def reconnected(message: messages.Reconnected, facts: NodeFacts) -> rtc.SignalResponse:
    return rtc.SignalResponse(
        reconnect=rtc.ReconnectResponse(
            ice_servers=facts.relays(),
            client_configuration=models.ClientConfiguration(resume_connection="ENABLED"),
            server_info=facts.server_info,
            last_message_seq=message.last_message,
        )
    )


def layers_wanted(message: messages.LayersWanted, mime_types: Iterable[str]) -> rtc.SignalResponse:
    """Dynacast: old clients read `subscribed_qualities`, newer ones each codec's (calls.md §2.6)."""
    qualities = [
        rtc.SubscribedQuality(quality=layer.name, enabled=layer in message.layers)
        for layer in Layer
    ]
    codecs = [
        rtc.SubscribedCodec(codec=mime.partition("/")[2].lower(), qualities=qualities)
        for mime in mime_types
    ]
    return rtc.SignalResponse(
        subscribed_quality_update=rtc.SubscribedQualityUpdate(
            track_sid=message.track, subscribed_qualities=qualities, subscribed_codecs=codecs
        )
    )


def response(message: messages.Message) -> rtc.SignalResponse:
    """Every message that needs nothing of the node.

    Raises:
        KeyError: one of those above, ParticipantsChanged (`People.news`), or ServerData, which is no signal. A bug.
    """
    return rtc.SignalResponse(**{_FIELDS[type(message)]: _MAKERS[type(message)](message)})


def participant(one: Participant) -> models.ParticipantInfo:
    return models.ParticipantInfo(
        sid=one.sid,
        identity=one.identity,
        state=_STATES[one.state],
        tracks=[track(each) for each in one.tracks],
        metadata=one.metadata,
        joined_at=int(one.joined_at),
        joined_at_ms=int(one.joined_at * 1000),
        name=one.name,
        version=one.version,
        permission=permission(one.permission),
        is_publisher=bool(one.tracks),
        kind="STANDARD",
        attributes=one.attributes,
        disconnect_reason=_reason(one.left) if one.left is not None else None,
    )


def permission(one: Permission) -> models.ParticipantPermission:
    """An empty `can_publish_sources` means every source to clients, so it is left out only then."""
    every = one.sources >= {source for source in Source if source is not Source.UNKNOWN}
    return models.ParticipantPermission(
        can_subscribe=one.can_subscribe,
        can_publish=one.can_publish,
        can_publish_data=one.can_publish_data,
        can_publish_sources=[]
        if every
        else sorted(SOURCES[source] for source in one.sources if source is not Source.UNKNOWN),
        can_update_metadata=one.can_update_metadata,
        hidden=one.hidden,
    )


def room(one: RoomInfo) -> models.Room:
    return models.Room(
        sid=one.sid,
        name=one.name,
        empty_timeout=int(one.empty_timeout_s),
        departure_timeout=int(one.departure_timeout_s),
        max_participants=one.limit,
        creation_time=int(one.created_at),
        creation_time_ms=int(one.created_at * 1000),
        enabled_codecs=[models.Codec(mime=codec.value) for codec in CODECS],
        metadata=one.metadata,
        num_participants=one.participants,
        num_publishers=one.publishers,
    )


def track(one: Track) -> models.TrackInfo:
    return models.TrackInfo(
        sid=one.sid,
        type=one.kind.name,
        name=one.name,
        muted=one.muted,
        width=one.width,
        height=one.height,
        simulcast=one.simulcast,
        disable_dtx=one.disable_dtx,
        source=SOURCES[one.source],
        layers=[_layer(each) for each in one.layers],
        mime_type=one.mime_type,
        mid=one.mid,
        codecs=[_codec(each, one) for each in one.codecs],
        stereo=one.stereo,
        disable_red=one.disable_red,
        encryption=models.Encryption.Type.Name(one.encryption),
        stream=one.stream,
        audio_features=[models.AudioTrackFeature.Name(each) for each in one.audio_features],
        backup_codec_policy=models.BackupCodecPolicy.Name(one.backup_codec_policy),
    )


def _codec(one: TrackCodec, track: Track) -> models.SimulcastCodecInfo:
    return models.SimulcastCodecInfo(
        mime_type=one.mime_type or track.mime_type,
        mid=track.mid,
        cid=one.cid,
        layers=[_layer(each) for each in one.layers],
    )


def _layer(one: VideoLayer) -> models.VideoLayer:
    return models.VideoLayer(
        quality=one.layer.name,
        width=one.width,
        height=one.height,
        bitrate=one.bitrate_bps,
        spatial_layer=int(one.layer),
        rid=one.rid,
    )


def _reason(one: LeaveReason) -> str:
    name: str = models.DisconnectReason.Name(one.value)
    return name


def _answered(one: messages.RequestAnswered) -> rtc.RequestResponse:
    request: dict[str, Any] = {
        "add_track": rtc.AddTrackRequest(cid=one.cid),
        "mute": rtc.MuteTrackRequest(sid=one.track or ""),
        "update_metadata": rtc.UpdateParticipantMetadata(request_id=one.request_id),
    }
    name = one.request.value
    return rtc.RequestResponse(
        request_id=one.request_id,
        reason="OK" if one.refusal is None else REASONS.get(one.refusal, "NOT_ALLOWED"),
        message="" if one.refusal is None else one.refusal.value,
        **{name: request[name]},
    )


_STATES: Mapping[State, str] = {state: state.name for state in State}
_FIELDS: Mapping[type[Any], str] = {
    messages.RoomChanged: "room_update",
    messages.TrackPublished: "track_published",
    messages.TrackUnpublished: "track_unpublished",
    messages.MuteAsked: "mute",
    messages.SpeakersChanged: "speakers_changed",
    messages.LinksChanged: "connection_quality",
    messages.StreamsChanged: "stream_state_update",
    messages.SubscriptionAllowed: "subscription_permission_update",
    messages.RequestAnswered: "request_response",
    messages.Goodbye: "leave",
}
_MAKERS: Mapping[type[Any], Callable[[Any], Any]] = {
    messages.RoomChanged: lambda m: rtc.RoomUpdate(room=room(m.room)),
    messages.TrackPublished: lambda m: rtc.TrackPublishedResponse(
        cid=m.track.cid, track=track(m.track)
    ),
    messages.TrackUnpublished: lambda m: rtc.TrackUnpublishedResponse(track_sid=m.track),
    messages.MuteAsked: lambda m: rtc.MuteTrackRequest(sid=m.track, muted=m.muted),
    messages.SpeakersChanged: lambda m: rtc.SpeakersChanged(
        speakers=[
            models.SpeakerInfo(sid=one.sid, level=one.level, active=one.active)
            for one in m.speakers
        ]
    ),
    messages.LinksChanged: lambda m: rtc.ConnectionQualityUpdate(
        updates=[
            rtc.ConnectionQualityInfo(
                participant_sid=one.sid, quality=one.quality.name, score=one.score
            )
            for one in m.links
        ]
    ),
    messages.StreamsChanged: lambda m: rtc.StreamStateUpdate(
        stream_states=[
            rtc.StreamStateInfo(
                participant_sid=one.participant,
                track_sid=one.track,
                state="PAUSED" if one.paused else "ACTIVE",
            )
            for one in m.streams
        ]
    ),
    messages.SubscriptionAllowed: lambda m: rtc.SubscriptionPermissionUpdate(
        participant_sid=m.participant, track_sid=m.track, allowed=m.allowed
    ),
    messages.RequestAnswered: _answered,
    messages.Goodbye: lambda m: rtc.LeaveRequest(
        can_reconnect=m.action is not messages.LeaveAction.DISCONNECT,
        reason=_reason(m.reason),
        action=rtc.LeaveRequest.Action.Name(m.action.value),
    ),
}
