"""Lost signal connections, and data that must not be lost with them."""

from __future__ import annotations

import pytest

from media.ids import Identity, ParticipantSid, TrackSid
from media.room import operations as op
from media.room.commands import Command, Gone, MuteAtServer, SendData, StopForwarding, Tell
from media.room.events import (
    Connected,
    DataSent,
    HostAsked,
    Left,
    Resumed,
    SignalLost,
    Synced,
    TrackGone,
)
from media.room.messages import (
    LayersWanted,
    MuteAsked,
    Reconnected,
    ServerData,
    TrackUnpublished,
)
from media.room.model import Grants, LeaveReason, Source, State
from media.room.replay import MOST_BYTES, MOST_PACKETS
from tests.media.room.script import (
    BOARD,
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
    told,
    track,
)


def lesson() -> Lesson:
    found = Lesson()
    found.come(joined(TEACHER, HOST), joined(MASHA, Grants()), joined(PETYA, Grants()))
    found.publish(track(VOICE, MASHA, Source.MICROPHONE), track(BOARD, MASHA, Source.SCREEN))
    found.let(5.0)
    return found


def test_media_flows_while_the_signal_is_away() -> None:
    """Nothing stops for fifteen seconds; then they have left."""
    here = lesson()
    assert here.do(SignalLost(MASHA)) == []
    here.do(SignalLost(MASHA), after=9.0)
    assert not only(StopForwarding, here.let(5.9))
    commands = here.let(0.2)
    assert only(Gone, commands) == [Gone(MASHA, name_of(MASHA), LeaveReason.SIGNAL_CLOSE)]
    assert {c.track for c in only(StopForwarding, commands)} == {VOICE, BOARD}


def test_a_lobby_connection_that_just_vanishes() -> None:
    """One that never had media is waited for five seconds."""
    here = Lesson()
    here.do(joined(TEACHER, HOST), Connected(TEACHER), joined(MASHA), SignalLost(MASHA))
    assert not only(Gone, here.let(4.9))
    assert only(Gone, here.let(0.2))


def test_what_happened_meanwhile() -> None:
    """Nothing is told to who is away; on return they learn who left, who is there, and what was done to them."""
    here = lesson()
    here.do(SignalLost(MASHA))
    stop = HostAsked(by=TEACHER, operation=op.StopScreen(name_of(MASHA)))
    mute = HostAsked(by=TEACHER, operation=op.MuteTrack(VOICE))
    commands = here.do(Left(PETYA), stop, mute, after=5.0)
    assert told(commands, MASHA) == []
    assert MuteAtServer(VOICE, muted=True) in commands
    messages = told(here.do(Resumed(MASHA), after=5.0), MASHA)
    assert messages[0] == Reconnected(0)
    assert TrackUnpublished(BOARD) in messages
    assert MuteAsked(VOICE, muted=True) in messages
    assert [m.track for m in messages if isinstance(m, LayersWanted)] == [VOICE]
    people = [(p.sid, p.state) for p in news(here.last, MASHA)]
    assert people == [
        (PETYA, State.DISCONNECTED),
        (MASHA, State.ACTIVE),
        (TEACHER, State.ACTIVE),
    ]
    assert not only(Gone, here.let(60.0))


def test_news_missed_is_bounded() -> None:
    """Whoever is away while thousands come and go is told of the first five hundred."""
    here = lesson()
    here.do(SignalLost(MASHA))
    for number in range(700):
        sid = TrackSid(f"TR_{number}")
        here.publish(track(sid, MASHA, Source.CAMERA))
        here.do(TrackGone(sid))
    assert len(told(here.do(Resumed(MASHA)), MASHA)) < 520


# --- data


def sent(body: bytes, sequence: int = 0, *to: Identity, reliable: bool = True) -> DataSent:
    return DataSent(
        by=MASHA, reliable=reliable, body=body, sequence=sequence, destinations=tuple(to)
    )


def receivers(commands: list[Command]) -> list[tuple[str, ...]]:
    return [c.to for c in only(SendData, commands)]


