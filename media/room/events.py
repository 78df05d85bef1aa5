"""What can happen to a call: past tense, in. `by` is always the connection that signalling has authenticated. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field

from media.forwarder.api import Layer
from media.frozen import frozen
from media.ids import Identity, ParticipantSid, TrackSid
from media.room.model import Grants, LeaveReason, Person, Track
from media.room.operations import Operation

# --- people


@frozen(kw_only=True)
class Joined:
    """A signalling connection with a good token. `sid` is new (random, made by signalling)."""

    sid: ParticipantSid
    identity: Identity
    grants: Grants = field(factory=Grants)
    person: Person | None = field(default=None, repr=False)  # None: the identity is all we know
    name: str = field(default="", repr=False)
    metadata: str = field(default="", repr=False)
    attributes: Mapping[str, str] = field(factory=dict, repr=False)
    auto_subscribe: bool = True
    adaptive_stream: bool = False


@frozen
class Connected:
    """The transport of a participant is up (every one of its peers that is needed)."""

    by: ParticipantSid


@frozen
class Left:
    """Said goodbye, or the transport failed for good."""

    by: ParticipantSid
    reason: LeaveReason = LeaveReason.CLIENT_INITIATED


@frozen
class SignalLost:
    """The WebSocket is gone without a leave; media may still flow. 15 s to come back."""

    by: ParticipantSid


@frozen
class Resumed:
    """Came back with reconnect=1. Answered with Reconnected, or RefuseJoin(STATE_MISMATCH) for a stranger."""

    by: ParticipantSid


@frozen
class Synced:
    """SyncState of a resume: publisher → last reliable sequence number that arrived at the client."""

    by: ParticipantSid
    received: Mapping[ParticipantSid, int]


# --- tracks


@frozen
class TrackAdded:
    """AddTrack. `track.sid` is new (made by signalling); `track.publisher` is who asks."""

    track: Track


@frozen
class TrackReady:
    """The track is negotiated and the forwarder knows it. Again with other facts after a re-negotiation."""

    track: TrackSid
    mid: str = ""
    mime_type: str = ""


@frozen
class TrackGone:
    """Unpublished by its publisher (inactive section), or its media failed."""

    track: TrackSid


@frozen
class Muted:
    """A publisher mutes or unmutes a track of theirs."""

    by: ParticipantSid
    track: TrackSid
    muted: bool


# --- subscriptions


@frozen
class Subscribe:
    by: ParticipantSid
    tracks: tuple[TrackSid, ...]


@frozen
class Unsubscribe:
    by: ParticipantSid
    tracks: tuple[TrackSid, ...]


@frozen(kw_only=True)
class TrackSettings:
    """UpdateTrackSettings: what a subscriber's screen has room for. Width and height in pixels, 0: not said."""

    by: ParticipantSid
    tracks: tuple[TrackSid, ...]
    disabled: bool = False
    quality: Layer | None = None
    width: int = 0
    height: int = 0
    fps: int = 0
    priority: int = 0  # 1 first; 0: not said


@frozen
class TakesWhole:
    """A subscriber gets a stream with layers inside (SVC) whole, whatever it wants: its client cannot read what is
    left when some are left out.
    """

    by: ParticipantSid
    track: TrackSid


@frozen(kw_only=True)
class SubscriptionPermission:
    """A publisher says who may receive their tracks.

    Attributes:
        tracks: identity → the tracks it may have; None: all. Used when `everyone` is false.
    """

    by: ParticipantSid
    everyone: bool
    tracks: Mapping[Identity, frozenset[TrackSid] | None] = field(factory=dict)


# --- what people say of themselves and to each other


@frozen(kw_only=True)
class MetadataChanged:
    """UpdateParticipantMetadata; None: not changed. An attribute with "" is taken away.

    `service`: asked by one with the room's admin right (its token was checked), of this participant.
    """

    by: ParticipantSid
    service: bool = False
    request_id: int = 0
    name: str | None = field(default=None, repr=False)
    metadata: str | None = field(default=None, repr=False)
    attributes: Mapping[str, str] = field(factory=dict, repr=False)


@frozen
class HandRaised:
    """R45. Also by data topic `sferum.hand` ("1" or "0") and by attribute `sferum.hand`."""

    by: ParticipantSid
    raised: bool


@frozen(kw_only=True)
class DataSent:
    """A data packet.

    Attributes:
        body: the DataPacket as it came, serialized; signalling writes sender and sequence into it when it goes out.
        topic, payload: of a user packet; "" and b"" for the other kinds.
        destinations: identities, or sids as identities of old clients; empty: everyone.
        sequence: the sender's, of reliable packets; 0: an old client that counts none.
    """

    by: ParticipantSid
    reliable: bool
    body: bytes = field(repr=False)
    topic: str = ""
    payload: bytes = field(default=b"", repr=False)
    destinations: tuple[str, ...] = ()
    sequence: int = 0


# --- hosts and services


@frozen(kw_only=True)
class HostAsked:
    """R43. `by` None: a service with the room's admin right (its token was checked), never a client."""

    by: ParticipantSid | None
    operation: Operation
    request: str = ""  # comes back in HostAnswered


@frozen
class GrantsChanged:
    """The rights of somebody have changed at run time (Twirp UpdateParticipant, the module's word)."""

    identity: Identity
    grants: Grants


@frozen
class RoomMetadataChanged:
    """By a service; our own settings stay under "sferum"."""

    metadata: str


@frozen
class Closing:
    """The room ends (DeleteRoom) or its node does (drain): everyone is told why."""

    reason: LeaveReason


# --- what the forwarder and the clock say


@frozen
class Loud:
    """Smoothed levels 0.0..1.0 of audio tracks; tracks that are not named are silent."""

    levels: Mapping[TrackSid, float]


@frozen
class LayersSeen:
    """Layers of a track that carry media now."""

    track: TrackSid
    layers: frozenset[Layer]


@frozen
class TapAsked:
    """What is broadcast needs these layers of the track (none: no more of it), whoever else looks at it.

    It holds until the track ends; while its publisher waits nothing is given.
    """

    track: TrackSid
    layers: frozenset[Layer]


@frozen
class TrackRates:
    """Bits a second that each layer of a track really is."""

    track: TrackSid
    rates: Mapping[Layer, int]


@frozen(kw_only=True)
class LinkQuality:
    """Of one participant's worst peer, every few seconds: share of packets lost 0..1, seconds."""

    of: ParticipantSid
    lost_up: float
    lost_down: float
    rtt_s: float | None = None
    jitter_s: float = 0.0


@frozen
class Estimated:
    """Bits a second that can be sent to a participant, and that were sent meanwhile (0: not measured).

    `measured`: by what arrived there of what we sent; else it is the participant's own estimate.
    """

    to: ParticipantSid
    bitrate_bps: int
    sent_bps: int = 0
    measured: bool = False


@frozen
class Ticked:
    """Nothing but time has passed: call at `Room.next_wakeup()`."""


OfMedia = (
    TrackAdded
    | TrackReady
    | TrackGone
    | Muted
    | Subscribe
    | Unsubscribe
    | TrackSettings
    | TakesWhole
    | SubscriptionPermission
    | Loud
    | LayersSeen
    | TapAsked
    | TrackRates
    | LinkQuality
    | Estimated
)

Event = (
    OfMedia
    | Joined
    | Connected
    | Left
    | SignalLost
    | Resumed
    | Synced
    | MetadataChanged
    | HandRaised
    | DataSent
    | HostAsked
    | GrantsChanged
    | RoomMetadataChanged
    | Closing
    | Ticked
)
