"""Large pictures leave for a measured link as fast as it takes them, voices before them, in both forwarders."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from media.forwarder.api import Forwarder, Want
from media.forwarder.plain.pacer import DRAINED_S, MOST, Pacer
from media.forwarder.plain.rtp import RtpPacket
from tests.media.forwarder.ends import End
from tests.media.forwarder.histories import CAMERA, MICROPHONE_IN, TEACHER, microphone_down, voice
from tests.media.forwarder.link import Line
from tests.media.forwarder.test_narrow_link import NUMBERED, PUPIL, Lesson, finish

#: A picture of so many bytes is 55 packets.
LARGE = 60_000


def learnt(forwarder: Forwarder) -> Lesson:
    """A camera of 0.4 Mbit/s behind 1 Mbit/s with 0.45 s of queue, and the estimate of that."""
    lesson = Lesson(forwarder, Line(1_000_000, queue_s=0.45), 400_000)
    forwarder.add_track(MICROPHONE_IN)
    forwarder.add_down(evolve(microphone_down(1), peer=PUPIL), Want())
    finish(lesson.play(0.0, 8.0))
    return lesson


def test_a_large_picture_does_not_push_itself_out(make: Callable[[], Forwarder]) -> None:
    """What the line's queue has no place for, when it comes at once, arrives whole when it comes at the rate."""
    lesson = learnt(make())
    line, at_once = lesson.line, Line(1_000_000, queue_s=0.45)
    lesson.keyframes[200] = LARGE
    line.crowded_out = 0
    heard = finish(lesson.play(8.0, 9.0))
    sizes = [len(each) for step in heard for each in step.sent if len(each) > 1_100]
    assert len(sizes) > LARGE / 1_100
    assert line.crowded_out == 0
    for size in sizes:
        at_once.arrival(size, 8.0)
    assert at_once.crowded_out > 5


def pictures(lesson: Lesson, end: End) -> list[RtpPacket]:
    """What leaves for the pupil now."""
    sent = [each.data for each in lesson.forwarder.take_output() if each.peer == PUPIL]
    read = [end.read(each) for each in sent]
    return [one for one in read if isinstance(one, RtpPacket)]


def test_order_is_kept_and_voices_pass(make: Callable[[], Forwarder]) -> None:
    """Of 55 packets a few go at once; a voice that comes next goes before the rest, which follow soon."""
    lesson = learnt(make())
    forwarder, teacher, end = lesson.forwarder, lesson._teacher, lesson._pupil
    lesson.keyframes[200] = LARGE
    lesson._picture(8.0)
    first = pictures(lesson, end)
    assert 3 <= len(first) < 20
    forwarder.receive(TEACHER, teacher.protect(voice(1).packet), 8.0)
    assert [one.payload for one in pictures(lesson, end)] == [b"voice 1"]
    now, rest, wakeups = 8.0, list[RtpPacket](), 0
    while now < 8.0 + DRAINED_S:
        due = forwarder.next_wakeup()
        assert due is not None
        now, wakeups = max(now + 0.001, due), wakeups + 1
        forwarder.poll(now)
        rest += [one for one in pictures(lesson, end) if one.ssrc == NUMBERED.ssrc]
    numbers = [one.sequence for one in first + rest]
    assert numbers == list(range(numbers[0], numbers[0] + 55))
    assert rest[-1].marker
    assert wakeups > 10


def test_of_what_is_muted_nothing_waits(make: Callable[[], Forwarder]) -> None:
    """R43: what was to leave later does not, and is not sent again; so with what is paused, and unpublished."""
    endings: list[Callable[[Forwarder], None]] = [
        lambda forwarder: forwarder.mute_track(CAMERA, True),
        lambda forwarder: forwarder.set_want(NUMBERED.id, Want(paused=True)),
        lambda forwarder: forwarder.remove_down(NUMBERED.id),
        lambda forwarder: forwarder.remove_track(CAMERA),
    ]
    for end_it in endings:
        lesson = learnt(make())
        forwarder = lesson.forwarder
        lesson.keyframes[200] = LARGE
        lesson._picture(8.0)
        assert pictures(lesson, lesson._pupil)
        end_it(forwarder)
        for step in range(1, 200):
            forwarder.poll(8.0 + step * 0.005)
            assert [
                one for one in pictures(lesson, lesson._pupil) if one.ssrc == NUMBERED.ssrc
            ] == []


def test_without_an_estimate_nothing_waits(make: Callable[[], Forwarder]) -> None:
    """Whoever does not tell of arrivals gets everything at once, as ever."""
    lesson = Lesson(make(), Line(0.001, queue_s=0.0), 600_000)
    finish(lesson.play(0.0, 4.0))
    lesson.keyframes[100] = LARGE
    lesson._picture(4.0)
    assert len(pictures(lesson, lesson._pupil)) == 55


def test_all_leaves_within_a_second_or_so() -> None:
    """However low the estimate is; and of more than `MOST` packets the oldest leave at once."""
    pacer, now, left = Pacer(), 0.0, 0
    pacer.went(1_200, 30_000, now)
    for number in range(300):
        pacer.hold(1, number, 1_200)
    while pacer.next_wakeup() is not None:
        now = pacer.next_wakeup() or now
        while (taken := pacer.take(now)) is not None:
            assert taken == (1, left)
            left += 1
            pacer.went(1_200, 30_000, now)
    assert left == 300
    assert now < 8 * DRAINED_S  # what waits gets less, and so slower
    for number in range(MOST + 1):
        pacer.hold(1, number, 1_200)
    assert pacer.is_full
    assert pacer.take(now) == (1, 0)
    assert pacer.take(now) is None
