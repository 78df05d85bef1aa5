"""A lesson to play: people, tracks, and a script of events with the commands that must follow."""

from __future__ import annotations

from typing import TypeVar

from media.forwarder.api import Kind, Layer
from media.ids import Identity, ParticipantSid, RoomName, RoomSid, TrackSid
from media.room.commands import Command, Tell
from media.room.events import Connected, Event, Joined, Ticked, TrackAdded, TrackReady
from media.room.messages import Message, ParticipantsChanged, Welcome
from media.room.model import (
    Grants,
    Participant,
    Person,
    Settings,
    Source,
    Track,
    VideoLayer,
    sources_of,
)
from media.room.room import Room

C = TypeVar("C")

WALL = 1_800_000_000.0  # seconds since 1970 when `now` is 0
TEACHER, MASHA, PETYA = map(ParticipantSid, ("PA_teacher", "PA_masha", "PA_petya"))
BOARD, VOICE, FACE = map(TrackSid, ("TR_board", "TR_voice", "TR_face"))
HOST = Grants(host=True)
PUPIL = Grants(may_publish=sources_of(["camera", "microphone"]), muted_on_entry=True)

_KINDS = {
    Source.CAMERA: Kind.VIDEO,
    Source.SCREEN: Kind.VIDEO,
    Source.MICROPHONE: Kind.AUDIO,
    Source.SCREEN_AUDIO: Kind.AUDIO,
}
SIMULCAST = (
    VideoLayer(layer=Layer.LOW, width=320, height=180, bitrate_bps=150_000, rid="q"),
    VideoLayer(layer=Layer.MEDIUM, width=640, height=360, bitrate_bps=500_000, rid="h"),
    VideoLayer(layer=Layer.HIGH, width=1280, height=720, bitrate_bps=1_700_000, rid="f"),
)


def new_room(settings: Settings | None = None) -> Room:
    """A call that nobody has joined, opened at second 0."""
    return Room.open(
        RoomName("lesson"), RoomSid("RM_1"), settings or Settings(), now=0.0, wall=WALL
    )


def name_of(sid: ParticipantSid) -> Identity:
    """PA_masha → @masha:DEVICE."""
    return Identity(f"@{sid.removeprefix('PA_')}:DEVICE")


def person_of(sid: ParticipantSid) -> Person:
    """PA_masha → @masha."""
    return Person(f"@{sid.removeprefix('PA_')}")


def joined(
    sid: ParticipantSid,
    grants: Grants = PUPIL,
    *,
    identity: Identity | None = None,
    person: Person | None = None,
    adaptive: bool = False,
    auto: bool = True,
) -> Joined:
    """Somebody comes, with one identity and one person of their own unless told otherwise."""
    return Joined(
        sid=sid,
        identity=identity or name_of(sid),
        person=person or person_of(sid),
        grants=grants,
        adaptive_stream=adaptive,
        auto_subscribe=auto,
    )


def track(sid: TrackSid, by: ParticipantSid, source: Source, *, muted: bool = False) -> Track:
    """A track as its publisher asks for it; cameras are simulcast."""
    camera = source is Source.CAMERA
    return Track(
        sid=sid,
        publisher=by,
        cid=f"cid-{sid}",
        kind=_KINDS[source],
        source=source,
        muted=muted,
        simulcast=camera,
        layers=SIMULCAST if camera else (),
    )


class Lesson:
    """A room with a clock; `do` returns what follows, `told` what somebody was told by it."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.room = new_room(settings)
        self.now = 0.0
        self.last: list[Command] = []

    def do(self, *events: Event, after: float = 0.0) -> list[Command]:
        """These happen, one after the other, `after` seconds later."""
        self.now += after
        self.last = [c for event in events for c in self.room.handle(event, self.now)]
        return self.last

    def let(self, seconds: float) -> list[Command]:
        """Time passes; whatever is due is done at its time."""
        until, done = self.now + seconds, []
        for _ in range(10_000):
            at = self.room.next_wakeup()
            if at is None or at > until:
                break
            assert at >= self.now or at < until
            self.now = max(self.now, at)
            done += self.room.handle(Ticked(), self.now)
        else:
            raise AssertionError("the room never comes to rest")
        self.now = until
        self.last = done
        return done

    def come(self, *people: Joined) -> list[Command]:
        """They join, and their transports are up."""
        return self.do(*(e for p in people for e in (p, Connected(p.sid))))

    def publish(self, *tracks: Track) -> list[Command]:
        """Asked for and negotiated."""
        return self.do(*(e for t in tracks for e in (TrackAdded(t), TrackReady(t.sid, mid="0"))))

    def told(self, sid: ParticipantSid) -> list[Message]:
        """What the last events made the server tell somebody."""
        return told(self.last, sid)

    def seen(self, sid: ParticipantSid, by: ParticipantSid | None = None) -> Participant:
        """The last news of a participant in the last commands."""
        found = [p for p in news(self.last, by) if p.sid == sid]
        return found[-1]


def told(commands: list[Command], sid: ParticipantSid) -> list[Message]:
    """The messages to one participant."""
    return [c.message for c in commands if isinstance(c, Tell) and sid in c.to]


def news(commands: list[Command], by: ParticipantSid | None = None) -> list[Participant]:
    """Every participant somebody was told of."""
    found: list[Participant] = []
    for command in commands:
        if not isinstance(command, Tell) or (by is not None and by not in command.to):
            continue
        match command.message:
            case ParticipantsChanged(participants):
                found += participants
            case Welcome(participant, others):
                found += [participant, *others]
    return found


def without_news(commands: list[Command]) -> list[Command]:
    """Without participant updates and welcomes, whose content other tests look at."""
    return [
        c
        for c in commands
        if not (isinstance(c, Tell) and isinstance(c.message, ParticipantsChanged | Welcome))
    ]


def play(lesson: Lesson, *script: tuple[Event | float, list[Command]]) -> None:
    """Assert that each event in turn (a number: seconds that pass) makes the room ask for exactly these commands."""
    for step, expected in script:
        commands = lesson.let(step) if isinstance(step, float) else lesson.do(step)
        assert without_news(commands) == expected, step


def only(kind: type[C], commands: list[Command]) -> list[C]:
    """The commands of one class."""
    return [c for c in commands if isinstance(c, kind)]
