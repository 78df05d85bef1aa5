"""What somebody may do in the call of a room (R17, R41, R43-R45). Pure.

The calls server asks before anybody enters a call; without an answer from here nobody does.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from attrs import frozen

from synapse_sferum.account import Account
from synapse_sferum.model import OrgId, OrgSettings, Role, RoomKey, RoomKind
from synapse_sferum.policy import Party

#: R41: people in one call.
MOST_PEOPLE = 100
#: Rooms of the whole school: heads and staff speak, everyone else listens (R26).
_HALLS = frozenset({RoomKind.ANNOUNCEMENTS, RoomKind.MATERIALS})
_OF_A_CLASS = frozenset({RoomKind.CLASS, RoomKind.CLASS_PARENTS})


@frozen(kw_only=True)
class CallRights:
    """Of one member of one room.

    Attributes:
        host: may mute, remove, end for all (R43). Staff who begin a call become hosts of it too: the calls server knows
            who began.
        may_start: may begin a call; False: only join one.
        waits: enters the waiting room first (R44).
    """

    org_id: str
    roles: frozenset[Role]
    room_kind: str  # a managed room's kind, or "own"
    host: bool
    camera: bool = True
    microphone: bool = True
    screen: bool = True
    muted_on_entry: bool = False
    may_start: bool = True
    waits: bool = False
    one_share: bool = True

    def to_json(self) -> dict[str, Any]:
        """As docs/contracts.md §2 has it."""
        return {
            "member": True,
            "org_id": self.org_id,
            "roles": sorted(role.value for role in self.roles),
            "room_kind": self.room_kind,
            "host": self.host,
            "may_publish": {
                "camera": self.camera,
                "microphone": self.microphone,
                "screen": self.screen,
            },
            "muted_on_entry": self.muted_on_entry,
            "may_start": self.may_start,
            "waits": self.waits,
            "one_share": self.one_share,
            "hidden": False,
            "limit": MOST_PEOPLE,
        }


def in_managed_room(
    who: Party, org_id: OrgId, key: RoomKey, *, archived: bool
) -> CallRights | None:
    """A joined member's rights in a room of the school list; None: no call for them here."""
    account = who.account
    if account is None or account.org_id != org_id or archived or key.kind is RoomKind.SCHOOL:
        return None
    if who.unconfirmed and key.kind is not RoomKind.CLASS:
        return None  # R17: calls in the class only
    host = account.is_leader or (key.kind in _OF_A_CLASS and key.ref in account.homeroom_of)
    if key.kind in _HALLS:
        speaks = account.is_staff
        return CallRights(
            org_id=account.org_id,
            roles=account.roles,
            room_kind=key.kind.value,
            host=host,
            camera=speaks,
            microphone=speaks,
            screen=speaks,
            may_start=host,
            one_share=account.settings.one_share,
        )
    return _rights(account, key.kind.value, host=host, led=True)


def in_own_room(who: Party, members: Collection[Party], *, created_it: bool) -> CallRights | None:
    """A joined member's rights in a room that people made themselves, `members` being all who are joined.

    Staff are hosts, and whoever made the room, unless a pupil did. With a member of staff and more
    than two people it is a lesson: pupils come in muted. Nobody waits, or is silent, where nobody
    could let them.
    """
    account = who.account
    if account is None:
        # somebody of a listed server (R4): a guest, never a host
        return None if who.peer is None else _guest()
    if who.unconfirmed:
        return None  # R17
    people = [member for member in members if member.account is not None or member.peer is not None]
    led = len(people) > 2 and any(member.supervises for member in people)
    host = account.is_staff or (created_it and not _is_pupil(account))
    return _rights(account, "own", host=host, led=led)


def _rights(account: Account, kind: str, *, host: bool, led: bool) -> CallRights:
    settings: OrgSettings = account.settings
    pupil = _is_pupil(account)
    return CallRights(
        org_id=account.org_id,
        roles=account.roles,
        room_kind=kind,
        host=host,
        screen=not pupil or settings.pupils_may_share,
        muted_on_entry=led and pupil and settings.pupils_muted_on_entry,
        may_start=not pupil or settings.pupils_may_start,
        waits=led and settings.calls_waiting_room and not account.is_staff and not host,
        one_share=settings.one_share,
    )


def _guest() -> CallRights:
    return CallRights(org_id="", roles=frozenset(), room_kind="own", host=False, may_start=False)


def _is_pupil(account: Account) -> bool:
    return Role.STUDENT in account.roles and not account.is_staff
