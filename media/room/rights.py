"""Rights that change while somebody is in the call. Pure."""

from __future__ import annotations

from media.room.call import Call
from media.room.commands import Command
from media.room.joining import enter, host_by_starting
from media.room.leaving import vanish
from media.room.members import Member
from media.room.model import Grants, LeaveReason
from media.room.publishing import enforce_holds, enforce_rights, lead
from media.room.subscriptions import await_batch, stop_all
from media.room.waiting import admit, show_the_call, tell_new_host


def regrant(call: Call, member: Member, grants: Grants, now: float) -> list[Command]:
    """Take what is no longer allowed, at once; give what is allowed from now on."""
    grants = host_by_starting(call, member.person, grants)
    if grants == member.grants:
        return []
    commands: list[Command] = []
    was_visible, was_host = member.visible, member.grants.host
    if was_visible and grants.hidden:
        commands += vanish(call, member, LeaveReason.UNKNOWN, now)
    member.grants = grants
    commands += enforce_rights(call, member)
    commands += enforce_holds(call, (member,))
    if not grants.may_subscribe:
        commands += stop_all(call, member)
    if member.waiting and grants.host:
        admit(call, [member])
        commands += show_the_call(call, member)
        return commands + enter(call, member, now)
    commands += call.changed(member)
    if member.visible and not was_visible:
        commands += enter(call, member, now)
    elif grants.may_subscribe:
        await_batch(call, member, call.tracks.values(), now)
    if grants.host and not was_host:
        commands += tell_new_host(call, member) + lead(call)
    return commands
