"""Desired room against actual room: the actions that make them equal. Pure.

A plan is a value made before anything is touched. Order matters and is part of it: power levels first (a class teacher
has them from the first second), joins before removals (a change of teachers never leaves a room without one),
and a room
that is filled through an open door is closed before anything else may fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from synapse_sferum import events
from synapse_sferum.desired import DesiredRoom
from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId

#: From so many joins on, opening the door, letting them in and closing it costs fewer events than inviting each.
OPEN_FROM = 4
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
class Open:
    """Let wanted people in by themselves for as long as the room is filled; the policy lets in nobody else."""


@frozen
class Close:
    """Back to invitation only."""


@frozen
class Join:
    """Put one person in. With `by_invite` an invitation goes first: the door is closed."""

    user_id: UserId
    by_invite: bool


@frozen
class Remove:
    """Take one person out."""

    user_id: UserId


Action = SetName | SetPowerLevels | Mark | LinkToSpace | Open | Close | Join | Remove


@frozen
class RoomPlan:
    """What to do to one existing room, in order. Empty: nothing differs."""

    actions: tuple[Action, ...]

    @property
    def joins(self) -> int:
        """How many people it puts in."""
        return sum(isinstance(action, Join) for action in self.actions)

    @property
    def opens(self) -> bool:
        """Whether it lets people in by themselves for a while."""
        return any(isinstance(action, Open) for action in self.actions)

    @property
    def removals(self) -> int:
        """How many people it takes out."""
        return sum(isinstance(action, Remove) for action in self.actions)


def plan_room(
    key: RoomKey, desired: DesiredRoom, actual: ActualRoom, open_from: int = OPEN_FROM
) -> RoomPlan:
    """The actions that turn `actual` into `desired`. Applied once, the next plan is empty.

    Args:
        open_from: newcomers from which on the door is opened.
    """
    actions: list[Action] = []
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
    is_open = actual.join_rule == "public"
    by_door = is_open or len(missing) >= open_from
    if by_door and missing and not is_open:
        actions.append(Open())
    actions += [Join(user_id, by_invite=not by_door) for user_id in missing]
    if is_open or (by_door and missing) or actual.join_rule not in {"invite", "public"}:
        actions.append(Close())
    actions += [
        Remove(u) for u in sorted((actual.joined | actual.invited) - desired.members.keys())
    ]
    return RoomPlan(tuple(actions))


def plan_archived(key: RoomKey, name: str, actual: ActualRoom, keep: frozenset[UserId]) -> RoomPlan:
    """A room whose class is gone: nobody writes, history stays for those who still belong to the school.

    Args:
        keep: active accounts of the school; everybody else leaves, and nobody is added.
    """
    actions: list[Action] = []
    if actual.join_rule != "invite":
        actions.append(Close())
    members = dict.fromkeys(actual.joined & keep, 0)
    levels = {**power_levels(key, DesiredRoom(name=name, members={})), "events_default": NOBODY}
    levels["events"] = {**levels["events"], **dict.fromkeys(CALL_MEMBER_EVENTS, NOBODY)}
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
    is_open: bool,
    encrypted: bool,
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
            "content": {"join_rule": "public" if is_open else "invite"},
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
        "preset": "private_chat",
        "visibility": "private",
        "room_version": "12",
        "name": desired.name,
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
