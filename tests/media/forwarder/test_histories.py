"""What pupils see and hear, as scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from attrs import evolve

from media.forwarder.api import (
    Codec,
    Drop,
    Estimate,
    Extensions,
    Forwarder,
    Forwarding,
    Layer,
    LayersSeen,
    Loudness,
    Quality,
    Rates,
    SrtpProfile,
    Want,
)
from media.forwarder.plain.bandwidth import MIN_BPS, START_BPS
from media.forwarder.plain.rtcp import (
    KeyframeWish,
    Nack,
    ReceiverReport,
    Remb,
    ReportBlock,
    RtcpItem,
    SenderReport,
    parse_rtcp,
)
from media.forwarder.plain.rtcp_build import (
    build_bye,
    build_nack,
    build_pli,
    build_remb,
    build_rr,
    build_sr,
)
from media.forwarder.plain.rtp import RtpPacket
from media.forwarder.plain.vp8 import parse_descriptor
from media.ids import DownId, PeerId
from tests.media.forwarder.arrivals import decode
from tests.media.forwarder.ends import (
    AUDIO_LEVEL,
    MID,
    REPAIRED_RID,
    RID,
    TRANSPORT_CC,
    End,
    rtp,
    vp8,
)
from tests.media.forwarder.histories import (
    CAMERA,
    CAMERA_IN,
    MICROPHONE,
    MICROPHONE_IN,
    PLAIN_CAMERA_IN,
    SSRC,
    TEACHER,
    AddDown,
    AddPeer,
    AddTrack,
    MuteTrack,
    Poll,
    Receive,
    ReceiveRaw,
    RemoveDown,
    RemovePeer,
    RemoveTrack,
    Replayed,
    SetBudget,
    SetWant,
    Step,
    camera_down,
    frame,
    lesson,
    microphone_down,
    pupil,
    replay,
    voice,
)

Make = Callable[[], Forwarder]


def packets_to(peer: PeerId, replayed: Replayed, ssrc: int = 0) -> list[RtpPacket]:
    """Decrypted RTP that this peer got, of one SSRC or all."""
    read = [
        replayed.ends[to].read(datagram)
        for outcome in replayed.outcomes
        for to, datagram in outcome.sent
        if to == peer
    ]
    return [
        each for each in read if isinstance(each, RtpPacket) and (not ssrc or each.ssrc == ssrc)
    ]


def reports_to(peer: PeerId, replayed: Replayed) -> list[RtcpItem]:
    read = [
        replayed.ends[to].read(datagram)
        for outcome in replayed.outcomes
        for to, datagram in outcome.sent
        if to == peer
    ]
    return [item for each in read if isinstance(each, bytes) for item in parse_rtcp(each)]


def bodies(packets: Sequence[RtpPacket]) -> list[str]:
    """What `frame` wrote into each packet."""
    return [
        packet.payload[parse_descriptor(packet.payload).size + 1 :].decode() for packet in packets
    ]


def events(replayed: Replayed) -> list[object]:
    return [event for outcome in replayed.outcomes for event in outcome.events]


def no_gaps(packets: Sequence[RtpPacket]) -> bool:
    return all((b.sequence - a.sequence) % 65536 == 1 for a, b in pairwise(packets))


@pytest.mark.parametrize("profile", SrtpProfile)
def test_a_pupil_sees_and_hears_the_teacher(make: Make, profile: SrtpProfile) -> None:
    """Picture and sound arrive with the pupil's own numbers, types and extensions, under every SRTP profile."""
    steps: list[Step] = [*lesson(), *frame(0, key=True, packets=2), *frame(1, packets=2)[:1]]
    steps += [voice(0)]
    replayed = replay(make, steps, profile)

    first, second, third, sound = packets_to(pupil(0), replayed)
    assert [p.sequence for p in (first, second, third)] == [100, 101, 102]
    assert [p.timestamp for p in (first, second, third)] == [1_000_000, 1_000_000, 1_003_600]
    assert [p.marker for p in (first, second, third)] == [False, True, False]
    assert (first.ssrc, first.payload_type) == (5000, 102)
    assert first.elements[3] == b"5"
    assert len(first.elements[7]) == 3
    assert [parse_descriptor(p.payload).picture_id for p in (first, second, third)] == [
        500,
        500,
        501,
    ]
    assert (sound.ssrc, sound.payload_type, sound.payload) == (7000, 109, b"voice 0")
    assert sound.elements == {3: b"4", 1: bytes((0x80 | 20,))}
    assert Forwarding(camera_down(0).id, Layer.HIGH) in events(replayed)


def test_switching_up_waits_for_a_keyframe(make: Make) -> None:
    """A better layer that appears is asked for its keyframe, and only then replaces the smaller one."""
    steps: list[Step] = [
        *lesson(),
        *frame(0, Layer.LOW, key=True),
        *frame(1, Layer.LOW),
        *frame(1, Layer.HIGH),  # not a keyframe
        Poll(0.06),
        *frame(2, Layer.LOW),
        *frame(2, Layer.HIGH, key=True),
        *frame(3, Layer.LOW),
        *frame(3, Layer.HIGH),
    ]
    replayed = replay(make, steps)

    got = packets_to(pupil(0), replayed)
    assert bodies(got) == ["LOW 0.0", "LOW 1.0", "LOW 2.0", "HIGH 2.0", "HIGH 3.0"]
    assert no_gaps(got)
    pictures = [parse_descriptor(p.payload) for p in got]
    assert [d.picture_id for d in pictures] == [500, 501, 502, 503, 504]
    assert [d.tl0 for d in pictures] == [(500 + i) % 256 for i in range(5)]
    assert [p.timestamp for p in got] == sorted(p.timestamp for p in got)
    assert KeyframeWish(SSRC[Layer.HIGH]) in reports_to(TEACHER, replayed)
    assert replayed.stats.drops[Drop.NOT_A_KEYFRAME.value] == 1
    assert [e for e in events(replayed) if isinstance(e, Forwarding)] == [
        Forwarding(camera_down(0).id, Layer.LOW),
        Forwarding(camera_down(0).id, Layer.HIGH),
    ]


def test_what_is_wanted_is_the_most_that_is_sent(make: Make) -> None:
    """A small tile never gets a large layer, whatever the publisher sends."""
    steps: list[Step] = [
        *lesson(),
        SetWant(camera_down(0).id, Want(layer=Layer.MEDIUM)),
    ]
    for number in range(5):
        for layer in Layer:
            steps += frame(number, layer, key=number == 0)
    got = bodies(packets_to(pupil(0), replay(make, steps)))

    assert got[0] == "LOW 0.0"
    assert got[1:] == [f"MEDIUM {number}.0" for number in range(5)]


