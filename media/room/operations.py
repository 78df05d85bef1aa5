"""What hosts may ask (R43-R45), as values and as JSON of the host page. Pure.

`None` for an identity means everyone it can mean: hosts are left alone by operations on everyone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from media.ids import Identity, TrackSid


@frozen
class MuteTrack:
    """Mute, hard unless its publisher is a host; `muted` False lifts the hold and leaves unmuting to the person."""

    track: TrackSid
    muted: bool = True


@frozen
class MuteEveryone:
    """Every microphone but those of hosts."""


@frozen
class StopCamera:
    """The camera goes off and stays off until `LetCamera`; None: every camera but those of hosts."""

    identity: Identity | None


@frozen
class StopScreen:
    """A shared screen ends; None: whoever shares."""

    identity: Identity | None = None


@frozen
class LetUnmute:
    """Somebody may switch the microphone on (or no longer); None: everyone, from now on."""

    identity: Identity | None
    allowed: bool = True


@frozen
class LetCamera:
    identity: Identity | None
    allowed: bool = True


@frozen
class RemovePerson:
    """Out of the call. Who comes back waits until a host admits them."""

    identity: Identity


@frozen
class EndForAll:
    """The call is over for everyone."""


@frozen
class Lock:
    """Nobody new comes in; who was in may come back."""

    locked: bool = True


@frozen
class SetWaitingRoom:
    on: bool


@frozen
class SetOneShare:
    on: bool


@frozen
class LowerHand:
    """None: all."""

    identity: Identity | None = None


@frozen
class Admit:
    """From the waiting room; None: all who wait."""

    identity: Identity | None = None


@frozen
class BackToWaiting:
    identity: Identity


@frozen
class Spotlight:
    """Everyone is asked to show this one large; None: nobody."""

    identity: Identity | None = None


Operation = (
    MuteTrack
    | MuteEveryone
    | StopCamera
    | StopScreen
    | LetUnmute
    | LetCamera
    | RemovePerson
    | EndForAll
    | Lock
    | SetWaitingRoom
    | SetOneShare
    | LowerHand
    | Admit
    | BackToWaiting
    | Spotlight
)


class BadOperation(ValueError):
    """The JSON is no operation; the message names the field."""


def parse_operation(raw: Mapping[str, object]) -> Operation:
    """`{"op": "mute_track", "track": "TR_…"}` and so on; the words are those of docs/contracts.md.

    Raises:
        BadOperation: unknown word, missing field, wrong type, or a field too many.
    """
    word = raw.get("op")
    make = _WORDS.get(word) if isinstance(word, str) else None
    if make is None:
        raise BadOperation("op")
    fields = _Fields(raw)
    operation = make(fields)
    fields.end()
    return operation


class _Fields:
    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = raw
        self._read = {"op"}

    def text(self, name: str) -> str:
        value = self.text_or_none(name)
        if not value:
            raise BadOperation(name)
        return value

    def text_or_none(self, name: str) -> str | None:
        self._read.add(name)
        value = self._raw.get(name)
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= 512):
            raise BadOperation(name)
        return value

    def identity(self) -> Identity:
        return Identity(self.text("identity"))

    def anyone(self) -> Identity | None:
        value = self.text_or_none("identity")
        return None if value is None else Identity(value)

    def flag(self, name: str, default: bool = True) -> bool:
        self._read.add(name)
        value = self._raw.get(name, default)
        if not isinstance(value, bool):
            raise BadOperation(name)
        return value

    def end(self) -> None:
        for name in self._raw:
            if name not in self._read:
                raise BadOperation(name)


_WORDS: Mapping[str, Callable[[_Fields], Operation]] = {
    "mute_track": lambda f: MuteTrack(TrackSid(f.text("track")), f.flag("muted")),
    "mute_all": lambda _: MuteEveryone(),
    "stop_camera": lambda f: StopCamera(f.anyone()),
    "stop_screen": lambda f: StopScreen(f.anyone()),
    "let_unmute": lambda f: LetUnmute(f.anyone(), f.flag("allowed")),
    "let_camera": lambda f: LetCamera(f.anyone(), f.flag("allowed")),
    "remove": lambda f: RemovePerson(f.identity()),
    "end_for_all": lambda _: EndForAll(),
    "lock": lambda _: Lock(True),
    "unlock": lambda _: Lock(False),
    "waiting_room": lambda f: SetWaitingRoom(f.flag("on")),
    "one_share": lambda f: SetOneShare(f.flag("on")),
    "lower_hand": lambda f: LowerHand(f.identity()),
    "lower_hands": lambda _: LowerHand(None),
    "admit": lambda f: Admit(f.identity()),
    "admit_all": lambda _: Admit(None),
    "back_to_waiting": lambda f: BackToWaiting(f.identity()),
    "spotlight": lambda f: Spotlight(f.anyone()),
}
