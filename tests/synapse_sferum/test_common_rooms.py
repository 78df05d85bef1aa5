"""Rooms of several schools, as values: who belongs, what is done, what people may do there (ADR 30)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.account import Account
from synapse_sferum.district import room_plan
from synapse_sferum.district.force import Standing
from synapse_sferum.district.register import subject_word
from synapse_sferum.district.room_plan import (
    ActualCommonRoom,
    Admit,
    Ask,
    CommonRoom,
    Expel,
    Rename,
    RoomAction,
    RoomState,
    SetAcl,
    SetLevels,
    Tell,
    Withdraw,
    belongs,
    next_state,
    plan_as_guest,
    plan_as_maker,
    service_user_of,
    wanted,
)
from synapse_sferum.model import OrgId, OrgSettings, PersonId, Role, UserId
from synapse_sferum.policy import Deny
from synapse_sferum.policy_rooms import Act
from synapse_sferum.policy_shared import shared_event

OWN, B, C = "a.example", "b.example", "c.example:8448"
US = service_user_of(OWN)


def room(**changes: Any) -> CommonRoom:
    values: dict[str, Any] = {
        "host": OWN,
        "ref": "news",
        "name": "Объявления",
        "members": frozenset({"staff"}),
        "writers": frozenset({"director"}),
        "subject": "",
        "room_id": "!r",
        "state": RoomState.OPEN,
        **changes,
    }
    return CommonRoom(**values)


def account(name: str, *roles: Role) -> Account:
    return Account(
        user_id=UserId(f"@{name}:{OWN}"),
        org_id=OrgId("school"),
        settings=OrgSettings(),
        roles=frozenset(roles),
        persons=frozenset({PersonId(name)}),
    )


def done(actual: ActualCommonRoom, plan: tuple[RoomAction, ...]) -> ActualCommonRoom:
    """The room after a plan, every invited service user having come in."""
    name, levels, acl, members = actual.name, actual.power_levels, actual.acl, dict(actual.members)
    told = actual.told
    for action in plan:
        match action:
            case Rename(name):
                pass
            case SetLevels(levels):
                pass
            case SetAcl(acl):
                pass
            case Tell(told):
                pass
            case Expel(user_id) | Withdraw(user_id):
                members[user_id] = "leave"
            case Ask(user_id) | Admit(user_id):
                members[user_id] = "join"
    return ActualCommonRoom(name=name, power_levels=levels, acl=acl, members=members, told=told)


USERS = [f"@{name}:{server}" for name, server in product(("t", "d", "sferum"), (OWN, B, C))]


@given(
    st.sampled_from([RoomState.OPEN, RoomState.ALONE, RoomState.LEAVING]),
    st.frozensets(st.sampled_from([B, C])),
    st.dictionaries(st.sampled_from([f"@t:{OWN}", f"@d:{OWN}"]), st.booleans()),
    st.dictionaries(st.sampled_from(USERS), st.sampled_from(["join", "invite", "leave", "ban"])),
)
def test_the_maker_s_plan_is_done_once(
    state: RoomState,
    peers: frozenset[str],
    people: Mapping[str, bool],
    members: Mapping[str, str],
) -> None:
    """From whatever a room has come to, one plan makes it right; the next tells who came in of each other, or is empty.
    Nobody of a server that is not let in is left in it, all of ours who belong are, and people of other schools are
    not touched.
    """
    peers = peers if state is RoomState.OPEN else frozenset()
    before = ActualCommonRoom(name="", power_levels={}, acl={}, members={**members, US: "join"})
    made = room(state=state)
    after = done(before, plan_as_maker(made, OWN, peers, people, before))
    present = {user for user, found in after.members.items() if found in {"join", "invite"}}
    if state is RoomState.LEAVING:
        assert present == set()
        return
    again = plan_as_maker(made, OWN, peers, people, after)
    assert all(isinstance(action, Tell) for action in again)
    assert plan_as_maker(made, OWN, peers, people, done(after, again)) == ()
    assert {user for user in present if user.endswith(f":{OWN}")} == {US, *people}
    assert {room_plan.server_of(user) for user in present} <= {OWN, *peers}
    assert {service_user_of(name) for name in peers} <= present
    for user, found in members.items():
        if room_plan.server_of(user) in peers and user != service_user_of(
            room_plan.server_of(user)
        ):
            assert after.members[user] == found


@given(
    st.sampled_from(list(RoomState)),
    st.dictionaries(st.sampled_from([f"@t:{OWN}", f"@d:{OWN}"]), st.booleans()),
    st.dictionaries(st.sampled_from(USERS), st.sampled_from(["join", "invite", "leave", "ban"])),
)
def test_a_guest_moves_its_own_people_only(
    state: RoomState, people: Mapping[str, bool], members: Mapping[str, str]
) -> None:
    """A school at another's room puts in and takes out its own people, the service user last, and nobody comes in
    before that one is a member; while no register is in force nothing moves.
    """
    plan = plan_as_guest(room(host=B, state=state), OWN, people, members)
    if state in {RoomState.PAUSED, RoomState.LEFT}:
        assert plan == ()
        return
    moved = [action.user_id for action in plan if isinstance(action, Admit | Withdraw)]
    assert len(moved) == len(plan)
    assert all(user.endswith(f":{OWN}") for user in moved)
    if state is RoomState.OPEN:
        assert US not in moved
        assert members.get(US) == "join" or not any(isinstance(a, Admit) for a in plan)
    else:
        assert all(isinstance(action, Withdraw) for action in plan)
        assert US not in moved[:-1]


def test_strangers_go_first() -> None:
    """Before anything else the access list changes, then people of a server that is out are taken out."""
    actual = ActualCommonRoom(
        name="Объявления",
        power_levels={},
        acl={},
        members={US: "join", f"@t:{C}": "join", service_user_of(C): "join"},
    )
    plan = plan_as_maker(room(), OWN, {B}, {}, actual)
    allowed = {"allow": [OWN, B], "deny": [], "allow_ip_literals": True}
    assert plan[0] == SetAcl(allowed)
    assert plan[1:3] == (Expel(service_user_of(C)), Expel(f"@t:{C}"))
    assert plan[-1] == Ask(service_user_of(B))


def test_a_maker_that_has_left_can_do_nothing() -> None:
    """Out of its room it neither takes out nor brings in anybody: whatever is wanted, the plan is empty."""
    members = {US: "leave", f"@t:{C}": "join"}
    actual = ActualCommonRoom(name="", power_levels={}, acl={}, members=members)
    for state in RoomState:
        assert plan_as_maker(room(state=state), OWN, {B}, {f"@t:{OWN}": True}, actual) == ()


def test_who_came_in_is_told_of_once() -> None:
    """One event for all who came in since the last look; none while it is the same people, or only our own."""
    members = {US: "join", f"@t:{OWN}": "join", service_user_of(B): "join", f"@t:{C}": "leave"}

    def told(actual: ActualCommonRoom) -> list[Tell]:
        plan = plan_as_maker(room(), OWN, {B}, {f"@t:{OWN}": False}, actual)
        return [action for action in plan if isinstance(action, Tell)]

    actual = ActualCommonRoom(name="", power_levels={}, acl={}, members=members)
    [first] = told(actual)
    assert told(evolve(actual, told=first.seen)) == []
    [second] = told(evolve(actual, told=first.seen, members={**members, f"@t:{B}": "join"}))
    assert second != first
    assert told(evolve(actual, members={US: "join", f"@t:{OWN}": "join"})) == []


def test_who_has_power() -> None:
    """Service users of other schools invite; where not everybody writes, the maker's own writers do, and nobody changes
    what the room is; where members write, nobody has power at all.
    """
    people = {f"@d:{OWN}": True, f"@t:{OWN}": False}
    told = room_plan.levels(room(), [B], people)
    assert told["users"] == {service_user_of(B): 10, f"@d:{OWN}": 50}
    assert (told["events_default"], told["invite"], told["kick"], told["ban"]) == (50, 10, 150, 150)
    assert min(told["redact"], told["state_default"], told["notifications"]["room"]) > 10
    everybody = room(writers=frozenset({"staff"}))
    told = room_plan.levels(everybody, [B], people)
    assert told["users"] == {service_user_of(B): 10}
    assert told["events_default"] == 0
    assert told["redact"] > 10
    for levels in (told, room_plan.levels(room(), [B], people)):
        assert min(
            levels["events"][kind]
            for kind in ("m.room.power_levels", "m.room.server_acl", "m.room.join_rules")
        ) == 150  # fmt: skip


def test_an_access_list_that_does_not_fit() -> None:
    """Servers are listed with and without their ports, as they are compared; more than an event could hold are not."""
    many = [f"school-{number}.{'x' * 40}.example" for number in range(2000)]
    assert room_plan.acl(many)["allow"] == ["*"]
    assert room_plan.acl([B, OWN])["allow"] == [OWN, B]
    assert room_plan.acl([C])["allow"] == ["c.example", C]


@pytest.mark.parametrize("ours", [True, False])
def test_what_becomes_of_a_room(ours: bool) -> None:
    """While no register is in force it waits; out of it, or its maker out of it, everybody goes; a school cut off
    is out of the others' rooms and keeps its own for itself.
    """

    def state(stands: Standing, *, named: bool = True, listed: bool = True) -> RoomState:
        return next_state(stands, ours=ours, named=named, maker_listed=listed)

    assert state(Standing.OPEN) is RoomState.OPEN
    assert state(Standing.OPEN, named=False) is RoomState.LEAVING
    assert state(Standing.OPEN, listed=False) is RoomState.LEAVING
    assert state(Standing.EXPIRED) is state(Standing.NONE) is RoomState.PAUSED
    cut_off = RoomState.ALONE if ours else RoomState.LEAVING
    assert state(Standing.ISOLATED) is state(Standing.NOT_LISTED) is cut_off


def test_who_belongs() -> None:
    """By role, and by subject where the room has one; a pupil who is a teacher's child is nobody there."""
    teacher, director = account("t", Role.TEACHER), account("d", Role.DIRECTOR)
    parent = account("p", Role.GUARDIAN)
    everybody = [teacher, director, parent, account("s", Role.STUDENT)]
    assert wanted(room(), everybody, {}) == {teacher.user_id: False, director.user_id: True}
    maths = room(members=frozenset({"teacher"}), subject="математика")
    subjects: dict[str, set[str]] = {
        teacher.user_id: {"математика"},
        parent.user_id: {"математика"},
    }
    assert wanted(maths, everybody, subjects) == {teacher.user_id: False}
    assert not belongs(maths, teacher, {"физика"})
    assert not belongs(room(), None, ())


