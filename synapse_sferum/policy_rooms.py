"""What may be done inside managed rooms (R5, R17, R21, R25) and people's own (R2, §2.6). Pure.

This file does not know how an event reached Synapse; `callbacks.py` translates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from attrs import frozen

from synapse_sferum.account import Account, rooms_of
from synapse_sferum.model import OrgId, RoomKey, RoomKind
from synapse_sferum.policy import Deny, Party, may_contact, may_form

#: Told to somebody who tries to leave a room of the school list (R25).
REQUIRED_TEXT = "membership comes from the school list"

#: Presence in a call, in every spelling clients use (reference/calls.md).
CALL_MEMBER_TYPES = frozenset(
    {
        "m.call.member",
        "m.rtc.member",
        "org.matrix.msc3401.call.member",
        "org.matrix.msc4143.rtc.member",
        "org.matrix.msc3401.call",
        "m.call",
        "org.matrix.msc4143.rtc.slot",
        "m.rtc.slot",
    }
)
#: State that members of a managed room may write, as far as their power level goes. An allow-
#: list: name, join rules, history, encryption, power levels, the marker and everything a future
#: client invents belong to the service user (R5).
MEMBER_STATE = CALL_MEMBER_TYPES | {"m.room.topic", "m.room.avatar", "m.room.pinned_events"}

#: State nobody writes in a room of their own: it would let in strangers, or move the room out of
#: our sight.
_CLOSED_STATE = frozenset(
    {
        "m.room.aliases",
        "m.room.canonical_alias",
        "m.room.third_party_invite",
        "m.room.tombstone",
        "m.room.server_acl",
        "m.space.parent",
    }
)

_NO_GUESTS: Mapping[str, Any] = {
    "type": "m.room.guest_access",
    "state_key": "",
    "content": {"guest_access": "forbidden"},
}


@frozen(kw_only=True)
class Act:
    """One event somebody is about to send. `state_key` is None for a message."""

    sender: str
    type: str
    state_key: str | None = None
    membership: str = ""  # of m.room.member, "" otherwise
    before: str = "leave"  # the target's membership until now
    renames: bool = False  # join to join with a name or picture that is not the profile's


def managed_event(who: Party, org_id: OrgId, key: RoomKey, archived: bool, act: Act) -> Deny | None:
    """Whether `who` may do `act` in a managed room of `org_id`.

    The service user is not asked about.
    """
    account = who.account
    if who.staff_bot and key.kind is RoomKind.ADMINISTRATION:
        return _bot_event(archived, act)
    if account is None:
        return None if _leaves(act) else Deny.UNKNOWN
    if account.org_id != org_id:
        return None if _leaves(act) else Deny.OTHER_SCHOOL
    if act.type == "m.room.member":
        return _managed_membership(account, key, act)
    if archived:
        return Deny.ARCHIVED
    if act.type.startswith("org.sferum."):
        return Deny.MANAGED
    if act.state_key is not None and act.type not in MEMBER_STATE:
        return Deny.MANAGED
    if who.unconfirmed and not _class_call(key, act):
        return Deny.UNCONFIRMED
    return None


def _bot_event(archived: bool, act: Act) -> Deny | None:
    """The staff's bot in an administration room: it is there, it writes, and it changes nothing of the room."""
    if act.type == "m.room.member":
        if act.state_key != act.sender or act.membership not in {"join", "leave"}:
            return Deny.MANAGED
        if act.membership == "join":
            return Deny.RENAMED if act.renames else None
        return None if archived else Deny.REQUIRED
    if archived:
        return Deny.ARCHIVED
    return Deny.MANAGED if act.state_key is not None or act.type.startswith("org.sferum.") else None


def _leaves(act: Act) -> bool:
    return act.membership == "leave" and act.state_key == act.sender


def _class_call(key: RoomKey, act: Act) -> bool:
    """R17 keeps an unconfirmed pupil out of calls outside the class, not out of the lesson."""
    return (
        key.kind is RoomKind.CLASS and act.type in CALL_MEMBER_TYPES and act.state_key is not None
    )


def _managed_membership(account: Account, key: RoomKey, act: Act) -> Deny | None:
    listed = key in rooms_of(account)
    if act.state_key != act.sender:
        return Deny.MANAGED
    if act.membership == "join":
        if not listed:
            return Deny.NOT_LISTED
        return Deny.RENAMED if act.renames else None
    if act.membership == "leave":
        return Deny.REQUIRED if listed else None
    return Deny.MANAGED


def may_join_managed(who: Party, org_id: OrgId, key: RoomKey) -> Deny | None:
    """Whether the school list puts this account into this room."""
    act = Act(sender="", type="m.room.member", state_key="", membership="join")
    return managed_event(who, org_id, key, archived=False, act=act)


