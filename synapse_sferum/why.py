"""Why somebody is, or is not, in a room (R51). Pure: the same function that decides also explains."""

from __future__ import annotations

from typing import Any

from synapse_sferum.account import Account, power_in, rooms_of
from synapse_sferum.model import OrgId, RoomKey, RoomKind

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
