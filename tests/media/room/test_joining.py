"""Who comes in, who comes back, and when a call is over (R41)."""

from __future__ import annotations

import time

import pytest

from media.ids import Identity, ParticipantSid, TrackSid
from media.room.commands import (
    EndRoom,
    Gone,
    RefuseJoin,
    StartForwarding,
    Tell,
)
from media.room.events import Closing, Left, Resumed, Ticked
from media.room.messages import Goodbye, LeaveAction, RoomChanged, Welcome
from media.room.model import Grants, LeaveReason, Person, Refusal, Settings, Source, State
from tests.media.room.ledger import call_of
from tests.media.room.script import (
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
    person_of,
    told,
    track,
)


def a_class(lesson: Lesson, people: int) -> None:
    for number in range(people):
        lesson.come(joined(ParticipantSid(f"PA_{number}"), Grants()))


def test_the_101st_is_told_that_it_is_full() -> None:
    """A hundred people are in; the next is refused by name, until somebody leaves; hidden ones do not count (R41)."""
    lesson = Lesson()
    lesson.come(joined(ParticipantSid("PA_recorder"), Grants(hidden=True)))
    a_class(lesson, 100)
    last = ParticipantSid("PA_last")
    assert lesson.do(joined(last)) == [RefuseJoin(last, Refusal.FULL)]
    lesson.do(Left(ParticipantSid("PA_5")))
    assert not only(RefuseJoin, lesson.do(joined(last)))


def test_a_second_connection_of_somebody_takes_no_place() -> None:
    """Element Call's lobby opens a short second connection with another identity (calls.md §5.3)."""
    lesson = Lesson()
    a_class(lesson, 100)
    lobby = ParticipantSid("PA_lobby")
    second = joined(lobby, identity=Identity("hash"), person=Person("@7"))
    assert not only(RefuseJoin, lesson.do(second))
    commands = lesson.do(Left(lobby), after=0.2)
    assert only(Gone, commands) == [Gone(lobby, Identity("hash"), LeaveReason.CLIENT_INITIATED)]
    assert lesson.room.view(lesson.now).attendance[7].left_at is None
    assert lesson.room.knows(ParticipantSid("PA_7"))


def test_nobody_is_their_own_101st() -> None:
    """Who comes into the last place with Element Call's first connection is let in with the second, and counts once."""
    lesson = Lesson()
    a_class(lesson, 99)
    look, stay, late = map(ParticipantSid, ("PA_look", "PA_stay", "PA_late"))
    lesson.come(joined(look, identity=Identity("hash"), person=Person("@masha")))
    commands = lesson.come(joined(stay, person=Person("@masha")))
    assert not only(RefuseJoin, commands)
    assert lesson.room.view(lesson.now).info.participants == 100
    lesson.do(Left(look))
    assert lesson.room.view(lesson.now).info.participants == 100
    assert lesson.do(joined(late)) == [RefuseJoin(late, Refusal.FULL)]


