"""Speakers and links: little is said, and nothing wrong."""

from __future__ import annotations

from media.ids import ParticipantSid, TrackSid
from media.room import operations as op
from media.room.commands import Pin, StartForwarding, Tell
from media.room.events import (
    GrantsChanged,
    HostAsked,
    LinkQuality,
    Loud,
    Muted,
    Resumed,
    SignalLost,
)
from media.room.links import Line, judge
from media.room.messages import LinksChanged, Message, Quality, Speaker, SpeakersChanged
from media.room.model import Grants, Source
from tests.media.room.script import (
    BOARD,
    FACE,
    HOST,
    MASHA,
    PETYA,
    TEACHER,
    VOICE,
    Lesson,
    joined,
    name_of,
    news,
    only,
    play,
    told,
    track,
)

BOTH = (TEACHER, MASHA)


def test_hosts_and_the_spotlight_are_heard_whoever_speaks() -> None:
    """They need no place among the loudest: a teacher, who is in the spotlight, who becomes a host."""
    lesson = Lesson()
    free = Grants()
    lesson.come(joined(TEACHER, HOST), joined(MASHA, free), joined(PETYA, free))
    second = TrackSid("TR_petya")
    published = [
        *lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE)),
        *lesson.publish(track(FACE, MASHA, Source.MICROPHONE)),
        *lesson.publish(track(second, PETYA, Source.MICROPHONE)),
        *lesson.publish(track(BOARD, TEACHER, Source.SCREEN)),
    ]
    assert only(Pin, published) == [Pin(VOICE, pinned=True)]

    def light(who: ParticipantSid | None) -> list[Pin]:
        shown = None if who is None else name_of(who)
        return only(
            Pin, lesson.do(HostAsked(by=TEACHER, operation=op.Spotlight(shown), request="r"))
        )

    assert light(MASHA) == [Pin(FACE, pinned=True)]
    assert light(PETYA) == [Pin(FACE, pinned=False), Pin(second, pinned=True)]
    assert light(None) == [Pin(second, pinned=False)]
    assert light(TEACHER) == []
    changed = [GrantsChanged(name_of(MASHA), grants) for grants in (HOST, free)]
    pinned = [only(Pin, lesson.do(change)) for change in changed]
    assert pinned == [[Pin(FACE, pinned=True)], [Pin(FACE, pinned=False)]]


def lesson_with_voice() -> Lesson:
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA, Grants()))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    lesson.let(10.0)
    return lesson


def spoke(level: float, active: bool = True) -> list[Tell]:
    return [Tell(BOTH, SpeakersChanged((Speaker(TEACHER, level, active),)))]


def test_somebody_speaks() -> None:
    """Said once as it begins, again when it is much louder or ends; a short pause is no end."""
    lesson = lesson_with_voice()
    play(lesson, (Loud({VOICE: 0.5}), [*spoke(0.5)]))
    script: list[tuple[float, list[Tell]]] = [
        (0.52, []),
        (0.8, spoke(0.8)),
        (0.0, []),
        (0.75, []),
        (0.0, []),
        (0.0, spoke(0.0, active=False)),
        (0.02, []),
        (0.04, spoke(0.04)),
    ]
    for level, expected in script:
        assert lesson.do(Loud({VOICE: level}), after=0.5) == expected, level


def test_not_more_than_every_350_ms() -> None:
    """Levels that come faster are looked at, and not told."""
    lesson = lesson_with_voice()
    lesson.do(Loud({VOICE: 0.5}))
    assert lesson.do(Loud({VOICE: 0.9}), after=0.2) == []
    assert lesson.do(Loud({VOICE: 0.9}), after=0.2) == spoke(0.9)


