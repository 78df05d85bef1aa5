"""LiveKit's requests as our events, on their way in: limits are kept here, rights by the room. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from livekit.protocol import models, rtc

from media.access.claims import Claims
from media.access.claims import Source as Granted
from media.forwarder.api import Kind, Layer
from media.ids import Identity, ParticipantSid, TrackSid
from media.room import events
from media.room.model import Grants, Person, Source, Track, TrackCodec, VideoLayer

#: Sids in one request: a room of 100 with four tracks each.
MAX_SIDS = 500
#: Codecs and layers that one AddTrack may announce.
MAX_CODECS, MAX_LAYERS = 4, 4
MAX_TEXT = 512

_SOURCES: Mapping[int, Source] = {
    0: Source.UNKNOWN,
    1: Source.CAMERA,
    2: Source.MICROPHONE,
    3: Source.SCREEN,
    4: Source.SCREEN_AUDIO,
}
_GRANTED: Mapping[Granted, Source] = {
    Granted.CAMERA: Source.CAMERA,
    Granted.MICROPHONE: Source.MICROPHONE,
    Granted.SCREEN_SHARE: Source.SCREEN,
    Granted.SCREEN_SHARE_AUDIO: Source.SCREEN_AUDIO,
}


def joined(
    sid: ParticipantSid, claims: Claims, *, auto_subscribe: bool, adaptive_stream: bool
) -> events.Joined:
    """What the token says of who joins."""
    member = claims.member
    return events.Joined(
        sid=sid,
        identity=claims.identity,
        grants=grants(claims),
        person=Person(member.user_id) if member is not None and member.user_id else None,
        name=claims.name,
        metadata=claims.metadata,
        attributes=claims.attributes,
        auto_subscribe=auto_subscribe,
        adaptive_stream=adaptive_stream,
    )


def grants(claims: Claims) -> Grants:
    """With every source granted, a track without one is welcome too: SDKs publish such."""
    sources = {_GRANTED[one] for one in claims.sources}
    if sources == set(_GRANTED.values()):
        sources.add(Source.UNKNOWN)
    member = claims.member
    return Grants(
        host=member is not None and member.host,
        staff=member is not None and member.staff,
        may_publish=frozenset(sources),
        may_subscribe=claims.can_subscribe,
        may_send_data=claims.can_publish_data,
        may_update_metadata=claims.can_update_own_metadata,
        muted_on_entry=member is not None and member.muted_on_entry,
        hidden=claims.hidden,
        may_start=member is None or member.may_start,
        waits=member is not None and member.waits,
    )


def new_track(sid: TrackSid, publisher: ParticipantSid, request: rtc.AddTrackRequest) -> Track:
    codecs = tuple(
        TrackCodec(
            mime_type=_mime(request.type, one.codec),
            cid=one.cid[:MAX_TEXT],
            layers=_layers(one.layers),
        )
        for one in request.simulcast_codecs[:MAX_CODECS]
    )
    layers = _layers(request.layers) or (codecs[0].layers if codecs else ())
    return Track(
        sid=sid,
        publisher=publisher,
        cid=request.cid[:MAX_TEXT],
        kind=Kind.AUDIO if request.type == models.TrackType.AUDIO else Kind.VIDEO,
        source=_SOURCES.get(request.source, Source.UNKNOWN),
        name=request.name[:MAX_TEXT],
        muted=request.muted,
        width=request.width,
        height=request.height,
        mime_type=codecs[0].mime_type if codecs else "",
        stream=request.stream[:MAX_TEXT],
        simulcast=len(layers) > 1,
        layers=layers,
        codecs=codecs,
        stereo=request.stereo,
        disable_dtx=request.disable_dtx,
        disable_red=request.disable_red,
        encryption=request.encryption if request.encryption in (0, 1, 2) else 0,
        audio_features=tuple(
            one for one in request.audio_features[:8] if one in models.AudioTrackFeature.values()
        ),
        backup_codec_policy=request.backup_codec_policy
        if request.backup_codec_policy in models.BackupCodecPolicy.values()
        else 0,
    )


def _mime(kind: int, codec: str) -> str:
    if not codec:
        return ""
    name = codec if kind == models.TrackType.AUDIO else codec.upper()
    return (
        codec
        if "/" in codec
        else f"{'audio' if kind == models.TrackType.AUDIO else 'video'}/{name}"
    )


def _layer(quality: int) -> Layer | None:
    """None for OFF, and for whatever number a client makes up."""
    return Layer(quality) if Layer.LOW <= quality <= Layer.HIGH else None


def _layers(layers: Iterable[models.VideoLayer]) -> tuple[VideoLayer, ...]:
    found: dict[Layer, VideoLayer] = {}
    for one in list(layers)[:MAX_LAYERS]:
        if (layer := _layer(one.quality)) is not None:
            found[layer] = VideoLayer(
                layer=layer,
                width=one.width,
                height=one.height,
                bitrate_bps=one.bitrate,
                rid=one.rid[:MAX_TEXT],
            )
    return tuple(found[layer] for layer in sorted(found))


def subscription(
    by: ParticipantSid, request: rtc.UpdateSubscription
) -> events.Subscribe | events.Unsubscribe:
    sids = [*request.track_sids]
    for one in request.participant_tracks[:MAX_SIDS]:
        sids += one.track_sids
    tracks = _sids(sids)
    return events.Subscribe(by, tracks) if request.subscribe else events.Unsubscribe(by, tracks)


def track_settings(by: ParticipantSid, request: rtc.UpdateTrackSettings) -> events.TrackSettings:
    """LiveKit's clients send `quality` or a size, never both; LOW is the default value of the field."""
    sized = request.width > 0 and request.height > 0
    return events.TrackSettings(
        by=by,
        tracks=_sids(request.track_sids),
        disabled=request.disabled,
        quality=None if sized else _layer(request.quality),
        width=request.width,
        height=request.height,
        fps=request.fps,
        priority=request.priority,
    )


def subscription_permission(
    by: ParticipantSid,
    request: rtc.SubscriptionPermission,
    identity_of: Mapping[ParticipantSid, Identity],
) -> events.SubscriptionPermission:
    """`identity_of`: participants in the room; old clients name sids."""
    tracks: dict[Identity, frozenset[TrackSid] | None] = {}
    for one in request.track_permissions[:MAX_SIDS]:
        identity = Identity(one.participant_identity) or identity_of.get(
            ParticipantSid(one.participant_sid)
        )
        if identity:
            tracks[identity] = None if one.all_tracks else frozenset(_sids(one.track_sids))
    return events.SubscriptionPermission(by=by, everyone=request.all_participants, tracks=tracks)


def metadata(by: ParticipantSid, request: rtc.UpdateParticipantMetadata) -> events.MetadataChanged:
    """An empty name or metadata means "not changed" on the wire, as LiveKit reads it."""
    return events.MetadataChanged(
        by=by,
        request_id=request.request_id,
        name=request.name or None,
        metadata=request.metadata or None,
        attributes=dict(request.attributes),
    )


def received(state: rtc.SyncState) -> Mapping[ParticipantSid, int]:
    return {
        ParticipantSid(one.publisher_sid): one.last_seq
        for one in state.datachannel_receive_states[:MAX_SIDS]
    }


def _sids(sids: Iterable[str]) -> tuple[TrackSid, ...]:
    return tuple(TrackSid(one) for one in dict.fromkeys(sids) if 0 < len(one) <= 64)[:MAX_SIDS]
