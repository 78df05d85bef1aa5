"""What a forwarder is told, what it is given, and what comes out. The plain and the native one both keep this.

Sans-IO: time comes in (`now`, seconds, monotonic), datagrams come in and go out, decisions come out as events. Given
the same calls in the same order, two forwarders answer with the same bytes (the random parts are arguments too).

One forwarder serves many rooms; it knows no rooms, people or rights: `media/room` decides, this carries out.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import field

from media.frozen import frozen
from media.ids import DownId, PeerId, TrackSid


class Kind(enum.Enum):
    AUDIO = "audio"
    VIDEO = "video"


class Codec(enum.Enum):
    """By MIME type, as SDP and LiveKit spell them."""

    OPUS = "audio/opus"
    RED = "audio/red"
    VP8 = "video/VP8"
    VP9 = "video/VP9"
    AV1 = "video/AV1"
    H264 = "video/H264"


#: Their sizes are layers of one stream (SVC), told apart by dependency descriptors.
LAYERED = frozenset({Codec.VP9, Codec.AV1})


class Layer(enum.IntEnum):
    """Spatial layers of a simulcast track, LiveKit's VideoQuality. Tracks without simulcast have HIGH only."""

    LOW = 0  # rid q
    MEDIUM = 1  # rid h
    HIGH = 2  # rid f


class SrtpProfile(enum.Enum):
    """RFC 5764 4.1.2, RFC 7714 14.2."""

    AES128_CM_SHA1_80 = "SRTP_AES128_CM_SHA1_80"
    AEAD_AES_128_GCM = "SRTP_AEAD_AES_128_GCM"
    AEAD_AES_256_GCM = "SRTP_AEAD_AES_256_GCM"


@frozen
class SrtpKeys:
    """Both directions of one peer, as DTLS exported them: master key and salt of each."""

    profile: SrtpProfile
    rx_key: bytes = field(repr=False)
    rx_salt: bytes = field(repr=False)
    tx_key: bytes = field(repr=False)
    tx_salt: bytes = field(repr=False)


@frozen(kw_only=True)
class Extensions:
    """Ids of RTP header extensions (RFC 8285, 1..14) in one direction of one media section; 0: not negotiated."""

    mid: int = 0
    rid: int = 0
    repaired_rid: int = 0
    audio_level: int = 0  # RFC 6464
    transport_cc: int = 0
    abs_send_time: int = 0
    dependency_descriptor: int = 0
    abs_capture_time: int = 0


@frozen(kw_only=True)
class TrackIn:
    """A published track, as the answer to its publisher's offer has it.

    Attributes:
        ssrcs: SSRC → layer, where the SDP names them (Firefox, audio); otherwise learnt from mid and rid.
        rids: rid → layer; empty without simulcast.
        payload_types: PT → codec of the primary stream.
        rtx: RTX PT → the PT it repairs (RFC 4588).
        mid: of the section, for demultiplexing unknown SSRCs (RFC 8843 9.2).
        encrypted: end to end; frames cannot be looked into beyond their clear first bytes.
        group: voices of one group (a room) share three places, and only the loudest are forwarded; "": this one always
            is (a host, a screen's sound), beside those three.
    """

    sid: TrackSid
    peer: PeerId
    kind: Kind
    mid: str
    payload_types: Mapping[int, Codec]
    clock_rate: int  # Hz, 48000 or 90000
    rtx: Mapping[int, int] = field(factory=dict)
    ssrcs: Mapping[int, Layer] = field(factory=dict)
    rids: Mapping[str, Layer] = field(factory=dict)
    extensions: Extensions = Extensions()
    encrypted: bool = False
    group: str = ""


@frozen(kw_only=True)
class DownTrack:
    """A track on its way to one subscriber: how its packets look there.

    Attributes:
        ssrc, rtx_ssrc: ours, in the subscriber's SDP; rtx_ssrc 0 without RTX.
        payload_types: codec → (PT, RTX PT or 0) there.
        first_sequence, first_timestamp, first_picture_id: where numbering begins (random; an argument so that two
            forwarders agree).
    """

    id: DownId
    track: TrackSid
    peer: PeerId
    mid: str
    ssrc: int
    rtx_ssrc: int
    payload_types: Mapping[Codec, tuple[int, int]]
    extensions: Extensions
    cname: str
    first_sequence: int
    first_timestamp: int
    first_picture_id: int = 0


