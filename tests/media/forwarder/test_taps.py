"""Copies of chosen tracks for what is broadcast: which packets come, as what, and what the publisher is asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from media.forwarder.api import (
    Codec,
    Copy,
    Forwarder,
    Layer,
    SrtpProfile,
    Stats,
    Tap,
    Tapped,
    TappedClock,
)
from media.forwarder.plain.outbox import MOST_TAPPED
from media.forwarder.plain.rtcp import KeyframeWish, Nack, SenderReport, parse_rtcp
from media.forwarder.plain.rtcp_build import build_sr
from media.ids import TrackSid
from tests.media.forwarder.ends import MID, REPAIRED_RID, RID, rtp, vp8
from tests.media.forwarder.histories import (
    CAMERA,
    CAMERA_IN,
    MICROPHONE,
    MICROPHONE_IN,
    SSRC,
    TEACHER,
    AddPeer,
    AddTap,
    AddTrack,
    AskKey,
    MuteTrack,
    Poll,
    Receive,
    RemoveTap,
    RemoveTrack,
    Replayed,
    Step,
    frame,
    lesson,
    play,
    pupil,
    replay,
    voice,
)

Make = Callable[[], Forwarder]
LOW, MEDIUM, HIGH = Layer
#: The teacher publishes, nobody is there to watch.
ALONE: list[Step] = [AddPeer(TEACHER), AddTrack(CAMERA_IN), AddTrack(MICROPHONE_IN)]


def copies(replayed: Replayed) -> list[Copy]:
    return [each for outcome in replayed.outcomes for each in outcome.tapped]


def asked(replayed: Replayed) -> list[object]:
    """Key frames and packets that the teacher was asked for."""
    end = replayed.ends[TEACHER]
    sent = [data for one in replayed.outcomes for to, data in one.sent if to == TEACHER]
    items = [item for each in sent for item in parse_rtcp(bytes(end.read(each)))]  # type: ignore[arg-type]
    return [item for item in items if isinstance(item, KeyframeWish | Nack)]


def clock(ssrc: int, at: float) -> Receive:
    ntp = 0xE900_0000_0000_0000
    return Receive(TEACHER, build_sr(SenderReport(ssrc, ntp, 150_000, 1, 100)), at)


@pytest.mark.parametrize("profile", SrtpProfile)
def test_what_is_tapped_comes_as_it_was_sent(make: Make, profile: SrtpProfile) -> None:
    """Packets of the asked layers, byte for byte, with their codec and their time; those of other layers do not."""
    large, middle, small = (frame(0, layer, key=True, packets=2) for layer in (HIGH, MEDIUM, LOW))
    steps = [*ALONE, AddTap(Tap(CAMERA, frozenset({LOW, HIGH}))), AddTap(Tap(MICROPHONE))]
    replayed = replay(make, [*steps, *large, *middle, *small, voice(1)], profile)
    assert copies(replayed) == [
        *(Tapped(CAMERA, HIGH, Codec.VP8, each.packet, each.at) for each in large),
        *(Tapped(CAMERA, LOW, Codec.VP8, each.packet, each.at) for each in small),
        Tapped(MICROPHONE, HIGH, Codec.OPUS, voice(1).packet, 0.02),
    ]
    assert replayed.stats.tapped == 5
    assert replayed.stats.drops == {"no_subscriber": 2}


def test_subscribers_notice_nothing(make: Make) -> None:
    """With a tap or without, a pupil is sent the same, and the counters of drops are the same."""
    pictures = [each for number in range(5) for each in frame(number, key=number == 0)]
    with_tap = replay(make, [*lesson(), AddTap(Tap(CAMERA)), *pictures, Poll(0.5)])
    without = replay(make, [*lesson(), *pictures, Poll(0.5)])

    def to_pupil(replayed: Replayed) -> list[bytes]:
        return [data for one in replayed.outcomes for to, data in one.sent if to == pupil(0)]

    assert to_pupil(with_tap) == to_pupil(without)
    assert with_tap.stats.drops == without.stats.drops
    assert len(copies(with_tap)) == 5


def test_a_key_frame_is_asked_for_when_a_tap_begins(make: Make) -> None:
    """Of every tapped layer, once, until it comes; by `ask_key` again, many wishes at most once a second."""
    steps: list[Step] = [*ALONE, *frame(0), *frame(0, LOW), AddTap(Tap(CAMERA)), Poll(0.1)]
    wishes = [KeyframeWish(SSRC[HIGH]), KeyframeWish(SSRC[LOW])]
    assert asked(replay(make, steps)) == wishes
    steps += [*frame(4, key=True), *frame(4, LOW, key=True), Poll(2.0)]
    assert asked(replay(make, steps)) == wishes
    steps += [AskKey(CAMERA, HIGH)] * 9 + [Poll(2.1), AskKey(CAMERA, HIGH), Poll(2.5)]
    assert asked(replay(make, steps)) == [*wishes, wishes[0]]


def test_a_key_frame_is_asked_of_what_is_tapped_only(make: Make) -> None:
    """Not of a layer that is not, nor of one that never came, nor when the tap is gone."""
    steps: list[Step] = [*ALONE, *frame(0), AddTap(Tap(CAMERA, frozenset({LOW})))]
    steps += [AskKey(CAMERA, HIGH), AskKey(CAMERA, LOW), Poll(1.0), *frame(30, LOW)]
    steps += [RemoveTap(CAMERA), AskKey(CAMERA, LOW), Poll(3.0)]
    assert asked(replay(make, steps)) == []


def test_what_is_lost_is_asked_for_and_comes_unwrapped(make: Make) -> None:
    """A hole is asked for though nobody subscribes; RTX brings the packet in its own name, and only once."""
    pictures = [packet for number in range(4) for packet in frame(number, key=number == 0)]
    lost = pictures.pop(2)
    body = vp8(202, tl0=2, body=b"HIGH 2.0")

    def again(number: int, padding: int) -> bytes:
        return rtp(
            ssrc=9999,
            sequence=number,
            payload_type=97,
            timestamp=50_000 * 3 + 2 * 3600,
            marker=True,
            payload=lost.packet[2:4] + body,
            elements={MID: b"1", REPAIRED_RID: b"f"},
            padding=padding,
        )

    steps = [*ALONE, AddTap(Tap(CAMERA)), *pictures, Poll(0.145)]
    steps += [Receive(TEACHER, again(1, 0), 0.15), Receive(TEACHER, again(2, 0), 0.16)]
    replayed = replay(make, steps)
    number = int.from_bytes(lost.packet[2:4], "big")
    assert Nack(SSRC[HIGH], (number,)) in asked(replayed)
    *_, repaired = copies(replayed)
    elements = {MID: b"1", REPAIRED_RID: b"f"}
    unwrapped = rtp(
        ssrc=SSRC[HIGH],
        sequence=number,
        timestamp=50_000 * 3 + 2 * 3600,
        marker=True,
        payload=body,
        elements=elements,
    )
    assert repaired == Tapped(CAMERA, HIGH, Codec.VP8, unwrapped, 0.15)
    assert len(copies(replayed)) == 4
    steps[-2:] = [Receive(TEACHER, again(1, 5), 0.15)]
    *_, padded = copies(replay(make, steps))
    assert isinstance(padded, Tapped)
    assert padded.packet[-5:] == bytes((0, 0, 0, 0, 5))
    assert padded.packet[0] & 0x20


def test_numbers_without_media_come_too(make: Make) -> None:
    """Padding, and what nobody negotiated: whoever counts numbers must not wait for them."""
    ssrc, elements = SSRC[HIGH], {MID: b"1", RID: b"f"}
    padding = rtp(ssrc=ssrc, sequence=30_001, payload=b"", padding=7, elements=elements)
    unknown = rtp(ssrc=ssrc, sequence=30_002, payload=b"?", payload_type=35, elements=elements)
    steps: list[Step] = [*ALONE, AddTap(Tap(CAMERA)), *frame(0, key=True)]
    steps += [Receive(TEACHER, padding, 0.1), Receive(TEACHER, unknown, 0.2)]
    _, *found = copies(replay(make, steps))
    assert found == [
        Tapped(CAMERA, HIGH, Codec.VP8, padding, 0.1),
        Tapped(CAMERA, HIGH, None, unknown, 0.2),
    ]


def test_a_muted_track_gives_nothing(make: Make) -> None:
    """R43: no packet, no clock, and nothing is asked of its publisher; unmuted a key frame is, and the clock comes."""
    steps: list[Step] = [*ALONE, AddTap(Tap(CAMERA)), *frame(0, key=True), MuteTrack(CAMERA, True)]
    steps += [*frame(1), clock(SSRC[HIGH], 0.05), *frame(3), AskKey(CAMERA, HIGH), Poll(2.0)]
    silent = replay(make, steps)
    assert len(copies(silent)) == 1
    assert asked(silent) == []
    assert silent.stats.drops == {"muted": 2}
    heard = replay(make, [*steps, MuteTrack(CAMERA, False), *frame(4, at=2.4), Poll(2.5)])
    assert [type(each) for each in copies(heard)] == [Tapped, TappedClock, Tapped]
    assert asked(heard) == [KeyframeWish(SSRC[HIGH])]


def test_clocks_come_with_the_packets(make: Make) -> None:
    """Each sender report of a tapped layer when it comes, and the last one when a tap begins later."""
    steps: list[Step] = [*ALONE, *frame(0, key=True), voice(0), clock(SSRC[HIGH], 0.3)]
    steps += [AddTap(Tap(CAMERA)), AddTap(Tap(MICROPHONE)), clock(2001, 0.4), clock(77, 0.5)]
    ntp = 0xE900_0000_0000_0000
    assert copies(replay(make, steps)) == [
        TappedClock(CAMERA, HIGH, ntp, 150_000, 0.3),
        TappedClock(MICROPHONE, HIGH, ntp, 150_000, 0.4),
    ]


def test_a_tap_is_changed_and_ends(make: Make) -> None:
    """Another one takes its place; it ends when it is removed, and with the track; unknown tracks are bugs."""
    steps: list[Step] = [*ALONE, AddTap(Tap(CAMERA, frozenset({LOW})))]
    steps += [*frame(0, key=True), AddTap(Tap(CAMERA)), *frame(1), RemoveTap(CAMERA), *frame(2)]
    steps += [RemoveTap(CAMERA), AddTap(Tap(CAMERA)), *frame(3), RemoveTrack(CAMERA)]
    steps += [AddTrack(CAMERA_IN), *frame(4)]
    found = [each.at for each in copies(replay(make, steps))]
    assert found == [0.04, 0.12]
    forwarder = make()
    nobody = TrackSid("TR_nobody")
    with pytest.raises(KeyError):
        forwarder.add_tap(Tap(nobody))
    with pytest.raises(KeyError):
        forwarder.remove_tap(nobody)
    with pytest.raises(KeyError):
        forwarder.ask_key(nobody, HIGH)


def test_a_new_ssrc_of_a_layer_is_tapped_like_the_old(make: Make) -> None:
    """A publisher that begins anew with another SSRC is asked for a key frame, and goes on in the tap."""
    fresh = rtp(
        ssrc=1234,
        sequence=7,
        timestamp=5,
        payload=vp8(1, key=False),
        elements={MID: b"1", RID: b"f"},
    )
    steps: list[Step] = [*ALONE, AddTap(Tap(CAMERA)), *frame(0, key=True), Poll(0.1)]
    steps += [Receive(TEACHER, fresh, 1.5), Poll(1.6)]
    replayed = replay(make, steps)
    assert asked(replayed) == [KeyframeWish(1234)]
    assert copies(replayed)[-1] == Tapped(CAMERA, HIGH, Codec.VP8, fresh, 1.5)


def test_what_nobody_takes_is_bounded(make: Make) -> None:
    """The oldest go, and are counted."""
    more = 100
    forwarder = make()
    steps: list[Step] = [*ALONE, AddTap(Tap(MICROPHONE))]
    play(forwarder, [*steps, *(voice(number) for number in range(MOST_TAPPED + more))])
    found = forwarder.take_tapped()
    assert len(found) == MOST_TAPPED
    assert found[0] == Tapped(MICROPHONE, HIGH, Codec.OPUS, voice(more).packet, voice(more).at)
    stats: Stats = forwarder.stats()
    assert (stats.tapped, stats.taps_lost) == (MOST_TAPPED + more, more)
    assert list(forwarder.take_tapped()) == []


def test_packets_do_not_show_in_logs() -> None:
    """Of a copy only what names it is shown."""
    assert "secret" not in repr(Tapped(CAMERA, HIGH, Codec.VP8, b"secret", 0.0))
