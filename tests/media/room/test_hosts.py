"""Hosts decide, the server enforces it, and nobody else does (R43, R45)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from media.forwarder.api import Kind
from media.ids import Identity, ParticipantSid, TrackSid
from media.room import operations as op
from media.room.commands import (
    Command,
    EndRoom,
    Gone,
    HostAnswered,
    MuteAtServer,
    Publish,
    RefuseJoin,
    StopForwarding,
    StopPublishing,
    Tell,
)
from media.room.events import (
    DataSent,
    HandRaised,
    HostAsked,
    Left,
    MetadataChanged,
    Muted,
    TrackAdded,
    TrackReady,
)
from media.room.messages import (
    Goodbye,
    LeaveAction,
    MuteAsked,
    Request,
    RequestAnswered,
    RoomChanged,
    ServerData,
    TrackPublished,
    TrackUnpublished,
)
from media.room.model import Grants, LeaveReason, Refusal, Source, sources_of
from media.room.operations import BadOperation, Operation, parse_operation
from tests.media.room.script import (
    BOARD,
    FACE,
    HOST,
    MASHA,
    PETYA,
    PUPIL,
    TEACHER,
    VOICE,
    Lesson,
    joined,
    name_of,
    only,
    person_of,
    play,
    told,
    track,
    without_news,
)


def asked(operation: Operation, by: ParticipantSid | None = TEACHER) -> HostAsked:
    return HostAsked(by=by, operation=operation, request="r")


DONE = HostAnswered("r", None)


def lesson_with(*sources: Source) -> Lesson:
    """A teacher, Masha with her voice and whatever else, and Petya; everything is forwarded."""
    lesson = Lesson()
    everything = Grants(may_publish=PUPIL.may_publish | sources_of(["screen"]), muted_on_entry=True)
    lesson.come(joined(TEACHER, HOST), joined(MASHA, everything), joined(PETYA))
    for source in (Source.MICROPHONE, *sources):
        sid = {Source.MICROPHONE: VOICE, Source.CAMERA: FACE}.get(source, BOARD)
        lesson.publish(track(sid, MASHA, source))
    lesson.let(1.0)
    return lesson


def test_pupils_come_in_muted() -> None:
    """The microphone is published, muted at the server, and the client is told; others see it muted."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA))
    voice = track(VOICE, MASHA, Source.MICROPHONE, muted=True)
    play(
        lesson,
        (
            TrackAdded(track(VOICE, MASHA, Source.MICROPHONE)),
            [
                Publish(voice),
                Tell((MASHA,), TrackPublished(voice)),
                Tell((MASHA,), MuteAsked(VOICE, muted=True)),
            ],
        ),
        (TrackReady(VOICE), [MuteAtServer(VOICE, muted=True)]),
    )
    assert lesson.seen(MASHA, by=TEACHER).tracks[0].muted


def test_a_held_microphone_stays_muted() -> None:
    """Unmuting is refused by name, and the client is put right; nothing changes for the forwarder."""
    lesson = lesson_with()
    refused = RequestAnswered(request=Request.MUTE, refusal=Refusal.HELD, track=VOICE)
    play(
        lesson,
        (
            Muted(MASHA, VOICE, muted=False),
            [Tell((MASHA,), refused), Tell((MASHA,), MuteAsked(VOICE, muted=True))],
        ),
        (Muted(PETYA, VOICE, muted=False), []),
    )


def test_a_host_lets_somebody_speak() -> None:
    """Nothing is switched on from afar: the pupil unmutes, and only then is it heard. The next mute holds again."""
    lesson = lesson_with()
    play(lesson, (asked(op.LetUnmute(name_of(MASHA))), [DONE]))
    play(
        lesson,
        (Muted(MASHA, VOICE, muted=False), [MuteAtServer(VOICE, muted=False)]),
        (
            asked(op.MuteTrack(VOICE)),
            [
                MuteAtServer(VOICE, muted=True),
                Tell((MASHA,), MuteAsked(VOICE, muted=True)),
                DONE,
            ],
        ),
    )
    assert MuteAtServer(VOICE, muted=False) not in lesson.do(Muted(MASHA, VOICE, muted=False))


