"""The waiting room (R44)."""

from __future__ import annotations

import json

from media.ids import ParticipantSid, TrackSid
from media.room import operations as op
from media.room.commands import Command, SendData, StartForwarding, StopForwarding
from media.room.events import (
    DataSent,
    GrantsChanged,
    HandRaised,
    HostAsked,
    Left,
    MetadataChanged,
    TrackAdded,
)
from media.room.messages import (
    ParticipantsChanged,
    RequestAnswered,
    ServerData,
    TrackPublished,
    Welcome,
)
from media.room.model import Grants, Refusal, Settings, Source, State
from media.room.operations import Operation
from tests.media.room.script import (
    BOARD,
    HOST,
    MASHA,
    PETYA,
    PUPIL,
    TEACHER,
    VOICE,
    Lesson,
    joined,
    name_of,
    news,
    only,
    person_of,
    told,
    track,
)

WAITING = Settings(waiting_room=True)
VOICE_2 = TrackSid("TR_voice2")


def ask(lesson: Lesson, operation: Operation) -> list[Command]:
    return lesson.do(HostAsked(by=TEACHER, operation=operation, request="r"))


def queue(commands: list[Command], host: ParticipantSid = TEACHER) -> list[list[str]]:
    """What a host was told of those who wait."""
    return [
        [one["identity"] for one in json.loads(message.payload)]
        for message in told(commands, host)
        if isinstance(message, ServerData) and message.topic == "sferum.waiting"
    ]


def test_who_waits_sees_nothing() -> None:
    """Masha is welcomed into an empty room; the others do not learn of her, the host does."""
    lesson = Lesson(WAITING)
    lesson.come(joined(TEACHER, HOST))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    commands = lesson.come(joined(MASHA), joined(PETYA))
    welcome = told(commands, MASHA)[0]
    assert isinstance(welcome, Welcome)
    assert (welcome.others, welcome.room.participants) == ((), 0)
    assert welcome.participant.attributes["sferum.waiting"] == "1"
    assert not welcome.participant.permission.can_subscribe
    assert {p.sid for p in news(commands, TEACHER)} == set()
    assert queue(commands) == [[name_of(MASHA)], [name_of(MASHA), name_of(PETYA)]]
    assert not only(StartForwarding, commands + lesson.let(5.0))


def test_who_waits_is_heard_by_nobody() -> None:
    """A track of hers is taken in and kept; data, words of her own, hands and screens are not."""
    lesson = Lesson(WAITING)
    lesson.come(joined(TEACHER, HOST), joined(MASHA, Grants()))
    lesson.let(5.0)
    commands = lesson.publish(track(VOICE, MASHA, Source.MICROPHONE)) + lesson.let(5.0)
    assert any(isinstance(m, TrackPublished) for m in told(commands, MASHA))
    assert not only(StartForwarding, commands)
    assert told(commands, TEACHER) == []
    refused = told(lesson.do(TrackAdded(track(BOARD, MASHA, Source.SCREEN))), MASHA)
    assert [m.refusal for m in refused if isinstance(m, RequestAnswered)] == [Refusal.WAITING]
    assert not only(SendData, lesson.do(DataSent(by=MASHA, reliable=True, body=b"x")))
    changed = told(lesson.do(MetadataChanged(by=MASHA, name="Директор")), MASHA)
    assert [m.refusal for m in changed if isinstance(m, RequestAnswered)] == [Refusal.WAITING]
    assert lesson.do(HandRaised(MASHA, raised=True)) == []
    assert not only(SendData, lesson.do(DataSent(by=TEACHER, reliable=True, body=b"x")))


def test_admitted() -> None:
    """She sees everyone and everyone her, what she publishes is heard, and the queue is shorter."""
    lesson = Lesson(WAITING)
    lesson.come(joined(TEACHER, HOST), joined(MASHA, Grants()), joined(PETYA))
    lesson.publish(
        track(VOICE, MASHA, Source.MICROPHONE), track(VOICE_2, TEACHER, Source.MICROPHONE)
    )
    commands = ask(lesson, op.Admit(name_of(MASHA)))
    assert {p.sid for p in news(commands, MASHA)} == {MASHA, TEACHER}
    assert {p.sid for p in news(commands, TEACHER)} == {MASHA}
    assert queue(commands) == [[name_of(PETYA)]]
    assert told(commands, PETYA) == []
    begun = {(c.track, c.to) for c in only(StartForwarding, commands + lesson.let(1.0))}
    assert begun == {(VOICE, TEACHER), (VOICE_2, MASHA)}


