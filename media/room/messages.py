"""What participants are told, as values; media/signal makes SignalResponse messages of them. Pure."""

from __future__ import annotations

import enum

from attrs import field

from media.forwarder.api import Layer
from media.frozen import frozen
from media.ids import ParticipantSid, TrackSid
from media.room.model import LeaveReason, Participant, Refusal, RoomInfo, Track


@frozen
class Welcome:
    """JoinResponse: the first message. Signalling adds what is the node's (ICE servers, versions, pings)."""

    participant: Participant
    others: tuple[Participant, ...]
    room: RoomInfo


@frozen
class Reconnected:
    """ReconnectResponse: the first message after a resume."""

    last_message: int  # the last reliable sequence number that arrived from this client


@frozen
class ParticipantsChanged:
    """ParticipantUpdate."""

    participants: tuple[Participant, ...]


@frozen
class RoomChanged:
    """RoomUpdate."""

    room: RoomInfo


@frozen
class TrackPublished:
    """TrackPublishedResponse to the publisher; signalling sets the cid from `track.cid`."""

    track: Track


@frozen
class TrackUnpublished:
    """TrackUnpublishedResponse: the client stops this track."""

    track: TrackSid


@frozen
class MuteAsked:
    """The server has muted (or, of a device that shows "muted" wrongly, unmuted) a track of this client."""

    track: TrackSid
    muted: bool


@frozen
class Speaker:
    sid: ParticipantSid
    level: float  # 0.0..1.0
    active: bool


@frozen
class SpeakersChanged:
    """Deltas: speakers that began, changed or ended, the loudest first."""

    speakers: tuple[Speaker, ...]


class Quality(enum.Enum):
    """LiveKit's ConnectionQuality, by number."""

    POOR = 0
    GOOD = 1
    EXCELLENT = 2
    LOST = 3


@frozen
class Link:
    sid: ParticipantSid
    quality: Quality
    score: float  # 1..5, as LiveKit has it


@frozen
class LinksChanged:
    """ConnectionQualityUpdate."""

    links: tuple[Link, ...]


@frozen
class StreamState:
    participant: ParticipantSid
    track: TrackSid
    paused: bool


@frozen
class StreamsChanged:
    """StreamStateUpdate: what the server pauses for want of bandwidth, and what runs again."""

    streams: tuple[StreamState, ...]


@frozen
class LayersWanted:
    """SubscribedQualityUpdate (dynacast): layers that anybody receives; the others need not be encoded."""

    track: TrackSid
    layers: frozenset[Layer]


@frozen
class SubscriptionAllowed:
    """SubscriptionPermissionUpdate: a publisher lets this client have a track, or no longer."""

    participant: ParticipantSid
    track: TrackSid
    allowed: bool


class Request(enum.Enum):
    """Which request a refusal answers: the fields of RequestResponse.request."""

    ADD_TRACK = "add_track"
    MUTE = "mute"
    UPDATE_METADATA = "update_metadata"


@frozen(kw_only=True)
class RequestAnswered:
    """RequestResponse. `refusal` None: OK.

    Attributes:
        request_id: of the request, 0 where it has none.
        cid: of an AddTrack.
        track: of a mute.
    """

    request: Request
    refusal: Refusal | None
    request_id: int = 0
    cid: str = ""
    track: TrackSid | None = None


@frozen
class ServerData:
    """A user packet of the server itself (reliable): topic `sferum.…`, JSON."""

    topic: str
    payload: bytes = field(repr=False)
    refusal: Refusal | None = field(default=None, eq=False)  # what the payload says, to be counted


class LeaveAction(enum.Enum):
    """LiveKit's LeaveRequest.Action, by number."""

    DISCONNECT = 0
    RESUME = 1
    RECONNECT = 2


@frozen
class Goodbye:
    """LeaveRequest; the connection is closed after it."""

    reason: LeaveReason
    action: LeaveAction


Message = (
    Welcome
    | Reconnected
    | ParticipantsChanged
    | RoomChanged
    | TrackPublished
    | TrackUnpublished
    | MuteAsked
    | SpeakersChanged
    | LinksChanged
    | StreamsChanged
    | LayersWanted
    | SubscriptionAllowed
    | RequestAnswered
    | ServerData
    | Goodbye
)