def test_everyone_may_unmute_and_everyone_is_muted() -> None:
    """`let_unmute` for all opens microphones for pupils; `mute_all` then mutes them softly, and never a host."""
    lesson = lesson_with()
    lesson.publish(track(TrackSid("TR_host"), TEACHER, Source.MICROPHONE))
    lesson.do(asked(op.LetUnmute(None)))
    assert MuteAtServer(VOICE, muted=False) in lesson.do(Muted(MASHA, VOICE, muted=False))
    muted = only(MuteAtServer, lesson.do(asked(op.MuteEveryone())))
    assert muted == [MuteAtServer(VOICE, muted=True)]
    assert MuteAtServer(VOICE, muted=False) in lesson.do(Muted(MASHA, VOICE, muted=False))
    assert MuteAtServer(VOICE, muted=True) in lesson.do(asked(op.LetUnmute(None, allowed=False)))
    assert MuteAtServer(VOICE, muted=False) not in lesson.do(Muted(MASHA, VOICE, muted=False))


def test_what_a_host_decided_outlives_the_connection() -> None:
    """Whoever was let speak may after a reconnect; whoever was muted stays so, also with another identity."""
    lesson = lesson_with()
    lesson.do(asked(op.LetUnmute(name_of(MASHA))))
    for sid, allowed in (("PA_m2", True), ("PA_m3", False)):
        again = ParticipantSid(sid)
        person, identity = person_of(MASHA), Identity(f"hash-{sid}")
        lesson.come(joined(again, identity=identity, person=person))
        lesson.publish(track(TrackSid(f"TR_{sid}"), again, Source.MICROPHONE))
        assert bool(only(MuteAtServer, lesson.last)) is not allowed
        lesson.do(asked(op.MuteTrack(TrackSid(f"TR_{sid}"))), Left(again))


def test_one_who_disturbs_is_held_where_others_may_unmute() -> None:
    """R43: a mute of one person is hard also while everybody may unmute themselves, until a host lets them again."""
    lesson = lesson_with()
    lesson.do(asked(op.LetUnmute(None)), Muted(MASHA, VOICE, muted=False))
    for word in (op.MuteTrack(VOICE), op.LetUnmute(name_of(MASHA), allowed=False)):
        assert MuteAtServer(VOICE, muted=True) in lesson.do(asked(word))
        assert not only(MuteAtServer, lesson.do(Muted(MASHA, VOICE, muted=False)))
        lesson.do(asked(op.LetUnmute(name_of(MASHA))))
        assert only(MuteAtServer, lesson.do(Muted(MASHA, VOICE, muted=False)))


def test_everyone_is_muted_who_is_away_too() -> None:
    """Whoever was let speak and was not here as everybody was muted comes back muted."""
    lesson = lesson_with()
    lesson.do(asked(op.LetUnmute(name_of(MASHA))), Left(MASHA), asked(op.MuteEveryone()))
    again = ParticipantSid("PA_m2")
    lesson.come(joined(again, person=person_of(MASHA)))
    lesson.publish(track(VOICE, again, Source.MICROPHONE))
    assert MuteAtServer(VOICE, muted=True) in lesson.last
    assert not only(MuteAtServer, lesson.do(Muted(again, VOICE, muted=False)))


def test_a_camera_stops_and_stays_off() -> None:
    """R43: the camera is muted at the server and its client told; until it is let, it cannot be switched on."""
    lesson = lesson_with(Source.CAMERA)
    play(
        lesson,
        (
            asked(op.StopCamera(name_of(MASHA))),
            [MuteAtServer(FACE, muted=True), Tell((MASHA,), MuteAsked(FACE, muted=True)), DONE],
        ),
    )
    assert not only(MuteAtServer, lesson.do(Muted(MASHA, FACE, muted=False)))
    assert lesson.do(asked(op.LetCamera(name_of(MASHA))))[-1] == DONE
    assert only(MuteAtServer, lesson.do(Muted(MASHA, FACE, muted=False)))


