"""What participants say of themselves: name, metadata, attributes (LiveKit's UpdateParticipantMetadata). Pure."""

from __future__ import annotations

from media.room import hands
from media.room.call import OURS, Call, tell
from media.room.commands import Command
from media.room.events import MetadataChanged
from media.room.members import Member
from media.room.messages import Request, RequestAnswered
from media.room.model import Refusal

#: Characters; LiveKit's limits in bytes are 256 and 64 kB, too many for a hundred updates to a hundred people.
#: `LONGEST_METADATA` is of metadata and attributes together: all of it is told with every change.
LONGEST_NAME, LONGEST_METADATA, MOST_ATTRIBUTES, LONGEST_ATTRIBUTE = 256, 16_384, 32, 1_024


def change(call: Call, member: Member, event: MetadataChanged, now: float) -> list[Command]:
    """Done and answered, or refused by name; a raised hand is for everyone.

    The answer comes last: the Rust SDK writes name and metadata together, from what it was told before the answer.
    """
    refusal = refusal_to_change(member, event)
    answer = RequestAnswered(
        request=Request.UPDATE_METADATA, refusal=refusal, request_id=event.request_id
    )
    answered = [] if event.service else tell((member.sid,), answer)
    if refusal is not None:
        return answered
    commands: list[Command] = []
    hand = event.attributes.get(hands.NAME)
    before = (member.name, member.metadata, dict(member.attributes))
    if event.name is not None:
        member.name = event.name
    if event.metadata is not None:
        member.metadata = event.metadata
    for key, value in event.attributes.items():
        if key == hands.NAME:
            continue
        if value:
            member.attributes[key] = value
        else:
            member.attributes.pop(key, None)
    if before != (member.name, member.metadata, member.attributes):
        commands += call.changed(member)
    if hand is not None:
        commands += hands.hear(call, member, hand not in {"", "0"}, now)
    return commands + answered


def refusal_to_change(member: Member, event: MetadataChanged) -> Refusal | None:
    """Why not."""
    if member.waiting and not event.service:
        return Refusal.WAITING
    for key in event.attributes:
        if key.startswith(OURS) and key != hands.NAME:
            return Refusal.OURS
    only_hand = (
        event.name is None and event.metadata is None and set(event.attributes) == {hands.NAME}
    )
    if not member.grants.may_update_metadata and not only_hand and not event.service:
        return Refusal.NO_METADATA
    metadata = member.metadata if event.metadata is None else event.metadata
    attributes = {**member.attributes, **event.attributes}
    told = len(metadata) + sum(len(key) + len(value) for key, value in attributes.items())
    if (
        len(event.name or "") > LONGEST_NAME
        or (told > LONGEST_METADATA and not only_hand)
        or len(attributes) > MOST_ATTRIBUTES
        or any(len(k) > 128 or len(v) > LONGEST_ATTRIBUTE for k, v in event.attributes.items())
    ):
        return Refusal.TOO_LARGE
    return None
