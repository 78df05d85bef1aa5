"""A room in which many speak: the three loudest are heard, and nothing is missing for whoever hears them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from attrs import evolve

from media.forwarder.api import Codec, DownTrack, Drop, Extensions, Forwarder, Loudness, TrackIn
from media.forwarder.plain.rtp import RtpPacket
from media.ids import DownId, PeerId, TrackSid
from tests.media.forwarder.ends import AUDIO_LEVEL, MID, rtp
from tests.media.forwarder.histories import (
    MICROPHONE_IN,
    AddDown,
    AddPeer,
    AddTrack,
    MuteTrack,
    Poll,
    Receive,
    RemoveTrack,
    Step,
    replay,
)

Make = Callable[[], Forwarder]

LISTENER = PeerId("PC_listener")
#: -dBov, as clients write them.
LOUD, SPEECH, QUIET, NOISE = 10, 25, 45, 80
#: Packets a second of a voice.
PER_SECOND = 50


def sid(speaker: int) -> TrackSid:
    return TrackSid(f"TR_AM{speaker}")


def microphone(speaker: int, group: str = "lesson") -> TrackIn:
    return evolve(
        MICROPHONE_IN,
        sid=sid(speaker),
        peer=PeerId(f"PC_{speaker}"),
        ssrcs={},
        group=group,
    )


def lesson(speakers: int) -> list[Step]:
    """So many microphones, and somebody who listens to all of them."""
    steps: list[Step] = [AddPeer(LISTENER)]
    for speaker in range(speakers):
        down = DownTrack(
            id=DownId(f"down {speaker}"),
            track=sid(speaker),
            peer=LISTENER,
            mid=str(speaker),
            ssrc=7000 + speaker,
            rtx_ssrc=0,
            payload_types={Codec.OPUS: (109, 0)},
            extensions=Extensions(audio_level=1),
            cname="",
            first_sequence=65_500,
            first_timestamp=0,
        )
        steps += [AddPeer(PeerId(f"PC_{speaker}")), AddTrack(microphone(speaker)), AddDown(down)]
    return steps


def packet(speaker: int, number: int, level: int | None, at: float | None = None) -> Receive:
    """The voice's packet `number`, 20 ms each; its level in -dBov, if its client tells it."""
    elements = {MID: b"0"} if level is None else {MID: b"0", AUDIO_LEVEL: bytes((0x80 | level,))}
    data = rtp(
        ssrc=2001,
        sequence=number & 0xFFFF,
        timestamp=number * 960,
        payload_type=111,
        payload=b"%d" % number,
        elements=elements,
    )
    return Receive(PeerId(f"PC_{speaker}"), data, number / PER_SECOND if at is None else at)


def talk(levels: Iterable[int | None], numbers: Iterable[int]) -> list[Step]:
    """All speak at once, the first of them at the first level."""
    return [
        packet(speaker, number, level) for number in numbers for speaker, level in enumerate(levels)
    ]


def heard(make: Make, steps: list[Step]) -> dict[int, list[RtpPacket]]:
    """By speaker, what the listener got."""
    replayed = replay(make, steps)
    got: dict[int, list[RtpPacket]] = {}
    for outcome in replayed.outcomes:
        for to, datagram in outcome.sent:
            read = replayed.ends[to].read(datagram)
            if to == LISTENER and isinstance(read, RtpPacket):
                got.setdefault(read.ssrc - 7000, []).append(read)
    return got


def numbers(packets: list[RtpPacket]) -> list[int]:
    """As their speaker numbered them."""
    return [int(packet.payload) for packet in packets]


def test_the_three_loudest_of_six_are_heard(make: Make) -> None:
    """Within a second the loudest have the places, in whatever order they began; the others' packets are counted."""
    levels = [NOISE, SPEECH, LOUD, QUIET, SPEECH, QUIET]
    steps = [*lesson(6), *talk(levels, range(100))]
    got = heard(make, steps)
    after = {who for who, packets in got.items() if numbers(packets)[-1] == 99}

    assert after == {1, 2, 4}
    assert {len(got[who]) for who in (1, 2)} == {100}
    assert replay(make, steps).stats.drops[Drop.QUIETER.value] >= 300 - 60


def test_three_microphones_are_heard_whatever_they_carry(make: Make) -> None:
    """Up to three, nothing is held back: not even silence."""
    got = heard(make, [*lesson(3), *talk([NOISE, LOUD, 127], range(200))])
    assert [numbers(got[who]) for who in range(3)] == [list(range(200))] * 3


def test_the_first_syllable_is_heard(make: Make) -> None:
    """Who speaks into a silent place is heard from the first packet, though a hundred microphones are open."""
    noise = [NOISE] * 10
    steps = [*lesson(10), *talk(noise, range(100))]
    steps += talk([*noise[:9], SPEECH], range(100, 150))
    got = heard(make, steps)

    assert numbers(got[9]) == list(range(100, 150))
    assert sorted(len(got.get(who, [])) for who in range(9)) == [0] * 6 + [101, 150, 150]


def test_somebody_much_louder_is_heard_within_a_tenth_of_a_second(make: Make) -> None:
    """Even while three others have just begun to speak."""
    steps = [*lesson(4), *talk([QUIET] * 3, range(10)), *talk([QUIET] * 3 + [LOUD], range(10, 40))]
    got = heard(make, steps)
    assert numbers(got[3])[0] <= 14
    assert numbers(got[3]) == list(range(numbers(got[3])[0], 40))


