"""The waiting room (R44): who waits sees nothing, is seen by hosts only, and publishes to nobody. Pure.

Tracks of who waits are taken in and kept: Element Call offers its camera once, as it joins. Nobody receives them, and
dynacast stops their encoders, until a host admits.
"""

from __future__ import annotations

import json

from media.room.call import Call, tell
from media.room.commands import Command
from media.room.leaving import vanish
from media.room.members import Member
from media.room.messages import ParticipantsChanged, RoomChanged, ServerData
from media.room.model import LeaveReason
from media.room.subscriptions import stop_all

#: Hosts are told who waits: `[{"identity": …, "name": …}]`, the longest waiting first.
TOPIC = "sferum.waiting"


def waiting(call: Call) -> list[Member]:
    """Who waits, the longest first."""
    if not call.waits:
        return []
    return [member for member in call.members.values() if member.waiting]


def tell_changes(call: Call) -> list[Command]:
    """Hosts are told when other people wait than before."""
    queue = tuple([member.sid for member in waiting(call)])
    if queue == call.queue_told:
        return []
    call.queue_told = queue
    return tell(call.hosts(), _message(call))


def tell_new_host(call: Call, member: Member) -> list[Command]:
    """Who waits now, if anybody does."""
    return tell((member.sid,), _message(call)) if call.queue_told else []


def _message(call: Call) -> ServerData:
    queue = [{"identity": m.identity, "name": m.name} for m in waiting(call)]
    body = json.dumps(queue, ensure_ascii=False, separators=(",", ":")).encode()
    return ServerData(TOPIC, body)


def admit(call: Call, members: list[Member]) -> list[Member]:
    """These wait no longer, nor do their persons when they come back. Others are told by `joining.enter`."""
    admitted = []
    for member in members:
        standing = call.standing(member)
        standing.admitted, standing.must_wait = True, False
        if member.waiting:
            member.waiting = False
            call.waits.discard(member.sid)
            admitted.append(member)
    return admitted


def show_the_call(call: Call, member: Member) -> list[Command]:
    """Who has just been admitted learns that, and who is there."""
    member.version += 1
    everyone = (member, *call.others(member))
    here = ParticipantsChanged(tuple(map(call.snapshot, everyone)))
    return tell((member.sid,), here) + tell((member.sid,), RoomChanged(call.info()))


def send_back(call: Call, member: Member, now: float) -> list[Command]:
    """A member of the call waits again: for the others they have left, and they see nobody."""
    commands = stop_all(call, member)
    seen = list(call.others(member))
    if member.visible:
        commands += vanish(call, member, LeaveReason.UNKNOWN, now)
    standing = call.standing(member)
    standing.admitted, standing.must_wait, standing.hand = False, True, None
    member.waiting = True
    call.waits.add(member.sid)
    member.version += 1
    left = (call.gone(other, LeaveReason.UNKNOWN) for other in seen)
    return commands + tell((member.sid,), ParticipantsChanged((call.snapshot(member), *left)))
