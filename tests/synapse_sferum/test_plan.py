"""A room's plan on a simulated room: it converges from any state, in the right order, and the door ends closed."""

from __future__ import annotations

from typing import Any, assert_never

import pytest
from attrs import define, evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from synapse_sferum.desired import DesiredRoom, Want
from synapse_sferum.model import RoomKey, RoomKind, UserId
from synapse_sferum.plan import (
    MOST_AT_ONCE,
    NOBODY,
    TOGETHER_FROM,
    Action,
    ActualRoom,
    Close,
    Join,
    LetIn,
    LinkToSpace,
    Mark,
    Remove,
    RoomPlan,
    SetName,
    SetPowerLevels,
    plan_archived,
    plan_room,
    power_levels,
    weight,
)

CLASS = RoomKey(RoomKind.CLASS, "c1")
USERS = [UserId(f"@u{i}:s.test") for i in range(8)]


@define
class Room:
    """A room that obeys actions as Synapse does."""

    actual: ActualRoom

    def do(self, action: Action) -> None:
        """One action, idempotent like the real ones."""
        now = self.actual
        match action:
            case Mark():
                self.actual = evolve(now, marked=True)
            case SetName(name):
                self.actual = evolve(now, name=name)
            case SetPowerLevels(content):
                self.actual = evolve(now, power_levels=content)
            case LinkToSpace():
                self.actual = evolve(now, in_space=True)
            case Close():
                self.actual = evolve(now, join_rule="invite")
            case LetIn(user_ids):
                assert 0 < len(user_ids) <= MOST_AT_ONCE
                assert now.join_rule == "invite"
                come = frozenset(user_ids)
                assert not come & now.joined, "Synapse drops the whole batch for a member again"
                self.actual = evolve(now, joined=now.joined | come, invited=now.invited - come)
            case Join(user_id):
                self.actual = evolve(
                    now, joined=now.joined | {user_id}, invited=now.invited - {user_id}
                )
            case Remove(user_id):
                self.actual = evolve(
                    now, joined=now.joined - {user_id}, invited=now.invited - {user_id}
                )
            case _:
                assert_never(action)


desired_rooms = st.builds(
    DesiredRoom,
    name=st.sampled_from(["5А", "6А"]),
    members=st.dictionaries(
        st.sampled_from(USERS),
        st.builds(Want, st.sampled_from([0, 50, 100]), st.just("staff")),
    ),
)


@st.composite
def actual_rooms(draw: st.DrawFn) -> ActualRoom:
    """A room in any state that members, crashes or an older version may have left."""
    joined = draw(st.frozensets(st.sampled_from(USERS)))
    levels: Any = draw(
        st.sampled_from([{}, {"users": {"@x:s.test": 100}}])
        | desired_rooms.map(lambda room: power_levels(CLASS, room))
    )
    return ActualRoom(
        name=draw(st.sampled_from(["", "5А", "взлом"])),
        join_rule=draw(st.sampled_from(["", "invite", "public", "knock"])),
        power_levels=levels,
        marked=draw(st.booleans()),
        in_space=draw(st.booleans()),
        joined=joined,
        invited=draw(st.frozensets(st.sampled_from(USERS))) - joined,
    )


def check_order(plan: RoomPlan) -> None:
    """Closed before all else; power levels before anybody comes; nobody goes before all have come."""
    stages = {Close: 0, Mark: 1, SetName: 1, SetPowerLevels: 1, LinkToSpace: 1}
    stages |= {LetIn: 2, Join: 2, Remove: 3}
    order = [stages[type(action)] for action in plan.actions]
    assert order == sorted(order)


@given(desired=desired_rooms, actual=actual_rooms())
@example(
    desired=DesiredRoom(name="5А", members={}),
    actual=ActualRoom(
        name="5А",
        join_rule="public",
        power_levels={},
        marked=True,
        in_space=True,
        joined=frozenset(),
    ),
)
def test_one_plan_makes_the_room_right(desired: DesiredRoom, actual: ActualRoom) -> None:
    """Applied once, the room is what is wanted and closed; the second plan is empty (R21)."""
    room = Room(actual)
    plan = plan_room(CLASS, desired, actual)
    check_order(plan)
    for action in plan.actions:
        room.do(action)
    assert room.actual.joined == desired.members.keys()
    assert not room.actual.invited
    assert room.actual.join_rule == "invite"
    assert (room.actual.name, room.actual.marked, room.actual.in_space) == (
        desired.name,
        True,
        True,
    )
    assert plan_room(CLASS, desired, room.actual) == RoomPlan(())
    assert plan.joins == len(desired.members.keys() - actual.joined)
    assert plan.removals == len((actual.joined | actual.invited) - desired.members.keys())