def test_data_for_everyone_and_for_some() -> None:
    """The sender is set by the server and gets nothing back; unknown destinations are nobody."""
    here = lesson()
    commands = here.do(sent(b"hello", 1))
    assert commands == [
        SendData(
            to=(TEACHER, PETYA),
            reliable=True,
            sender=name_of(MASHA),
            sender_sid=MASHA,
            sequence=1,
            body=b"hello",
        )
    ]
    assert receivers(here.do(sent(b"x", 2, name_of(PETYA)))) == [(PETYA,)]
    assert receivers(here.do(sent(b"x", 3, Identity(TEACHER)))) == [(TEACHER,)]
    assert receivers(here.do(sent(b"x", 4, Identity("nobody")))) == []
    assert receivers(here.do(sent(b"x", 5, name_of(MASHA)))) == []


def test_nobody_speaks_in_the_servers_name() -> None:
    """Topics of the server go nowhere."""
    spoof = DataSent(by=MASHA, reliable=True, body=b"x", topic="sferum.waiting", payload=b"[]")
    assert lesson().do(spoof) == []


def test_without_the_right_nothing_is_sent() -> None:
    """The grant is looked at for each packet."""
    here = Lesson()
    here.come(joined(TEACHER, HOST), joined(MASHA, Grants(may_send_data=False)))
    assert here.do(sent(b"x")) == []


def test_a_packet_that_came_before_goes_nowhere() -> None:
    """After a resume clients send again what may not have arrived; the server says what has."""
    here = lesson()
    here.do(sent(b"a", 1), sent(b"b", 2))
    assert here.do(sent(b"b", 2)) == []
    here.do(SignalLost(MASHA))
    assert told(here.do(Resumed(MASHA)), MASHA)[0] == Reconnected(2)
    assert receivers(here.do(sent(b"c", 3))) == [(TEACHER, PETYA)]
    assert receivers(here.do(sent(b"c", 3, reliable=False))) == [(TEACHER, PETYA)]


def test_missed_packets_come_after_the_resume() -> None:
    """Only those for this receiver, only reliable ones, in order, none twice."""
    here = lesson()
    here.do(sent(b"1", 1), sent(b"2", 2), sent(b"lossy", reliable=False))
    here.do(sent(b"3", 3, name_of(TEACHER)), sent(b"4", 4, name_of(PETYA)))
    here.do(SignalLost(PETYA), Resumed(PETYA))
    replayed = only(SendData, here.do(Synced(PETYA, {MASHA: 1})))
    assert [(c.to, c.sequence, c.body) for c in replayed] == [
        ((PETYA,), 2, b"2"),
        ((PETYA,), 4, b"4"),
    ]


@pytest.mark.parametrize(
    ("size", "number", "kept"),
    [(10, 1_000, MOST_PACKETS), (100_000, 10, MOST_BYTES // 100_000)],
)
def test_what_is_kept_is_bounded(size: int, number: int, kept: int) -> None:
    """By packets and by bytes."""
    here = lesson()
    for sequence in range(1, number + 1):
        here.do(sent(b"x" * size, sequence))
    assert len(only(SendData, here.do(Synced(PETYA, {})))) == kept


def test_old_packets_are_forgotten() -> None:
    """After thirty seconds nobody resumes."""
    here = lesson()
    here.do(sent(b"old", 1))
    here.do(sent(b"new", 2), after=31.0)
    assert [c.body for c in only(SendData, here.do(Synced(PETYA, {})))] == [b"new"]
    assert only(Tell, here.last) == []


def test_what_is_sent_again_is_sent_once() -> None:
    """A second question brings nothing, however often it is put; after the next resume it is answered again."""
    here = lesson()
    here.do(sent(b"1", 1))
    here.do(SignalLost(PETYA), Resumed(PETYA))
    assert [len(only(SendData, here.do(Synced(PETYA, {})))) for _ in range(3)] == [1, 0, 0]
    here.do(SignalLost(PETYA), Resumed(PETYA))
    assert len(only(SendData, here.do(Synced(PETYA, {})))) == 1


def test_data_of_the_server_does_not_wait_for_the_signal() -> None:
    """A host whose WebSocket is away learns who waits: data channels are up."""
    here = lesson()
    here.do(HostAsked(by=TEACHER, operation=op.SetWaitingRoom(True)), SignalLost(TEACHER))
    commands = here.come(joined(ParticipantSid("PA_new"), Grants()))
    assert [m.topic for m in told(commands, TEACHER) if isinstance(m, ServerData)] == [
        "sferum.waiting"
    ]
