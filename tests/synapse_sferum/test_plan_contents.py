"""What a managed room is made of: who may send what, what a new one looks like, and when removals are too many."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve, frozen

from synapse_sferum import events
from synapse_sferum.desired import DesiredRoom, Want
from synapse_sferum.model import OrgId, RoomKey, RoomKind, UserId
from synapse_sferum.plan import (
    NOBODY,
    ActualRoom,
    SetPowerLevels,
    creation,
    plan_room,
    power_levels,
    unsafe_removals,
)

CLASS = RoomKey(RoomKind.CLASS, "c1")
USERS = [UserId(f"@u{i}:s.test") for i in range(8)]


def right(joined: int = 0) -> ActualRoom:
    """A room without fault with this many members."""
    wanted = DesiredRoom(name="5А", members={})
    return ActualRoom(
        name="5А",
        join_rule="invite",
        power_levels=power_levels(CLASS, wanted),
        marked=True,
        in_space=True,
        joined=frozenset(USERS[:joined]),
    )


@frozen
class Level:
    """What somebody with this power may do."""

    kind: RoomKind
    power: int
    event: str
    allowed: bool


LEVELS = [
    Level(RoomKind.CLASS, 0, "m.room.message", True),
    Level(RoomKind.CLASS, 0, "m.rtc.member", True),
    Level(RoomKind.CLASS, 50, "m.room.pinned_events", True),
    Level(RoomKind.CLASS, 100, "m.room.name", False),
    Level(RoomKind.CLASS, 100, "m.room.encryption", False),
    Level(RoomKind.CLASS, 100, "m.room.power_levels", False),
    Level(RoomKind.CLASS, 100, events.ROOM, False),
    Level(RoomKind.CLASS, 50, "m.room.anything", False),
    Level(RoomKind.ANNOUNCEMENTS, 0, "m.room.message", False),
    Level(RoomKind.ANNOUNCEMENTS, 100, "m.room.message", True),
    Level(RoomKind.MATERIALS, 50, "m.room.message", True),
    Level(RoomKind.SCHOOL, 50, "m.room.message", False),
]


@pytest.mark.parametrize("level", LEVELS, ids=str)
def test_who_may_send_what(level: Level) -> None:
    """Members write and call in their rooms, read announcements, and change no name, door or right (R5, R26)."""
    content = power_levels(RoomKey(level.kind), DesiredRoom(name="5А", members={}))
    state = level.event.startswith("m.room.any")
    default = content["state_default"] if state else content["events_default"]
    assert (level.power >= content["events"].get(level.event, default)) == level.allowed


def test_only_special_members_are_listed() -> None:
    """A class of 30 has one line of rights, the teacher's; nobody may invite, kick or ban."""
    members = {USERS[0]: Want(50, "homeroom_teacher"), USERS[1]: Want(0, "student_of_the_class")}
    content = power_levels(CLASS, DesiredRoom(name="5А", members=members))
    assert content["users"] == {USERS[0]: 50}
    assert content["invite"] == content["kick"] == content["ban"] == NOBODY


def test_a_level_that_synapse_adds_is_no_difference() -> None:
    """Synapse writes `historical` itself; any other foreign key is put right."""
    room = right()
    wanted = DesiredRoom(name="5А", members={})
    added = evolve(room, power_levels={**room.power_levels, "historical": 100})
    assert plan_room(CLASS, wanted, added).actions == ()
    foreign = evolve(room, power_levels={**room.power_levels, "x": 1})
    assert [type(a) for a in plan_room(CLASS, wanted, foreign).actions] == [SetPowerLevels]


def created(kind: RoomKind, *, encrypted: bool = False) -> dict[str, Any]:
    """The createRoom body of a room."""
    space = None if kind is RoomKind.SCHOOL else "!space"
    return creation(
        OrgId("o"), RoomKey(kind), DesiredRoom(name="5А", members={}), space, "s.test",
        encrypted=encrypted,
    )  # fmt: skip


@pytest.mark.parametrize("kind", RoomKind)
def test_a_new_room_is_a_managed_room(kind: RoomKind) -> None:
    """Marked, not federated, without guests, in room version 12; history from joining on in classes only (R38)."""
    body = created(kind)
    state = {event["type"]: event["content"] for event in body["initial_state"]}
    marker = {"org_id": "o", "kind": kind.value, "ref": ""}
    assert state[events.ROOM] == body["creation_content"][events.ROOM] == marker
    assert body["creation_content"]["m.federate"] is False
    assert body["room_version"] == "12"
    assert state["m.room.join_rules"] == {"join_rule": "invite"}
    assert state["m.room.guest_access"] == {"guest_access": "forbidden"}
    own = kind in {RoomKind.CLASS, RoomKind.CLASS_PARENTS}
    assert state["m.room.history_visibility"]["history_visibility"] == (
        "joined" if own else "shared"
    )
    assert ("m.space.parent" in state) == (kind is not RoomKind.SCHOOL)
    assert ("type" in body["creation_content"]) == (kind is RoomKind.SCHOOL)
    assert "m.room.encryption" not in state
    assert "m.room.encryption" in str(created(kind, encrypted=True)["initial_state"])


@pytest.mark.parametrize(
    ("removals", "members", "limit", "unsafe"),
    [(24, 24, 0.0, False), (25, 100, 0.2, True), (25, 125, 0.2, False), (400, 400, 1.0, False)],
)
def test_the_hold_stands_behind_the_plan(
    removals: int, members: int, limit: float, unsafe: bool
) -> None:
    """Held are 25 removals or more, over the school's share."""
    assert unsafe_removals(removals, members, limit) is unsafe