def test_muting_ends_speaking_at_once() -> None:
    """Also by a host; what the forwarder still hears of a muted track is nothing."""
    lesson = lesson_with_voice()
    lesson.do(Loud({VOICE: 0.5}))
    silent = SpeakersChanged((Speaker(TEACHER, 0.0, active=False),))
    assert silent in told(lesson.do(Muted(TEACHER, VOICE, muted=True)), MASHA)
    assert lesson.do(Loud({VOICE: 0.9}), after=1.0) == []
    lesson.do(HostAsked(by=TEACHER, operation=op.MuteEveryone()))


def test_a_newcomer_learns_who_speaks() -> None:
    """And a video track has no voice."""
    lesson = lesson_with_voice()
    lesson.publish(track(FACE, TEACHER, Source.CAMERA))
    lesson.do(Loud({VOICE: 0.5, FACE: 1.0}))
    speaking = SpeakersChanged((Speaker(TEACHER, 0.5, active=True),))
    assert speaking in told(lesson.do(joined(PETYA)), PETYA)


def test_a_newcomer_is_seen_while_somebody_speaks() -> None:
    """Whoever comes in the middle of a sentence is shown to those who are there, and receives what they publish."""
    lesson = lesson_with_voice()
    lesson.do(Loud({VOICE: 0.5}))
    commands = lesson.do(joined(PETYA), after=1.0)
    assert [p.sid for p in news(commands, MASHA)] == [PETYA]
    assert [c.to for c in only(StartForwarding, commands)] == [PETYA]


def test_words_for_links() -> None:
    """Loss counts in the worse direction; round trip and jitter too."""
    assert judge(0.0, None, 0.0) is Quality.EXCELLENT
    assert judge(0.05, 0.02, 0.0) is Quality.GOOD
    assert judge(0.0, 0.5, 0.0) is Quality.GOOD
    assert judge(0.0, 0.1, 0.06) is Quality.GOOD
    assert judge(0.2, 0.02, 0.0) is Quality.POOR
    assert judge(0.0, 1.0, 0.0) is Quality.POOR


def test_worse_at_once_better_after_two() -> None:
    """One good report between bad ones changes nothing."""
    line = Line()
    seen = []
    for quality in (
        Quality.EXCELLENT,
        Quality.POOR,
        Quality.EXCELLENT,
        Quality.POOR,
        Quality.GOOD,
        Quality.EXCELLENT,
    ):
        line.report(quality, 0.0)
        seen.append(line.quality)
    assert seen == [
        Quality.EXCELLENT,
        Quality.POOR,
        Quality.POOR,
        Quality.POOR,
        Quality.POOR,
        Quality.EXCELLENT,
    ]


def links(messages: list[Message]) -> list[dict[str, Quality]]:
    return [
        {link.sid: link.quality for link in m.links}
        for m in messages
        if isinstance(m, LinksChanged)
    ]


def test_links_every_five_seconds_and_never_lost_wrongly() -> None:
    """Who is away is lost for the others after five silent seconds; with media flowing, and to themselves, never."""
    lesson = lesson_with_voice()
    good = LinkQuality(of=MASHA, lost_up=0.0, lost_down=0.0)
    lesson.do(good, LinkQuality(of=TEACHER, lost_up=0.0, lost_down=0.5))
    assert links(told(lesson.let(4.9), TEACHER)) == []
    found = links(told(lesson.let(0.2), TEACHER))
    assert found == [{TEACHER: Quality.POOR, MASHA: Quality.EXCELLENT}]
    lesson.do(SignalLost(MASHA), good)
    teacher = LinkQuality(of=TEACHER, lost_up=0.0, lost_down=0.0)
    lesson.do(teacher, after=3.0)
    lesson.do(good, after=1.0)
    assert links(told(lesson.let(5.0), TEACHER))[-1][MASHA] is Quality.EXCELLENT
    lesson.do(teacher)
    commands = lesson.let(5.0)
    assert links(told(commands, TEACHER))[-1][MASHA] is Quality.LOST
    assert told(commands, MASHA) == []
    back = told(lesson.do(Resumed(MASHA)), MASHA)
    assert all(Quality.LOST not in one.values() for one in links(back))
    assert only(Tell, lesson.last)
