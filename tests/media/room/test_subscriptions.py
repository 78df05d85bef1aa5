"""Who receives what, and when it begins."""

from __future__ import annotations

from media.forwarder.api import Layer, Want
from media.ids import ParticipantSid, TrackSid
from media.room.commands import (
    MuteAtServer,
    Publish,
    StartForwarding,
    StopForwarding,
    StopPublishing,
    Tell,
)
from media.room.events import (
    GrantsChanged,
    Left,
    Subscribe,
    SubscriptionPermission,
    TrackAdded,
    TrackGone,
    TrackReady,
    Unsubscribe,
)
from media.room.messages import SubscriptionAllowed, TrackPublished, Welcome
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
    track,
)

ALL = Want()


def test_latecomer_sees_the_board() -> None:
    """Who joins late gets what was published before with the first negotiation, until it ends."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST))
    board = track(BOARD, TEACHER, Source.SCREEN)
    play(
        lesson,
        (TrackAdded(board), [Publish(board), Tell((TEACHER,), TrackPublished(board))]),
        (TrackReady(BOARD, mid="1"), []),
        (joined(MASHA), [StartForwarding(BOARD, MASHA, ALL)]),
        (
            TrackGone(BOARD),
            [StopForwarding(BOARD, MASHA), StopPublishing(BOARD, TEACHER)],
        ),
    )


def test_tracks_that_become_ready_together_are_one_negotiation() -> None:
    """Camera and microphone of one publisher come in one batch, 50 ms after the first of them."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    lesson.now += 0.04
    lesson.publish(track(FACE, TEACHER, Source.CAMERA))
    assert only(StartForwarding, lesson.last) == []
    assert only(StartForwarding, lesson.let(0.01)) == [
        StartForwarding(FACE, MASHA, ALL),
        StartForwarding(VOICE, MASHA, ALL),
    ]


def test_batches_are_a_quarter_of_a_second_apart() -> None:
    """A second negotiation of the same subscriber waits 250 ms for the first one."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    assert only(StartForwarding, lesson.let(0.05))
    lesson.publish(track(FACE, TEACHER, Source.CAMERA))
    assert only(StartForwarding, lesson.let(0.24)) == []
    assert only(StartForwarding, lesson.let(0.02))


def test_join_storms_make_batches_rarer() -> None:
    """While a class comes in, one subscriber negotiates at most every two seconds."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST))
    batches = []
    for number in range(100):
        sid = ParticipantSid(f"PA_{number}")
        lesson.come(joined(sid, Grants()))
        lesson.publish(track(TrackSid(f"TR_{number}"), sid, Source.MICROPHONE))
        begun = [c for c in only(StartForwarding, lesson.let(0.1)) if c.to == TEACHER]
        if begun:
            batches.append(lesson.now)
    assert len(batches) < 15
    assert len(only(StartForwarding, lesson.let(2.0))) > 50


def test_who_leaves_takes_tracks_along() -> None:
    """Forwarding stops before the track is forgotten, and that before the participant is gone."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    lesson.let(1.0)
    kinds = [type(c).__name__ for c in lesson.do(Left(TEACHER)) if not isinstance(c, Tell)]
    assert kinds == ["StopForwarding", "StopPublishing", "Gone"]


def test_a_client_chooses() -> None:
    """Without auto_subscribe nothing comes until it is asked for; what is not wanted any more stops at once."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    play(
        lesson,
        (joined(MASHA, auto=False), []),
        (Subscribe(MASHA, (VOICE, TrackSid("TR_unknown"))), []),
        (0.3, [StartForwarding(VOICE, MASHA, ALL)]),
        (Unsubscribe(MASHA, (VOICE,)), [StopForwarding(VOICE, MASHA)]),
        (0.3, []),
        (Subscribe(MASHA, (VOICE,)), []),
        (0.3, [StartForwarding(VOICE, MASHA, ALL)]),
    )


def test_a_track_that_goes_before_the_batch_is_never_offered() -> None:
    """What was pending and is no more is left out."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    play(lesson, (TrackGone(VOICE), [StopPublishing(VOICE, TEACHER)]), (1.0, []))


def test_a_publisher_says_who_may_receive() -> None:
    """Who may no longer loses the track at once and is told; who may again gets it with the next batch."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA), joined(PETYA))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    lesson.let(1.0)
    nobody_but_petya = SubscriptionPermission(
        by=TEACHER, everyone=False, tracks={name_of(PETYA): None}
    )
    play(
        lesson,
        (
            nobody_but_petya,
            [
                StopForwarding(VOICE, MASHA),
                Tell((MASHA,), SubscriptionAllowed(TEACHER, VOICE, allowed=False)),
            ],
        ),
        (
            SubscriptionPermission(by=TEACHER, everyone=True),
            [Tell((MASHA,), SubscriptionAllowed(TEACHER, VOICE, allowed=True))],
        ),
        (1.0, [StartForwarding(VOICE, MASHA, ALL)]),
    )


def test_rights_change_while_the_call_runs() -> None:
    """Without the right to subscribe everything stops; with it, it begins again."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    lesson.let(1.0)
    play(
        lesson,
        (
            GrantsChanged(name_of(MASHA), Grants(may_subscribe=False)),
            [StopForwarding(VOICE, MASHA)],
        ),
        (1.0, []),
        (GrantsChanged(name_of(MASHA), Grants()), []),
        (1.0, [StartForwarding(VOICE, MASHA, ALL)]),
    )


def test_the_lowest_layer_until_an_adaptive_client_has_said_more() -> None:
    """An adaptive client begins with the lowest layer, others with the highest."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST))
    lesson.publish(track(FACE, TEACHER, Source.CAMERA))
    begun = lesson.do(joined(MASHA, adaptive=True), joined(PETYA))
    assert only(StartForwarding, begun) == [
        StartForwarding(FACE, MASHA, Want(layer=Layer.LOW)),
        StartForwarding(FACE, PETYA, Want(layer=Layer.HIGH)),
    ]


def test_a_muted_track_is_muted_at_the_server_when_it_is_negotiated() -> None:
    """Every negotiation gives the forwarder the track anew, so that it is told again."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST))
    lesson.do(TrackAdded(track(VOICE, TEACHER, Source.MICROPHONE, muted=True)))
    muted = MuteAtServer(VOICE, muted=True)
    play(lesson, (TrackReady(VOICE, mid="1"), [muted]), (TrackReady(VOICE, mid="1"), [muted]))


def test_welcome_names_those_who_are_there() -> None:
    """The newcomer learns of the others and their tracks that are ready, and not of a hidden one."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(PETYA, Grants(hidden=True)))
    lesson.publish(track(VOICE, TEACHER, Source.MICROPHONE))
    lesson.do(TrackAdded(track(BOARD, TEACHER, Source.SCREEN)))
    lesson.do(joined(MASHA))
    welcome = lesson.told(MASHA)[0]
    assert isinstance(welcome, Welcome)
    assert [(p.sid, [t.sid for t in p.tracks]) for p in welcome.others] == [(TEACHER, [VOICE])]
    assert {p.sid for p in news(lesson.last, MASHA)} == {TEACHER, MASHA}
