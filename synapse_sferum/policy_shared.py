"""What our people may do in a room of several schools (ADR 30, R5, R25). Pure.

Who writes at all is the room's power levels'; strangers are the register's and the guard's.
"""

from __future__ import annotations

from synapse_sferum.district.room_plan import CommonRoom, RoomState
from synapse_sferum.policy import Deny
from synapse_sferum.policy_rooms import MEMBER_STATE, Act


def shared_event(room: CommonRoom, belongs: bool, act: Act) -> Deny | None:
    """Whether one of ours, other than the service user, may do `act`.

    Args:
        belongs: whether the directory puts the sender into this room today.
    """
    open_ = room.state is RoomState.OPEN
    if act.type == "m.room.member":
        if act.state_key != act.sender or act.membership not in {"join", "leave"}:
            return Deny.MANAGED
        if act.membership == "leave":
            return Deny.REQUIRED if belongs and open_ else None
        if not belongs or not open_:
            return Deny.NOT_LISTED
        return Deny.RENAMED if act.renames else None
    if not belongs:
        return Deny.NOT_LISTED
    if not open_:
        return Deny.ARCHIVED
    if act.type.startswith("org.sferum."):
        return Deny.MANAGED
    if act.state_key is not None and act.type not in MEMBER_STATE:
        return Deny.MANAGED
    return None
