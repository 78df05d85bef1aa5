"""Who plans what for whom, who sees it, and whose own calendar it is in (R17, R26, R30, R34). Pure.

Who sees is who watches a broadcast for the same people; `concerns` is narrower: a director may look at every class's
lessons and has none of them in the calendar of their phone.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from synapse_sferum.account import Account, rooms_of
from synapse_sferum.broadcast_rights import FOR_WHOM, in_audience
from synapse_sferum.model import OrgId, Role, RoomKey, RoomKind
from synapse_sferum.policy import Party
from synapse_sferum.schedule.values import Gathering, Kind

_SCHOOL = RoomKind.ANNOUNCEMENTS
#: For which rooms' people something of a kind can be.
ROOM_KINDS: Mapping[Kind, frozenset[RoomKind]] = {
    Kind.LESSON: frozenset({RoomKind.CLASS}),
    Kind.CLASS_HOUR: frozenset({RoomKind.CLASS}),
    Kind.PARENTS_MEETING: frozenset({RoomKind.CLASS_PARENTS, _SCHOOL}),
    Kind.MEETING: frozenset(
        {
            RoomKind.CLASS,
            RoomKind.CLASS_PARENTS,
            RoomKind.STAFF,
            RoomKind.ADMINISTRATION,
            _SCHOOL,
        }
    ),
    Kind.BROADCAST: frozenset(FOR_WHOM),
}
_OF_A_CLASS = frozenset({RoomKind.CLASS, RoomKind.CLASS_PARENTS})


class Refusal(enum.Enum):
    """Why somebody may not plan or change. The values are stable: logged, counted and tested."""

    NOT_FOUND = "not_found"  # they may not even see it: one answer with "there is none"
    ROOM_KIND = "room_kind"  # nothing of this kind is for these people
    ARCHIVED = "archived"
    NOT_THEIRS = "not_theirs"
    ELSEWHERE = "elsewhere"  # broadcasts are planned at the broadcasts' desk


def may_see(who: Party, org_id: OrgId, key: RoomKey, *, archived: bool = False) -> bool:
    """Whether somebody may know of what is planned for these people."""
    if key.kind is RoomKind.ADMINISTRATION:
        account = who.account
        return account is not None and account.org_id == org_id and account.is_administrative
    return in_audience(who, org_id, key, archived=archived) is not None


def may_plan(
    who: Party, org_id: OrgId, key: RoomKey, kind: Kind, *, archived: bool = False
) -> Refusal | None:
    """Whether somebody may plan something of this kind for these people."""
    account = who.account
    if account is None or not may_see(who, org_id, key, archived=archived):
        return Refusal.NOT_FOUND
    if kind is Kind.BROADCAST:
        return Refusal.ELSEWHERE
    if key.kind not in ROOM_KINDS[kind]:
        return Refusal.ROOM_KIND
    if archived:
        return Refusal.ARCHIVED
    if _leads(account, key) or (kind is Kind.LESSON and _teaches(account, key)):
        return None
    return Refusal.NOT_THEIRS


def may_change(who: Party, gathering: Gathering, *, archived: bool = False) -> Refusal | None:
    """Whether somebody may change it or call it off: who leads these people, and whoever planned it while they may.

    A subject teacher changes the own lessons and no colleague's.
    """
    refused = may_plan(who, gathering.org_id, gathering.key, gathering.kind, archived=archived)
    if refused is not None:
        return refused
    account = who.account
    assert account is not None  # may_plan said so
    lists = gathering.kind is Kind.LESSON and account.is_administrative
    if _leads(account, gathering.key) or lists or account.user_id == gathering.author:
        return None
    return Refusal.NOT_THEIRS


def concerns(who: Party, key: RoomKey) -> bool:
    """Whether it is in somebody's own calendar: rooms they are in, classes they teach, classes of their children."""
    account = who.account
    if account is None or not may_see(who, account.org_id, key):
        return False
    if key in rooms_of(account):
        return True
    return key.kind is RoomKind.CLASS and key.ref in account.teaches | account.children_in


def _leads(account: Account, key: RoomKey) -> bool:
    return account.is_leader or (key.kind in _OF_A_CLASS and key.ref in account.homeroom_of)


def _teaches(account: Account, key: RoomKey) -> bool:
    """Lessons are also planned by who gives them, and by the office, which keeps the timetable."""
    return Role.ADMINISTRATOR in account.roles or key.ref in account.teaches
