"""Signal connections that are lost and come back within 15 s (calls.md §2.6); media flows meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from media.ids import ParticipantSid
from media.room.call import Call, tell
from media.room.commands import Command, SendData, Tell
from media.room.layers import wanted_message
from media.room.members import Member
from media.room.messages import (
    Message,
    MuteAsked,
    ParticipantsChanged,
    Reconnected,
    RequestAnswered,
    RoomChanged,
    ServerData,
    StreamsChanged,
    StreamState,
    SubscriptionAllowed,
    TrackPublished,
    TrackUnpublished,
)
from media.room.model import State
from media.room.replay import after

#: What is told once and cannot be seen in the state afterwards.
_KEPT = (TrackPublished, TrackUnpublished, RequestAnswered, SubscriptionAllowed)
#: Messages for one who is away; a client that misses more is better off starting over.
MOST_MISSED = 500


def lose(call: Call, member: Member, now: float) -> list[Command]:
    """The WebSocket is gone without a word."""
    if member.lost_at is None:
        member.lost_at = now
        call.away.add(member.sid)
    return []


def hold_back(call: Call, commands: list[Command]) -> list[Command]:
    """Nothing is told to who is away; what they must know later is kept. Data channels are up meanwhile."""
    away = call.away
    if not away:
        return commands
    kept: list[Command] = []
    for command in commands:
        by_data = isinstance(command, Tell) and isinstance(command.message, ServerData)
        if not isinstance(command, Tell) or by_data or away.isdisjoint(command.to):
            kept.append(command)
            continue
        for sid in command.to:
            if sid in away:
                _miss(call.members[sid], command.message)
        to = tuple(sid for sid in command.to if sid not in away)
        if to:
            kept.append(evolve(command, to=to))
    return kept


def _miss(member: Member, message: Message) -> None:
    if isinstance(message, ParticipantsChanged):
        left = tuple(p for p in message.participants if p.state is State.DISCONNECTED)
        if not left:
            return
        message = ParticipantsChanged(left)
    elif not isinstance(message, _KEPT):
        return
    if len(member.missed) < MOST_MISSED:
        member.missed.append(message)


def resume(call: Call, member: Member) -> list[Command]:
    """Back: what was missed first, then everything as it is now."""
    member.lost_at, member.replayed = None, False
    call.away.discard(member.sid)
    missed, member.missed = member.missed, []
    me = (member.sid,)
    commands = tell(me, Reconnected(member.heard))
    for message in missed:
        commands += tell(me, message)
    everyone = (member, *call.others(member))
    commands += tell(me, ParticipantsChanged(tuple(map(call.snapshot, everyone))))
    if not member.waiting:
        commands += tell(me, RoomChanged(call.info()))
    for published in member.tracks.values():
        if published.track.muted:
            commands += tell(me, MuteAsked(published.sid, muted=True))
        commands += tell(me, wanted_message(published))
    paused = tuple(
        StreamState(call.tracks[sid].track.publisher, sid, paused=True)
        for sid, subscription in member.subscriptions.items()
        if subscription.shown_paused
    )
    return commands + (tell(me, StreamsChanged(paused)) if paused else [])


def replay(call: Call, member: Member, received: Mapping[ParticipantSid, int]) -> list[Command]:
    """Reliable data that the client says it has not received. Of senders it does not name, it has had nothing.

    Once for each time they come or come back: a question of ten bytes is answered with all that is kept.
    """
    if member.replayed:
        return []
    member.replayed = True
    commands: list[Command] = []
    for sender in call.others(member):
        last = received.get(sender.sid, 0)
        commands += [
            SendData(
                to=(member.sid,),
                reliable=True,
                sender=sender.identity,
                sender_sid=sender.sid,
                sequence=sent.sequence,
                body=sent.body,
            )
            for sent in after(sender.sent, last, member.sid)
        ]
    return commands
