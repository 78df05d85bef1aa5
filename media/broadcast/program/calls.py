"""A running call as what is on air: a host's choice, looked at again and again, and taps through the call's room."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from media.broadcast.program.choosing import (
    Choice,
    OnAir,
    Refusal,
    Shot,
    may_be_seen,
    may_choose,
    on_air,
)
from media.broadcast.program.scene import Scene
from media.forwarder.api import Codec, Layer
from media.ids import Identity, TrackSid
from media.room import events
from media.room.model import Track
from media.signal.hall import Hall

#: Seconds between two looks at a call: somebody who leaves the spotlight is off the air that soon (R48).
LOOK_S = 0.25
NOBODY_YET = Choice()


@define(eq=False)
class CallTaps:
    """`running.Tapping`: the room asks the publisher for what is tapped, whoever looks at it in the call."""

    hall: Hall

    def tap(self, track: TrackSid, layers: frozenset[Layer]) -> None:
        self.hall.handle(events.TapAsked(track, layers))

    def ask_key(self, track: TrackSid, layer: Layer) -> None:
        self.hall.services.wiring.ask_key(track, layer)


@define(eq=False)
class CallProgram:
    """One call on the air.

    Attributes:
        clock: seconds of the loop.
        why: why the choice is not on air now; None: it is.
    """

    hall: Hall
    clock: Callable[[], float]
    choice: Choice = NOBODY_YET
    why: Refusal | None = None
    _shown: TrackSid | None = None

    def choose(self, by: Identity, choice: Choice) -> Refusal | None:
        """A host of the call chooses; a refusal changes nothing."""
        refused = may_choose(self.hall.room.view(self.clock()), by, choice)
        if refused is None:
            self.choice = choice
        return refused

    def look(self) -> Scene:
        """The call as it is now. Every `LOOK_S`, and after each choice."""
        view = self.hall.room.view(self.clock())
        found = on_air(view, self.choice)
        self.why = found.why
        before = self._shown
        stays = frozenset({before}) if before is not None and may_be_seen(view, before) else None
        if found.picture is not None:
            self._shown = found.picture.sid
        return scene_of(
            found,
            may_stay=stays if stays is not None and found.picture is not None else frozenset(),
            wants_picture=self.choice.speaker is not None and self.choice.shot is not Shot.NOTHING,
        )


def scene_of(found: OnAir, *, may_stay: frozenset[TrackSid], wants_picture: bool) -> Scene:
    """For the producer. Tracks of one connection have one clock."""
    voices = {track.sid: str(track.publisher) for track in found.voices}
    picture = found.picture
    if picture is None:
        return Scene(voices=voices, wants_picture=wants_picture)
    return Scene(
        picture=picture.sid,
        publisher=picture.publisher,
        codec=codec_of(picture),
        layers=frozenset(one.layer for one in picture.layers) or frozenset({Layer.HIGH}),
        voices=voices,
        may_stay=may_stay,
        wants_picture=wants_picture,
    )


def codec_of(picture: Track) -> Codec:
    """As it was negotiated; MIME types have no case (RFC 6838 4.2)."""
    mime_type = picture.mime_type.lower()
    return next((one for one in Codec if one.value.lower() == mime_type), Codec.VP8)
