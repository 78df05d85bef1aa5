"""Carries commands out on paper, and objects when they make no sense or break a rule."""

from __future__ import annotations

from media.forwarder.api import Kind, Layer, Want
from media.ids import ParticipantSid, TrackSid
from media.room.call import Call
from media.room.commands import (
    Command,
    EndRoom,
    Gone,
    MuteAtServer,
    Pin,
    Publish,
    RefuseJoin,
    SetTap,
    SetWant,
    StartForwarding,
    StopForwarding,
    StopPublishing,
    Tell,
)
from media.room.events import Event, Joined, TrackReady
from media.room.messages import ParticipantsChanged, RoomChanged, SpeakersChanged, Welcome
from media.room.model import SCREENS, Participant, State
from media.room.publishing import holdable
from media.room.room import Room


class Ledger:
    """What signalling, forwarder and clients would have, had they followed every command."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.inside: set[ParticipantSid] = set()
        self.published: set[TrackSid] = set()
        self.ready: set[TrackSid] = set()
        self.silent: set[TrackSid] = set()
        self.pinned: set[TrackSid] = set()
        self.tapped: dict[TrackSid, frozenset[Layer]] = {}
        self.forwarded: dict[tuple[TrackSid, ParticipantSid], Want] = {}
        self.people = 0
        self.versions: dict[tuple[ParticipantSid, ParticipantSid], int] = {}

    def carry_out(self, event: Event, commands: list[Command]) -> None:
        """In order, each checked against what is there."""
        if isinstance(event, TrackReady) and event.track in self.published:
            self.ready.add(event.track)
        for command in commands:
            self._one(command)
        self._check_rules()
        people = len({m.person for m in call_of(self.room).members.values() if not m.grants.hidden})
        if isinstance(event, Joined) and people > self.people:
            assert people <= call_of(self.room).settings.limit
        self.people = people

    def _one(self, command: Command) -> None:  # noqa: PLR0912 - one case for each command
        match command:
            case Tell(to, message):
                assert to
                assert len(set(to)) == len(to)
                if isinstance(message, Welcome):
                    self.inside.update(to)
                self._told(to, message)
            case Publish(track):
                assert track.sid not in self.published
                self.published.add(track.sid)
            case StopPublishing(sid, _):
                assert not [pair for pair in self.forwarded if pair[0] == sid]
                self.published.remove(sid)
                self.ready.discard(sid)
                self.silent.discard(sid)
                self.pinned.discard(sid)
                self.tapped.pop(sid, None)
            case SetTap(tap):
                assert tap.track in self.published
                self.tapped[tap.track] = tap.layers
            case StartForwarding(sid, to_one, want):
                assert sid in self.ready
                assert to_one in self.inside
                assert (sid, to_one) not in self.forwarded
                self.forwarded[sid, to_one] = want
            case SetWant(sid, to_one, want):
                assert self.forwarded[sid, to_one] != want
                self.forwarded[sid, to_one] = want
            case StopForwarding(sid, to_one):
                del self.forwarded[sid, to_one]
            case MuteAtServer(sid, muted):
                assert sid in self.ready
                (self.silent.add if muted else self.silent.discard)(sid)
            case Pin(sid, pinned):
                assert sid in self.published
                assert pinned != (sid in self.pinned)
                (self.pinned.add if pinned else self.pinned.discard)(sid)
            case Gone(sid, _, _):
                assert not [pair for pair in self.forwarded if pair[1] == sid]
                self.inside.remove(sid)
                self.versions = {k: v for k, v in self.versions.items() if sid not in k}
            case RefuseJoin(sid, _):
                assert sid not in self.inside
            case EndRoom():
                assert not self.inside
            case _:
                pass

    def _told(self, to: tuple[ParticipantSid, ...], message: object) -> None:
        people: tuple[Participant, ...] = ()
        if isinstance(message, ParticipantsChanged):
            people = message.participants
        elif isinstance(message, Welcome):
            people = (message.participant, *message.others)
        call = call_of(self.room)
        for receiver in to:
            for person in people:
                self._version_grows(receiver, person)
            member = call.members.get(receiver)
            if member is not None and member.waiting:
                assert not isinstance(message, SpeakersChanged | RoomChanged)
                assert all(p.sid == receiver or p.state is State.DISCONNECTED for p in people), (
                    "who waits sees nobody (R44)"
                )

    def _version_grows(self, receiver: ParticipantSid, person: Participant) -> None:
        before = self.versions.get((receiver, person.sid), 0)
        assert person.version >= before
        self.versions[receiver, person.sid] = person.version

    def _check_rules(self) -> None:
        call = call_of(self.room)
        assert set(call.members) == self.inside
        assert set(call.tracks) == self.published
        actual = {
            (sid, m.sid): s.want
            for m in call.members.values()
            for sid, s in m.subscriptions.items()
        }
        assert actual == self.forwarded
        for published in call.tracks.values():
            if published.track.kind is Kind.AUDIO and call.publisher(published).grants.host:
                assert published.sid in self.pinned, "a host is heard whoever else speaks"
        for sid, to in self.forwarded:
            published, member = call.tracks[sid], call.members[to]
            publisher = call.members[published.track.publisher]
            assert publisher is not member
            assert not publisher.waiting
            assert not publisher.grants.hidden
            assert not member.waiting
            assert member.grants.may_subscribe
            assert published.track.source in publisher.grants.may_publish
        for published in call.tracks.values():
            publisher = call.members[published.track.publisher]
            assert publisher.visible or not published.tapped
            assert self.tapped.get(published.sid, frozenset()) == published.tapped
            if published.track.ready:
                assert (published.sid in self.silent) == published.track.muted
            if published.track.source not in SCREENS and call.held(
                publisher, holdable(published.track)
            ):
                assert published.track.muted, "a host's hold (R43)"

    def check_everyone_has_everything(self) -> None:
        """Once nothing is due: whoever wants a track that is there and may have it, has it."""
        call = call_of(self.room)
        for member in call.members.values():
            for published in call.tracks.values():
                publisher = call.members[published.track.publisher]
                expected = (
                    publisher is not member
                    and published.track.ready
                    and publisher.visible
                    and not member.waiting
                    and member.grants.may_subscribe
                    and member.choices.get(published.sid, member.auto_subscribe)
                    and (publisher.allowed is None or member.identity in publisher.allowed)
                )
                assert ((published.sid, member.sid) in self.forwarded) == expected
        for published in call.tracks.values():
            if published.track.ready and published.track.kind is Kind.VIDEO:
                wants = (
                    call.members[sid].subscriptions[published.sid] for sid in published.subscribers
                )
                layers = [s.want.layer for s in wants if not s.want.paused or s.shown_paused]
                layers += published.tapped
                assert published.asked == max(layers, default=None), "dynacast"


def call_of(room: Room) -> Call:
    """The room's state: tests compare it with what the commands say."""
    return room._call