def test_all_cameras_are_off_for_who_comes_later_too() -> None:
    """R43: until a host allows them again, to one or to all; a host's own camera is never touched."""
    lesson = lesson_with(Source.CAMERA)
    lesson.do(Left(PETYA))
    assert MuteAtServer(FACE, muted=True) in lesson.do(asked(op.StopCamera(None)))
    late, hers = ParticipantSid("PA_late"), TrackSid("TR_late")
    lesson.come(joined(late, identity=Identity("late"), person=person_of(PETYA)))
    lesson.publish(track(hers, late, Source.CAMERA))
    assert MuteAtServer(hers, muted=True) in lesson.last
    assert not only(MuteAtServer, lesson.do(Muted(late, hers, muted=False)))
    lesson.publish(track(TrackSid("TR_host"), TEACHER, Source.CAMERA))
    assert not only(MuteAtServer, lesson.last)

    lesson.do(asked(op.LetCamera(Identity("late"))))
    assert only(MuteAtServer, lesson.do(Muted(late, hers, muted=False)))
    assert not only(MuteAtServer, lesson.do(Muted(MASHA, FACE, muted=False)))
    assert MuteAtServer(hers, muted=True) in lesson.do(asked(op.StopCamera(None)))
    lesson.do(asked(op.LetCamera(None)))
    assert only(MuteAtServer, lesson.do(Muted(MASHA, FACE, muted=False)))


def test_one_screen_at_a_time() -> None:
    """A second pupil is refused; a host takes over from a pupil, but not from another host (R45)."""
    lesson = lesson_with(Source.SCREEN)
    second = track(TrackSid("TR_2"), PETYA, Source.SCREEN)
    lesson.do(Left(PETYA))
    lesson.come(joined(PETYA, Grants()))
    taken = RequestAnswered(request=Request.ADD_TRACK, refusal=Refusal.SHARE_TAKEN, cid=second.cid)
    assert lesson.do(TrackAdded(second)) == [Tell((PETYA,), taken)]
    mine = track(TrackSid("TR_3"), TEACHER, Source.SCREEN)
    commands = without_news(lesson.do(TrackAdded(mine)))
    assert commands == [
        StopForwarding(BOARD, TEACHER),
        StopForwarding(BOARD, PETYA),
        StopPublishing(BOARD, MASHA),
        Tell((MASHA,), TrackUnpublished(BOARD)),
        Publish(mine),
        Tell((TEACHER,), TrackPublished(mine)),
    ]
    other = ParticipantSid("PA_head")
    lesson.come(joined(other, HOST))
    assert not only(Publish, lesson.do(TrackAdded(track(TrackSid("TR_4"), other, Source.SCREEN))))


def test_a_host_ends_a_share() -> None:
    """`stop_screen` unpublishes; several may share once a host allows it."""
    lesson = lesson_with(Source.SCREEN)
    assert Tell((MASHA,), TrackUnpublished(BOARD)) in lesson.do(asked(op.StopScreen()))
    lesson.do(asked(op.SetOneShare(False)))
    for number, sid in enumerate((TEACHER, MASHA)):
        shared = track(TrackSid(f"TR_s{number}"), sid, Source.SCREEN)
        assert only(Publish, lesson.do(TrackAdded(shared)))


def test_a_screen_that_arrives_late() -> None:
    """A host's that was announced long ago ends the one that a pupil began meanwhile."""
    lesson = lesson_with()
    mine = track(TrackSid("TR_3"), TEACHER, Source.SCREEN)
    lesson.do(TrackAdded(mine))
    lesson.let(16.0)
    lesson.publish(track(BOARD, MASHA, Source.SCREEN))
    commands = lesson.do(TrackReady(mine.sid, mid="1"))
    assert Tell((MASHA,), TrackUnpublished(BOARD)) in commands
    assert [t.sid for t in lesson.seen(TEACHER, by=PETYA).tracks] == [mine.sid]