def test_a_place_is_kept_against_the_like_and_for_a_second_against_the_louder(make: Make) -> None:
    """Four who speak alike do not push one another out; 10 dB more wait until the first second is over."""
    got = heard(make, [*lesson(4), *talk([SPEECH] * 4, range(500))])
    assert (sorted(got), {len(each) for each in got.values()}) == ([0, 1, 2], {500})

    steps = [*lesson(4), *talk([SPEECH] * 3 + [SPEECH - 10], range(200))]
    assert numbers(heard(make, steps)[3]) == list(range(50, 200))


def test_a_word_s_pause_costs_nobody_their_place(make: Make) -> None:
    """A third of a second of silence between two words, as everybody makes them, against somebody as loud."""
    steps = [*lesson(4), *talk([SPEECH] * 4, range(100))]
    steps += talk([SPEECH, SPEECH, NOISE, SPEECH + 3], range(100, 116))
    steps += talk([SPEECH] * 3 + [SPEECH + 3], range(116, 200))
    got = heard(make, steps)
    assert sorted(got) == [0, 1, 2]


def test_for_a_listener_it_was_a_pause(make: Make) -> None:
    """When a voice comes back its numbers go on one by one, its time by what has passed; nothing is missing."""
    turns = [
        (range(50), [SPEECH] * 4),
        (range(50, 150), [SPEECH, SPEECH, NOISE, LOUD]),
        (range(150, 300), [SPEECH, SPEECH, LOUD, NOISE]),
    ]
    steps = lesson(4)
    for span, levels in turns:
        steps += talk(levels, (number for number in span if number not in (100, 101, 130)))
    got = heard(make, steps)[2]

    begun = next(i for i, (a, b) in enumerate(pairwise(numbers(got))) if b - a > 1) + 1
    assert numbers(got)[begun:] == list(range(numbers(got)[begun], 300))
    assert all((b.sequence - a.sequence) % 65_536 == 1 for a, b in pairwise(got))
    assert [p.timestamp - got[0].timestamp for p in got] == [n * 960 for n in numbers(got)]


def test_a_late_packet_goes_where_its_neighbours_went(make: Make) -> None:
    """One that was overtaken before the voice was held back fills its gap; one of the silence does not."""
    start, quiet = [SPEECH] * 3, [SPEECH, SPEECH, NOISE, LOUD]
    steps = [*lesson(4), *talk(start, (n for n in range(100) if n != 98))]
    steps += talk(quiet, (n for n in range(100, 200) if n != 190))
    steps += [packet(2, 98, SPEECH, 4.0), packet(2, 190, NOISE, 4.0)]
    steps += talk([SPEECH, SPEECH, LOUD, NOISE], range(200, 300))
    late = packet(2, 195, NOISE, 6.0)
    got = heard(make, [*steps, late])[2]

    assert 98 in numbers(got)
    assert 190 not in numbers(got)
    assert 195 not in numbers(got)
    assert sorted((p.sequence - 65_500) % 65_536 for p in got) == list(range(len(got)))


def test_hosts_screens_and_voices_without_levels_are_always_heard(make: Make) -> None:
    """A track without a group takes no place; nor does one whose client tells no levels."""
    steps = [*lesson(6), AddTrack(microphone(4, group=""))]
    got = heard(make, [*steps, *talk([SPEECH] * 4 + [NOISE, None], range(100))])
    assert {who: len(packets) for who, packets in got.items()} == dict.fromkeys(
        (0, 1, 2, 4, 5), 100
    )


def test_a_group_that_changes_takes_effect_at_once(make: Make) -> None:
    """Whoever becomes a host is heard from the next packet, and whose place they had is free."""
    steps = [*lesson(5), *talk([SPEECH] * 5, range(50))]
    steps += [
        AddTrack(microphone(4, group="")),
        AddTrack(microphone(0, group="")),
        *talk([SPEECH] * 5, range(50, 100)),
    ]
    got = heard(make, steps)
    assert {who: len(packets) for who, packets in got.items()} == {
        0: 100,
        1: 100,
        2: 100,
        3: 50,
        4: 50,
    }
    assert numbers(got[4]) == list(range(50, 100))


@pytest.mark.parametrize(
    "ends", [MuteTrack(sid(1), True), RemoveTrack(sid(1))], ids=["muted", "unpublished"]
)
def test_who_falls_silent_by_a_decision_frees_their_place(make: Make, ends: Step) -> None:
    """A place is free with the mute of a host, or the end of a track."""
    steps = [*lesson(4), *talk([SPEECH] * 4, range(50)), ends]
    steps += [packet(who, number, SPEECH) for number in range(50, 60) for who in (0, 2, 3)]
    assert numbers(heard(make, steps)[3]) == list(range(50, 60))


def test_rooms_do_not_compete(make: Make) -> None:
    """Three of each room, though one forwarder serves both."""
    steps = lesson(8)
    steps += [AddTrack(microphone(speaker, group="another")) for speaker in range(4, 8)]
    got = heard(make, [*steps, *talk([SPEECH] * 4 + [QUIET] * 4, range(100))])
    assert sorted(got) == [0, 1, 2, 4, 5, 6]


def test_levels_are_told_of_everybody(make: Make) -> None:
    """Who is held back is a speaker all the same: lists of speakers and attendance know them."""
    replayed = replay(make, [*lesson(5), *talk([SPEECH] * 5, range(30)), Poll(0.6)])
    told = [
        event
        for outcome in replayed.outcomes
        for event in outcome.events
        if isinstance(event, Loudness)
    ]
    assert [set(each.levels) for each in told] == [{sid(speaker) for speaker in range(5)}]
