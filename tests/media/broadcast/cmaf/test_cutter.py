"""The cutter: whatever is on the stage, parts are even, segments begin with key frames, nothing builds on nothing."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.cutter import LONGEST_STEP, Cutter
from media.broadcast.cmaf.parts import Output, Part, Rendition
from media.broadcast.cmaf.picture_line import ABSENT, MOST_WAITING
from media.broadcast.cmaf.pictures import Picture
from media.broadcast.cmaf.rhythm import ENOUGH, LOW_LATENCY, USUAL, Rhythm
from media.broadcast.cmaf.sound import FRAME, SILENCE, Sound
from tests.media.broadcast.cmaf.judge import judge
from tests.media.broadcast.cmaf.reading import inits_of, parts_of, samples
from tests.media.broadcast.cmaf.stage import STILL, Stage, parameters

RHYTHMS = [USUAL, LOW_LATENCY]


def _segments(out: list[Output]) -> list[list[Part]]:
    parts = parts_of(out, Rendition.PICTURES)
    return [list(group) for _, group in groupby(parts, key=lambda part: part.segment)]


def _shown(out: list[Output]) -> list[bytes]:
    parts = parts_of(out, Rendition.PICTURES)
    return [each.data for part in parts for each in samples(part.data) if each.track == 2]


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_an_ordinary_broadcast(rhythm: Rhythm) -> None:
    """Segments end with the key frame that was asked for, four parts each, and the last part is nearly whole."""
    stage = Stage(rhythm)
    stage.go(60 * RATE)
    stage.end()
    judge(stage.out, rhythm)
    segments = _segments(stage.out)[1:-1]
    assert {len(each) for each in segments} == {4}
    assert all(each[0].independent for each in segments)
    assert all(each[-1].ticks >= ENOUGH * rhythm.part_ticks for each in segments[3:])
    assert len(stage.asked) <= len(segments) + 3
    assert stage.cutter.left_out == (0, 0, 0)
    assert len(inits_of(stage.out, Rendition.PICTURES)) == 1


@pytest.mark.parametrize(("gop", "length"), [(25, 4), (50, 4), (75, 6), (125, 5)])
def test_an_encoder_that_takes_no_requests(gop: int, length: int) -> None:
    """OBS sends key frames when it likes: the segment ends with the first one after 3 s."""
    stage = Stage(obeys=None, gop=gop)
    stage.go(40 * RATE)
    stage.end()
    judge(stage.out, USUAL)
    for each in _segments(stage.out)[1:-1]:
        assert abs(sum(part.ticks for part in each) - length * RATE) <= FRAME


def test_an_encoder_with_key_frames_each_ten_seconds() -> None:
    """No segment is longer than was promised, even if it then begins without a key frame."""
    stage = Stage(obeys=None, gop=250)
    stage.go(40 * RATE)
    stage.end()
    judge(stage.out, USUAL)
    assert {each[0].independent for each in _segments(stage.out)} == {True, False}


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_a_screen_at_one_picture_a_second(rhythm: Rhythm) -> None:
    """Parts come evenly although most have one picture or none, and no picture ends before the next."""
    stage = Stage(rhythm, step=RATE, obeys=RATE // 2)
    stage.go(30 * RATE)
    stage.end()
    judge(stage.out, rhythm)
    assert len(_shown(stage.out)) in range(26, 31)
    assert b"0 0 key" not in _shown(stage.out)


def test_without_a_camera() -> None:
    """Sound alone begins after two seconds with a still picture, and each segment can be begun with."""
    stage = Stage(step=0)
    stage.go(20 * RATE)
    stage.end()
    judge(stage.out, USUAL)
    assert set(_shown(stage.out)) == {b"0 0 key"}
    assert {len(each) for each in _segments(stage.out)[:-1]} == {4}


def test_without_a_microphone() -> None:
    """Pictures alone have silence beside them."""
    stage = Stage(sounds=False)
    stage.go(20 * RATE)
    stage.end()
    judge(stage.out, USUAL)
    sounds = {
        each.data for part in parts_of(stage.out, Rendition.SOUND) for each in samples(part.data)
    }
    assert sounds == {SILENCE[2]}
    assert len(_shown(stage.out)) > 19 * 25


def test_the_camera_goes_and_returns() -> None:
    """After four seconds without a picture there is the still one, and the camera is back with its key frame."""
    stage = Stage()
    stage.go(10 * RATE)
    stage.step = 0
    stage.go(10 * RATE)
    stage.step = RATE // 25
    stage.go(10 * RATE)
    stage.end()
    judge(stage.out, USUAL)
    encoders = [encoder for encoder, _ in groupby(each.split()[0] for each in _shown(stage.out))]
    assert encoders == [b"1", b"0", b"1"]
    assert [each.discontinuity for each in inits_of(stage.out, Rendition.PICTURES)] == [0, 1, 2]


def test_another_size() -> None:
    """New parameter sets begin a segment with an init segment of their own at once, in both renditions."""
    stage = Stage()
    stage.go(10 * RATE + RATE // 2)
    stage.change_encoder()
    stage.go(10 * RATE)
    stage.end()
    judge(stage.out, USUAL)
    for rendition in Rendition:
        assert [each.discontinuity for each in inits_of(stage.out, rendition)] == [0, 1]
    assert inits_of(stage.out, Rendition.PICTURES)[1].parameters == parameters(2)


def test_sizes_that_change_with_every_picture() -> None:
    """A publisher that changes its parameter sets all the time makes one init segment a second at most."""
    stage = Stage()
    for _ in range(250):
        stage.go(RATE // 25)
        stage.change_encoder()
    stage.end()
    judge(stage.out, USUAL)
    assert len(inits_of(stage.out, Rendition.PICTURES)) <= 11


def test_a_lost_picture() -> None:
    """After a loss a key frame is asked for at once, and nothing is shown until it comes."""
    stage = Stage()
    stage.go(6 * RATE)
    asked = len(stage.asked)
    stage.lose_pictures(3)
    stage.go(RATE // 10)
    assert len(stage.asked) == asked + 1
    stage.go(6 * RATE)
    stage.end()
    judge(stage.out, USUAL)
    assert stage.cutter.left_out[0] in range(1, 10)


def test_a_publisher_that_never_answers_is_not_flooded() -> None:
    """Without any key frame it is asked once a second."""
    stage = Stage(obeys=None)
    stage._since_key = 0
    stage.go(20 * RATE)
    assert stage._number > 400
    assert len(stage.asked) in range(18, 22)
    assert set(_shown(stage.out)) == {b"0 0 key"}


def test_pictures_that_are_late_keep_their_distances() -> None:
    """Pictures that always come 0.4 s after their sound are waited for: nearly all keep their time."""
    stage = Stage()
    stage.late = RATE * 2 // 5
    stage.sounds = False
    stage.go(30 * RATE)
    judge(stage.out, USUAL)
    parts = parts_of(stage.out, Rendition.PICTURES)[4:]
    times = [each.ticks for part in parts for each in samples(part.data) if each.track == 2]
    steps = Counter(after - before for before, after in pairwise(times))
    assert steps[RATE // 25] > 0.98 * len(times)


def test_sound_that_is_late_is_heard() -> None:
    """Sound that always comes 0.6 s after its time is waited for, once that is known: a second of it is lost."""
    stage = Stage()
    stage.late = RATE * 3 // 5
    stage.go(30 * RATE)
    judge(stage.out, USUAL)
    assert stage.cutter.left_out[1] < RATE / FRAME
    late = parts_of(stage.out, Rendition.SOUND)[3:]
    assert all(each.data != SILENCE[2] for part in late for each in samples(part.data))


def test_silence_for_an_hour_of_nobody_calling() -> None:
    """A process that stood still does not write an hour of silence: it goes on with a new init segment."""
    stage = Stage()
    stage.go(10 * RATE)
    count = len(stage.out)
    stage.now += 3_600 * RATE
    stage.go(10 * RATE)
    judge(stage.out, USUAL, ended=False)
    assert len(stage.out) < 3 * count
    parts = parts_of(stage.out, Rendition.PICTURES)
    jump = next(each for each in parts if each.discontinuity == 1)
    assert jump.begins > 3_600 * RATE
    assert jump.part == 0


def test_a_short_stall_is_silence() -> None:
    """Twenty seconds without a call are caught up with: the same clock, the still picture, silence."""
    stage = Stage()
    stage.go(10 * RATE)
    stage.now += 20 * RATE
    assert 20 * RATE < LONGEST_STEP
    stage.go(10 * RATE)
    stage.end()
    judge(stage.out, USUAL)


def test_nothing_is_kept_for_ever() -> None:
    """A flood of pictures without any time passing is cut off, and asks for a key frame."""
    cutter = Cutter(USUAL, STILL, 1, 0)
    key = Picture(1_000, True, parameters(1), b"1 1 key")
    for number in range(3 * MOST_WAITING):
        cutter.take_picture(evolve(key, ticks=1_000 + number), 1_000)
    assert len(cutter._line.waiting) <= MOST_WAITING
    assert cutter.left_out[0] == 2 * MOST_WAITING


def test_after_the_end() -> None:
    """Nothing follows the end, and it can be told twice; without a beginning it is nothing."""
    stage = Stage()
    stage.go(5 * RATE)
    stage.end()
    count = len(stage.out)
    stage.end()
    stage.go(RATE)
    assert len(stage.out) == count
    assert Cutter(USUAL, STILL, 1, 0).end(5) == []


def test_the_last_picture_ends_with_the_broadcast() -> None:
    """What is seen at the end is as long as what is heard: players add nothing."""
    stage = Stage()
    stage.go(6 * RATE)
    stage.end()
    last = parts_of(stage.out, Rendition.PICTURES)[-1]
    picture = samples(last.data)[-1]
    assert picture.ticks + picture.duration == last.begins + last.ticks
    assert picture.duration < ABSENT


@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_a_picture_now_and_then(rhythm: Rhythm) -> None:
    """One in five seconds, whose encoder takes no requests: the one before is shown until it comes, or a still one."""
    stage = Stage(rhythm, step=5 * RATE, obeys=None)
    stage.go(40 * RATE)
    judge(stage.out, rhythm, ended=False)


@pytest.mark.parametrize("still", [evolve(STILL, key=False)])
def test_the_still_picture_is_a_key_frame(still: Picture) -> None:
    """A still picture that builds on another one is refused at once."""
    with pytest.raises(ValueError, match="key frame"):
        Cutter(USUAL, still, 1, 0)


def test_impossible_rhythms() -> None:
    """A segment that could not end is refused."""
    for frames, parts, most in ((0, 4, 6), (48, 1, 6), (48, 4, 4)):
        with pytest.raises(ValueError, match="2 parts or more"):
            Rhythm(frames, parts, most)


_EVENTS = st.one_of(
    st.tuples(st.just("go"), st.integers(1, 5 * RATE)),
    st.tuples(st.just("step"), st.sampled_from([0, 400, 800, 1_600, 1_920, 4_800, RATE, 5 * RATE])),
    st.tuples(st.just("obeys"), st.sampled_from([0, 2_000, RATE // 5, 2 * RATE])),
    st.tuples(st.just("obeys"), st.none()),
    st.tuples(st.just("gop"), st.sampled_from([1, 7, 25, 60, 250])),
    st.tuples(st.just("late"), st.integers(0, RATE)),
    st.tuples(st.just("sounds"), st.booleans()),
    st.tuples(st.just("offset"), st.integers(-3 * RATE, 3 * RATE)),
    st.tuples(st.just("lose"), st.integers(1, 40)),
    st.tuples(st.just("change"), st.just(0)),
    st.tuples(st.just("stall"), st.integers(0, 25 * RATE)),
)


@given(st.sampled_from(RHYTHMS), st.lists(_EVENTS, max_size=12))
def test_any_stage(rhythm: Rhythm, events: list[tuple[str, int]]) -> None:
    """Odd GOPs, any rate, silence, losses, sizes, clocks that jump, stalls: a player has never a reason to complain."""
    stage = Stage(rhythm)
    for what, value in [*events, ("go", 2 * RATE)]:
        match what:
            case "go":
                stage.go(value)
            case "lose":
                stage.lose_pictures(value)
            case "change":
                stage.change_encoder()
            case "stall":
                stage.now += value
            case _:
                setattr(stage, what, value)
    judge(stage.out, rhythm, ended=False)
    stage.end()
    judge(stage.out, rhythm)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(-(10**7), 10**7),
            st.integers(0, RATE),
            st.booleans(),
            st.integers(1, 3),
        ),
        max_size=60,
    )
)
def test_any_calls(calls: list[tuple[int, int, int, bool, int]]) -> None:
    """Pictures and sound at any time at all, in any order of calls."""
    cutter = Cutter(LOW_LATENCY, STILL, 1, 2**63)
    out: list[Output] = []
    now, number = 0, 0
    for what, ticks, later, key, encoder in calls:
        now += later
        match what:
            case 0:
                number += 1
                data = b"%d %d %s" % (encoder, number, b"key" if key else b"-")
                out += cutter.take_picture(
                    Picture(now + ticks, key, parameters(encoder), data), now
                )
            case 1:
                out += cutter.take_sound(Sound(now + ticks, b"sound"), now)
            case 2:
                out += cutter.lose(now)
            case _:
                out += cutter.advance(now)
    judge(out + cutter.end(now), LOW_LATENCY)