def test_a_layer_that_stops_is_replaced(make: Make) -> None:
    """When the large layer dries up, the small one goes on after a second, from its keyframe."""
    steps: list[Step] = [*lesson(), *frame(0, Layer.LOW, key=True), *frame(0, Layer.HIGH, key=True)]
    for number in range(1, 43):
        steps += [*frame(number, Layer.LOW, key=number == 38), Poll(number * 0.04)]
        if number < 5:
            steps += frame(number, Layer.HIGH)
    replayed = replay(make, steps)

    got = packets_to(pupil(0), replayed)
    assert bodies(got)[-5:] == [f"LOW {number}.0" for number in range(38, 43)]
    assert no_gaps(got)
    assert LayersSeen(CAMERA, frozenset({Layer.LOW})) in events(replayed)
    assert KeyframeWish(SSRC[Layer.LOW]) in reports_to(TEACHER, replayed)


def test_what_each_layer_really_costs_is_told(make: Make) -> None:
    """Every two seconds, of the layers that carry media; what was announced is the most it may be."""
    steps: list[Step] = [*lesson(), Poll(0.0)]
    for number in range(56):
        steps += [*frame(number, Layer.LOW, key=number == 0), Poll(number * 0.04)]
    told = [event for event in events(replay(make, steps)) if isinstance(event, Rates)]
    assert [rates.track for rates in told] == [CAMERA]
    assert set(told[0].layers) == {Layer.LOW}
    assert told[0].layers[Layer.LOW] > 0


def test_a_layer_that_stops_costs_what_it_did(make: Make) -> None:
    """An encoder that nobody wants stops in the middle of what is counted: half of it is not its cost."""
    steps: list[Step] = [*lesson(), Poll(0.0)]
    for number in range(120):
        steps += [*frame(number, Layer.LOW, key=number == 0), Poll(number * 0.04)]
        if (
            number < 75 or number > 90
        ):  # until 3 s, and from 3.64 s: too short a pause to be seen as an end
            steps += frame(number, Layer.HIGH, key=number == 0)
        if 40 < number < 75:
            steps += frame(number, Layer.MEDIUM, key=number == 41)
    told = [event.layers for event in events(replay(make, steps)) if isinstance(event, Rates)]
    first, second = told
    assert set(first) == {Layer.LOW, Layer.HIGH}
    assert set(second) == {Layer.LOW, Layer.HIGH}
    assert second[Layer.HIGH] < first[Layer.HIGH]


def test_a_camera_without_simulcast_is_sent_to_small_tiles_too(make: Make) -> None:
    """Where there is one encoding only, it is sent to everyone who wants any."""
    steps: list[Step] = [
        *lesson(camera=PLAIN_CAMERA_IN),
        SetWant(camera_down(0).id, Want(layer=Layer.LOW)),
        *frame(0, key=True),
        *frame(1),
    ]
    assert bodies(packets_to(pupil(0), replay(make, steps))) == ["HIGH 0.0", "HIGH 1.0"]


