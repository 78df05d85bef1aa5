"""The call itself: one event at a time goes to the part that knows what follows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import assert_never

from attrs import define, frozen

from media.ids import ParticipantSid, RoomName, RoomSid, TrackSid
from media.room import (
    data,
    events,
    hands,
    hosts,
    joining,
    layers,
    leaving,
    listening,
    profile,
    publishing,
    resuming,
    subscriptions,
)
from media.room.attendance import Row
from media.room.call import Call
from media.room.commands import Command, HostAnswered, RefuseJoin
from media.room.events import Event
from media.room.members import Member, Published
from media.room.messages import LeaveAction
from media.room.model import LeaveReason, Participant, Person, Refusal, RoomInfo, Settings
from media.room.rights import regrant
from media.room.waiting import tell_changes, waiting


@frozen(kw_only=True)
class View:
    """A call as its hosts' page and Twirp see it."""

    info: RoomInfo
    settings: Settings
    participants: tuple[Participant, ...]  # visible ones, in the order in which they came
    waiting: tuple[Participant, ...]  # the longest waiting first
    hands: tuple[Person, ...]  # the first raised first
    attendance: tuple[Row, ...]
    starter: Person | None  # who came first: a host, if staff (R43)


@define(eq=False)
class Room:
    """One call. Sans-IO: `now` is seconds of a clock that never goes back; nothing happens between two events."""

    _call: Call

    @classmethod
    def open(
        cls,
        name: RoomName,
        sid: RoomSid,
        settings: Settings,
        *,
        now: float,
        wall: float,
        metadata: str = "",
    ) -> Room:
        """A call that nobody has joined yet. `wall` is seconds since 1970 at `now`."""
        call = Call(
            name=name,
            sid=sid,
            settings=settings,
            opened_at=now,
            offset=wall - now,
            metadata=metadata,
        )
        return cls(call)

    @property
    def ended(self) -> bool:
        """Whether EndRoom was given out."""
        return self._call.ended

    def knows(self, sid: ParticipantSid) -> bool:
        """Whether a resume of this connection can succeed."""
        return sid in self._call.members

    def refusal(self, event: events.Joined) -> Refusal | None:
        """Why this one would not be let in; changes nothing. HTTP answers with it before there is a WebSocket."""
        person = Person(event.identity) if event.person is None else event.person
        return joining.refusal_to_join(self._call, event, person)

    def refusal_to_change(self, event: events.MetadataChanged) -> Refusal | None:
        """Why these words would not be taken; changes nothing. A service is answered with it."""
        member = self._call.members.get(event.by)
        return Refusal.NOT_FOUND if member is None else profile.refusal_to_change(member, event)

    def view(self, now: float) -> View:
        """What hosts may see."""
        call = self._call
        return View(
            info=call.info(),
            settings=call.settings,
            participants=tuple(call.snapshot(m) for m in call.members.values() if m.visible),
            waiting=tuple(call.snapshot(m) for m in waiting(call)),
            hands=tuple(hands.queue(call)),
            attendance=call.attendance.rows(call.wall(now)),
            starter=call.starter,
        )

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take in one thing that happened; return what must now be done, in order.

        Events of connections and tracks that are gone are late, not wrong: nothing follows.
        """
        call = self._call
        if call.ended:
            return _after_the_end(event)
        commands = self._people(event, now)
        if not call.ended:
            commands += layers.retap(call)
            commands += layers.ask_publishers(call, now)
            commands += publishing.ask_again(call, now)
            commands += tell_changes(call)
            if commands:  # whoever comes, goes or begins to publish is told of
                listening.count(call, now)
                commands += listening.pin(call)
        return resuming.hold_back(call, commands)

    def next_wakeup(self) -> float | None:
        """When to call with Ticked, at the latest; None: not before the next event."""
        call = self._call
        if call.ended:
            return None
        return min(self._wakeups(), default=None)

    def _wakeups(self) -> Iterator[float]:
        call = self._call
        if not call.members:
            yield leaving.closes_at(call)
        for member in call.members.values():
            if member.due is not None:
                yield member.due
            if member.budget.grows_at is not None:
                yield member.budget.grows_at
        for sid in call.away:
            member = call.members[sid]
            if member.lost_at is not None:
                yield member.lost_at + leaving.patience(member)
        for published in call.tracks.values():
            if published.lower_at is not None:
                yield published.lower_at
        for track in call.unheard:
            if (at := call.tracks[track].ask_at) is not None:
                yield at
        for at in (call.links_at, call.counted_at):
            if at is not None:
                yield at

    def _people(self, event: Event, now: float) -> list[Command]:  # noqa: PLR0912 - one case per event
        call = self._call
        match event:
            case events.Joined():
                return joining.join(call, event, now)
            case events.Connected(by):
                return self._by(by, lambda m: joining.connected(call, m))
            case events.Left(by, reason):
                return self._by(by, lambda m: leaving.leave(call, m, reason, now))
            case events.SignalLost(by):
                return self._by(by, lambda m: resuming.lose(call, m, now))
            case events.Resumed(by):
                if by not in call.members:
                    return [RefuseJoin(by, Refusal.STATE_MISMATCH)]
                return self._by(by, lambda m: resuming.resume(call, m))
            case events.Synced(by, received):
                return self._by(by, lambda m: resuming.replay(call, m, received))
            case events.GrantsChanged(identity, grants):
                member = call.member_of(identity)
                return [] if member is None else regrant(call, member, grants, now)
            case events.MetadataChanged():
                return self._by(event.by, lambda m: profile.change(call, m, event, now))
            case events.HandRaised(by, raised):
                return self._by(by, lambda m: hands.hear(call, m, raised, now))
            case events.DataSent():
                return self._by(event.by, lambda m: data.route(call, m, event, now))
            case events.HostAsked():
                return self._host(event, now)
            case events.RoomMetadataChanged(metadata):
                call.metadata = metadata
                return call.room_changed()
            case events.Closing(reason):
                return leaving.end(call, reason, now, _action(reason))
            case events.Ticked():
                return self._tick(now)
            case _:
                return self._media(event, now)

    def _media(  # noqa: PLR0912 - one case per event
        self, event: events.OfMedia, now: float
    ) -> list[Command]:
        call = self._call
        match event:
            case events.TrackAdded(added):
                return self._by(added.publisher, lambda m: publishing.add(call, m, added, now))
            case events.TrackReady():
                return self._of(event.track, lambda p: publishing.ready(call, p, event, now))
            case events.TrackGone(track):
                return self._of(track, lambda p: publishing.gone(call, p))
            case events.Muted(by, track, muted):
                return self._by(by, lambda m: publishing.asked_mute(call, m, track, muted))
            case events.Subscribe(by, tracks):
                return self._by(by, lambda m: subscriptions.chose(call, m, tracks, True, now))
            case events.Unsubscribe(by, tracks):
                return self._by(by, lambda m: subscriptions.chose(call, m, tracks, False, now))
            case events.TrackSettings():
                return self._by(event.by, lambda m: subscriptions.sized(call, m, event))
            case events.TakesWhole(by, track):
                return self._by(by, lambda m: layers.takes_whole(call, m, track))
            case events.SubscriptionPermission():
                return self._by(event.by, lambda m: subscriptions.permitted(call, m, event, now))
            case events.Loud(levels):
                return listening.loud(call, levels, now)
            case events.LayersSeen(track, seen):
                return self._of(track, lambda p: layers.seen(call, p, seen))
            case events.TapAsked(track, wanted):
                return self._of(track, lambda p: layers.tap(call, p, wanted))
            case events.TrackRates(track, rates):
                return self._of(track, lambda p: layers.measured(p, rates))
            case events.LinkQuality():
                return self._by(event.of, lambda m: listening.link(call, m, event, now))
            case events.Estimated(to):
                return self._by(to, lambda m: layers.estimated(call, m, event, now))
            case _:
                assert_never(event)

    def _by(self, sid: ParticipantSid, then: Callable[[Member], list[Command]]) -> list[Command]:
        member = self._call.members.get(sid)
        return [] if member is None else then(member)

    def _of(self, sid: TrackSid, then: Callable[[Published], list[Command]]) -> list[Command]:
        published = self._call.tracks.get(sid)
        return [] if published is None else then(published)

    def _host(self, event: events.HostAsked, now: float) -> list[Command]:
        call = self._call
        by = None if event.by is None else call.members.get(event.by)
        if event.by is not None and by is None:
            return [HostAnswered(event.request, Refusal.NOT_A_HOST)]
        commands, refusal = hosts.decide(call, by, event.operation, now)
        return [*commands, HostAnswered(event.request, refusal)]

    def _tick(self, now: float) -> list[Command]:
        call = self._call
        commands = leaving.overdue(call, now)
        if call.ended:
            return commands
        for member in call.members.values():
            if member.due is not None and now >= member.due:
                commands += subscriptions.start(call, member, now)
        for published in call.tracks.values():
            if published.lower_at is not None and now >= published.lower_at:
                call.dynacast.add(published.sid)
        return commands + layers.probe(call, now) + listening.tick(call, now)


def _action(reason: LeaveReason) -> LeaveAction:
    """A node that goes down sends its clients to another one."""
    if reason is LeaveReason.SERVER_SHUTDOWN:
        return LeaveAction.RECONNECT
    return LeaveAction.DISCONNECT


def _after_the_end(event: Event) -> list[Command]:
    """A last join or host's request is answered, the rest is late."""
    if isinstance(event, events.Joined):
        return [RefuseJoin(event.sid, Refusal.ENDED)]
    if isinstance(event, events.Resumed):
        return [RefuseJoin(event.by, Refusal.STATE_MISMATCH)]
    if isinstance(event, events.HostAsked):
        return [HostAnswered(event.request, Refusal.ENDED)]
    return []
