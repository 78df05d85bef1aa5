"""The forwarder as a whole under any history: what always holds at a subscriber."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from media.forwarder.api import Forwarder, Layer, Want
from media.forwarder.plain.rtcp_build import build_nack
from media.forwarder.plain.rtp import RtpPacket
from media.forwarder.plain.vp8 import parse_descriptor
from tests.media.forwarder.conftest import IMPLEMENTATIONS
from tests.media.forwarder.histories import (
    CAMERA,
    TEACHER,
    MuteTrack,
    Poll,
    Receive,
    ReceiveRaw,
    SetWant,
    Step,
    camera_down,
    frame,
    lesson,
    pupil,
    replay,
)

#: Hypothesis and fixtures do not go together; each property runs all implementations itself.
MAKERS: list[Callable[[], Forwarder]] = list(IMPLEMENTATIONS.values())

wants = st.builds(
    Want, layer=st.sampled_from(Layer), temporal=st.integers(0, 3), paused=st.booleans()
)


@define
class _Camera:
    """Three layers at 25 pictures a second, keyframes where the history says."""

    number: int = 0
    steps: list[Step] = field(factory=list)

    def picture(self, layers: set[Layer], keys: bool, packets: int) -> None:
        temporal = self.number % 2
        for layer in sorted(layers):
            self.steps += frame(
                self.number,
                layer,
                key=keys and temporal == 0,
                temporal=temporal,
                sync=temporal == 1,
                packets=2,
            )[:packets]
        self.number += 1
        self.steps.append(Poll(self.number * 0.04))


@st.composite
def histories(draw: st.DrawFn, *, whole: bool) -> list[Step]:
    """Pictures of changing layers, wishes, mutes; `whole`: no packet is lost."""
    camera = _Camera(steps=lesson())
    for _ in range(draw(st.integers(1, 25))):
        action = draw(st.sampled_from(["picture"] * 6 + ["want", "mute"]))
        if action == "want":
            camera.steps.append(SetWant(camera_down(0).id, draw(wants)))
        elif action == "mute":
            camera.steps += [MuteTrack(CAMERA, True), MuteTrack(CAMERA, False)]
        else:
            layers = draw(st.sets(st.sampled_from(Layer), min_size=0 if not whole else 1))
            layers = set(Layer) if whole else layers
            packets = 2 if whole else draw(st.integers(1, 2))
            camera.picture(layers, draw(st.booleans()), packets)
    return camera.steps


def got(make: Callable[[], Forwarder], steps: list[Step]) -> list[RtpPacket]:
    replayed = replay(make, steps)
    read = [
        replayed.ends[peer].read(datagram)
        for outcome in replayed.outcomes
        for peer, datagram in outcome.sent
        if peer == pupil(0)
    ]
    return [each for each in read if isinstance(each, RtpPacket) and each.ssrc == 5000]


@given(steps=histories(whole=True))
def test_no_gap_whatever_we_drop(steps: list[Step]) -> None:
    """Layers, temporal layers, pauses, mutes: numbers, picture ids and base pictures go on one by one."""
    for make in MAKERS:
        packets = got(make, steps)
        for before, after in itertools.pairwise(packets):
            assert (after.sequence - before.sequence) % 65536 == 1
            one, two = parse_descriptor(before.payload), parse_descriptor(after.payload)
            assert one.picture_id is not None
            assert two.picture_id is not None
            assert two.picture_id - one.picture_id in (0, 1)
            assert ((two.tl0 or 0) - (one.tl0 or 0)) % 256 in (0, 1, 2)
            same = two.picture_id == one.picture_id
            assert (after.timestamp == before.timestamp) == same
            assert (after.timestamp - before.timestamp) % 2**32 < 2**31


@given(steps=histories(whole=False), data=st.data())
def test_reordered_and_lost_packets_never_share_a_number(
    steps: list[Step], data: st.DataObject
) -> None:
    """Under loss and reordering every packet has its own number, and within a picture one timestamp."""
    media = [i for i, step in enumerate(steps) if isinstance(step, Receive)]
    for place in data.draw(st.lists(st.sampled_from(media), max_size=6)) if media else []:
        other = media[min(len(media) - 1, media.index(place) + data.draw(st.integers(1, 6)))]
        steps[place], steps[other] = steps[other], steps[place]
    for make in MAKERS:
        packets = [packet for packet in got(make, steps) if packet.payload]
        assert len({packet.sequence for packet in packets}) == len(packets)
        times: dict[int, set[int]] = {}
        for packet in packets:
            picture = parse_descriptor(packet.payload).picture_id
            assert picture is not None
            times.setdefault(picture, set()).add(packet.timestamp)
        assert all(len(each) == 1 for each in times.values())


@given(steps=histories(whole=True), asked=st.lists(st.integers(90, 180), max_size=30, unique=True))
def test_rtx_answers_exactly_what_was_sent(steps: list[Step], asked: list[int]) -> None:
    """A subscriber that asks gets the packet it should have had, byte for byte, and nothing else."""
    at = max(step.at for step in steps if isinstance(step, Poll)) if len(steps) > 10 else 0.0
    nack = Receive(pupil(0), build_nack(5000, sorted(asked) or [0]), at)
    for make in MAKERS:
        replayed = replay(make, [*steps, nack])
        sent = {packet.sequence: packet for packet in got(make, steps)}
        answers = [
            replayed.ends[peer].read(datagram)
            for peer, datagram in replayed.outcomes[-1].sent
            if peer == pupil(0)
        ]
        for answer in answers:
            assert isinstance(answer, RtpPacket)
            assert (answer.ssrc, answer.payload_type) == (6000, 103)
            original = sent[int.from_bytes(answer.payload[:2], "big")]
            assert answer.payload[2:] == original.payload
            assert answer.timestamp == original.timestamp
        assert len(answers) == len(set(asked) & set(sent))


@given(
    datagrams=st.lists(
        st.binary(max_size=60)
        | st.binary(max_size=80).map(lambda tail: b"\x80\x60" + tail)
        | st.binary(max_size=80).map(lambda tail: b"\x80\xc8" + tail),
        max_size=20,
    )
)
def test_strangers_datagrams_do_nothing(datagrams: list[bytes]) -> None:
    """Anything that is not authentic is counted, sends nothing, and raises nothing."""
    for make in MAKERS:
        replayed = replay(
            make, [*lesson(), *(ReceiveRaw(TEACHER, each, 0.0) for each in datagrams)]
        )
        assert sum(replayed.stats.drops.values()) == len(datagrams)
        assert not any(outcome.sent for outcome in replayed.outcomes)


@given(
    packets=st.lists(
        st.tuples(st.sampled_from([96, 97, 111, 63, 20]), st.binary(max_size=60), st.booleans())
        | st.tuples(st.just(200), st.binary(min_size=4, max_size=60), st.booleans()),
        max_size=15,
    )
)
def test_authentic_nonsense_raises_nothing(packets: list[tuple[int, bytes, bool]]) -> None:
    """A peer with keys can send any payload, any RTCP, for any of its SSRCs."""
    steps: list[Step] = [*lesson(), *frame(0, key=True)]
    for i, (kind, tail, known) in enumerate(packets):
        ssrc = (1003 if known else 77).to_bytes(4, "big")
        if kind == 200:
            size = (len(tail) // 4).to_bytes(2, "big")
            packet = (
                bytes((0x80 | tail[0] & 0x1F, 200 + tail[0] % 8))
                + size
                + tail[: len(tail) // 4 * 4]
            )
            packet = packet.ljust(8, b"\0")
        else:
            number = (30_001 + i).to_bytes(2, "big")
            packet = bytes((0x80, kind)) + number + bytes(4) + ssrc + tail
        steps += [Receive(TEACHER, packet, 0.1 + i / 100), Poll(0.1 + i / 100)]
    for make in MAKERS:
        replay(make, steps)