@frozen(kw_only=True)
class Want:
    """What a subscriber wants of a track right now. `layer` is the highest that may be sent."""

    layer: Layer = Layer.HIGH
    temporal: int = 3  # highest temporal layer, 0..3
    paused: bool = False


#: A tap on all of a track: what a broadcast's ladder is made of.
EVERY_LAYER = frozenset(Layer)


@frozen
class Tap:
    """A copy of a track's packets, in the clear, for this process itself: what is broadcast is packed from it.

    While it holds, packets of these layers are asked for again, and key frames are asked for, as for a subscriber. What
    is encrypted end to end stays so. While the track is muted by the server nothing comes (R43).
    """

    track: TrackSid
    layers: frozenset[Layer] = EVERY_LAYER


class Drop(enum.Enum):
    """Why a packet went no further. The values are stable: counted, tested."""

    UNKNOWN_PEER = "unknown_peer"
    NOT_RTP = "not_rtp"
    TOO_LONG = "too_long"  # a payload over 1,310 bytes: with what we add no path carries it whole
    REPLAYED = "replayed"  # SRTP's replay list, or an old number
    FORGED = "forged"  # authentication failed
    UNKNOWN_SSRC = "unknown_ssrc"
    UNKNOWN_PAYLOAD = "unknown_payload"
    PADDING_ONLY = "padding_only"
    OTHER_LAYER = "other_layer"
    NOT_A_KEYFRAME = "not_a_keyframe"  # a switch waits for one
    PAUSED = "paused"
    MUTED = "muted"  # by the server: a host's hard mute
    TOO_LATE = "too_late"
    QUEUE_FULL = "queue_full"
    RTCP_MALFORMED = "rtcp_malformed"
    NOT_THEIRS = "not_theirs"  # RTCP that asks for, or ends, a stream which is not this peer's
    NO_SUBSCRIBER = "no_subscriber"
    QUIETER = "quieter"  # three others of its group are louder
    TOO_OFTEN = "too_often"  # RTCP by the thousand


# --- what comes out


@frozen
class Transmit:
    """A datagram for a peer; where that is, the transport knows."""

    peer: PeerId
    data: bytes = field(repr=False)


@frozen
class LayersSeen:
    """Which layers of a track carry media now, for dynacast and for what can be chosen."""

    track: TrackSid
    layers: frozenset[Layer]


@frozen
class Rates:
    """Bits a second that each layer of a picture really is, every few seconds: far less than was announced, mostly."""

    track: TrackSid
    layers: Mapping[Layer, int]


@frozen
class Forwarding:
    """What a subscriber is really sent: None while paused or before the first keyframe."""

    down: DownId
    layer: Layer | None


@frozen
class Loudness:
    """Smoothed levels of the audio tracks, about twice a second: 0.0 silent .. 1.0 loud."""

    levels: Mapping[TrackSid, float]


@frozen
class Quality:
    """Of one peer's link, every few seconds: share of packets lost (0..1), round trip and jitter in seconds."""

    peer: PeerId
    lost_up: float
    lost_down: float
    rtt_s: float | None
    jitter_s: float


@frozen
class Estimate:
    """Bits a second that can be sent to a peer, from its REMB or our own estimation.

    `sent_bps` is what was sent to it in the same time (0: not measured): a receiver's estimate is never far above what
    arrives, so only one below it means that the link is full.

    `measured`: from transport-wide feedback. Then it rises only as far as packets came through, and what is above it is
    probed for where `set_wish` says so.
    """

    peer: PeerId
    bitrate_bps: int
    sent_bps: int = 0
    measured: bool = False


Event = LayersSeen | Rates | Forwarding | Loudness | Quality | Estimate


