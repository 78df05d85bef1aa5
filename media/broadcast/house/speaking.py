"""Cameras and screens of a call that a host may put on the air, and what their choice means. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from media.broadcast.desk.shown import Unable
from media.broadcast.program.choosing import Choice, Refusal, Shot
from media.ids import Identity
from media.room.model import Participant, Source
from media.room.room import View

#: What the page says of a choice that cannot be on air.
UNABLE: Mapping[Refusal, Unable] = {
    Refusal.NOT_A_HOST: Unable.NOT_HOST,
    Refusal.NOT_HERE: Unable.NO_CALL,
    Refusal.NOT_SHOWN: Unable.NO_CALL,
    Refusal.NOT_SPOTLIGHTED: Unable.PUPIL,
    Refusal.ENCRYPTED: Unable.ENCRYPTED,
}
_SHOTS = {Source.CAMERA: Shot.CAMERA, Source.SCREEN: Shot.SCREEN}


@frozen
class Shown:
    """One button of the page. `key`: of the form."""

    person: Participant
    shot: Shot

    @property
    def key(self) -> str:
        return f"{self.shot.value} {self.person.identity}"


def shown(view: View) -> Iterator[Shown]:
    """Whatever can be seen in the call now; screens first."""
    for source in (Source.SCREEN, Source.CAMERA):
        for person in view.participants:
            if any(one.source is source and one.ready and not one.muted for one in person.tracks):
                yield Shown(person, _SHOTS[source])


def choice_of(key: str) -> Choice | None:
    """What a button means; None: no button of ours."""
    word, _, identity = key.partition(" ")
    shot = next((one for one in _SHOTS.values() if one.value == word), None)
    return None if shot is None or not identity else Choice(speaker=Identity(identity), shot=shot)


def key_of(choice: Choice) -> str:
    """Of the button that is pressed; "": none."""
    return "" if choice.speaker is None else f"{choice.shot.value} {choice.speaker}"
