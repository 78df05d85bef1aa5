"""What hosts decide (R43-R45), and that nobody else does. Pure.

A decision about a person holds for all their connections and outlives them: who comes back is as silent as before.
"""

from __future__ import annotations

import json
from typing import assert_never

from attrs import evolve

from media.ids import Identity, TrackSid
from media.room import operations as op
from media.room.call import Call, tell
from media.room.commands import Command
from media.room.hands import lower, lower_all
from media.room.joining import enter
from media.room.leaving import end, leave
from media.room.members import Member
from media.room.messages import LeaveAction, ServerData
from media.room.model import SCREENS, LeaveReason, Refusal, Settings, Source
from media.room.operations import Operation
from media.room.publishing import holdable, server_mutes, silence, unpublish
from media.room.waiting import admit, send_back, show_the_call, waiting

#: Hosts may ask by a data packet of this topic (JSON of `operations.parse_operation`); the answer has the same topic.
TOPIC = "sferum.host"


def decide(  # noqa: PLR0912 - one case for each operation, and the type checker counts them
    call: Call, by: Member | None, operation: Operation, now: float
) -> tuple[list[Command], Refusal | None]:
    """Carry an operation out, or say why not. `by` None: a service with the room's admin right."""
    if by is not None and (not by.grants.host or by.waiting):
        return [], Refusal.NOT_A_HOST
    match operation:
        case op.MuteTrack(track, muted):
            return _mute_track(call, track, muted)
        case op.MuteEveryone():
            return _mute_everyone(call), None
        case op.LetUnmute(identity, allowed):
            return _let(call, identity, Source.MICROPHONE, allowed)
        case op.LetCamera(identity, allowed):
            return _let(call, identity, Source.CAMERA, allowed)
        case op.StopCamera(identity):
            return _let(call, identity, Source.CAMERA, allowed=False)
        case op.StopScreen(identity):
            return _stop_screen(call, identity)
        case op.RemovePerson(identity):
            return _remove(call, identity, now)
        case op.EndForAll():
            return end(call, LeaveReason.ROOM_DELETED, now), None
        case op.Lock(locked):
            return _set(call, evolve(call.settings, locked=locked)), None
        case op.SetWaitingRoom(on):
            return _set(call, evolve(call.settings, waiting_room=on)), None
        case op.SetOneShare(on):
            return _set(call, evolve(call.settings, one_share=on)), None
        case op.LowerHand(identity):
            return _lower_hand(call, identity)
        case op.Admit(identity):
            return _admit(call, identity, now)
        case op.BackToWaiting(identity):
            return _send_back(call, identity, now)
        case op.Spotlight(identity):
            if identity is not None and call.member_of(identity) is None:
                return _nobody()
            return _set(call, evolve(call.settings, spotlight=identity)), None
        case _:
            assert_never(operation)


def answer(by: Member, refusal: Refusal | None) -> list[Command]:
    """To a host who asked by a data packet."""
    body = json.dumps({"refused": None if refusal is None else refusal.value}).encode()
    return tell((by.sid,), ServerData(TOPIC, body, refusal))


def _nobody() -> tuple[list[Command], Refusal]:
    return [], Refusal.NOT_FOUND


def _all_but_hosts(call: Call) -> list[Member]:
    return [member for member in call.members.values() if not member.grants.host]


def _targets(call: Call, identity: Identity | None) -> list[Member]:
    """All connections of somebody; None: of everyone but hosts."""
    if identity is None:
        return _all_but_hosts(call)
    member = call.member_of(identity)
    return [] if member is None else call.connections(member.person)


def _hold(
    call: Call, members: list[Member], source: Source, *, softly: bool = False
) -> list[Command]:
    """Mute, and keep muted whoever is no host; `softly`: they may unmute."""
    commands: list[Command] = []
    for member in members:
        standing = call.standing(member)
        if not softly:
            standing.held.add(source)
        standing.released.discard(source)
        for published in member.tracks.values():
            if holdable(published.track) is source:
                commands += silence(call, published)
    return commands + call.all_changed(members)


