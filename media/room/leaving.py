"""Out of sight and out of the call: leaving, being removed, waiting again, the end of a room. Pure."""

from __future__ import annotations

from attrs import evolve

from media.room.call import Call, tell
from media.room.commands import Command, EndRoom, Gone, Tell
from media.room.members import Member
from media.room.messages import Goodbye, LeaveAction, ParticipantsChanged
from media.room.model import LeaveReason, State
from media.room.publishing import quiet, remove
from media.room.subscriptions import stop_all, stop_subscribers

#: A lost signal connection may come back for so many seconds; one that never had media, for so many.
RESUME_S, UNCONNECTED_S = 15.0, 5.0


def vanish(call: Call, member: Member, reason: LeaveReason, now: float) -> list[Command]:
    """Nobody sees or receives this visible member any more; the connection may stay."""
    commands: list[Command] = []
    for published in member.tracks.values():
        commands += stop_subscribers(call, published)
    if call.speakers.is_speaking(member.sid):
        call.speakers.forget(member.sid)
    commands += tell(call.watchers(member), ParticipantsChanged((call.gone(member, reason),)))
    call.attendance.went(member.person, call.wall(now))
    return commands


def leave(
    call: Call,
    member: Member,
    reason: LeaveReason,
    now: float,
    action: LeaveAction | None = None,
    *,
    comes_again: bool = False,
) -> list[Command]:
    """Out of the call for good. With an `action` the client is told first.

    `comes_again`: under the same identity, in this moment.
    """
    commands: list[Command] = []
    if action is not None:
        commands += tell((member.sid,), Goodbye(reason, action))
    commands += stop_all(call, member)
    if member.visible:
        commands += vanish(call, member, reason, now)
    for published in list(member.tracks.values()):
        commands += remove(call, published)
    commands += quiet(call, member)
    del call.members[member.sid]
    call.away.discard(member.sid)
    call.waits.discard(member.sid)
    if call.identities.get(member.identity) == member.sid:
        del call.identities[member.identity]
    if not comes_again:
        commands += _forget(call, member)
    if not call.members:
        call.empty_since = now
    commands.append(Gone(member.sid, member.identity, reason))
    return commands


def _forget(call: Call, member: Member) -> list[Command]:
    """A hand is a person's, a spotlight a connection's that another one of them takes over."""
    rest = call.connections(member.person)
    if not rest:
        call.standing(member).hand = None
    if call.settings.spotlight != member.identity:
        return []
    call.settings = evolve(call.settings, spotlight=rest[0].identity if rest else None)
    return call.room_changed()


def end(
    call: Call, reason: LeaveReason, now: float, action: LeaveAction = LeaveAction.DISCONNECT
) -> list[Command]:
    """For everyone."""
    commands: list[Command] = []
    goodbye = Goodbye(reason, action)
    if call.members:
        commands.append(Tell(tuple(call.members), goodbye))
    for member in list(call.members.values()):
        # nobody is told of the others' leaving one by one
        left = leave(call, member, reason, now)
        commands += [command for command in left if not isinstance(command, Tell)]
    call.ended = True
    return [*commands, EndRoom(reason)]


def overdue(call: Call, now: float) -> list[Command]:
    """Those who did not come back, and a room that stayed empty."""
    commands: list[Command] = []
    for member in list(call.members.values()):
        if member.lost_at is not None and now >= member.lost_at + patience(member):
            commands += leave(call, member, LeaveReason.SIGNAL_CLOSE, now)
    if not call.members and now >= closes_at(call):
        call.ended = True
        commands.append(EndRoom(LeaveReason.ROOM_CLOSED))
    return commands


def patience(member: Member) -> float:
    """Seconds that a lost connection is waited for."""
    return RESUME_S if member.state is State.ACTIVE else UNCONNECTED_S


def closes_at(call: Call) -> float:
    """When an empty room ends."""
    if call.anybody_came:
        return (call.empty_since or 0.0) + call.settings.departure_timeout_s
    return call.opened_at + call.settings.empty_timeout_s