@pytest.mark.parametrize(
    ("source", "kind", "refusal"),
    [
        (Source.SCREEN, Kind.VIDEO, Refusal.SOURCE),
        (Source.UNKNOWN, Kind.AUDIO, Refusal.SOURCE),
        (Source.CAMERA, Kind.AUDIO, Refusal.SOURCE),
        (Source.MICROPHONE, Kind.VIDEO, Refusal.SOURCE),
    ],
)
def test_no_way_around_a_hold(source: Source, kind: Kind, refusal: Refusal) -> None:
    """A voice that calls itself something else is not published."""
    lesson = Lesson()
    lesson.come(joined(MASHA))
    disguised = Publish(track(VOICE, MASHA, Source.MICROPHONE)).track
    disguised = type(disguised)(sid=VOICE, publisher=MASHA, cid="c", kind=kind, source=source)
    answer = RequestAnswered(request=Request.ADD_TRACK, refusal=refusal, cid="c")
    assert lesson.do(TrackAdded(disguised)) == [Tell((MASHA,), answer)]


def test_a_removed_person_waits_at_the_door() -> None:
    """They are told, their tracks end, and coming back is the waiting room until a host admits."""
    lesson = lesson_with()
    commands = lesson.do(asked(op.RemovePerson(name_of(MASHA))))
    reason = LeaveReason.PARTICIPANT_REMOVED
    assert Tell((MASHA,), Goodbye(reason, LeaveAction.DISCONNECT)) in commands
    assert commands[-2:] == [Gone(MASHA, name_of(MASHA), reason), DONE]
    again = ParticipantSid("PA_masha2")
    lesson.come(joined(again, identity=name_of(MASHA), person=person_of(MASHA)))
    assert [p.sid for p in lesson.room.view(lesson.now).waiting] == [again]
    lesson.do(asked(op.Admit(name_of(MASHA))))
    assert lesson.room.view(lesson.now).waiting == ()


def test_a_locked_call() -> None:
    """Nobody new comes in; hosts do, and who was in comes back."""
    lesson = lesson_with()
    lesson.do(asked(op.Lock()), Left(MASHA))
    newcomer = ParticipantSid("PA_new")
    assert lesson.do(joined(newcomer)) == [RefuseJoin(newcomer, Refusal.LOCKED)]
    assert not only(RefuseJoin, lesson.do(joined(MASHA), joined(ParticipantSid("PA_head"), HOST)))
    lesson.do(asked(op.Lock(False)))
    assert not only(RefuseJoin, lesson.do(joined(newcomer)))


def test_the_end_for_all() -> None:
    """Everyone is told once, everything stops, and the room is over."""
    lesson = lesson_with()
    commands = lesson.do(asked(op.EndForAll()))
    goodbye = Goodbye(LeaveReason.ROOM_DELETED, LeaveAction.DISCONNECT)
    assert only(Tell, commands) == [Tell((TEACHER, MASHA, PETYA), goodbye)]
    assert {c.sid for c in only(Gone, commands)} == {TEACHER, MASHA, PETYA}
    assert commands[-2:] == [EndRoom(LeaveReason.ROOM_DELETED), DONE]
    assert lesson.do(joined(MASHA)) == [RefuseJoin(MASHA, Refusal.ENDED)]


ALL_OPERATIONS: list[Operation] = [
    op.MuteTrack(VOICE),
    op.MuteEveryone(),
    op.StopCamera(None),
    op.StopScreen(),
    op.LetUnmute(None),
    op.LetCamera(None),
    op.RemovePerson(name_of(PETYA)),
    op.EndForAll(),
    op.Lock(),
    op.SetWaitingRoom(True),
    op.SetOneShare(False),
    op.LowerHand(),
    op.Admit(),
    op.BackToWaiting(name_of(PETYA)),
    op.Spotlight(name_of(MASHA)),
]