def test_the_same_identity_replaces_the_old_one() -> None:
    """The old connection is told why before it goes; the new one sees the others."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    again = ParticipantSid("PA_again")
    commands = lesson.do(joined(again, identity=name_of(MASHA), person=person_of(MASHA)))
    goodbye = Goodbye(LeaveReason.DUPLICATE_IDENTITY, LeaveAction.DISCONNECT)
    assert commands[0] == Tell((MASHA,), goodbye)
    assert Gone(MASHA, name_of(MASHA), LeaveReason.DUPLICATE_IDENTITY) in commands
    welcome = told(commands, again)[0]
    assert isinstance(welcome, Welcome)
    assert [p.sid for p in welcome.others] == [TEACHER]
    left = [p for p in news(commands) if p.state is State.DISCONNECTED]
    assert [(p.sid, p.left) for p in left] == [(MASHA, LeaveReason.DUPLICATE_IDENTITY)]


def test_nobody_takes_more_than_four_connections() -> None:
    """The oldest of five goes."""
    lesson = Lesson()
    gone = []
    for number in range(5):
        event = joined(
            ParticipantSid(f"PA_{number}"),
            identity=Identity(f"device-{number}"),
            person=Person("@masha"),
        )
        gone += only(Gone, lesson.do(event))
    assert [g.sid for g in gone] == ["PA_0"]


def test_some_may_only_join() -> None:
    """Who may not begin a call waits for somebody to begin it."""
    lesson = Lesson()
    pupil = joined(MASHA, Grants(may_start=False))
    assert lesson.do(pupil) == [RefuseJoin(MASHA, Refusal.NOT_STARTED)]
    lesson.come(joined(TEACHER, HOST))
    assert not only(RefuseJoin, lesson.do(pupil))


def test_an_empty_call_ends() -> None:
    """300 s without anybody, 20 s after the last one; in between somebody may come back."""
    lesson = Lesson()
    assert lesson.let(299.0) == []
    assert lesson.let(1.0) == [EndRoom(LeaveReason.ROOM_CLOSED)]
    lesson = Lesson()
    lesson.come(joined(MASHA))
    lesson.do(Left(MASHA))
    assert not only(EndRoom, lesson.let(19.0))
    lesson.come(joined(MASHA))
    assert not only(EndRoom, lesson.let(3600.0 * 4))
    lesson.do(Left(MASHA))
    assert only(EndRoom, lesson.let(20.0))
    assert lesson.room.ended


def test_a_node_that_goes_down_sends_everyone_elsewhere() -> None:
    """The leave says RECONNECT, so that clients come back to another node."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    commands = lesson.do(Closing(LeaveReason.SERVER_SHUTDOWN))
    assert only(Tell, commands) == [
        Tell((TEACHER, MASHA), Goodbye(LeaveReason.SERVER_SHUTDOWN, LeaveAction.RECONNECT))
    ]


def test_a_stranger_cannot_resume() -> None:
    """Whoever is not here any more is told to start over."""
    assert Lesson().do(Resumed(MASHA)) == [RefuseJoin(MASHA, Refusal.STATE_MISMATCH)]


def test_counts_are_told_after_the_crowd() -> None:
    """Thirty joins within five seconds are one room update for those who are in."""
    lesson = Lesson()
    a_class(lesson, 30)
    updates = [c for c in only(Tell, lesson.let(5.0)) if isinstance(c.message, RoomChanged)]
    assert len(updates) == 1
    message = updates[0].message
    assert isinstance(message, RoomChanged)
    assert message.room.participants == 30


def test_late_events_do_nothing() -> None:
    """Of a connection that is gone, whatever still arrives is late, not wrong."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    lesson.do(Left(MASHA))
    assert lesson.do(Left(MASHA)) == []
    assert lesson.publish(track(VOICE, MASHA, Source.MICROPHONE)) == []


def test_a_whole_class_with_cameras() -> None:
    """A hundred people join within ten seconds and everyone gets everybody's camera and voice: 19,800 of them."""
    lesson, began = Lesson(), time.perf_counter()
    for number in range(100):
        sid = ParticipantSid(f"PA_{number}")
        lesson.come(joined(sid, HOST if number == 0 else Grants(), adaptive=True))
        lesson.publish(
            track(TrackSid(f"TR_a{number}"), sid, Source.MICROPHONE),
            track(TrackSid(f"TR_v{number}"), sid, Source.CAMERA),
        )
        lesson.let(0.1)
    lesson.let(3.0)
    call = call_of(lesson.room)
    assert sum(len(m.subscriptions) for m in call.members.values()) == 100 * 99 * 2
    assert lesson.room.handle(Ticked(), lesson.now) == []
    assert time.perf_counter() - began < 20.0


@pytest.mark.parametrize("waiting_room", [False, True])
def test_hidden_people_are_seen_by_nobody(waiting_room: bool) -> None:
    """They receive everything, and nobody is told that they are there."""
    lesson = Lesson(Settings(waiting_room=waiting_room))
    lesson.come(joined(TEACHER, HOST))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    commands = lesson.come(joined(PETYA, Grants(hidden=True)))
    assert told(commands, TEACHER) == []
    assert [c.to for c in only(StartForwarding, commands)] == [PETYA]
    assert [p.sid for p in lesson.room.view(lesson.now).participants] == [TEACHER]
    assert told(lesson.do(Left(PETYA)), TEACHER) == []
