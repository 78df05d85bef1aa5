"""Who reads, who publishes, who takes away (R26, R27, R34). Pure."""

from __future__ import annotations

import enum

from synapse_sferum.account import Account
from synapse_sferum.broadcast_rights import in_audience
from synapse_sferum.materials.values import Material
from synapse_sferum.model import OrgId, RoomKey, RoomKind
from synapse_sferum.policy import Party

#: For whom a material may be; the materials room stands for the whole school.
FOR_WHOM = (RoomKind.MATERIALS, RoomKind.CLASS, RoomKind.CLASS_PARENTS, RoomKind.STAFF)


class Refusal(enum.Enum):
    """Why somebody may not. The values are stable."""

    NOT_FOUND = "not_found"  # they may not even read it
    ARCHIVED = "archived"
    NOT_THEIRS = "not_theirs"


def may_read(who: Party, org_id: OrgId, key: RoomKey, *, archived: bool = False) -> bool:
    """R27: active people of the school; of a class its pupils, their parents and its teachers, as with broadcasts."""
    account = who.account
    if account is None or account.org_id != org_id or key.kind not in FOR_WHOM:
        return False
    if key.kind is RoomKind.MATERIALS:
        return True
    return in_audience(who, org_id, key, archived=archived) is not None


def may_publish(
    who: Party, org_id: OrgId, key: RoomKey, *, archived: bool = False
) -> Refusal | None:
    """Staff for the school and the staff; for a class who teaches it, for its parents who leads it; heads for all."""
    account = who.account
    if account is None or not may_read(who, org_id, key, archived=archived):
        return Refusal.NOT_FOUND
    if archived:
        return Refusal.ARCHIVED
    return None if _publishes(account, key) else Refusal.NOT_THEIRS


def may_change(who: Party, material: Material, *, archived: bool = False) -> Refusal | None:
    """Its author while they may publish there, who leads the class, and heads, also of an archive."""
    account = who.account
    if account is None or not may_read(who, material.org_id, material.key, archived=archived):
        return Refusal.NOT_FOUND
    if account.is_leader:
        return None
    if archived:
        return Refusal.ARCHIVED
    leads = material.key.ref in account.homeroom_of
    own = account.user_id == material.author and _publishes(account, material.key)
    return None if leads or own else Refusal.NOT_THEIRS


def _publishes(account: Account, key: RoomKey) -> bool:
    if account.is_leader:
        return True
    match key.kind:
        case RoomKind.CLASS:
            return key.ref in account.homeroom_of | account.teaches
        case RoomKind.CLASS_PARENTS:
            return key.ref in account.homeroom_of
        case _:
            return account.is_staff