@frozen
class Tapped:
    """A packet of a tapped track. Each number comes once, in the order of arrival: what was sent again comes late.

    Attributes:
        layer: of a track without simulcast the one that its SDP has, mostly HIGH; frames of VP9 and AV1 come whole.
        codec: None for a payload type that was not negotiated: only its number counts.
        packet: RTP in the clear, what RTX brought unwrapped (RFC 4588); padding stays, and may be all there is.
        at: when it came, seconds of `now`.
    """

    track: TrackSid
    layer: Layer
    codec: Codec | None
    packet: bytes = field(repr=False)
    at: float


@frozen
class TappedClock:
    """A sender report of a tapped layer (RFC 3550 6.4.1), when it comes, and the last one when the tap begins.

    Attributes:
        ntp: the publisher's wall clock, 32.32 bits …
        rtp: … and this layer's timestamp at that moment.
        at: when it came, seconds of `now`.
    """

    track: TrackSid
    layer: Layer
    ntp: int
    rtp: int
    at: float


Copy = Tapped | TappedClock


@frozen(kw_only=True)
class Stats:
    """Counters since the start; `drops` by `Drop.value`."""

    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    drops: Mapping[str, int] = field(factory=dict)
    plis_sent: int = 0
    nacks_sent: int = 0
    nacks_received: int = 0
    retransmitted: int = 0
    tapped: int = 0  # packets
    taps_lost: int = 0  # packets and reports that nobody took in time: the oldest went


class Forwarder(Protocol):
    """Unknown ids in calls are bugs and raise KeyError; a datagram is the peer's affair and never raises."""

    def add_peer(self, peer: PeerId, keys: SrtpKeys) -> None: ...

    def remove_peer(self, peer: PeerId) -> None:
        """And its tracks and down tracks."""

    def add_track(self, track: TrackIn) -> None:
        """Or change it: the same sid again replaces what is known (a re-negotiation)."""

    def remove_track(self, sid: TrackSid) -> None:
        """And its down tracks."""

    def mute_track(self, sid: TrackSid, muted: bool) -> None:
        """R43: while muted by the server nothing of it is forwarded, whatever the publisher sends."""

    def add_down(self, down: DownTrack, want: Want) -> None: ...

    def remove_down(self, down: DownId) -> None: ...

    def set_want(self, down: DownId, want: Want) -> None: ...

    def set_budget(self, peer: PeerId, bitrate_bps: int) -> None:
        """Towards a publisher: what its encoder may use in all (REMB)."""

    def set_wish(self, peer: PeerId, bitrate_bps: int) -> None:
        """Towards a subscriber: what would be sent were its link wide enough; 0: all of it is. Above the estimate its
        link is probed with padding, where the subscriber tells of arrivals (transport-cc) and takes RTX.
        """

    def add_tap(self, tap: Tap) -> None:
        """Or change it: there is one for each track. It ends with the track."""

    def remove_tap(self, sid: TrackSid) -> None:
        """Harmless where there is none; the track must be known."""

    def ask_key(self, sid: TrackSid, layer: Layer) -> None:
        """A key frame of a tapped layer, soon: many wishes are one request. Nothing for a layer that is not tapped."""

    def receive(self, peer: PeerId, datagram: bytes, now: float, came: float | None = None) -> None:
        """An SRTP or SRTCP packet (RFC 7983: first byte 128..191) of a peer.

        `came`: when, by the clock of `now`, if it has waited for its turn. Publishers are told this time: how long we
        were busy says nothing of their link.
        """

    def poll(self, now: float) -> None:
        """Timed work: feedback, reports, keyframe requests. Call at `next_wakeup`, or every 20 ms."""

    def next_wakeup(self) -> float | None: ...

    def take_output(self) -> Sequence[Transmit]:
        """Everything to be sent, in order; empty afterwards."""

    def take_events(self) -> Sequence[Event]: ...

    def take_tapped(self) -> Sequence[Copy]:
        """The oldest first; 4,096 wait."""

    def stats(self) -> Stats: ...
