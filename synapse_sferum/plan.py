"""Desired room against actual room: the actions that make them equal. Pure.

A plan is a value made before anything is touched. Order matters and is part of it: power levels first (a class teacher
has them from the first second), joins before removals (a change of teachers never leaves a room without one), and a
room that stands open for whatever reason is closed before anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from synapse_sferum import events
from synapse_sferum.desired import DesiredRoom
from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId

#: From so many newcomers on, letting them in together costs fewer events than inviting each.
TOGETHER_FROM = 4
#: People of one `LetIn`: Synapse writes up to 100 events in one transaction, and two are the door.
MOST_AT_ONCE = 40
#: Nobody but the creator has this level (the service user's is without limit in room version 12).
NOBODY = 150
#: Events of a call that every member may send (Element Call, MSC3401/MSC4143).
CALL_MEMBER_EVENTS = (
    "org.matrix.msc3401.call.member",
    "m.rtc.member",
    "org.matrix.msc4143.rtc.member",
)


@frozen(kw_only=True)
class ActualRoom:
    """A managed room as it is in Synapse.

    Attributes:
        name: of `m.room.name`, "" when missing.
        join_rule: `invite`, `public`, …; "" when missing.
        power_levels: content of `m.room.power_levels`.
        marked: whether `org.sferum.room` is there.
        in_space: whether the school's space lists it (True for the space itself).
        members: joined accounts → display name in the room; invited ones too, in `invited`.
    """

    name: str
    join_rule: str
    power_levels: Mapping[str, Any]
    marked: bool
    in_space: bool
    joined: frozenset[UserId]
    invited: frozenset[UserId] = frozenset()


@frozen
class SetName:
    """Rename the room."""

    name: str


@frozen
class SetPowerLevels:
    """Replace the power levels."""

    content: Mapping[str, Any] = field(hash=False)


@frozen
class Mark:
    """Write the marker state event again (R5)."""


@frozen
class LinkToSpace:
    """List the room in the school's space."""


@frozen
class Close:
    """Invitation only: for a room that anything else has opened."""


@frozen
class LetIn:
    """Put many people in at once.

    The door is opened, they come in and it is closed again in one transaction of the database: one event each, and
    nobody ever finds the door open, not even after a power cut in the middle.
    """

    user_ids: tuple[UserId, ...]


@frozen
class Join:
    """Invite one person and let them join: two events."""

    user_id: UserId


@frozen
class Remove:
    """Take one person out."""

    user_id: UserId


Action = SetName | SetPowerLevels | Mark | LinkToSpace | Close | LetIn | Join | Remove


@frozen
class RoomPlan:
    """What to do to one existing room, in order. Empty: nothing differs."""

    actions: tuple[Action, ...]

    @property
    def joins(self) -> int:
        """How many people it puts in."""
        return sum(weight(action) for action in self.actions if not isinstance(action, Remove))

    @property
    def removals(self) -> int:
        """How many people it takes out."""
        return sum(isinstance(action, Remove) for action in self.actions)


def weight(action: Action) -> int:
    """How many memberships an action changes."""
    match action:
        case LetIn(user_ids):
            return len(user_ids)
        case Join() | Remove():
            return 1
        case _:
            return 0


def plan_room(
    key: RoomKey, desired: DesiredRoom, actual: ActualRoom, together_from: int = TOGETHER_FROM
) -> RoomPlan:
    """The actions that turn `actual` into `desired`. Applied once, the next plan is empty.

    Args:
        together_from: newcomers from which on they are let in together.
    """
    actions: list[Action] = []
    if actual.join_rule != "invite":
        actions.append(Close())
    if not actual.marked:
        actions.append(Mark())
    if actual.name != desired.name:
        actions.append(SetName(desired.name))
    wanted_levels = power_levels(key, desired)
    if not same_power_levels(actual.power_levels, wanted_levels):
        actions.append(SetPowerLevels(wanted_levels))
    if not actual.in_space:
        actions.append(LinkToSpace())
    missing = sorted(desired.members.keys() - actual.joined)
    if len(missing) >= together_from:
        actions += _groups(missing, crowded=len(actual.joined) >= MOST_AT_ONCE)
    else:
        actions += [Join(user_id) for user_id in missing]
    gone = (actual.joined | actual.invited) - desired.members.keys()
    return RoomPlan((*actions, *(Remove(user_id) for user_id in sorted(gone))))


def _groups(missing: list[UserId], *, crowded: bool) -> list[Action]:
    """Forty at a time. In a room that has that many already, one of each forty joins in the ordinary way.

    Synapse keeps a room's state as differences and writes it out whole after 100 of them, but not for events that are
    written together: without an ordinary one between, looking the state up would walk through every join ever made.
    """
    actions: list[Action] = []
    for start in range(0, len(missing), MOST_AT_ONCE):
        group = missing[start : start + MOST_AT_ONCE]
        if crowded or start:
            actions.append(Join(group[0]))
            group = group[1:]
        if group:
            actions.append(LetIn(tuple(group)))
    return actions


