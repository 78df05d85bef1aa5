"""Data packets: who gets them; those of topic `sferum.…` are for the server. Pure."""

from __future__ import annotations

import json

from media.ids import Identity
from media.room import hands, hosts
from media.room.call import OURS, Call
from media.room.commands import Command, SendData
from media.room.events import DataSent
from media.room.members import Member
from media.room.model import Refusal
from media.room.operations import BadOperation, parse_operation
from media.room.replay import Sent, keep

#: Bytes of a host's request.
_LONGEST_REQUEST = 2_000


def route(call: Call, member: Member, event: DataSent, now: float) -> list[Command]:
    """Onwards to everyone, or to the named ones; a packet that came before (after a resume) goes nowhere."""
    if event.reliable and event.sequence:
        if event.sequence <= member.heard:
            return []
        member.heard = event.sequence
    if event.topic.startswith(OURS):
        return _for_the_server(call, member, event, now)
    if member.waiting or not member.grants.may_send_data:
        return []
    wanted = _destinations(call, event)
    to = tuple(
        sid
        for sid, other in call.members.items()
        if other is not member and not other.waiting and (wanted is None or other in wanted)
    )
    if not to:
        return []
    if event.reliable and event.sequence:
        keep(
            member.sent,
            Sent(sequence=event.sequence, at=now, to=frozenset(to), body=event.body),
        )
    return [
        SendData(
            to=to,
            reliable=event.reliable,
            sender=member.identity,
            sender_sid=member.sid,
            sequence=event.sequence,
            body=event.body,
        )
    ]


def _destinations(call: Call, event: DataSent) -> list[Member] | None:
    if not event.destinations:
        return None
    found = (call.member_of(Identity(name)) for name in event.destinations)
    return [member for member in found if member is not None]


def _for_the_server(call: Call, member: Member, event: DataSent, now: float) -> list[Command]:
    """Never onwards: nobody speaks in the server's name."""
    if event.topic == hands.NAME:
        return hands.hear(call, member, event.payload.strip() not in {b"", b"0"}, now)
    if event.topic == hosts.TOPIC:
        return _host_request(call, member, event.payload, now)
    return []


def _host_request(call: Call, member: Member, payload: bytes, now: float) -> list[Command]:
    commands: list[Command] = []
    refusal: Refusal | None
    try:
        if len(payload) > _LONGEST_REQUEST:
            raise BadOperation("op")
        raw = json.loads(payload)
        if not isinstance(raw, dict):
            raise BadOperation("op")
        operation = parse_operation(raw)
    except (ValueError, RecursionError):
        refusal = Refusal.BAD_REQUEST
    else:
        commands, refusal = hosts.decide(call, member, operation, now)
    return commands + (hosts.answer(member, refusal) if member.sid in call.members else [])