def _mute_everyone(call: Call) -> list[Command]:
    """Where everybody may unmute themselves, this is silence for now and no more."""
    for standing in call.standings.values():  # also whoever may speak and is not here now
        standing.released.discard(Source.MICROPHONE)
    everyone = _all_but_hosts(call)
    return _hold(call, everyone, Source.MICROPHONE, softly=call.settings.self_unmute)


def _mute_track(call: Call, track: TrackSid, muted: bool) -> tuple[list[Command], Refusal | None]:
    published = call.tracks.get(track)
    if published is None:
        return _nobody()
    member = call.publisher(published)
    source = holdable(published.track)
    if source in SCREENS:
        return (unpublish(call, published) if muted else []), None
    if not muted:
        return _release(call, call.connections(member.person), source), None
    if source is Source.UNKNOWN or member.grants.host:
        return server_mutes(call, published), None
    return _hold(call, call.connections(member.person), source), None


def _release(call: Call, members: list[Member], source: Source) -> list[Command]:
    """They may switch it on; nothing is switched on."""
    for member in members:
        standing = call.standing(member)
        standing.held.discard(source)
        standing.released.add(source)
    return call.all_changed(members)


def _let(
    call: Call, identity: Identity | None, source: Source, allowed: bool
) -> tuple[list[Command], Refusal | None]:
    commands: list[Command] = []
    members = _targets(call, identity)
    call.led |= not allowed  # a service's word counts like a host's
    if identity is not None:
        if not members:
            return _nobody()
    else:
        # also for those who are not here now, or come later
        for standing in call.standings.values():
            standing.held.discard(source) if allowed else standing.released.discard(source)
        if source is Source.MICROPHONE:
            commands += _set(call, evolve(call.settings, self_unmute=allowed))
        else:
            commands += _set(call, evolve(call.settings, cameras=allowed))
    if allowed:
        return commands + _release(call, members, source), None
    if identity is not None:
        return commands + _hold(call, members, source), None
    for member in members:
        if call.held(member, source):
            for published in member.tracks.values():
                if holdable(published.track) is source:
                    commands += silence(call, published)
    return commands + call.all_changed(members), None


def _stop_screen(call: Call, identity: Identity | None) -> tuple[list[Command], Refusal | None]:
    members = _targets(call, identity)
    commands: list[Command] = []
    for member in members:
        for published in list(member.tracks.values()):
            if published.track.source in SCREENS:
                commands += unpublish(call, published)
    return commands, None if members else Refusal.NOT_FOUND


def _remove(call: Call, identity: Identity, now: float) -> tuple[list[Command], Refusal | None]:
    members = _targets(call, identity)
    if not members:
        return _nobody()
    standing = call.standing(members[0])
    standing.must_wait, standing.admitted = True, False
    commands: list[Command] = []
    for member in members:
        reason, action = LeaveReason.PARTICIPANT_REMOVED, LeaveAction.DISCONNECT
        commands += leave(call, member, reason, now, action)
    return commands, None


def _lower_hand(call: Call, identity: Identity | None) -> tuple[list[Command], Refusal | None]:
    if identity is None:
        return lower_all(call), None
    member = call.member_of(identity)
    return _nobody() if member is None else (lower(call, member.person), None)


def _admit(
    call: Call, identity: Identity | None, now: float
) -> tuple[list[Command], Refusal | None]:
    chosen = waiting(call) if identity is None else _targets(call, identity)
    if identity is not None and not chosen:
        return _nobody()
    commands: list[Command] = []
    for member in admit(call, chosen):
        # one by one: each sees those before them
        commands += show_the_call(call, member)
        commands += enter(call, member, now)
    return commands, None


def _send_back(call: Call, identity: Identity, now: float) -> tuple[list[Command], Refusal | None]:
    members = [member for member in _targets(call, identity) if not member.waiting]
    if not members:
        return _nobody()
    if any(member.grants.host for member in members):
        return [], Refusal.NOT_FOUND  # hosts do not wait
    commands: list[Command] = []
    for member in members:
        commands += send_back(call, member, now)
    return commands, None


def _set(call: Call, settings: Settings) -> list[Command]:
    if settings == call.settings:
        return []
    call.settings = settings
    return call.room_changed()