@pytest.mark.parametrize("operation", ALL_OPERATIONS, ids=lambda o: type(o).__name__)
def test_a_pupil_is_refused(operation: Operation) -> None:
    """Every operation, by a pupil, by somebody who is not there, and after the end."""
    lesson = lesson_with()
    refused: list[Command] = [HostAnswered("r", Refusal.NOT_A_HOST)]
    assert lesson.do(asked(operation, by=MASHA)) == refused
    assert lesson.do(asked(operation, by=ParticipantSid("PA_nobody"))) == refused
    lesson.do(asked(op.EndForAll(), by=None))
    assert lesson.do(asked(operation)) == [HostAnswered("r", Refusal.ENDED)]


@pytest.mark.parametrize(
    "operation",
    [
        op.MuteTrack(TrackSid("TR_x")),
        op.StopCamera(Identity("x")),
        op.StopScreen(Identity("x")),
        op.LetUnmute(Identity("x")),
        op.RemovePerson(Identity("x")),
        op.LowerHand(Identity("x")),
        op.Admit(Identity("x")),
        op.BackToWaiting(Identity("x")),
        op.BackToWaiting(name_of(TEACHER)),
        op.Spotlight(Identity("x")),
    ],
    ids=repr,
)
def test_nobody_of_that_name(operation: Operation) -> None:
    """An operation on somebody who is not there changes nothing and says so."""
    assert lesson_with().do(asked(operation)) == [HostAnswered("r", Refusal.NOT_FOUND)]


def test_staff_who_begin_are_hosts() -> None:
    """R43: the starter is a host if staff, also after a reconnect; who comes later is not, and no pupil ever is."""
    staff = Grants(staff=True)
    lesson = Lesson()
    lesson.come(joined(TEACHER, staff), joined(PETYA, staff), joined(MASHA))
    assert lesson.do(asked(op.Lock(), by=TEACHER))[-1] == DONE
    assert lesson.do(asked(op.Lock(), by=PETYA))[-1] == HostAnswered("r", Refusal.NOT_A_HOST)
    again = ParticipantSid("PA_t2")
    lesson.do(Left(TEACHER))
    lesson.come(joined(again, staff, identity=name_of(TEACHER), person=person_of(TEACHER)))
    assert lesson.do(asked(op.Lock(False), by=again))[-1] == DONE
    second = Lesson()
    second.come(joined(MASHA), joined(TEACHER, staff))
    assert second.do(asked(op.Lock(), by=TEACHER))[-1] == HostAnswered("r", Refusal.NOT_A_HOST)


# --- hands


def hands(lesson: Lesson) -> list[str]:
    return [str(person) for person in lesson.room.view(lesson.now).hands]


def test_hands_are_a_queue() -> None:
    """First raised, first named, whichever way it was raised; a host lowers one or all."""
    lesson = lesson_with()
    lesson.do(HandRaised(PETYA, raised=True))
    lesson.do(MetadataChanged(by=MASHA, attributes={"sferum.hand": "x"}), after=1.0)
    raised = DataSent(by=TEACHER, reliable=True, body=b"", topic="sferum.hand", payload=b"1")
    lesson.do(raised, after=1.0)
    lesson.do(HandRaised(PETYA, raised=True), after=1.0)
    assert hands(lesson) == ["@petya", "@masha", "@teacher"]
    lesson.do(asked(op.LowerHand(name_of(PETYA))))
    assert hands(lesson) == ["@masha", "@teacher"]
    lesson.do(MetadataChanged(by=MASHA, attributes={"sferum.hand": ""}))
    assert hands(lesson) == ["@teacher"]
    lesson.do(asked(op.LowerHand()))
    assert hands(lesson) == []


