"""Why somebody is, or is not, in a room (R51). Pure: the same function that decides also explains."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from synapse_sferum.account import Account, power_in, rooms_of
from synapse_sferum.district.room_plan import WRITES, CommonRoom, RoomState, belongs
from synapse_sferum.model import OrgId, RoomKey, RoomKind
from synapse_sferum.policy import role_words

#: Reason word → sentence for a person.
SENTENCES = {
    "of_the_school": "everybody of the school is in this room",
    "staff": "all staff of the school are in this room (R22)",
    "administrative": "directors, deputies and administrators are in this room",
    "staff_bot": "the bot that brings applications to the administration",
    "student_of_the_class": "is a pupil of this class (R21)",
    "homeroom_teacher": "is a class teacher of this class (R21, R23)",
    "guardian_of_a_student": "has a confirmed link to a pupil of this class (R23)",
    "no_active_profile": "has no active profile in this school",
    "other_school": "is of another school",
    "not_staff": "is not of the staff",
    "not_administrative": "is neither director, deputy nor administrator",
    "not_of_the_class": "is neither a pupil nor a class teacher of this class this year",
    "no_child_in_the_class": "has no confirmed link to a pupil of this class and does not teach it as class teacher",
    "archived": "the class is gone; the room is kept to read",
    "of_the_common_room": "is of the roles that the district's register names for this room",
    "teaches_the_subject": "teaches the subject of this room, as the school has it",
    "not_of_the_roles": "is of none of the roles that the district's register names for this room",
    "not_of_the_subject": "does not teach the subject of this room, as the school has it",
    "register_paused": "no register of the district is in force: nobody comes or goes",
    "cut_off": "the district has cut this school off: the room is its own people's alone, and nobody writes",
    "room_taken_away": "the district's register gives this school the room no more: everybody leaves it",
}
#: States of a room of several schools in which that is what has to be told first.
_NOT_OPEN = {
    RoomState.PAUSED: "register_paused",
    RoomState.ALONE: "cut_off",
    RoomState.LEAVING: "room_taken_away",
    RoomState.LEFT: "room_taken_away",
}


def why(
    account: Account | None, org_id: OrgId, key: RoomKey, *, archived: bool, staff_bot: bool = False
) -> dict[str, Any]:
    """`{"required", "power", "reasons": [{"reason", "text", …}]}` for an account and a managed room."""
    if staff_bot and key.kind is RoomKind.ADMINISTRATION:
        word = "archived" if archived else "staff_bot"
        reasons = [{"reason": word, "text": SENTENCES[word]}]
        return {"required": not archived, "power": 0, "reasons": reasons}
    word = _reason(account, org_id, key, archived=archived)
    required = (
        not archived
        and account is not None
        and account.org_id == org_id
        and key in rooms_of(account)
    )
    return {
        "required": required,
        "power": power_in(account, key) if required and account is not None else 0,
        "reasons": [{"reason": word, "text": SENTENCES[word]}],
    }


def _reason(account: Account | None, org_id: OrgId, key: RoomKey, *, archived: bool) -> str:
    if account is None:
        return "no_active_profile"
    if account.org_id != org_id:
        return "other_school"
    if archived:
        return "archived"
    reason = rooms_of(account).get(key)
    if reason is not None:
        return reason
    return {
        RoomKind.STAFF: "not_staff",
        RoomKind.ADMINISTRATION: "not_administrative",
        RoomKind.CLASS: "not_of_the_class",
        RoomKind.CLASS_PARENTS: "no_child_in_the_class",
    }[key.kind]


def why_common(
    account: Account | None,
    room: CommonRoom,
    subjects: Collection[str],
    *,
    made_here: bool,
) -> dict[str, Any]:
    """The same for a room of several schools (ADR 30): `belongs` decides, this says why.

    Args:
        subjects: what this account teaches.
        made_here: this school makes the room; only its people have a level where not everybody writes.
    """
    words = frozenset() if account is None else role_words(role.value for role in account.roles)
    word = "no_active_profile"
    if account is not None:
        if not words & room.members:
            word = "not_of_the_roles"
        elif room.subject:
            word = "teaches_the_subject" if room.subject in subjects else "not_of_the_subject"
        else:
            word = "of_the_common_room"
    told = [_NOT_OPEN[room.state], word] if room.state in _NOT_OPEN else [word]
    # Cut off from the others a room goes on to hold its own people; else it waits, or everybody leaves.
    holds = room.state in {RoomState.OPEN, RoomState.ALONE}
    required = holds and belongs(room, account, subjects)
    writes = required and made_here and not room.everybody_writes and bool(words & room.writers)
    return {
        "required": required,
        "power": WRITES if writes else 0,
        "reasons": [{"reason": one, "text": SENTENCES[one]} for one in told],
    }