def plan_archived(key: RoomKey, name: str, actual: ActualRoom, keep: frozenset[UserId]) -> RoomPlan:
    """A room whose class is gone: nobody writes, history stays for those who still belong to the school.

    Args:
        name: with the year it was of.
        keep: active accounts of the school; everybody else leaves, and nobody is added.
    """
    actions: list[Action] = []
    if actual.join_rule != "invite":
        actions.append(Close())
    members = dict.fromkeys(actual.joined & keep, 0)
    levels = {**power_levels(key, DesiredRoom(name=name, members={})), "events_default": NOBODY}
    levels["events"] = {**levels["events"], **dict.fromkeys(CALL_MEMBER_EVENTS, NOBODY)}
    if actual.name != name:
        actions.append(SetName(name))
    if not same_power_levels(actual.power_levels, levels):
        actions.append(SetPowerLevels(levels))
    actions += [Remove(u) for u in sorted((actual.joined | actual.invited) - members.keys())]
    return RoomPlan(tuple(actions))


def power_levels(key: RoomKey, desired: DesiredRoom) -> dict[str, Any]:
    """`m.room.power_levels` of a managed room (R5, R22, R26).

    The creator stands above all of this in room version 12 and is not listed.
    """
    readers_only = key.kind in {RoomKind.SCHOOL, RoomKind.ANNOUNCEMENTS, RoomKind.MATERIALS}
    writes = 100 if key.kind is RoomKind.SCHOOL else 50 if readers_only else 0
    return {
        "users": {u: want.power for u, want in sorted(desired.members.items()) if want.power},
        "users_default": 0,
        "events_default": writes,
        "state_default": 100,
        "ban": NOBODY,
        "kick": NOBODY,
        "invite": NOBODY,
        "redact": 50,
        "notifications": {"room": 50},
        "events": {
            "m.room.name": NOBODY,
            "m.room.power_levels": NOBODY,
            "m.room.join_rules": NOBODY,
            "m.room.history_visibility": NOBODY,
            "m.room.guest_access": NOBODY,
            "m.room.encryption": NOBODY,
            "m.room.server_acl": NOBODY,
            "m.room.tombstone": NOBODY,
            "m.room.canonical_alias": NOBODY,
            "m.room.third_party_invite": NOBODY,
            "m.space.child": NOBODY,
            "m.space.parent": NOBODY,
            events.ROOM: NOBODY,
            "m.room.topic": 50,
            "m.room.avatar": 50,
            "m.room.pinned_events": 50,
            "m.room.redaction": 0,
            **dict.fromkeys(CALL_MEMBER_EVENTS, 0 if not readers_only else 100),
        },
    }


def same_power_levels(actual: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the levels mean what we want; a key that Synapse leaves out or adds with its default does not count."""
    return all(actual.get(key) == value for key, value in wanted.items()) and not (
        actual.keys() - wanted.keys() - {"historical"}
    )


def creation(
    org_id: OrgId,
    key: RoomKey,
    desired: DesiredRoom,
    space_id: str | None,
    server_name: str,
    *,
    encrypted: bool,
    topic: str = "",
) -> dict[str, Any]:
    """The body of createRoom for a managed room.

    The key is in the create event too: after a crash between "created" and "written down", the room is found by it.
    """
    marker = {"org_id": org_id, "kind": key.kind.value, "ref": key.ref}
    state = [
        {"type": events.ROOM, "state_key": "", "content": marker},
        {
            "type": "m.room.join_rules",
            "state_key": "",
            "content": {"join_rule": "invite"},
        },
        {"type": "m.room.guest_access", "state_key": "", "content": {"guest_access": "forbidden"}},
        {
            "type": "m.room.history_visibility",
            "state_key": "",
            "content": {"history_visibility": _history(key.kind)},
        },
    ]
    if encrypted:
        state.append(
            {
                "type": "m.room.encryption",
                "state_key": "",
                "content": {"algorithm": "m.megolm.v1.aes-sha2"},
            }
        )
    if space_id is not None:
        state.append(
            {
                "type": "m.space.parent",
                "state_key": space_id,
                "content": {"via": [server_name], "canonical": True},
            }
        )
    kind = {"type": "m.space"} if key.kind is RoomKind.SCHOOL else {}
    return {
        # homeserver.yaml raises the level for encryption in private_chat; Synapse then refuses even us (403). Nobody is
        # invited here, which is all that the other preset is about.
        "preset": "trusted_private_chat" if encrypted else "private_chat",
        "visibility": "private",
        "room_version": "12",
        "name": desired.name,
        **({"topic": topic} if topic else {}),
        "creation_content": {"m.federate": False, events.ROOM: marker, **kind},
        "initial_state": state,
        "power_level_content_override": power_levels(key, desired),
    }


def _history(kind: RoomKind) -> str:
    """R38: whoever comes into a class later sees its talk, and its parents' talk, from then on; the rest is for all."""
    return "joined" if kind in {RoomKind.CLASS, RoomKind.CLASS_PARENTS} else "shared"


def unsafe_removals(removals: int, members: int, limit: float) -> bool:
    """Whether a reconcile would take out more than a school day explains: 25 or more, and over the limit's share.

    A roster's plan asks a person first; this one stands behind it, against a broken directory.
    """
    return removals >= 25 and removals > limit * members