@given(st.text(max_size=80))
def test_subjects_have_one_spelling(text: str) -> None:
    """A subject's word is its own word, however it was typed."""
    word = subject_word(text)
    assert subject_word(word) == word
    assert subject_word(f"  {word.upper()}  ") == subject_word(word.upper())


ME = f"@t:{OWN}"


def act(type_: str, state_key: str | None = None, membership: str = "", **rest: Any) -> Act:
    return Act(sender=ME, type=type_, state_key=state_key, membership=membership, **rest)


@pytest.mark.parametrize(
    ("what", "of_the_room", "others", "not_open"),
    [
        (act("m.room.message"), None, Deny.NOT_LISTED, Deny.ARCHIVED),
        (act("org.matrix.msc3401.call.member", ME), None, Deny.NOT_LISTED, Deny.ARCHIVED),
        (act("m.room.name", ""), Deny.MANAGED, Deny.NOT_LISTED, Deny.ARCHIVED),
        (act("org.sferum.room"), Deny.MANAGED, Deny.NOT_LISTED, Deny.ARCHIVED),
        (act("m.room.member", ME, "join"), None, Deny.NOT_LISTED, Deny.NOT_LISTED),
        (act("m.room.member", ME, "join", renames=True), Deny.RENAMED, Deny.NOT_LISTED, Deny.NOT_LISTED),
        (act("m.room.member", ME, "leave"), Deny.REQUIRED, None, None),
        (act("m.room.member", ME, "knock"), Deny.MANAGED, Deny.MANAGED, Deny.MANAGED),
        (act("m.room.member", "@x:b", "invite"), Deny.MANAGED, Deny.MANAGED, Deny.MANAGED),
        (act("m.room.member", "@x:b", "leave"), Deny.MANAGED, Deny.MANAGED, Deny.MANAGED),
    ],
    ids=str,
)  # fmt: skip
def test_what_people_may_do(
    what: Act, of_the_room: Deny | None, others: Deny | None, not_open: Deny | None
) -> None:
    """Members write and call; nobody brings in or takes out, and who belongs stays; when the room is not open, nothing
    goes but leaving.
    """
    assert shared_event(room(), True, what) is of_the_room
    assert shared_event(room(), False, what) is others
    for state in (RoomState.PAUSED, RoomState.ALONE, RoomState.LEAVING):
        assert shared_event(room(state=state), True, what) is not_open
