"""Who watches and who leads a broadcast (R46, R48, R17, R34). Pure.

A broadcast is for a whole school or for one room of its list. The watchers of a class are its pupils *and* their
parents, whose rooms are two; nobody has to be in a room for it.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from synapse_sferum.account import Account
from synapse_sferum.model import OrgId, Role, RoomKey, RoomKind
from synapse_sferum.policy import Party

#: Rooms of the list that a broadcast may be for; the announcements stand for the whole school.
FOR_WHOM = (RoomKind.ANNOUNCEMENTS, RoomKind.CLASS, RoomKind.CLASS_PARENTS, RoomKind.STAFF)
WHOLE_SCHOOL = RoomKey(RoomKind.ANNOUNCEMENTS)


@frozen(kw_only=True)
class BroadcastRights:
    """Of somebody who may watch.

    Attributes:
        ask: may raise a hand and ask. An unconfirmed pupil reads only (R17).
        host: makes, starts and ends broadcasts for these people: director and deputies, and a class's teacher.
        keeper: may delete a recording (R48): director and deputies.
    """

    org_id: str
    roles: frozenset[Role]
    ask: bool = True
    host: bool = False
    keeper: bool = False

    def to_json(self) -> dict[str, Any]:
        """As docs/contracts.md §2 has it."""
        return {
            "watch": True,
            "org_id": self.org_id,
            "roles": sorted(role.value for role in self.roles),
            "ask": self.ask,
            "host": self.host,
            "keeper": self.keeper,
        }


def in_audience(
    who: Party, org_id: OrgId, key: RoomKey, *, archived: bool = False
) -> BroadcastRights | None:
    """What `who` may do in broadcasts for this room's people; None: not even watch.

    Of a room that is archived only director and deputies keep the recordings.
    """
    account = who.account
    if account is None or account.org_id != org_id or key.kind not in FOR_WHOM:
        return None
    if not account.is_leader and (archived or not _belongs(account, key)):
        return None
    if who.unconfirmed and key.kind is not RoomKind.CLASS:
        return None  # R17: the class only, as with calls
    return BroadcastRights(
        org_id=account.org_id,
        roles=account.roles,
        ask=not who.unconfirmed,
        host=not archived and _leads(account, key),
        keeper=account.is_leader,
    )


def _belongs(account: Account, key: RoomKey) -> bool:
    match key.kind:
        case RoomKind.STAFF:
            return account.is_staff
        case RoomKind.CLASS:
            return (
                account.is_administrative
                or key.ref in account.student_in
                or key.ref in account.teaches
                or _of_parents(account, key.ref)
            )
        case RoomKind.CLASS_PARENTS:
            return account.is_administrative or _of_parents(account, key.ref)
        case _:
            # A parent whom no confirmed link ties to a child (R15, R34) sees no children.
            return account.is_staff or Role.STUDENT in account.roles or bool(account.children)


def _of_parents(account: Account, class_id: str) -> bool:
    return class_id in account.children_in or class_id in account.homeroom_of


def _leads(account: Account, key: RoomKey) -> bool:
    of_a_class = key.kind in {RoomKind.CLASS, RoomKind.CLASS_PARENTS}
    return account.is_leader or (of_a_class and key.ref in account.homeroom_of)
