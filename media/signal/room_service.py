"""What each method of LiveKit's RoomService does here. Rights were checked by the caller (`twirp`)."""

from __future__ import annotations

from attrs import evolve
from livekit.protocol import models, room

from media.access.claims import Claims, Source
from media.ids import Identity, RoomName, TrackSid
from media.room import events, operations
from media.room.model import LeaveReason, Participant, Refusal, Settings
from media.room.room import View
from media.signal import messages as wire
from media.signal import requests
from media.signal.client import Client
from media.signal.hall import Hall
from media.signal.node import Node

#: Characters of a room's name: ours are 43 (a SHA-256 in base64).
MAX_NAME = 256
#: Bytes of a packet, as for participants (calls.md §3).
MAX_DATA = 64_000
MAX_METADATA = 64_000


class Failed(Exception):
    """`code` is one of Twirp's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def create_room(node: Node, asked: room.CreateRoomRequest) -> models.Room:
    """Or what there already is: creating twice is no error (LiveKit)."""
    if not 0 < len(asked.name) <= MAX_NAME or len(asked.metadata) > MAX_METADATA:
        raise Failed("invalid_argument", "name or metadata is missing or too long")
    hall = node.halls.get(RoomName(asked.name))
    if hall is None:
        if node.draining or node.is_full:
            raise Failed("resource_exhausted", "this node takes no more rooms")
        usual = Settings()
        settings = Settings(
            limit=asked.max_participants or usual.limit,
            empty_timeout_s=asked.empty_timeout or usual.empty_timeout_s,
            departure_timeout_s=asked.departure_timeout or usual.departure_timeout_s,
        )
        hall = node.open_hall(RoomName(asked.name), settings, asked.metadata)
    return wire.room(_view(hall).info)


def list_rooms(node: Node, asked: room.ListRoomsRequest) -> room.ListRoomsResponse:
    names = set(asked.names)
    halls = [one for one in node.halls.values() if not names or one.name in names]
    return room.ListRoomsResponse(rooms=[wire.room(_view(hall).info) for hall in halls])


def delete_room(node: Node, asked: room.DeleteRoomRequest) -> room.DeleteRoomResponse:
    _hall(node, asked.room).handle(events.Closing(LeaveReason.ROOM_DELETED))
    return room.DeleteRoomResponse()


def list_participants(
    node: Node, asked: room.ListParticipantsRequest
) -> room.ListParticipantsResponse:
    people = _people(_hall(node, asked.room))
    return room.ListParticipantsResponse(participants=[wire.participant(one) for one in people])


def get_participant(node: Node, asked: room.RoomParticipantIdentity) -> models.ParticipantInfo:
    return wire.participant(_participant(_hall(node, asked.room), asked.identity))


def remove_participant(
    node: Node, asked: room.RoomParticipantIdentity
) -> room.RemoveParticipantResponse:
    _ask(_hall(node, asked.room), operations.RemovePerson(Identity(asked.identity)))
    return room.RemoveParticipantResponse()


def mute_published_track(
    node: Node, asked: room.MuteRoomTrackRequest
) -> room.MuteRoomTrackResponse:
    """`muted` false only lets the person unmute: no microphone is switched on from afar."""
    hall = _hall(node, asked.room)
    sid = TrackSid(asked.track_sid)
    if sid not in {track.sid for track in _participant(hall, asked.identity).tracks}:
        raise Failed("not_found", "no such track")
    _ask(hall, operations.MuteTrack(sid, asked.muted))
    tracks = {track.sid: track for one in _people(hall) for track in one.tracks}
    if sid not in tracks:  # a shared screen does not stay muted, it ends
        return room.MuteRoomTrackResponse()
    return room.MuteRoomTrackResponse(track=wire.track(tracks[sid]))


def update_participant(node: Node, asked: room.UpdateParticipantRequest) -> models.ParticipantInfo:
    """Metadata, name and attributes where they are named; rights where there is a permission."""
    hall = _hall(node, asked.room)
    who = _participant(hall, asked.identity)
    changed = events.MetadataChanged(
        by=who.sid,
        service=True,
        name=asked.name or None,
        metadata=asked.metadata or None,
        attributes=dict(asked.attributes),
    )
    if (refusal := hall.room.refusal_to_change(changed)) is not None:
        raise Failed("invalid_argument", f"metadata, name or attributes: {refusal.value}")
    if asked.HasField("permission"):
        client = _client(hall, who)
        client.claims = _permitted(client.claims, asked.permission)
        hall.handle(events.GrantsChanged(client.identity, requests.grants(client.claims)))
    if asked.metadata or asked.name or asked.attributes:
        hall.handle(changed)
    now = next((one for one in _people(hall) if one.sid == who.sid), who)  # who: hidden from now on
    return wire.participant(now)


def _permitted(claims: Claims, permission: models.ParticipantPermission) -> Claims:
    """The token that this participant would have now; fresh tokens say the same."""
    named = {
        source
        for source in Source
        if models.TrackSource.Value(source.value.upper()) in permission.can_publish_sources
    }
    sources = frozenset(named or Source) if permission.can_publish else frozenset()
    return evolve(
        claims,
        can_subscribe=permission.can_subscribe,
        sources=sources,
        can_publish_data=permission.can_publish_data,
        can_update_own_metadata=permission.can_update_metadata,
        hidden=permission.hidden,
    )


def update_subscriptions(
    node: Node, asked: room.UpdateSubscriptionsRequest
) -> room.UpdateSubscriptionsResponse:
    hall = _hall(node, asked.room)
    who = _participant(hall, asked.identity)
    sids = [*asked.track_sids, *(sid for one in asked.participant_tracks for sid in one.track_sids)]
    tracks = tuple(TrackSid(sid) for sid in dict.fromkeys(sids))
    change = events.Subscribe if asked.subscribe else events.Unsubscribe
    hall.handle(change(who.sid, tracks))
    return room.UpdateSubscriptionsResponse()


def send_data(node: Node, asked: room.SendDataRequest) -> room.SendDataResponse:
    if len(asked.data) > MAX_DATA:
        raise Failed("invalid_argument", f"data is over {MAX_DATA} bytes")
    if asked.topic.startswith("sferum."):
        raise Failed("invalid_argument", "topics of sferum. are the server's own")
    _hall(node, asked.room).send_data(
        asked.topic if asked.HasField("topic") else None,
        asked.data,
        frozenset([*asked.destination_identities, *asked.destination_sids]),
        reliable=asked.kind == models.DataPacket.RELIABLE,
    )
    return room.SendDataResponse()


def update_room_metadata(node: Node, asked: room.UpdateRoomMetadataRequest) -> models.Room:
    hall = _hall(node, asked.room)
    if len(asked.metadata) > MAX_METADATA:
        raise Failed("invalid_argument", "metadata is too long")
    hall.handle(events.RoomMetadataChanged(asked.metadata))
    return wire.room(_view(hall).info)


def _hall(node: Node, name: str) -> Hall:
    if (hall := node.halls.get(RoomName(name))) is None:
        raise Failed("not_found", "requested room does not exist")
    return hall


def _view(hall: Hall) -> View:
    return hall.room.view(hall.services.clock())


def _people(hall: Hall) -> tuple[Participant, ...]:
    view = _view(hall)
    return view.participants + view.waiting


def _participant(hall: Hall, identity: str) -> Participant:
    found = next((one for one in _people(hall) if identity in (one.identity, one.sid)), None)
    if found is None:
        raise Failed("not_found", "participant does not exist")
    return found


def _client(hall: Hall, who: Participant) -> Client:
    return hall.clients[who.sid]


def _ask(hall: Hall, operation: operations.Operation) -> None:
    refusal = hall.ask(operation)
    if refusal is Refusal.NOT_FOUND:
        raise Failed("not_found", "participant or track does not exist")
    if refusal is not None:
        raise Failed("failed_precondition", refusal.value)