def test_everyone_sees_when_a_hand_went_up() -> None:
    """The attribute is the moment, by the server's clock; clients cannot write another one."""
    lesson = lesson_with()
    lesson.do(HandRaised(PETYA, raised=True), after=4.0)
    assert lesson.seen(PETYA, by=MASHA).attributes["sferum.hand"] == "1800000005000"
    lesson.do(Left(PETYA))
    assert hands(lesson) == []


def test_a_hand_stays_up_while_its_client_begins_anew() -> None:
    """The same identity again keeps its place in the queue: its owner has not gone."""
    lesson = lesson_with()
    lesson.do(HandRaised(MASHA, raised=True), HandRaised(PETYA, raised=True))
    again = ParticipantSid("PA_again")
    lesson.come(joined(again, identity=name_of(MASHA), person=person_of(MASHA)))
    assert hands(lesson) == ["@masha", "@petya"]


def spotlit(lesson: Lesson) -> Identity | None:
    return lesson.room.view(lesson.now).settings.spotlight


def test_a_spotlight_follows_its_person() -> None:
    """It stays while they begin anew, goes to another connection of theirs, and out with the last."""
    lesson = lesson_with()
    lesson.do(asked(op.Spotlight(name_of(MASHA))))
    again, phone = ParticipantSid("PA_again"), ParticipantSid("PA_phone")
    lesson.come(joined(again, identity=name_of(MASHA), person=person_of(MASHA)))
    lesson.come(joined(phone, person=person_of(MASHA)))
    assert spotlit(lesson) == name_of(MASHA)
    lesson.do(Left(again))
    assert spotlit(lesson) == name_of(phone)
    lesson.do(Left(phone))
    assert spotlit(lesson) is None


def test_a_pupil_without_the_metadata_right_may_still_raise_a_hand() -> None:
    """Hands are for everyone; other words of the server's are for nobody."""
    lesson = Lesson()
    lesson.come(joined(TEACHER, HOST), joined(MASHA, Grants(may_update_metadata=False)))

    def answer(**attributes: str) -> Refusal | None:
        changed = {k.replace("_", "."): v for k, v in attributes.items()}
        commands = lesson.do(MetadataChanged(by=MASHA, attributes=changed))
        found = [m for m in told(commands, MASHA) if isinstance(m, RequestAnswered)]
        return found[0].refusal

    assert answer(sferum_hand="1") is None
    assert answer(sferum_host="1") is Refusal.OURS
    assert answer(mood="good") is Refusal.NO_METADATA


def test_what_people_say_of_themselves_is_bounded_in_all() -> None:
    """Metadata and attributes together: everybody is told all of it with every change. A hand can still be raised."""
    lesson = lesson_with()

    def refused(**change: Any) -> Refusal | None:
        commands = lesson.do(MetadataChanged(by=MASHA, **change))
        return next(m.refusal for m in told(commands, MASHA) if isinstance(m, RequestAnswered))

    assert refused(metadata="m" * 12_000) is None
    for number in range(4):
        assert refused(attributes={f"a{number}": "x" * 1_000}) is None
    assert refused(attributes={"more": "x" * 1_000}) is Refusal.TOO_LARGE
    assert refused(metadata="m" * 16_000) is Refusal.TOO_LARGE
    assert refused(attributes={"sferum.hand": "1"}) is None
    assert refused(metadata="") is None
    assert refused(attributes={"more": "x" * 1_000}) is None


def test_people_change_their_names() -> None:
    """Everyone sees the new one; a request that names none changes none."""
    lesson = lesson_with()
    lesson.do(MetadataChanged(by=MASHA, name="Маша", metadata="m"))
    lesson.do(MetadataChanged(by=MASHA, attributes={"mood": "good"}))
    seen = lesson.seen(MASHA, by=PETYA)
    assert (seen.name, seen.metadata, seen.attributes["mood"]) == ("Маша", "m", "good")


# --- how hosts ask


