"""Who of a call is on air: what a host may choose, and what leaves the air by itself (R48)."""

from __future__ import annotations

import pytest
from attrs import evolve

from media.broadcast.program.calls import scene_of
from media.broadcast.program.choosing import (
    MOST_VOICES,
    Choice,
    OnAir,
    Refusal,
    Shot,
    may_be_seen,
    may_choose,
    on_air,
)
from media.forwarder.api import Codec, Layer
from media.ids import ParticipantSid, TrackSid
from media.room import operations as op
from media.room.events import HostAsked, Muted
from media.room.model import Grants, Source, sources_of
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
    track,
)

DESK, TALK, RADIO = map(TrackSid, ("TR_desk", "TR_talk", "TR_radio"))
SPEAKS = Grants(may_publish=PUPIL.may_publish | sources_of(["screen"]))


def lesson() -> Lesson:
    """A teacher and Masha with camera, microphone and, hers, a screen; Petya with nothing."""
    made = Lesson()
    made.come(joined(TEACHER, HOST), joined(MASHA, SPEAKS), joined(PETYA))
    made.publish(
        track(DESK, TEACHER, Source.CAMERA),
        track(TALK, TEACHER, Source.MICROPHONE),
        track(FACE, MASHA, Source.CAMERA),
        track(VOICE, MASHA, Source.MICROPHONE),
        track(BOARD, MASHA, Source.SCREEN),
        track(RADIO, MASHA, Source.SCREEN_AUDIO),
    )
    return made


def spotlight(made: Lesson, who: ParticipantSid | None) -> None:
    identity = None if who is None else name_of(who)
    made.do(HostAsked(by=TEACHER, operation=op.Spotlight(identity), request="r"))


def now(made: Lesson, choice: Choice) -> OnAir:
    return on_air(made.room.view(made.now), choice)


def sids(found: OnAir) -> tuple[TrackSid | None, tuple[TrackSid, ...]]:
    return (
        None if found.picture is None else found.picture.sid,
        tuple(voice.sid for voice in found.voices),
    )


@pytest.mark.parametrize(
    ("choice", "picture", "voices", "why"),
    [
        (Choice(), None, (TALK,), None),
        (Choice(speaker=name_of(TEACHER)), DESK, (TALK,), None),
        (Choice(speaker=name_of(TEACHER), shot=Shot.SCREEN), None, (TALK,), Refusal.NOT_SHOWN),
        (Choice(speaker=name_of(TEACHER), shot=Shot.NOTHING), None, (TALK,), None),
        (Choice(speaker=name_of(MASHA), shot=Shot.SCREEN), BOARD, (VOICE, RADIO, TALK), None),
        (Choice(speaker=name_of(MASHA)), None, (VOICE, TALK), Refusal.NOT_SPOTLIGHTED),
        (Choice(speaker=name_of(PETYA)), None, (TALK,), Refusal.NOT_SHOWN),
        (
            Choice(speaker=name_of(ParticipantSid("PA_nobody"))),
            None,
            (TALK,),
            Refusal.NOT_HERE,
        ),
        (
            Choice(speaker=name_of(TEACHER), stage=frozenset({name_of(MASHA)})),
            DESK,
            (TALK, VOICE),
            None,
        ),
    ],
)
def test_what_is_on_air(
    choice: Choice,
    picture: TrackSid | None,
    voices: tuple[TrackSid, ...],
    why: Refusal | None,
) -> None:
    """The speaker's camera or screen; the speaker, the sound of the screen, the stage and the hosts are heard."""
    found = now(lesson(), choice)
    assert (*sids(found), found.why) == (picture, voices, why)


def test_a_pupil_is_shown_only_in_the_spotlight() -> None:
    """R48: the camera of somebody who is no host is on air while the call has them in the spotlight, and not after."""
    made, masha = lesson(), Choice(speaker=name_of(MASHA))
    assert may_choose(made.room.view(made.now), name_of(TEACHER), masha) is Refusal.NOT_SPOTLIGHTED
    spotlight(made, MASHA)
    assert may_choose(made.room.view(made.now), name_of(TEACHER), masha) is None
    assert sids(now(made, masha))[0] == FACE
    assert may_be_seen(made.room.view(made.now), FACE)
    spotlight(made, None)
    assert sids(now(made, masha))[0] is None
    assert not may_be_seen(made.room.view(made.now), FACE)
    spotlight(made, PETYA)
    assert sids(now(made, masha))[0] is None


def test_only_a_host_chooses() -> None:
    """A pupil and a stranger are refused, whatever they ask for."""
    view = lesson().room.view(0.0)
    for who in (MASHA, PETYA, ParticipantSid("PA_nobody")):
        assert may_choose(view, name_of(who), Choice()) is Refusal.NOT_A_HOST


def test_an_encrypted_call_is_refused_by_name() -> None:
    """Nobody here can look into its tracks: neither picture nor voice is on air, and hosts are told why."""
    view = lesson().room.view(0.0)
    people = tuple(
        evolve(one, tracks=tuple(evolve(t, encryption=1) for t in one.tracks))
        for one in view.participants
    )
    sealed = evolve(view, participants=people)
    for choice in (Choice(), Choice(speaker=name_of(TEACHER))):
        found = on_air(sealed, choice)
        assert (*sids(found), found.why) == (None, (), Refusal.ENCRYPTED)
    assert not may_be_seen(sealed, DESK)


def test_what_is_muted_is_off_the_air() -> None:
    """A camera or a microphone that its owner switches off is not asked for any more."""
    made, choice = lesson(), Choice(speaker=name_of(TEACHER))
    made.do(Muted(TEACHER, DESK, muted=True), Muted(TEACHER, TALK, muted=True))
    found = now(made, choice)
    assert (*sids(found), found.why) == (None, (), Refusal.NOT_SHOWN)


def test_a_mix_has_eight_voices() -> None:
    """Of a crowd on stage the speaker and the first are heard."""
    made = Lesson()
    crowd = [ParticipantSid(f"PA_{number}") for number in range(12)]
    made.come(*(joined(one, HOST) for one in crowd))
    made.publish(*(track(TrackSid(f"TR_{one}"), one, Source.MICROPHONE) for one in crowd))
    _, voices = sids(now(made, Choice(speaker=name_of(crowd[11]), shot=Shot.NOTHING)))
    assert len(voices) == MOST_VOICES
    assert voices[:2] == ("TR_PA_11", "TR_PA_0")


def test_a_scene_has_one_clock_for_each_connection() -> None:
    """Picture and voice of one connection are timed together; the codec is the negotiated one, as MIME types are."""
    found = now(lesson(), Choice(speaker=name_of(TEACHER)))
    assert found.picture is not None
    found = evolve(found, picture=evolve(found.picture, mime_type="video/h264"))
    scene = scene_of(found, may_stay=frozenset(), wants_picture=True)
    assert (scene.picture, scene.publisher, scene.codec) == (DESK, TEACHER, Codec.H264)
    assert scene.voices == {TALK: TEACHER}
    assert scene.layers == frozenset(Layer)