def test_fewer_pictures_leave_no_gap(make: Make) -> None:
    """Without the upper temporal layer neither sequence numbers nor picture ids have holes."""
    steps: list[Step] = [*lesson(), SetWant(camera_down(0).id, Want(temporal=0))]
    for number in range(10):
        steps += frame(number, key=number == 0, temporal=number % 2, packets=2)
    replayed = replay(make, steps)

    got = packets_to(pupil(0), replayed)
    assert [body.split(".")[0] for body in bodies(got)[::2]] == [
        f"HIGH {number}" for number in range(0, 10, 2)
    ]
    assert no_gaps(got)
    ids = [parse_descriptor(p.payload).picture_id for p in got]
    assert ids == [500 + i // 2 for i in range(10)]
    assert replayed.stats.drops[Drop.OTHER_LAYER.value] == 10


def test_more_pictures_begin_at_a_sync_picture(make: Make) -> None:
    """An upper temporal layer is added only at a picture that needs nothing of that layer (Y)."""
    steps: list[Step] = [*lesson(), SetWant(camera_down(0).id, Want(temporal=0))]
    steps += [*frame(0, key=True), *frame(1, temporal=1)]
    steps += [SetWant(camera_down(0).id, Want(temporal=3))]
    steps += [*frame(2, temporal=1), *frame(3), *frame(4, temporal=1, sync=True), *frame(5)]
    steps += frame(6, temporal=1)
    got = bodies(packets_to(pupil(0), replay(make, steps)))

    assert got == ["HIGH 0.0", "HIGH 3.0", "HIGH 4.0", "HIGH 5.0", "HIGH 6.0"]


def test_hard_mute_stops_everything(make: Make) -> None:
    """While a host has muted a track nothing of it is forwarded; then the picture begins with a keyframe (R43)."""
    steps: list[Step] = [
        *lesson(),
        *frame(0, key=True),
        voice(0),
        MuteTrack(CAMERA, True),
        MuteTrack(MICROPHONE, True),
        *frame(1, key=True),
        voice(1),
        MuteTrack(CAMERA, False),
        MuteTrack(MICROPHONE, False),
        *frame(2),
        *frame(3, key=True),
        voice(2),
    ]
    replayed = replay(make, steps)

    assert bodies(packets_to(pupil(0), replayed, 5000)) == ["HIGH 0.0", "HIGH 3.0"]
    assert [p.payload for p in packets_to(pupil(0), replayed, 7000)] == [b"voice 0", b"voice 2"]
    assert replayed.stats.drops[Drop.MUTED.value] == 2
    assert no_gaps(packets_to(pupil(0), replayed, 5000))


def test_paused_sends_nothing_and_resumes_with_a_keyframe(make: Make) -> None:
    """A tile out of sight costs nothing."""
    down = camera_down(0).id
    steps: list[Step] = [*lesson(), *frame(0, key=True), SetWant(down, Want(paused=True))]
    steps += [*frame(1, key=True), SetWant(down, Want()), *frame(2), *frame(3, key=True)]
    replayed = replay(make, steps)

    assert bodies(packets_to(pupil(0), replayed)) == ["HIGH 0.0", "HIGH 3.0"]
    assert replayed.stats.drops[Drop.PAUSED.value] == 1
    assert [e for e in events(replayed) if isinstance(e, Forwarding)] == [
        Forwarding(down, Layer.HIGH),
        Forwarding(down, None),
        Forwarding(down, Layer.HIGH),
    ]


def test_a_lost_packet_is_asked_for_and_passed_on_in_its_place(make: Make) -> None:
    """The publisher is asked after 20 ms; what RTX brings gets the number that was left for it."""
    pictures = [packet for number in range(4) for packet in frame(number, key=number == 0)]
    lost = pictures.pop(2)
    number = int.from_bytes(lost.packet[2:4], "big")
    body = vp8(202, tl0=2, body=b"HIGH 2.0")
    repair = rtp(
        ssrc=9999,
        sequence=1,
        payload_type=97,
        timestamp=50_000 * 3 + 2 * 3600,
        marker=True,
        payload=number.to_bytes(2, "big") + body,
        elements={MID: b"1", REPAIRED_RID: b"f"},
    )
    steps: list[Step] = [*lesson(), *pictures, Poll(0.13), Poll(0.145)]
    steps += [Receive(TEACHER, repair, 0.15), Poll(0.3)]
    replayed = replay(make, steps)

    got = packets_to(pupil(0), replayed)
    assert bodies(got) == ["HIGH 0.0", "HIGH 1.0", "HIGH 3.0", "HIGH 2.0"]
    assert [p.sequence for p in got] == [100, 101, 103, 102]
    assert [parse_descriptor(p.payload).picture_id for p in got] == [500, 501, 503, 502]
    nacks = [item for item in reports_to(TEACHER, replayed) if isinstance(item, Nack)]
    assert nacks == [Nack(SSRC[Layer.HIGH], (number,))]


def test_a_pupil_gets_lost_packets_again(make: Make) -> None:
    """A NACK is answered by RTX with exactly what was sent, and the same NACK at once again is not."""
    nack = build_nack(5000, [101])
    steps: list[Step] = [*lesson(), *frame(0, key=True), *frame(1), *frame(2)]
    steps += [Receive(pupil(0), nack, 0.1), Receive(pupil(0), nack, 0.105)]
    replayed = replay(make, steps)

    _, sent, _, again = packets_to(pupil(0), replayed)
    assert (again.ssrc, again.payload_type, again.sequence) == (6000, 103, 100)
    assert again.payload == sent.sequence.to_bytes(2, "big") + sent.payload
    assert (again.timestamp, again.marker, again.elements) == (
        sent.timestamp,
        sent.marker,
        sent.elements,
    )
    assert (replayed.stats.nacks_received, replayed.stats.retransmitted) == (2, 1)


def test_what_is_long_past_is_not_sent_again(make: Make) -> None:
    """Numbers jump where much was lost; without RTX one that is 1,024 behind the newest is out of SRTP's reach."""
    steps: list[Step] = [AddPeer(TEACHER), AddTrack(CAMERA_IN), AddPeer(pupil(0))]
    steps.append(AddDown(evolve(camera_down(0), rtx_ssrc=0)))
    steps += [*frame(0, key=True), *frame(900), *frame(1800)]
    steps.append(Receive(pupil(0), build_nack(5000, [100, 1000]), 80.0))
    replayed = replay(make, steps)
    assert [packet.sequence for packet in packets_to(pupil(0), replayed)] == [100, 1000, 1900, 1000]


def test_an_ssrc_that_is_used_again_goes_on(make: Make) -> None:
    """A down track that is described anew, or whose publisher is back, numbers on: no SRTP nonce comes twice."""
    down = camera_down(0)
    steps: list[Step] = [AddPeer(TEACHER), AddTrack(CAMERA_IN), AddPeer(pupil(0)), AddDown(down)]
    steps += [*frame(0, key=True), *(step for n in range(900, 2000, 900) for step in frame(n))]
    steps += [RemoveDown(down.id), AddDown(evolve(down, mid="6")), *frame(1801, key=True)]
    steps += [*frame(1802), RemoveTrack(CAMERA), AddTrack(CAMERA_IN), AddDown(down)]
    steps += frame(1803, key=True)
    replayed = replay(make, steps)

    packets = packets_to(pupil(0), replayed)
    assert [packet.sequence for packet in packets] == [100, 1000, 1900, 1901, 1902, 1903]
    pictures = [parse_descriptor(packet.payload).picture_id for packet in packets]
    assert pictures == [500, 1400, 2300, 2301, 2302, 2303]
    times = [packet.timestamp for packet in packets[2:]]
    assert [after - before for before, after in pairwise(times)] == pytest.approx([3600] * 3, abs=2)


def test_sound_is_sent_again_as_it_was(make: Make) -> None:
    """Without RTX the very same packet is sent, which SRTP allows once more."""
    steps: list[Step] = [*lesson(), *(voice(number) for number in range(3))]
    steps += [Receive(pupil(0), build_nack(7000, [11]), 0.1)]
    replayed = replay(make, steps)

    sent = [data for outcome in replayed.outcomes for to, data in outcome.sent if to == pupil(0)]
    assert sent[3] == sent[1]


def test_what_is_numbered_is_sent_again_as_it_was(make: Make) -> None:
    """With another transport-wide number it would be another header under one nonce, which gives GCM's key away."""
    heard = evolve(microphone_down(0), extensions=Extensions(mid=3, audio_level=1, transport_cc=5))
    steps: list[Step] = [AddPeer(TEACHER), AddTrack(MICROPHONE_IN), AddPeer(pupil(0))]
    steps += [AddDown(heard), *(voice(number) for number in range(3))]
    replayed = replay(make, [*steps, Receive(pupil(0), build_nack(7000, [11]), 0.1)])

    sent = [data for outcome in replayed.outcomes for to, data in outcome.sent if to == pupil(0)]
    assert sent[3] == sent[1]
    numbers = [packet.elements[5] for packet in packets_to(pupil(0), replayed)]
    assert numbers[:3] == [bytes((0, number)) for number in range(3)]


def test_thirty_pupils_cost_one_keyframe(make: Make) -> None:
    """A whole class that asks for a keyframe within a second makes one request to the teacher."""
    steps: list[Step] = [*lesson(30), *frame(0, key=True), Poll(0.01)]
    for number in range(30):
        steps += [Receive(pupil(number), build_pli(5000 + number), 0.1), Poll(0.1 + number / 100)]
    replayed = replay(make, steps)

    wishes = [item for item in reports_to(TEACHER, replayed) if isinstance(item, KeyframeWish)]
    assert wishes == [KeyframeWish(SSRC[Layer.HIGH])]
    assert replayed.stats.plis_sent == 1


def test_late_packets_of_pictures_left_out_become_padding(make: Make) -> None:
    """A number that was kept free is filled, or the pupil would ask for it for ever."""
    first, upper, base = (frame(n, key=n == 0, temporal=n % 2, packets=2) for n in range(3))
    steps: list[Step] = [*lesson(), SetWant(camera_down(0).id, Want(temporal=0))]
    steps += [*first, upper[0], *base, upper[1], *frame(3, packets=2)]
    replayed = replay(make, steps)

    got = packets_to(pupil(0), replayed)
    assert [p.sequence for p in got] == [100, 101, 103, 104, 102, 105, 106]
    assert [p.payload for p in got if p.sequence == 102] == [b""]
    kept = [parse_descriptor(p.payload).picture_id for p in got if p.payload]
    assert kept == [500, 500, 501, 501, 502, 502]


def test_a_late_picture_takes_the_place_left_for_it(make: Make) -> None:
    """A picture that is overtaken whole goes on even from a layer left out: its numbers were given away already."""
    steps: list[Step] = [*lesson(), SetWant(camera_down(0).id, Want(temporal=0))]
    steps += [*frame(0, key=True), *frame(2), *frame(1, temporal=1), *frame(3)]
    got = packets_to(pupil(0), replay(make, steps))

    assert [p.sequence for p in got] == [100, 102, 101, 103]
    assert [parse_descriptor(p.payload).picture_id for p in got] == [500, 502, 501, 503]


def test_padding_is_not_forwarded(make: Make) -> None:
    """What a browser sends to probe its link goes no further, and leaves no gap."""
    probe = rtp(ssrc=SSRC[Layer.HIGH], sequence=30_001, payload=b"", padding=200)
    (after,) = frame(2)
    steps: list[Step] = [*lesson(), *frame(0, key=True), Receive(TEACHER, probe, 0.04), after]
    replayed = replay(make, steps)

    got = packets_to(pupil(0), replayed)
    assert bodies(got) == ["HIGH 0.0", "HIGH 2.0"]
    assert no_gaps(got)
    assert replayed.stats.drops == {Drop.PADDING_ONLY.value: 1}


def test_sound_and_picture_keep_the_teachers_time(make: Make) -> None:
    """Sender reports reach pupils in the teacher's own wall clock, translated into the pupil's RTP time."""
    ntp = 0xE900_0000_0000_0000
    picture = build_sr(_report(SSRC[Layer.HIGH], ntp, 150_000))
    sound = build_sr(_report(2001, ntp, 0))
    steps: list[Step] = [*lesson(), *frame(0, key=True), voice(0)]
    steps += [Receive(TEACHER, picture + sound, 0.0), Poll(0.5)]
    reports = {
        item.ssrc: item
        for item in reports_to(pupil(0), replay(make, steps))
        if isinstance(item, SenderReport)
    }

    half = ntp + (1 << 31)
    assert (reports[5000].ntp, reports[5000].rtp) == (half, 1_000_000 + 45_000)
    assert (reports[7000].ntp, reports[7000].rtp) == (half, 24_000)
    assert reports[5000].packets == 1


def _report(ssrc: int, ntp: int, timestamp: int) -> SenderReport:
    return SenderReport(ssrc, ntp, timestamp, packets=1, octets=100)


def test_layers_share_one_time(make: Make) -> None:
    """With sender reports of both layers a switch keeps the moment of capture, however late the layer arrives."""
    ntp = 0xE900_0000_0000_0000
    reports = build_sr(_report(SSRC[Layer.LOW], ntp, 50_000)) + build_sr(
        _report(SSRC[Layer.HIGH], ntp, 150_000)
    )
    steps: list[Step] = [*lesson(), *frame(0, Layer.LOW, key=True), *frame(0, at=0.0)]
    steps += [Receive(TEACHER, reports, 0.0), *frame(1, Layer.LOW), *frame(2, Layer.LOW)]
    steps += frame(3, key=True, at=0.19)  # 70 ms later than its picture's time
    got = packets_to(pupil(0), replay(make, steps))

    assert [p.timestamp - 1_000_000 for p in got] == [0, 3600, 7200, 10_800]


def test_the_loudest_voice_is_told(make: Make) -> None:
    """Twice a second the levels of all voices, and silence once."""
    steps: list[Step] = lesson()
    for number in range(50):
        steps += [voice(number, level=10), Poll(number * 0.02)]
    steps += [Poll(1.0 + 0.5 * n) for n in range(1, 20)]
    told = [e for e in events(replay(make, steps)) if isinstance(e, Loudness)]

    assert 0.15 < told[0].levels[MICROPHONE] < 0.35
    assert told[1].levels[MICROPHONE] > told[0].levels[MICROPHONE]
    assert told[-1].levels == {MICROPHONE: 0.0}


def test_publishers_hear_how_they_arrive(make: Make) -> None:
    """Every second a receiver report with the loss, and what the encoders may use (REMB)."""
    steps: list[Step] = [*lesson(), SetBudget(TEACHER, 3_000_000), Poll(0.0)]
    for number in range(20):
        if number != 7:
            steps += frame(number, key=number == 0)
    steps += [Poll(1.0)]
    items = reports_to(TEACHER, replay(make, steps))

    remb = [item for item in items if isinstance(item, Remb)]
    assert remb[0].bitrate_bps == 3_000_000 - 3_000_000 % 16
    assert remb[-1].ssrcs == (SSRC[Layer.HIGH],)
    (block,) = [b for item in items if isinstance(item, ReceiverReport) for b in item.blocks]
    assert (block.ssrc, block.packets_lost, block.fraction_lost) == (1003, 1, 256 // 20)
    assert block.highest_sequence == 30_019


@pytest.mark.parametrize(
    ("datagram", "drop"),
    [
        (b"", Drop.NOT_RTP),
        (b"\x80\x60" + bytes(9), Drop.NOT_RTP),
        (b"\x80\x60" + bytes(60), Drop.FORGED),
        (b"\x80\x60" + bytes(1600), Drop.NOT_RTP),
        (b"\x80\xc8" + bytes(60), Drop.FORGED),
        (b"\x16" + bytes(60), Drop.NOT_RTP),
    ],
)
def test_garbage_is_counted_by_its_kind(make: Make, datagram: bytes, drop: Drop) -> None:
    """Whatever a peer sends, the call goes on, and a counter says what it was."""
    steps: list[Step] = [*lesson(), ReceiveRaw(TEACHER, datagram, 0.0), *frame(0, key=True)]
    replayed = replay(make, steps)

    assert replayed.stats.drops == {drop.value: 1}
    assert len(packets_to(pupil(0), replayed)) == 1


def test_replayed_packets_go_nowhere(make: Make) -> None:
    """The same datagram again is refused by SRTP's replay list."""
    (picture,) = frame(0, key=True)
    steps: list[Step] = [*lesson(), picture, picture]
    replayed = replay(make, steps)

    assert len(packets_to(pupil(0), replayed)) == 1
    assert replayed.stats.drops == {Drop.REPLAYED.value: 1}


def _odd(payload: bytes, *, ssrc: int = 1003, payload_type: int = 96, padding: int = 0) -> bytes:
    return rtp(
        ssrc=ssrc, sequence=30_001, payload=payload, payload_type=payload_type, padding=padding
    )


@pytest.mark.parametrize(
    ("packet", "drop"),
    [
        (_odd(b"x", ssrc=1, payload_type=20), Drop.UNKNOWN_SSRC),
        (_odd(b"x", payload_type=50), Drop.UNKNOWN_PAYLOAD),
        (_odd(b"\x90\xe0"), Drop.UNKNOWN_PAYLOAD),
        (_odd(b""), Drop.PADDING_ONLY),
        (_odd(b"", padding=20), Drop.PADDING_ONLY),
        (_odd(b"", payload_type=97, padding=20), Drop.PADDING_ONLY),
        (_odd(bytes(1311)), Drop.TOO_LONG),
        (b"\xa0" + _odd(b"\xff")[1:], Drop.NOT_RTP),
        (b"\x80\xc8\x00\x01" + bytes(4), Drop.RTCP_MALFORMED),
    ],
)
def test_authentic_nonsense_is_counted_by_its_kind(make: Make, packet: bytes, drop: Drop) -> None:
    """A peer with good keys and bad packets harms nobody, and its next picture arrives without a gap of ours."""
    steps: list[Step] = [*lesson(camera=PLAIN_CAMERA_IN), *frame(0, key=True)]
    replayed = replay(make, [*steps, Receive(TEACHER, packet, 0.1), *frame(2)])

    assert replayed.stats.drops == {drop.value: 1}
    first, second = packets_to(pupil(0), replayed)
    lost = drop in (Drop.TOO_LONG, Drop.NOT_RTP) or (packet[1] != 96 and packet[1] != 50)
    assert second.sequence - first.sequence == (2 if lost else 1)


def test_rtcp_by_the_thousand_is_looked_at_five_thousand_times_a_second(make: Make) -> None:
    """What a peer asks beyond that is counted and left; others are heard meanwhile, and so is its next second."""
    steps: list[Step] = [*lesson(2), *frame(0, key=True)]
    steps += [Receive(pupil(0), build_nack(5000, [number]), 0.1) for number in range(5_200)]
    steps.append(Receive(pupil(1), build_nack(5001, [7]), 0.2))
    steps.append(Receive(pupil(0), build_nack(5000, [7]), 1.1))
    replayed = replay(make, steps)

    assert replayed.stats.drops == {Drop.TOO_OFTEN.value: 200}
    assert replayed.stats.nacks_received == 5_002


def test_who_leaves_takes_everything_along(make: Make) -> None:
    """After the teacher left nothing is sent, and her packets are nobody's."""
    steps: list[Step] = [*lesson(2), *frame(0, key=True), RemoveDown(camera_down(1).id)]
    steps += [*frame(1), RemovePeer(TEACHER)]
    steps += [ReceiveRaw(TEACHER, b"\x80\x60" + bytes(60), 0.2), Poll(0.3), RemovePeer(pupil(0))]
    replayed = replay(make, steps)

    assert len(packets_to(pupil(0), replayed)) == 2
    assert len(packets_to(pupil(1), replayed)) == 1
    assert replayed.stats.drops == {Drop.UNKNOWN_PEER.value: 1}


def test_the_same_history_gives_the_same_bytes(make: Make) -> None:
    """No chance, no clock: two forwarders with one history agree byte for byte."""
    steps: list[Step] = [*lesson(3), SetBudget(TEACHER, 1_000_000)]
    for number in range(30):
        for layer in Layer:
            steps += frame(number, layer, key=number % 10 == 0, temporal=number % 2, packets=2)
        steps += [voice(number), Poll(number * 0.04)]

    assert replay(make, steps) == replay(make, steps)


def test_who_has_no_red_gets_opus(make: Make) -> None:
    """Redundant sound is unwrapped for a client that cannot read it."""
    packets = [
        rtp(ssrc=2001, sequence=n, timestamp=960 * n, payload_type=63, payload=payload)
        for n, payload in enumerate((b"\x6fnew", b"\xef\x00\x00\x03\x6foldnew", b"\xef"))
    ]
    steps: list[Step] = [*lesson(), *(Receive(TEACHER, packet, 0.0) for packet in packets)]
    replayed = replay(make, steps)

    got = packets_to(pupil(0), replayed)
    assert [(p.payload_type, p.payload) for p in got] == [(109, b"new"), (109, b"new")]
    assert replayed.stats.drops == {Drop.UNKNOWN_PAYLOAD.value: 1}


def test_h264_switches_at_parameter_sets(make: Make) -> None:
    """Layers of H.264 change where SPS, PPS and picture begin, not at the picture alone."""
    track = evolve(CAMERA_IN, payload_types={96: Codec.H264})
    down = evolve(camera_down(0), payload_types={Codec.H264: (104, 105)})

    def nal(number: int, layer: Layer, nal_type: int, timestamp: int) -> Receive:
        rid = {Layer.LOW: b"q", Layer.HIGH: b"f"}[layer]
        packet = rtp(
            ssrc=SSRC[layer],
            sequence=number,
            timestamp=timestamp,
            payload=bytes((0x60 | nal_type,)) + layer.name.encode(),
            elements={MID: b"1", RID: rid},
        )
        return Receive(TEACHER, packet, timestamp / 90_000)

    steps: list[Step] = [AddPeer(TEACHER), AddTrack(track), AddPeer(pupil(0)), AddDown(down)]
    steps += [nal(1, Layer.LOW, 7, 0), nal(2, Layer.LOW, 8, 0), nal(3, Layer.LOW, 5, 0)]
    steps += [nal(1, Layer.HIGH, 1, 3000), nal(4, Layer.LOW, 1, 3000)]
    steps += [nal(2, Layer.HIGH, 7, 6000), nal(3, Layer.HIGH, 5, 6000), nal(5, Layer.LOW, 1, 6000)]
    got = packets_to(pupil(0), replay(make, steps))

    kinds = [(p.payload[1:].decode(), p.payload[0] & 31) for p in got]
    assert kinds == [("LOW", 7), ("LOW", 8), ("LOW", 5), ("LOW", 1), ("HIGH", 7), ("HIGH", 5)]
    assert no_gaps(got)


def test_av1_goes_through_whole_with_its_descriptor(make: Make) -> None:
    """A scalable stream is forwarded as it is, its dependency descriptor too, however long."""
    ids = evolve(CAMERA_IN.extensions, dependency_descriptor=12)
    track = evolve(CAMERA_IN, payload_types={96: Codec.AV1}, rids={}, extensions=ids)
    down = evolve(
        camera_down(0),
        payload_types={Codec.AV1: (45, 46)},
        extensions=Extensions(mid=3, dependency_descriptor=13),
    )
    structure, short = bytes(range(40)), b"\x80\x00\x01"
    steps: list[Step] = [AddPeer(TEACHER), AddTrack(track), AddPeer(pupil(0)), AddDown(down)]
    for number, (payload, descriptor) in enumerate(
        ((b"\x08key", structure), (b"\x10delta", short))
    ):
        packet = rtp(
            ssrc=3,
            sequence=number,
            payload=payload,
            elements={MID: b"1", 12: descriptor},
            timestamp=number,
        )
        steps.append(Receive(TEACHER, packet, 0.0))
    first, second = packets_to(pupil(0), replay(make, steps))

    assert (first.payload_type, first.payload, first.elements) == (
        45,
        b"\x08key",
        {3: b"5", 13: structure},
    )
    assert second.elements == {3: b"5", 13: short}


def test_a_publisher_hears_which_packets_came(make: Make) -> None:
    """Transport-wide feedback for everything with a number, padding and unknown streams too."""
    steps: list[Step] = lesson()
    for number, (ssrc, kind) in enumerate(((1003, 96), (1003, 97), (77, 20))):
        packet = rtp(
            ssrc=ssrc,
            sequence=number,
            payload=b"",
            payload_type=kind,
            padding=50,
            elements={MID: b"1", RID: b"f", TRANSPORT_CC: (65_535 + number).to_bytes(3, "big")[1:]},
        )
        steps.append(Receive(TEACHER, packet, number / 100))
    replayed = replay(make, [*steps, Poll(0.2)])
    (datagram,) = [data for peer, data in replayed.outcomes[-1].sent if peer == TEACHER]
    compound = replayed.ends[TEACHER].read(datagram)

    assert isinstance(compound, bytes)
    assert list(decode(compound[: 4 + 4 * int.from_bytes(compound[2:4], "big")])) == [65_535, 0, 1]


def test_a_link_that_loses_is_told(make: Make) -> None:
    """From a pupil's reports come round trip, loss and what its link carries."""
    steps: list[Step] = [*lesson(), *frame(0, key=True), Receive(TEACHER, _first_report(), 0.0)]
    steps.append(Poll(0.0))
    ntp = next(
        item.ntp
        for item in reports_to(pupil(0), replay(make, steps))
        if isinstance(item, SenderReport)
    )
    block = ReportBlock(5000, 64, 25, 160, 900, ntp >> 16 & 0xFFFFFFFF, 65536 // 10)
    before = evolve(block, packets_lost=0, highest_sequence=60, last_sr=0)
    steps += [Receive(pupil(0), build_rr(ReceiverReport(1, (before,))), 0.1)]
    steps += [Receive(pupil(0), build_rr(ReceiverReport(1, (block,))), 0.15)]
    steps += [Poll(0.2), Poll(1.0), Poll(3.1)]
    told = events(replay(make, steps))

    (quality,) = [e for e in told if isinstance(e, Quality) and e.peer == pupil(0)]
    assert (quality.lost_down, quality.jitter_s) == (0.25, 0.01)
    assert quality.rtt_s == pytest.approx(0.05, abs=0.001)
    assert [e.bitrate_bps for e in told if isinstance(e, Estimate)] == [MIN_BPS]


@pytest.mark.parametrize(
    ("lost", "estimate"), [(50, START_BPS * 108 // 100), (62, MIN_BPS)], ids=["none", "an eighth"]
)
def test_a_publisher_s_loss_is_not_the_pupil_s(make: Make, lost: int, estimate: int) -> None:
    """What never reached us is missing at the pupil too, but is neither lost on the pupil's link nor sent over it."""
    pictures = [frame(n, key=n == 0)[0] for n in range(161)]
    steps: list[Step] = [*lesson(), Poll(0.0), *pictures[:11]]
    steps.append(Receive(pupil(0), _reported(highest=110, lost=0), 0.42))
    steps += [step for n, step in enumerate(pictures[11:]) if n % 3]
    steps += [Receive(pupil(0), _reported(highest=260, lost=lost), 6.42), Poll(6.5)]
    told = events(replay(make, steps))
    assert [e.bitrate_bps for e in told if isinstance(e, Estimate)] == [estimate]


def _reported(*, highest: int, lost: int) -> bytes:
    return build_rr(ReceiverReport(1, (ReportBlock(5000, 0, lost, highest, 0, 0, 0),)))


def _padding(sequence: int, at: float) -> Receive:
    """Chromium without RTX, and LiveKit's Rust: padding in the stream itself."""
    packet = rtp(
        ssrc=SSRC[Layer.HIGH],
        sequence=sequence,
        timestamp=150_000,
        payload=b"",
        padding=100,
        elements={MID: b"1", RID: b"f"},
    )
    return Receive(TEACHER, packet, at)


def _later(number: int, by: int) -> list[Receive]:
    """A picture whose numbers come `by` later: so much padding went before it."""
    moved = []
    for step in frame(number):
        sequence = int.from_bytes(step.packet[2:4], "big") + by
        moved.append(
            evolve(step, packet=step.packet[:2] + sequence.to_bytes(2, "big") + step.packet[4:])
        )
    return moved


@pytest.mark.parametrize("lost", [(1,), (2,), (1, 2), (2, 4), (1, 2, 3, 4)])
def test_lost_padding_leaves_no_gap(make: Make, lost: tuple[int, ...]) -> None:
    """Padding that got lost is known by the picture after it; nobody asks for it or waits for it."""
    first = 10_000 * (Layer.HIGH + 1)
    steps: list[Step] = [*lesson(), *frame(0, key=True)]
    steps += [_padding(first + n, 0.01) for n in range(1, 5) if n not in lost]
    steps += [*_later(1, by=4), *_later(2, by=4), Poll(0.5)]
    replayed = replay(make, steps)

    got = packets_to(pupil(0), replayed)
    assert bodies([p for p in got if p.payload]) == ["HIGH 0.0", "HIGH 1.0", "HIGH 2.0"]
    assert sorted(p.sequence for p in got) == list(range(100, 100 + len(got)))
    assert replayed.stats.nacks_sent == 0


def test_padding_is_known_by_a_picture_that_comes_late(make: Make) -> None:
    """The picture after lost padding was lost too: when it comes again, both gaps are closed."""
    steps: list[Step] = [*lesson(), *frame(0, key=True), *_later(2, by=4), *_later(1, by=4)]
    got = packets_to(pupil(0), replay(make, steps))
    assert bodies([p for p in got if p.payload]) == ["HIGH 0.0", "HIGH 2.0", "HIGH 1.0"]
    assert sorted(p.sequence for p in got) == list(range(100, 107))


def test_a_lost_picture_is_not_taken_for_padding(make: Make) -> None:
    """The picture ids say that something is missing: it is asked for, and its number stays free."""
    steps: list[Step] = [*lesson(), *frame(0, key=True), *frame(2), Poll(0.2), *frame(1, at=0.21)]
    replayed = replay(make, steps)
    assert [p.sequence for p in packets_to(pupil(0), replayed)] == [100, 102, 101]
    assert replayed.stats.nacks_sent == 1


def test_nobody_asks_for_what_nobody_takes(make: Make) -> None:
    """A layer without takers is lossy in peace: whoever begins with it begins with a keyframe."""
    steps: list[Step] = [*lesson(), *frame(0, key=True), *frame(0, Layer.LOW, key=True)]
    steps += [*frame(3, Layer.LOW), Poll(0.2)]
    assert replay(make, steps).stats.nacks_sent == 0


def _first_report() -> bytes:
    return build_sr(_report(SSRC[Layer.HIGH], 0xE900_0001_0000_0000, 150_000))


def test_a_publisher_that_begins_anew_goes_on(make: Make) -> None:
    """Another SSRC for the same layer, or another numbering: pupils see it from its first keyframe, without a gap."""
    anew = frame(3, key=True)[0]
    other_ssrc = anew.packet[:8] + (4321).to_bytes(4, "big") + anew.packet[12:]
    far = frame(1500, key=True, at=0.2)
    steps: list[Step] = [*lesson(), *frame(0, key=True), *frame(1)]
    steps += [Receive(TEACHER, other_ssrc, 0.12)]
    got = packets_to(pupil(0), replay(make, steps))
    assert bodies(got) == ["HIGH 0.0", "HIGH 1.0", "HIGH 3.0"]
    assert no_gaps(got)

    steps = [*lesson(), *frame(0, key=True), *frame(1499, at=0.15), *far]
    got = packets_to(pupil(0), replay(make, steps))
    assert bodies(got) == ["HIGH 0.0", "HIGH 1500.0"]
    assert no_gaps(got)


def test_goodbye_takes_the_layer_away_at_once(make: Make) -> None:
    """A BYE says that a layer is over; the next smaller one is asked for."""
    steps: list[Step] = [*lesson()]
    for layer in (Layer.LOW, Layer.HIGH):
        steps += frame(0, layer, key=True)
    steps += [Receive(TEACHER, build_bye(SSRC[Layer.HIGH]), 0.05), *frame(2, Layer.LOW, key=True)]
    replayed = replay(make, steps)

    assert bodies(packets_to(pupil(0), replayed)) == ["LOW 0.0", "HIGH 0.0", "LOW 2.0"]
    assert LayersSeen(CAMERA, frozenset({Layer.LOW})) in events(replayed)


def test_goodbyes_without_end_keep_no_place(make: Make) -> None:
    """A layer that ends and begins anew 300 times, under another SSRC each time, is seen the 301st time too."""
    steps = lesson()
    for number in range(301):
        ssrc, at = 20_000 + number, number / 10
        elements = {MID: b"1", RID: b"f"}
        picture = rtp(ssrc=ssrc, sequence=7, payload=vp8(number, key=True), elements=elements)
        steps += [Receive(TEACHER, picture, at), Receive(TEACHER, build_bye(ssrc), at + 0.05)]
    replayed = replay(make, steps)

    assert replayed.stats.drops == {}
    assert len(packets_to(pupil(0), replayed)) == 301


def test_a_changed_description_keeps_the_picture(make: Make) -> None:
    """A re-negotiation describes the same track again; nothing stops."""
    steps: list[Step] = [*lesson(), *frame(0, key=True), AddTrack(CAMERA_IN), *frame(1)]
    assert bodies(packets_to(pupil(0), replay(make, steps))) == ["HIGH 0.0", "HIGH 1.0"]


def test_a_level_that_is_too_long_keeps_nobody_from_the_voice(make: Make) -> None:
    """Of a level of 200 bytes one is passed on, so that the longest packets still fit; nothing is raised."""
    level = {AUDIO_LEVEL: bytes((20,)) * 200}
    voice = rtp(ssrc=2001, sequence=1, payload=bytes(1_136), payload_type=111, elements=level)
    replayed = replay(make, [*lesson(2), Receive(TEACHER, voice, 0.0)])

    for number in (0, 1):
        heard = packets_to(pupil(number), replayed)
        assert [len(packet.payload) for packet in heard] == [1_136]
        assert heard[0].elements[1] == bytes((20,))


def test_a_flood_of_streams_is_bounded(make: Make) -> None:
    """A publisher can use up SSRCs, but not memory; a used-up one is refused, and its real tracks go on."""
    steps: list[Step] = lesson()
    flood = [
        Receive(TEACHER, rtp(ssrc=10_000 + n, sequence=1, payload=b"x", payload_type=20), 0.0)
        for n in range(600)
    ]
    steps += [*flood, *frame(0, key=True), flood[0], *frame(1)]
    replayed = replay(make, steps)

    assert replayed.stats.drops == {Drop.UNKNOWN_SSRC.value: 601}
    assert bodies(packets_to(pupil(0), replayed)) == ["HIGH 0.0", "HIGH 1.0"]


def test_a_flood_of_subscriptions_is_bounded(make: Make) -> None:
    """Numbers of an SSRC are remembered while a thousand others are left, then no more: SRTP begins it at zero."""

    def heard(number: int) -> Receive:
        packet = rtp(ssrc=2001, sequence=number, payload=b"voice", payload_type=111)
        return Receive(TEACHER, packet, number / 50)

    first = evolve(microphone_down(0), first_sequence=40_000)
    steps: list[Step] = [AddPeer(TEACHER), AddTrack(MICROPHONE_IN), AddPeer(pupil(0))]
    steps += [AddDown(first), heard(0), RemoveDown(first.id)]
    for number in range(1_024):
        other = evolve(first, id=DownId(f"other-{number}"), ssrc=100_000 + number)
        steps += [AddDown(other), heard(number + 1), RemoveDown(other.id)]
    again = evolve(first, first_sequence=5)
    last = replay(make, [*steps, AddDown(again), heard(2_000)]).outcomes[-1].sent

    packet = End(pupil(0)).read(last[0][1])  # who has heard nothing yet takes it for the first
    assert isinstance(packet, RtpPacket)
    assert (packet.ssrc, packet.sequence) == (first.ssrc, 5)


def test_a_flood_of_reports_is_bounded(make: Make) -> None:
    """Reports in ever new names use up SSRCs, not memory; who reports all the time is heard, a used-up name is not."""

    def report(ssrc: int) -> Receive:
        wish = build_pli(5000)
        return Receive(pupil(0), wish[:4] + ssrc.to_bytes(4, "big") + wish[8:], 0.1)

    steps: list[Step] = [*lesson(), *frame(0, key=True)]
    steps += [report(ssrc) for n in range(600) for ssrc in (10_000 + n, 1)]
    replayed = replay(make, [*steps, report(10_000), report(1), Poll(0.2)])

    assert replayed.stats.drops == {Drop.UNKNOWN_SSRC.value: 1}
    assert replayed.stats.plis_sent == 1


def test_what_nobody_takes_is_counted(make: Make) -> None:
    """No subscriber, only paused ones, or none for this layer: three different reasons."""
    alone = [step for step in lesson() if not isinstance(step, AddDown)]
    replayed = replay(make, [*alone, *frame(0, key=True)])
    assert replayed.stats.drops == {Drop.NO_SUBSCRIBER.value: 1}

    steps: list[Step] = [*lesson(), *frame(0, key=True), *frame(0, Layer.LOW, key=True)]
    assert replay(make, steps).stats.drops == {Drop.OTHER_LAYER.value: 1}


def test_a_small_tile_gets_nothing_rather_than_too_much(make: Make) -> None:
    """When only larger layers are left than a subscriber may be sent, it is sent none."""
    down = camera_down(0).id
    steps: list[Step] = [*lesson(), *frame(0, key=True), SetWant(down, Want(layer=Layer.LOW))]
    replayed = replay(make, [*steps, *frame(1)])

    assert bodies(packets_to(pupil(0), replayed)) == ["HIGH 0.0"]
    assert events(replayed)[-1] == Forwarding(down, None)


def test_a_keyframe_whose_beginning_is_overtaken_begins_nothing(make: Make) -> None:
    """What overtook it was not forwarded: a decoder would begin with a hole. The next keyframe is whole."""
    overtaken = list(reversed(frame(0, key=True, packets=2)))
    replayed = replay(make, [*lesson(), *overtaken, *frame(2, key=True, packets=2)])

    assert bodies(packets_to(pupil(0), replayed)) == ["HIGH 2.0", "HIGH 2.1"]


def test_layers_that_are_named_by_ssrc_are_chosen_from_as_well(make: Make) -> None:
    """A publisher whose SDP has a SIM group and no rids: a small tile gets the small picture, not the largest."""
    named = evolve(CAMERA_IN, rids={}, ssrcs={ssrc: layer for layer, ssrc in SSRC.items()})
    small = SetWant(camera_down(0).id, Want(layer=Layer.LOW))
    pictures = [each for layer in reversed(Layer) for each in frame(0, layer, key=True)]
    replayed = replay(make, [*lesson(camera=named), small, *pictures])

    assert bodies(packets_to(pupil(0), replayed)) == ["LOW 0.0"]


def test_a_caller_that_takes_nothing_is_not_flooded(make: Make) -> None:
    """Output that nobody fetches is bounded, and what is over is counted."""
    forwarder, teacher = make(), End(TEACHER)
    forwarder.add_peer(TEACHER, teacher.keys)
    forwarder.add_track(CAMERA_IN)
    for number in range(100):
        forwarder.add_peer(pupil(number), End(pupil(number)).keys)
        forwarder.add_down(camera_down(number), Want())
    for number in range(202):
        for step in frame(number, key=number == 0):
            forwarder.receive(TEACHER, teacher.protect(step.packet), step.at)

    assert len(forwarder.take_output()) == 20_000
    assert forwarder.stats().drops == {Drop.QUEUE_FULL.value: 200}


def test_a_remb_of_a_pupil_is_an_estimate(make: Make) -> None:
    """A browser that says its link is full is believed."""
    steps: list[Step] = [*lesson(), Poll(0.0), *frame(0, key=True, packets=60), Poll(1.0)]
    steps += [Receive(pupil(0), build_remb(Remb(110_000)), 1.1), Poll(1.2)]
    told = events(replay(make, steps))
    estimates = [e for e in told if isinstance(e, Estimate)]
    assert [(e.peer, e.bitrate_bps) for e in estimates] == [(pupil(0), START_BPS)]
    assert estimates[0].sent_bps > 0

    steps += [Receive(pupil(0), build_remb(Remb(1_000)), 1.3), Poll(1.4)]
    told = events(replay(make, steps))
    last = [e for e in told if isinstance(e, Estimate)][-1]
    assert (last.peer, last.bitrate_bps) == (pupil(0), MIN_BPS)


def test_unknown_names_are_bugs(make: Make) -> None:
    """What does not exist cannot be changed, and what exists cannot be added again."""
    unknown: list[Step] = [
        RemovePeer(TEACHER),
        RemoveTrack(CAMERA),
        RemoveDown(camera_down(0).id),
        SetWant(camera_down(0).id, Want()),
        MuteTrack(CAMERA, True),
        SetBudget(TEACHER, 1),
        AddTrack(CAMERA_IN),
        AddDown(camera_down(0)),
    ]
    for step in unknown:
        with pytest.raises(KeyError):
            replay(make, [step])
    for twice in (AddPeer(TEACHER), AddDown(camera_down(0))):
        with pytest.raises(KeyError):
            replay(make, [*lesson(), twice])
