"""The nouns of a call: people, tracks, rights, settings. Frozen values; a changed one is another value. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import NewType

from attrs import field

from media.forwarder.api import Kind, Layer
from media.frozen import frozen
from media.ids import Identity, ParticipantSid, RoomName, RoomSid, TrackSid

#: Somebody, however many connections they have: the user id of the token, or the identity where it names
#: none. What a host gave or took, and attendance, belong to the person: an identity may be another one at
#: every join (MSC4195).
Person = NewType("Person", str)


class Source(enum.Enum):
    """Where a track comes from: LiveKit's TrackSource, in its JSON words."""

    UNKNOWN = "unknown"
    CAMERA = "camera"
    MICROPHONE = "microphone"
    SCREEN = "screen_share"
    SCREEN_AUDIO = "screen_share_audio"


SCREENS = frozenset({Source.SCREEN, Source.SCREEN_AUDIO})
EVERY_SOURCE = frozenset(Source)


class State(enum.Enum):
    """How far a participant has come: LiveKit's ParticipantInfo.State."""

    JOINING = "joining"
    JOINED = "joined"  # signalling is up
    ACTIVE = "active"  # the transport too
    DISCONNECTED = "disconnected"


class LeaveReason(enum.Enum):
    """Why somebody is no longer in the call: LiveKit's DisconnectReason, by number."""

    UNKNOWN = 0
    CLIENT_INITIATED = 1
    DUPLICATE_IDENTITY = 2
    SERVER_SHUTDOWN = 3
    PARTICIPANT_REMOVED = 4
    ROOM_DELETED = 5
    STATE_MISMATCH = 6
    JOIN_FAILURE = 7
    SIGNAL_CLOSE = 9
    ROOM_CLOSED = 10
    CONNECTION_TIMEOUT = 14
    MEDIA_FAILURE = 15


class Refusal(enum.Enum):
    """Why something was refused. The values are stable: counted, tested, shown by the host page."""

    FULL = "full"  # R41
    LOCKED = "locked"  # a host has locked the call
    NOT_STARTED = "not_started"  # may join a call that is under way, not begin one
    NOT_A_HOST = "not_a_host"  # R43
    NOT_FOUND = "not_found"  # no such participant, track or waiting person
    WAITING = "waiting"  # R44: who waits does nothing
    SOURCE = "source"  # the rights do not name this kind of track
    HELD = "held"  # a host's hard mute
    SHARE_TAKEN = "share_taken"  # one screen at a time (R45)
    TOO_MANY_TRACKS = "too_many_tracks"
    NO_DATA = "no_data"
    NO_METADATA = "no_metadata"
    TOO_LARGE = "too_large"
    OURS = "ours"  # attributes `sferum.…` are written by the server only
    DUPLICATE = "duplicate"  # the same cid or sid again
    STATE_MISMATCH = "state_mismatch"  # a resume of somebody who is not here
    BAD_REQUEST = "bad_request"  # not of the agreed form
    ENDED = "ended"


@frozen(kw_only=True)
class Grants:
    """What the token allows: made by media/access from the module's answer (docs/contracts.md)."""

    host: bool = False  # R43: class teacher, director, deputies
    staff: bool = False  # R43: becomes a host by beginning the call
    may_publish: frozenset[Source] = EVERY_SOURCE
    may_subscribe: bool = True
    may_send_data: bool = True
    may_update_metadata: bool = True
    muted_on_entry: bool = False  # R43: pupils; their microphone waits for a host
    hidden: bool = False  # nobody sees that they are there
    may_start: bool = True  # False: only joins while somebody is in
    waits: bool = False  # R44: enters the waiting room first


