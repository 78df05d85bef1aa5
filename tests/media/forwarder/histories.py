"""Histories: what a forwarder was told, step by step, and what came out. Any implementation can replay them.

Packets are kept before encryption and protected during the replay, so a history is readable, and the same for
every SRTP profile. `replay` answers with every byte that came out: two forwarders agree when these are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import evolve, field, frozen

from media.forwarder.api import (
    Codec,
    Copy,
    DownTrack,
    Event,
    Extensions,
    Forwarder,
    Kind,
    Layer,
    SrtpProfile,
    Stats,
    Tap,
    TrackIn,
    Want,
)
from media.ids import DownId, PeerId, TrackSid
from tests.media.forwarder.ends import (
    AUDIO_LEVEL,
    MID,
    REPAIRED_RID,
    RID,
    SEND_TIME,
    TRANSPORT_CC,
    End,
    rtp,
    vp8,
)


@frozen
class AddPeer:
    peer: PeerId


@frozen
class RemovePeer:
    peer: PeerId


@frozen
class AddTrack:
    track: TrackIn


@frozen
class RemoveTrack:
    track: TrackSid


@frozen
class MuteTrack:
    track: TrackSid
    muted: bool


@frozen
class AddDown:
    down: DownTrack
    want: Want = field(factory=Want)


@frozen
class RemoveDown:
    down: DownId


@frozen
class SetWant:
    down: DownId
    want: Want


@frozen
class SetBudget:
    peer: PeerId
    bitrate_bps: int


@frozen
class AddTap:
    tap: Tap


@frozen
class RemoveTap:
    track: TrackSid


@frozen
class AskKey:
    track: TrackSid
    layer: Layer


@frozen
class Receive:
    """`packet`: RTP or RTCP in the clear."""

    peer: PeerId
    packet: bytes
    at: float


@frozen
class ReceiveRaw:
    """`datagram` as it is: garbage, forgeries."""

    peer: PeerId
    datagram: bytes
    at: float


@frozen
class Poll:
    at: float


Step = (
    AddPeer
    | RemovePeer
    | AddTrack
    | RemoveTrack
    | MuteTrack
    | AddDown
    | RemoveDown
    | SetWant
    | SetBudget
    | AddTap
    | RemoveTap
    | AskKey
    | Receive
    | ReceiveRaw
    | Poll
)


@frozen
class Outcome:
    """After one step."""

    sent: tuple[tuple[PeerId, bytes], ...]
    events: tuple[Event, ...]
    wakeup: float | None
    tapped: tuple[Copy, ...] = ()


@frozen
class Replayed:
    outcomes: tuple[Outcome, ...]
    stats: Stats
    ends: dict[PeerId, End] = field(eq=False)


def replay(
    make: Callable[[], Forwarder],
    steps: Iterable[Step],
    profile: SrtpProfile = SrtpProfile.AEAD_AES_128_GCM,
) -> Replayed:
    forwarder = make()
    ends: dict[PeerId, End] = {}
    outcomes = []
    for step in steps:
        _do(forwarder, step, ends, profile)
        outcomes.append(
            Outcome(
                tuple((each.peer, each.data) for each in forwarder.take_output()),
                tuple(forwarder.take_events()),
                forwarder.next_wakeup(),
                tuple(forwarder.take_tapped()),
            )
        )
    return Replayed(tuple(outcomes), forwarder.stats(), ends)


def play(forwarder: Forwarder, steps: Iterable[Step]) -> None:
    """Without taking anything out."""
    ends: dict[PeerId, End] = {}
    for step in steps:
        _do(forwarder, step, ends, SrtpProfile.AEAD_AES_128_GCM)


def _do(  # noqa: PLR0912 - one case per step
    forwarder: Forwarder, step: Step, ends: dict[PeerId, End], profile: SrtpProfile
) -> None:
    match step:
        case AddPeer(peer):
            ends[peer] = End(peer, profile)
            forwarder.add_peer(peer, ends[peer].keys)
        case RemovePeer(peer):
            forwarder.remove_peer(peer)
        case AddTrack(track):
            forwarder.add_track(track)
        case RemoveTrack(sid):
            forwarder.remove_track(sid)
        case MuteTrack(sid, muted):
            forwarder.mute_track(sid, muted)
        case AddDown(down, want):
            forwarder.add_down(down, want)
        case RemoveDown(id_):
            forwarder.remove_down(id_)
        case SetWant(id_, want):
            forwarder.set_want(id_, want)
        case SetBudget(peer, bitrate):
            forwarder.set_budget(peer, bitrate)
        case AddTap(tap):
            forwarder.add_tap(tap)
        case RemoveTap(sid):
            forwarder.remove_tap(sid)
        case AskKey(sid, layer):
            forwarder.ask_key(sid, layer)
        case Receive(peer, packet, at):
            forwarder.receive(peer, ends[peer].protect(packet), at)
        case ReceiveRaw(peer, datagram, at):
            forwarder.receive(peer, datagram, at)
        case Poll(at):
            forwarder.poll(at)


# --- a teacher's camera in three layers, her microphone, and pupils

TEACHER = PeerId("PC_teacher")
CAMERA, MICROPHONE = TrackSid("TR_VCteacher"), TrackSid("TR_AMteacher")
VIDEO_IDS = Extensions(
    mid=MID, rid=RID, repaired_rid=REPAIRED_RID, transport_cc=TRANSPORT_CC, abs_send_time=SEND_TIME
)
AUDIO_IDS = Extensions(mid=MID, audio_level=AUDIO_LEVEL, transport_cc=TRANSPORT_CC)
RIDS = {"q": Layer.LOW, "h": Layer.MEDIUM, "f": Layer.HIGH}
SSRC = {Layer.LOW: 1001, Layer.MEDIUM: 1002, Layer.HIGH: 1003}

CAMERA_IN = TrackIn(
    sid=CAMERA,
    peer=TEACHER,
    kind=Kind.VIDEO,
    mid="1",
    payload_types={96: Codec.VP8},
    clock_rate=90_000,
    rtx={97: 96},
    rids=RIDS,
    extensions=VIDEO_IDS,
)
#: The same without simulcast.
PLAIN_CAMERA_IN = evolve(CAMERA_IN, rids={}, ssrcs={SSRC[Layer.HIGH]: Layer.HIGH})
MICROPHONE_IN = TrackIn(
    sid=MICROPHONE,
    peer=TEACHER,
    kind=Kind.AUDIO,
    mid="0",
    payload_types={111: Codec.OPUS, 63: Codec.RED},
    clock_rate=48_000,
    ssrcs={2001: Layer.HIGH},
    extensions=AUDIO_IDS,
)


def pupil(number: int) -> PeerId:
    return PeerId(f"PC_pupil{number}")


def camera_down(number: int, first_sequence: int = 100) -> DownTrack:
    return DownTrack(
        id=DownId(f"camera-{number}"),
        track=CAMERA,
        peer=pupil(number),
        mid="5",
        ssrc=5000 + number,
        rtx_ssrc=6000 + number,
        payload_types={Codec.VP8: (102, 103)},
        extensions=Extensions(mid=3, abs_send_time=7),
        cname="teacher",
        first_sequence=first_sequence,
        first_timestamp=1_000_000,
        first_picture_id=500,
    )


def microphone_down(number: int) -> DownTrack:
    return DownTrack(
        id=DownId(f"microphone-{number}"),
        track=MICROPHONE,
        peer=pupil(number),
        mid="4",
        ssrc=7000 + number,
        rtx_ssrc=0,
        payload_types={Codec.OPUS: (109, 0)},
        extensions=Extensions(mid=3, audio_level=1),
        cname="teacher",
        first_sequence=10,
        first_timestamp=0,
    )


def lesson(pupils: int = 1, camera: TrackIn = CAMERA_IN) -> list[Step]:
    """The teacher publishes; `pupils` get camera and microphone."""
    steps: list[Step] = [AddPeer(TEACHER), AddTrack(camera), AddTrack(MICROPHONE_IN)]
    for number in range(pupils):
        steps += [
            AddPeer(pupil(number)),
            AddDown(camera_down(number)),
            AddDown(microphone_down(number)),
        ]
    return steps


def frame(
    number: int,
    layer: Layer = Layer.HIGH,
    *,
    key: bool = False,
    temporal: int = 0,
    sync: bool = False,
    packets: int = 1,
    at: float | None = None,
) -> list[Receive]:
    """Picture `number` of a layer at 25 pictures a second, in `packets` packets; each layer has its own numbering."""
    time = number * 0.04 if at is None else at
    rid = next(rid for rid, each in RIDS.items() if each is layer)
    made = []
    for part in range(packets):
        payload = vp8(
            number + 100 * layer,
            tl0=number,
            temporal=temporal,
            sync=sync,
            key=key,
            start=part == 0,
            body=f"{layer.name} {number}.{part}".encode(),
        )
        made.append(
            Receive(
                TEACHER,
                rtp(
                    ssrc=SSRC[layer],
                    sequence=10_000 * (layer + 1) + number * packets + part,
                    timestamp=50_000 * (layer + 1) + number * 3600,
                    marker=part == packets - 1,
                    payload=payload,
                    elements={MID: b"1", RID: rid.encode()},
                ),
                time,
            )
        )
    return made


def voice(number: int, level: int = 20, at: float | None = None) -> Receive:
    """Packet `number` of the microphone, 20 ms each; `level` in -dBov."""
    return Receive(
        TEACHER,
        rtp(
            ssrc=2001,
            sequence=number,
            timestamp=number * 960,
            payload_type=111,
            payload=b"voice %d" % number,
            elements={MID: b"0", AUDIO_LEVEL: bytes((0x80 | level,))},
        ),
        number * 0.02 if at is None else at,
    )
