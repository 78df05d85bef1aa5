"""Pupils' microphones: muted as they come in, theirs until a host comes, and clients that are told again (R43)."""

from __future__ import annotations

from media.ids import ParticipantSid, TrackSid
from media.room import operations as op
from media.room.commands import MuteAtServer, Tell
from media.room.events import HostAsked, Left, Muted, TrackGone
from media.room.messages import MuteAsked, Request, RequestAnswered
from media.room.model import Grants, Refusal, Source
from tests.media.room.script import (
    HOST,
    MASHA,
    PETYA,
    TEACHER,
    VOICE,
    Lesson,
    joined,
    only,
    person_of,
    told,
    track,
)

MUTE = MuteAsked(VOICE, muted=True)


def asked(lesson: Lesson, seconds: float) -> int:
    """How often Masha's client is told to mute meanwhile."""
    return told(lesson.let(seconds), MASHA).count(MUTE)


def lesson_without_a_host() -> Lesson:
    """Masha, whose microphone is on the air, and Petya."""
    lesson = Lesson()
    lesson.come(joined(MASHA), joined(PETYA))
    lesson.publish(track(VOICE, MASHA, Source.MICROPHONE))
    return lesson


def test_a_client_that_did_not_hear_is_told_again() -> None:
    """livekit-client ignores what is said of a track before its answer is applied; it is told until it says so."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    lesson.publish(track(VOICE, MASHA, Source.MICROPHONE))
    assert asked(lesson, 0.4) == 0
    assert asked(lesson, 0.2) == 1
    assert asked(lesson, 1.0) == 1
    lesson.do(Muted(MASHA, VOICE, muted=True))
    assert asked(lesson, 60.0) == 0


def test_nobody_is_told_for_ever() -> None:
    """A client that never says so is told seven times in half a minute; its packets go nowhere."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    commands = lesson.publish(track(VOICE, MASHA, Source.MICROPHONE))
    assert told(commands, MASHA).count(MUTE) == 1
    assert asked(lesson, 35.0) == 6
    assert asked(lesson, 600.0) == 0


def test_a_track_that_is_gone_is_not_asked_about() -> None:
    """Unpublished before its client answered: nothing more is said."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    lesson.publish(track(VOICE, MASHA, Source.MICROPHONE))
    lesson.do(TrackGone(VOICE))
    assert asked(lesson, 60.0) == 0


def test_pupils_among_themselves_may_speak() -> None:
    """They come in muted all the same, and switch the microphone on themselves while no host has come."""
    lesson = lesson_without_a_host()
    assert lesson.seen(MASHA, by=PETYA).tracks[0].muted
    assert "sferum.held" not in lesson.seen(MASHA).attributes
    commands = lesson.do(Muted(MASHA, VOICE, muted=False))
    assert only(MuteAtServer, commands) == [MuteAtServer(VOICE, muted=False)]


def test_a_host_who_comes_brings_silence() -> None:
    """Whoever speaks is muted and held, for the rest of the call; everyone is told."""
    lesson = lesson_without_a_host()
    lesson.do(Muted(MASHA, VOICE, muted=False))
    commands = lesson.come(joined(TEACHER, HOST))
    assert only(MuteAtServer, commands) == [MuteAtServer(VOICE, muted=True)]
    assert MUTE in told(commands, MASHA)
    assert lesson.seen(MASHA, by=TEACHER).attributes["sferum.held"] == "microphone"
    lesson.do(Left(TEACHER))
    refused = RequestAnswered(request=Request.MUTE, refusal=Refusal.HELD, track=VOICE)
    assert Tell((MASHA,), refused) in lesson.do(Muted(MASHA, VOICE, muted=False))


def test_every_microphone_of_a_pupil_falls_silent() -> None:
    """Two of one client, and one of another connection: none stays on the air as a host comes."""
    lesson = lesson_without_a_host()
    second, phone = TrackSid("TR_second"), ParticipantSid("PA_phone")
    third = TrackSid("TR_third")
    lesson.come(joined(phone, person=person_of(MASHA)))
    lesson.publish(track(second, MASHA, Source.MICROPHONE), track(third, phone, Source.MICROPHONE))
    for by, sid in ((MASHA, VOICE), (MASHA, second), (phone, third)):
        assert only(MuteAtServer, lesson.do(Muted(by, sid, muted=False)))
    silenced = only(MuteAtServer, lesson.come(joined(TEACHER, HOST)))
    assert sorted(silenced, key=lambda one: one.track) == [
        MuteAtServer(sid, muted=True) for sid in sorted((VOICE, second, third))
    ]


def test_a_service_that_silences_is_like_a_host() -> None:
    """Nobody may unmute any more, though no host has come."""
    lesson = lesson_without_a_host()
    lesson.do(Muted(MASHA, VOICE, muted=False))
    lesson.do(HostAsked(by=None, operation=op.LetUnmute(None, allowed=True), request="r"))
    stop = HostAsked(by=None, operation=op.LetUnmute(None, allowed=False), request="r")
    assert only(MuteAtServer, lesson.do(stop)) == [MuteAtServer(VOICE, muted=True)]


def test_staff_who_begin_are_hosts_at_once() -> None:
    """A pupil who comes into a call that a teacher began is held from the first second."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, Grants(staff=True)), joined(MASHA))
    lesson.publish(track(VOICE, MASHA, Source.MICROPHONE))
    refused = RequestAnswered(request=Request.MUTE, refusal=Refusal.HELD, track=VOICE)
    assert Tell((MASHA,), refused) in lesson.do(Muted(MASHA, VOICE, muted=False))