@given(desired=desired_rooms, later=desired_rooms, actual=actual_rooms(), data=st.data())
@settings(max_examples=200)
def test_a_crash_at_any_point_is_made_good(
    desired: DesiredRoom, later: DesiredRoom, actual: ActualRoom, data: st.DataObject
) -> None:
    """After any part of a plan, and a change of the directory meanwhile, a new plan converges and closes the door."""
    room = Room(actual)
    actions = plan_room(CLASS, desired, actual).actions
    for action in actions[: data.draw(st.integers(0, len(actions)))]:
        room.do(action)
    for action in plan_room(CLASS, later, room.actual).actions:
        room.do(action)
    assert room.actual.joined == later.members.keys()
    assert room.actual.join_rule == "invite"
    assert plan_room(CLASS, later, room.actual) == RoomPlan(())


@given(desired=desired_rooms, actual=actual_rooms(), size=st.integers(1, 3))
def test_slices_come_to_the_same(desired: DesiredRoom, actual: ActualRoom, size: int) -> None:
    """Done a few membership changes at a time, each slice with a fresh plan, the room ends right and closed."""
    room = Room(actual)
    for _ in range(len(USERS) * 2 + 1):
        done = 0
        for action in plan_room(CLASS, desired, room.actual).actions:
            if weight(action) and done >= size:
                break
            done += weight(action)
            room.do(action)
    assert room.actual.joined == desired.members.keys()
    assert room.actual.join_rule == "invite"
    assert plan_room(CLASS, desired, room.actual) == RoomPlan(())


@given(actual=actual_rooms(), keep=st.frozensets(st.sampled_from(USERS)))
def test_an_archive_keeps_its_readers(actual: ActualRoom, keep: frozenset[UserId]) -> None:
    """Nobody is added, only those who still belong stay, nobody writes or calls, and the second plan is empty."""
    room = Room(actual)
    plan = plan_archived(CLASS, "5А", actual, keep)
    assert plan.joins == 0
    for action in plan.actions:
        room.do(action)
    assert room.actual.joined == actual.joined & keep
    assert not room.actual.invited
    assert room.actual.join_rule == "invite"
    levels = room.actual.power_levels
    assert levels["users"] == {}
    assert levels["events_default"] == levels["events"]["m.rtc.member"] == NOBODY
    assert plan_archived(CLASS, "5А", room.actual, keep) == RoomPlan(())


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


@pytest.mark.parametrize(("more", "together"), [(TOGETHER_FROM - 1, False), (TOGETHER_FROM, True)])
def test_few_are_invited_and_many_come_together(more: int, together: bool) -> None:
    """From four newcomers on, taking them in together costs less than inviting each."""
    newcomers = USERS[1 : 1 + more]
    members = dict.fromkeys(USERS[: 1 + more], Want(0, "staff"))
    plan = plan_room(CLASS, DesiredRoom(name="5А", members=members), right(joined=1))
    expected = (LetIn(tuple(newcomers)),) if together else tuple(map(Join, newcomers))
    assert plan.actions == expected
    assert plan.joins == more


def test_a_crowd_comes_in_groups() -> None:
    """A hundred newcomers come forty at a time: Synapse writes at most a hundred events in one transaction."""
    crowd = [UserId(f"@v{n:03}:s.test") for n in range(100)]
    members = dict.fromkeys(crowd, Want(0, "staff"))
    plan = plan_room(CLASS, DesiredRoom(name="5А", members=members), right())
    assert [weight(action) for action in plan.actions] == [40, 1, 39, 1, 19]
    assert plan.joins == 100


def test_each_group_into_a_crowded_room_has_an_ordinary_join() -> None:
    """With forty members there, one of each group is invited: then Synapse writes the state out whole."""
    crowd = [UserId(f"@v{n:03}:s.test") for n in range(90)]
    wanted = DesiredRoom(name="5А", members=dict.fromkeys(crowd, Want(0, "staff")))
    there = evolve(right(), joined=frozenset(crowd[:40]))
    plan = plan_room(CLASS, wanted, there)
    assert [type(action) for action in plan.actions] == [Join, LetIn, Join, LetIn]
    assert [weight(action) for action in plan.actions] == [1, 39, 1, 9]
