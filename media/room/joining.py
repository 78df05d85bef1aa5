"""Into the call: who is let in, who waits, what a newcomer is told; connections that were lost and come back. Pure."""

from __future__ import annotations

from attrs import evolve

from media.room.call import OURS, Call, tell
from media.room.commands import Command, RefuseJoin
from media.room.events import Joined
from media.room.leaving import leave
from media.room.members import Member
from media.room.messages import (
    LeaveAction,
    ParticipantsChanged,
    SpeakersChanged,
    Welcome,
)
from media.room.model import Grants, LeaveReason, Person, Refusal, State
from media.room.publishing import lead
from media.room.subscriptions import offer, start_all
from media.room.waiting import tell_new_host

#: Connections of one person: a phone, a computer, and the lobby's short second one of each (calls.md §5.3).
MOST_CONNECTIONS = 4


def refusal_to_join(call: Call, event: Joined, person: Person) -> Refusal | None:
    """Why this one may not come in. Whoever is in already, with another connection, is no newcomer."""
    if call.ended:
        return Refusal.ENDED
    settings = call.settings
    if event.grants.may_start and not settings.locked and len(call.members) < settings.limit:
        return None  # as nearly always, without counting people
    present = {member.person for member in call.members.values() if not member.grants.hidden}
    standing = call.standings.get(person)
    if person in present or event.grants.hidden:
        return None
    if not event.grants.may_start and not any(m.visible for m in call.members.values()):
        return Refusal.NOT_STARTED
    if len(present) >= settings.limit:
        return Refusal.FULL
    known = standing is not None and standing.admitted and not standing.must_wait
    if settings.locked and not event.grants.host and not known:
        return Refusal.LOCKED
    return None


def host_by_starting(call: Call, person: Person, grants: Grants) -> Grants:
    """R43: staff who begin a call are its hosts, until it ends."""
    starts = call.starter is None and not grants.hidden
    if grants.staff and (starts or call.starter == person):
        return evolve(grants, host=True)
    return grants


def must_wait(call: Call, event: Joined, person: Person) -> bool:
    """R44; also whoever was removed waits for a host's word when they come back."""
    if event.grants.host or event.grants.hidden:
        return False
    standing = call.standings.get(person)
    if standing is not None and (standing.must_wait or standing.admitted):
        return standing.must_wait
    return event.grants.waits or call.settings.waiting_room


def join(call: Call, event: Joined, now: float) -> list[Command]:
    """A connection with a good token: let in, into the waiting room, or refused by name."""
    person = Person(event.identity) if event.person is None else event.person
    grants = host_by_starting(call, person, event.grants)
    if grants is not event.grants:
        event = evolve(event, grants=grants)
    refusal = refusal_to_join(call, event, person)
    if refusal is not None:
        return [RefuseJoin(event.sid, refusal)]
    commands = _make_way(call, event, person, now)
    member = Member(
        sid=event.sid,
        identity=event.identity,
        person=person,
        grants=event.grants,
        joined_at=call.wall(now),
        name=event.name,
        metadata=event.metadata,
        attributes={k: v for k, v in event.attributes.items() if not k.startswith(OURS)},
        auto_subscribe=event.auto_subscribe,
        adaptive_stream=event.adaptive_stream,
        waiting=must_wait(call, event, person),
    )
    call.members[member.sid] = member
    if member.waiting:
        call.waits.add(member.sid)
    call.identities[member.identity] = member.sid
    call.empty_since, call.anybody_came = None, True
    others = tuple([call.snapshot(other) for other in call.others(member)])
    info = call.info()
    if member.waiting:
        info = evolve(info, participants=0, publishers=0, metadata="")
    commands += tell((member.sid,), Welcome(call.snapshot(member), others, info))
    if member.waiting:
        return commands
    return commands + enter(call, member, now)


def _make_way(call: Call, event: Joined, person: Person, now: float) -> list[Command]:
    """The same identity again replaces the first; of one person at most four connections stay."""
    old = call.identities.get(event.identity)
    leaving = [] if old is None else [call.members[old]]
    rest = [m for m in call.connections(person) if m not in leaving]
    leaving += rest[: max(len(rest) - MOST_CONNECTIONS + 1, 0)]
    commands: list[Command] = []
    for member in leaving:
        commands += leave(
            call,
            member,
            LeaveReason.DUPLICATE_IDENTITY,
            now,
            LeaveAction.DISCONNECT,
            comes_again=member.sid == old,
        )
    return commands


def enter(call: Call, member: Member, now: float) -> list[Command]:
    """From outside, or from the waiting room, into the call; `member` knows of the others already."""
    commands: list[Command] = []
    if member.visible:
        call.standing(member).admitted = True
        call.starter = call.starter or member.person
        call.attendance.came(member.person, call.wall(now))
        newcomer = ParticipantsChanged((call.snapshot(member),))
        commands += tell(call.watchers(member), newcomer)
    speaking = call.speakers.now_speaking()
    if speaking:
        commands += tell((member.sid,), SpeakersChanged(speaking))
    commands += start_all(call, member, now)
    if member.visible:
        for published in member.tracks.values():
            if published.track.ready:
                offer(call, published, now)
    if member.grants.host:
        commands += tell_new_host(call, member) + lead(call)
    return commands


def connected(call: Call, member: Member) -> list[Command]:
    """The transport is up."""
    if member.state is State.ACTIVE:
        return []
    member.state = State.ACTIVE
    return call.changed(member)