def state_of_own_room(type_: str, content: Mapping[str, Any]) -> Deny | None:
    """Whether this state may be set in a room people made themselves: nothing that lets in strangers (R2)."""
    if type_ in _CLOSED_STATE:
        closes = (
            type_ == "m.room.canonical_alias"
            and not content.get("alias")
            and not content.get("alt_aliases")
        )
        return None if closes else Deny.ROOM_KIND
    if type_.startswith("org.sferum."):
        return Deny.MANAGED
    allowed = {
        "m.room.join_rules": ("join_rule", ("invite", "private")),
        "m.room.history_visibility": ("history_visibility", ("shared", "invited", "joined")),
        "m.room.guest_access": ("guest_access", ("forbidden",)),
    }.get(type_)
    if allowed is not None and content.get(allowed[0]) not in allowed[1]:
        return Deny.ROOM_KIND
    return None


def room_request(config: dict[str, Any], *, federates: bool = False) -> Deny | None:
    """Narrow the body of a createRoom in place, and refuse what cannot be narrowed.

    No alias, no entry in the room directory, no third-party invites, the server's own room
    version. It leaves the server only if it `federates`, which is so when somebody of a listed
    server is invited from the start (`leaves_here`).
    """
    config["visibility"] = "private"
    config.pop("room_alias_name", None)
    config.pop("room_version", None)
    if config.pop("invite_3pid", None):
        return Deny.ROOM_KIND
    if config.get("preset") == "public_chat":
        config["preset"] = "private_chat"
    content = config.get("creation_content")
    content = dict(content) if isinstance(content, dict) else {}
    for name in ("additional_creators", "predecessor"):
        content.pop(name, None)
    config["creation_content"] = {**content, "m.federate": federates}
    state = _initial_state(config)
    for event in state:
        refused = state_of_own_room(str(event.get("type")), event.get("content") or {})
        if refused is not None or event.get("type") == "m.room.member":
            return refused or Deny.ROOM_KIND
    if not any(event.get("type") == "m.room.guest_access" for event in state):
        # Synapse's private presets let guests in.
        state.append(_NO_GUESTS)
    config["initial_state"] = state
    return None


def _initial_state(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    events = config.get("initial_state")
    if not isinstance(events, list):
        return []
    return [event for event in events if isinstance(event, Mapping)]


def leaves_here(invited: Collection[Party]) -> bool:
    """Whether a new room is one of several schools; all others stay on this server for good (design §2)."""
    return any(party.peer is not None for party in invited)


def may_create(creator: Party, invited: Collection[Party], limit: int) -> Deny | None:
    """Whether `creator` may make a room with these: each invitation in its direction, then the whole set."""
    if creator.account is None:
        return Deny.UNKNOWN
    for party in invited:
        outcome = may_contact(creator, party)
        if isinstance(outcome, Deny):
            return outcome
    return may_form([creator, *invited], limit)


def may_send(sender: Party, others: Collection[Party], limit: int) -> Deny | None:
    """Whether `sender` may write in a room of `others`: the set is judged again at every message.

    So supervision also holds in rooms that existed before it was switched on. An unconfirmed
    pupil answers nobody but those R17 names, whoever made the room.
    """
    if sender.account is None:
        return Deny.UNKNOWN
    if sender.unconfirmed:
        for party in others:
            outcome = may_contact(sender, party)
            if isinstance(outcome, Deny):
                return outcome
    return may_form([sender, *others], limit)


def may_invite(
    inviter: Party,
    invitee: Party,
    others: Collection[Party],
    limit: int,
    *,
    federates: bool = False,
) -> Deny | None:
    """Whether `inviter` may bring `invitee` to a room of `others` (inviter not among them).

    A room that `federates` holds pupils and parents only together with the person of another
    school whom the register lets them meet; a room that does not holds nobody from elsewhere.
    """
    outcome = may_contact(inviter, invitee)
    if isinstance(outcome, Deny):
        return outcome
    refused = may_form([inviter, invitee, *others], limit)
    if refused is not None:
        return refused
    if invitee.peer is not None:
        return None if federates else Deny.FEDERATED
    alone = not any(party.peer is not None for party in (inviter, *others))
    if federates and alone and not (invitee.account is not None and invitee.account.is_staff):
        return Deny.FEDERATED
    return None


def peer_may_join(who: Party, others: Collection[Party], limit: int) -> Deny | None:
    """Whether somebody of another server may enter a room of `others` to which they were invited (R4).

    Asked before Synapse gives out the room (make_join); the set is judged as for everyone.
    """
    return Deny.UNKNOWN_SERVER if who.peer is None else may_form([who, *others], limit)


def may_go(leaver: Party, others: Collection[Party], limit: int) -> Deny | None:
    """Whether `leaver` may leave, or be removed from, a room of `others`: a supervising adult may
    not (rules §2.6).

    A room that is already wrong for another reason may be left by anyone.
    """
    if not leaver.supervises or may_form([leaver, *others], limit) is not None:
        return None
    return Deny.REQUIRED if may_form(others, limit) is Deny.SUPERVISION else None