@frozen(kw_only=True)
class Settings:
    """Of one call: of the school at first, hosts change them while it runs.

    Attributes:
        limit: people at one time (R41), hidden ones not counted.
        self_unmute: pupils may switch their microphones on themselves.
        cameras: whoever is no host may show a camera; else only whom a host lets.
        empty_timeout_s: how long a call waits for its first participant.
        departure_timeout_s: how long it stays after the last one.
    """

    limit: int = 100
    waiting_room: bool = False
    one_share: bool = True
    self_unmute: bool = False
    cameras: bool = True
    locked: bool = False
    spotlight: Identity | None = None
    empty_timeout_s: float = 300.0
    departure_timeout_s: float = 20.0


@frozen(kw_only=True)
class VideoLayer:
    """One encoding of a video as its publisher announced it."""

    layer: Layer
    width: int
    height: int
    bitrate_bps: int = 0  # 0: not said
    rid: str = ""


@frozen(kw_only=True)
class TrackCodec:
    """LiveKit's SimulcastCodec: one per codec in which the track is sent; a backup codec has cid ""."""

    mime_type: str
    cid: str = ""
    layers: tuple[VideoLayer, ...] = ()


@frozen(kw_only=True)
class Track:
    """A published track. Fields that mean nothing to the room are echoed to the others (LiveKit's TrackInfo).

    Attributes:
        muted: what everyone is shown: by its publisher, or by the server.
        ready: its media is negotiated: it can be subscribed to.
    """

    sid: TrackSid
    publisher: ParticipantSid
    cid: str
    kind: Kind
    source: Source
    name: str = ""
    muted: bool = False
    ready: bool = False
    width: int = 0
    height: int = 0
    mime_type: str = ""
    mid: str = ""
    stream: str = ""
    simulcast: bool = False
    layers: tuple[VideoLayer, ...] = ()
    codecs: tuple[TrackCodec, ...] = ()
    stereo: bool = False
    disable_dtx: bool = False
    disable_red: bool = False
    encryption: int = (
        0  # LiveKit's Encryption.Type: 0 none, 1 GCM; echoed, else Element Call plays noise
    )
    audio_features: tuple[int, ...] = ()
    backup_codec_policy: int = 0


@frozen(kw_only=True)
class Permission:
    """What a participant is told of their rights right now (LiveKit's ParticipantPermission)."""

    can_subscribe: bool
    can_publish: bool
    sources: frozenset[Source]
    can_publish_data: bool
    can_update_metadata: bool
    hidden: bool


@frozen(kw_only=True)
class Participant:
    """A participant as others see them (LiveKit's ParticipantInfo). `version` grows with every change."""

    sid: ParticipantSid
    identity: Identity
    state: State
    permission: Permission
    joined_at: float  # seconds since 1970
    version: int
    name: str = field(default="", repr=False)
    metadata: str = field(default="", repr=False)
    attributes: Mapping[str, str] = field(factory=dict, repr=False)
    tracks: tuple[Track, ...] = ()
    left: LeaveReason | None = None  # with State.DISCONNECTED


@frozen(kw_only=True)
class RoomInfo:
    """The room as its clients are told (LiveKit's Room). `metadata` is JSON: hosts' settings under "sferum"."""

    sid: RoomSid
    name: RoomName
    created_at: float  # seconds since 1970
    participants: int
    publishers: int
    limit: int
    empty_timeout_s: float
    departure_timeout_s: float
    metadata: str = ""


#: Words of the token's `may_publish` and of the module's answer; sound of a screen goes with the screen.
_WORDS: Mapping[str, frozenset[Source]] = {
    "camera": frozenset({Source.CAMERA}),
    "microphone": frozenset({Source.MICROPHONE}),
    "mic": frozenset({Source.MICROPHONE}),
    "screen": SCREENS,
    "screen_share": frozenset({Source.SCREEN}),
    "screen_share_audio": frozenset({Source.SCREEN_AUDIO}),
}


def sources_of(words: Iterable[str]) -> frozenset[Source]:
    """The sources that these words name; unknown words name none."""
    return frozenset().union(*(_WORDS.get(word, frozenset()) for word in words))
