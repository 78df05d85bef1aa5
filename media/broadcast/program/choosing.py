"""Who of a running call is on air: a speaker's camera or a screen, and the microphones of those on stage. Pure.

A host decides. A camera of somebody who is no host is on air only while that person is in the call's spotlight (R48):
everybody in the call sees that then, the pupil too. A track with end-to-end encryption cannot be on air: nobody here
has the key.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from attrs import frozen

from media.ids import Identity, ParticipantSid, TrackSid
from media.room.model import Participant, Source, Track
from media.room.room import View

#: Voices in one mix; more are noise, and each costs a decoder.
MOST_VOICES = 8


class Shot(enum.Enum):
    """What of the speaker is shown. The value is stable: it is of the host's page."""

    CAMERA = "camera"
    SCREEN = "screen"
    NOTHING = "nothing"  # sound alone: a still picture


class Refusal(enum.Enum):
    """Why a choice is not on air. The values are stable: counted, shown by the host's page, tested."""

    NOT_A_HOST = "not_a_host"
    NOT_HERE = "not_here"  # no such person in the call
    NOT_SHOWN = "not_shown"  # their camera or screen is off
    NOT_SPOTLIGHTED = "not_spotlighted"  # R48
    ENCRYPTED = "encrypted"  # the call is: broadcast from the page instead


@frozen(kw_only=True)
class Choice:
    """What a host has chosen.

    Attributes:
        speaker: None: nobody yet, the hosts are heard.
        stage: who else is heard.
    """

    speaker: Identity | None = None
    shot: Shot = Shot.CAMERA
    stage: frozenset[Identity] = frozenset()


@frozen(kw_only=True)
class OnAir:
    """Tracks that viewers see and hear now.

    Attributes:
        picture: None: the still picture, and `why` says why, unless nobody was chosen.
        voices: at most `MOST_VOICES`, the speaker's first.
    """

    picture: Track | None
    voices: tuple[Track, ...]
    why: Refusal | None = None


def may_choose(view: View, by: Identity, choice: Choice) -> Refusal | None:
    """Whether this person of the call may choose that, and it would be on air now."""
    asking = _find(view, by)
    if asking is None or not is_host(asking):
        return Refusal.NOT_A_HOST
    return on_air(view, choice).why


def on_air(view: View, choice: Choice) -> OnAir:
    """The call as it is now, seen through a host's choice: judged again after each change of the call."""
    picture: Track | None = None
    why: Refusal | None = None
    speaker = None
    if choice.speaker is not None:
        speaker = _find(view, choice.speaker)
        if speaker is None:
            why = Refusal.NOT_HERE
        elif choice.shot is not Shot.NOTHING:
            found = _picture(view, speaker, choice.shot)
            picture, why = (None, found) if isinstance(found, Refusal) else (found, None)
    voices = list(_voices(view, choice, speaker))
    open_ones = [one for one in voices if not one.encryption]
    if why is None and voices and not open_ones:
        why = Refusal.ENCRYPTED
    return OnAir(picture=picture, voices=tuple(open_ones[:MOST_VOICES]), why=why)


def is_host(person: Participant) -> bool:
    return "sferum.host" in person.attributes


def _find(view: View, identity: Identity) -> Participant | None:
    """The room remembers connections, by either name."""
    wanted = (identity, ParticipantSid(identity))
    return next(
        (one for one in view.participants if one.identity in wanted or one.sid in wanted), None
    )


def _picture(view: View, speaker: Participant, shot: Shot) -> Track | Refusal:
    source = Source.CAMERA if shot is Shot.CAMERA else Source.SCREEN
    track = _track(speaker, source)
    if track is None:
        return Refusal.NOT_SHOWN
    if shot is Shot.CAMERA and not (is_host(speaker) or _in_spotlight(view, speaker)):
        return Refusal.NOT_SPOTLIGHTED
    return Refusal.ENCRYPTED if track.encryption else track


def _in_spotlight(view: View, person: Participant) -> bool:
    return view.settings.spotlight in (person.identity, person.sid)


def _voices(view: View, choice: Choice, speaker: Participant | None) -> Iterator[Track]:
    """The speaker, the sound of the screen that is shown, who else is on stage, then the hosts as they came."""
    heard: set[TrackSid] = set()
    first = [] if speaker is None else [(speaker, Source.MICROPHONE)]
    if speaker is not None and choice.shot is Shot.SCREEN:
        first.append((speaker, Source.SCREEN_AUDIO))
    staged = [(one, Source.MICROPHONE) for one in view.participants if one.identity in choice.stage]
    hosts = [(one, Source.MICROPHONE) for one in view.participants if is_host(one)]
    for person, source in (*first, *staged, *hosts):
        track = _track(person, source)
        if track is not None and track.sid not in heard:
            heard.add(track.sid)
            yield track


def _track(person: Participant, source: Source) -> Track | None:
    """What is negotiated and not muted."""
    return next(
        (one for one in person.tracks if one.source is source and one.ready and not one.muted), None
    )


def may_be_seen(view: View, sid: TrackSid) -> bool:
    """Whether a picture that was on air may stay until the next one has come."""
    for person in view.participants:
        for one in person.tracks:
            if one.sid == sid:
                shown = one.ready and not one.muted and not one.encryption
                camera = one.source is not Source.SCREEN
                return shown and (not camera or is_host(person) or _in_spotlight(view, person))
    return False