def test_all_at_once() -> None:
    """`admit_all` lets in everyone; those who come back later do not wait again, new ones do."""
    lesson = Lesson(WAITING)
    lesson.come(joined(TEACHER, HOST), joined(MASHA), joined(PETYA))
    assert queue(ask(lesson, op.Admit())) == [[]]
    lesson.do(Left(PETYA))
    again = ParticipantSid("PA_petya2")
    lesson.come(joined(again, identity=name_of(PETYA), person=person_of(PETYA)))
    lesson.come(joined(ParticipantSid("PA_new")))
    view = lesson.room.view(lesson.now)
    assert [p.sid for p in view.participants] == [TEACHER, MASHA, again]
    assert [p.sid for p in view.waiting] == ["PA_new"]


def test_back_to_waiting() -> None:
    """For the others she has left; she sees nobody; leaving and coming back does not help her."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA, Grants()), joined(PETYA))
    lesson.publish(
        track(VOICE, MASHA, Source.MICROPHONE), track(VOICE_2, TEACHER, Source.MICROPHONE)
    )
    lesson.let(1.0)
    commands = ask(lesson, op.BackToWaiting(name_of(MASHA)))
    stopped = {(c.track, c.to) for c in only(StopForwarding, commands)}
    assert stopped == {(VOICE, TEACHER), (VOICE, PETYA), (VOICE_2, MASHA)}
    assert [(p.sid, p.state) for p in news(commands, PETYA)] == [(MASHA, State.DISCONNECTED)]
    gone = {p.sid for p in news(commands, MASHA) if p.state is State.DISCONNECTED}
    assert gone == {TEACHER, PETYA}
    assert queue(commands) == [[name_of(MASHA)]]
    lesson.do(Left(MASHA))
    again = ParticipantSid("PA_masha2")
    lesson.come(joined(again, identity=name_of(MASHA), person=person_of(MASHA)))
    assert [p.sid for p in lesson.room.view(lesson.now).waiting] == [again]
    assert {p.sid for p in news(ask(lesson, op.Admit()), PETYA)} == {again}


def test_hosts_do_not_wait_and_find_the_queue() -> None:
    """A host who comes late is told who waits; without a host nobody is let in by themselves."""
    lesson = Lesson(WAITING)
    lesson.come(joined(MASHA), joined(PETYA))
    lesson.let(60.0)
    assert lesson.room.view(lesson.now).participants == ()
    commands = lesson.come(joined(TEACHER, HOST))
    assert queue(commands) == [[name_of(MASHA), name_of(PETYA)]]
    assert queue(lesson.do(Left(MASHA))) == [[name_of(PETYA)]]


def test_who_becomes_a_host_waits_no_longer() -> None:
    """Rights that change at run time open the door too."""
    lesson = Lesson(WAITING)
    lesson.come(joined(TEACHER, HOST), joined(PETYA, PUPIL))
    commands = lesson.do(GrantsChanged(name_of(PETYA), HOST))
    assert {p.sid for p in news(commands, TEACHER)} == {PETYA}
    assert lesson.room.view(lesson.now).waiting == ()


def test_off_by_default_and_a_host_switches_it() -> None:
    """A token can say that somebody waits; a host says it of all who come from then on."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA), joined(PETYA, Grants(waits=True)))
    assert [p.sid for p in lesson.room.view(lesson.now).waiting] == [PETYA]
    ask(lesson, op.SetWaitingRoom(True))
    lesson.come(joined(ParticipantSid("PA_new")))
    assert len(lesson.room.view(lesson.now).waiting) == 2
    told_waiting = [m for m in told(lesson.last, PETYA) if isinstance(m, ParticipantsChanged)]
    assert told_waiting == []