def test_a_host_asks_by_data_packet() -> None:
    """Topic `sferum.host`: carried out and answered; a pupil's is answered with the reason; neither goes to others."""
    lesson = lesson_with()
    body = json.dumps({"op": "lock"}).encode()
    ask = DataSent(by=TEACHER, reliable=True, body=b"", topic="sferum.host", payload=body)
    commands = lesson.do(ask)
    assert Tell((TEACHER,), ServerData("sferum.host", b'{"refused": null}')) in commands
    assert any(isinstance(m, RoomChanged) for m in told(commands, PETYA))
    pupil = DataSent(by=MASHA, reliable=True, body=b"", topic="sferum.host", payload=body)
    refused = ServerData("sferum.host", b'{"refused": "not_a_host"}')
    assert lesson.do(pupil) == [Tell((MASHA,), refused)]
    for nonsense in (b"", b"[]", b"{", b'{"op": "fly"}', b"x" * 5_000):
        wrong = DataSent(by=TEACHER, reliable=True, body=b"", topic="sferum.host", payload=nonsense)
        bad = ServerData("sferum.host", b'{"refused": "bad_request"}')
        assert lesson.do(wrong) == [Tell((TEACHER,), bad)]


@pytest.mark.parametrize(
    ("raw", "operation"),
    [
        ({"op": "mute_track", "track": "TR_voice"}, op.MuteTrack(VOICE)),
        ({"op": "mute_track", "track": "TR_voice", "muted": False}, op.MuteTrack(VOICE, False)),
        ({"op": "mute_all"}, op.MuteEveryone()),
        ({"op": "stop_camera"}, op.StopCamera(None)),
        ({"op": "stop_camera", "identity": "x"}, op.StopCamera(Identity("x"))),
        ({"op": "stop_screen"}, op.StopScreen(None)),
        ({"op": "let_unmute", "identity": "x"}, op.LetUnmute(Identity("x"))),
        ({"op": "let_camera", "allowed": False}, op.LetCamera(None, False)),
        ({"op": "remove", "identity": "x"}, op.RemovePerson(Identity("x"))),
        ({"op": "end_for_all"}, op.EndForAll()),
        ({"op": "unlock"}, op.Lock(False)),
        ({"op": "waiting_room", "on": False}, op.SetWaitingRoom(False)),
        ({"op": "one_share"}, op.SetOneShare(True)),
        ({"op": "lower_hand", "identity": "x"}, op.LowerHand(Identity("x"))),
        ({"op": "lower_hands"}, op.LowerHand(None)),
        ({"op": "admit", "identity": "x"}, op.Admit(Identity("x"))),
        ({"op": "admit_all"}, op.Admit(None)),
        ({"op": "back_to_waiting", "identity": "x"}, op.BackToWaiting(Identity("x"))),
        ({"op": "spotlight", "identity": None}, op.Spotlight(None)),
    ],
)
def test_operations_as_json(raw: dict[str, object], operation: Operation) -> None:
    """The words of the host page."""
    assert parse_operation(raw) == operation


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({}, "op"),
        ({"op": []}, "op"),
        ({"op": "fly"}, "op"),
        ({"op": "remove"}, "identity"),
        ({"op": "remove", "identity": ""}, "identity"),
        ({"op": "remove", "identity": 1}, "identity"),
        ({"op": "mute_track", "track": "T" * 600}, "track"),
        ({"op": "mute_all", "but": "x"}, "but"),
        ({"op": "waiting_room", "on": "yes"}, "on"),
    ],
)
def test_operations_that_are_none(raw: dict[str, object], field: str) -> None:
    """The field at fault is named; nothing is guessed."""
    with pytest.raises(BadOperation, match=f"^{field}$"):
        parse_operation(raw)


def test_a_service_needs_no_seat() -> None:
    """Twirp's calls come from outside and are carried out like a host's."""
    lesson = lesson_with()
    assert lesson.do(asked(op.MuteTrack(VOICE), by=None))[-1] == DONE
