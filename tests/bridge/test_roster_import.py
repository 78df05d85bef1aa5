"""Whose rights a list would change, before anybody says yes (R33): against the module's own merging."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

import pytest
from attrs import evolve

from bridge.people import People, PersonRecord, Status
from bridge.records import Action
from bridge.roles import Account, PersonId, Role, UserId
from bridge.roster_import import ImportRefusal, Plan, apply_import, leaving, rights_changed
from provisioning import roster as lists
from provisioning.roster import Group, Person, Roster, make_roster
from tests.bridge.test_leaving import SmallDirectory, services_of
from tests.bridge.values import NOW, SCHOOL

DIRECTOR, DEPUTY, TEACHER = (
    lists.Role.DIRECTOR,
    lists.Role.DEPUTY,
    lists.Role.TEACHER,
)
WHOLE = (Group.STAFF, Group.STUDENT, Group.GUARDIAN)


def person(source_id: str, *roles: lists.Role) -> Person:
    return Person(source_id, "Иванов", "Иван", "", date(1980, 1, 1), frozenset(roles))


def roster(*people: Person, covers: tuple[Group, ...] = WHOLE) -> Roster:
    return make_roster(
        source="csv",
        school_year="2026/2027",
        covers=covers,
        people=people,
        classes=[],
        enrolments=[],
        guardianships=[],
    )


def record(source_id: str, *roles: Role, by_hand: bool = False) -> PersonRecord:
    return PersonRecord(
        person_id=PersonId(f"p-{source_id}"),
        source="csv",
        source_id=source_id,
        family_name="Иванов",
        given_name="Иван",
        roles=frozenset(roles),
        roles_by_hand=frozenset(roles) if by_hand else None,
        status=Status.ACTIVE,
    )


BOSS = record("D1", Role.DIRECTOR)
BY_HAND = record("D1", Role.DIRECTOR, by_hand=True)
NOBODY: frozenset[PersonId] = frozenset()
GONE = frozenset({BOSS.person_id})
IS_DIRECTOR = {"D1": frozenset({Role.DIRECTOR})}


@pytest.mark.parametrize(
    ("read", "known", "left", "changed"),
    [
        # the list says what is
        (roster(person("D1", DIRECTOR)), [BOSS], NOBODY, {}),
        # somebody new with rights, and somebody new without
        (roster(person("D1", DIRECTOR)), [], NOBODY, IS_DIRECTOR),
        (roster(person("T1", TEACHER)), [], NOBODY, {}),
        # a teacher becomes director; a director becomes a teacher
        (roster(person("D1", DIRECTOR)), [record("D1", Role.TEACHER)], NOBODY, IS_DIRECTOR),
        (roster(person("D1", TEACHER)), [BOSS], NOBODY, IS_DIRECTOR),
        # one right for another: both change
        (roster(person("D1", DEPUTY)), [BOSS], NOBODY, {"D1": {Role.DIRECTOR, Role.DEPUTY}}),
        # a role by hand outlives the list
        (roster(person("D1", TEACHER)), [BY_HAND], NOBODY, {}),
        # the list does not name the director: leaves, or loses the post, or is not concerned
        (roster(person("T1", TEACHER)), [BOSS], GONE, IS_DIRECTOR),
        (roster(person("T1", TEACHER)), [BOSS], NOBODY, IS_DIRECTOR),
        (roster(person("T1", TEACHER)), [BY_HAND], GONE, IS_DIRECTOR),
        (roster(person("T1", TEACHER)), [BY_HAND], NOBODY, {}),
        (roster(covers=(Group.STUDENT,)), [BOSS], NOBODY, {}),
        (roster(covers=(Group.GUARDIAN,)), [BY_HAND], GONE, IS_DIRECTOR),
        # a plan too long to say who leaves: the larger change
        (roster(person("T1", TEACHER)), [BY_HAND], None, IS_DIRECTOR),
        (roster(covers=(Group.STUDENT,)), [BOSS], None, {}),
        # lists of parents take no post away
        (roster(person("D1", lists.Role.GUARDIAN), covers=(Group.GUARDIAN,)), [BOSS], NOBODY, {}),
        # whoever left has no rights to lose, and gets them by a list
        (roster(person("T1", TEACHER)), [evolve(BOSS, status=Status.LEFT)], NOBODY, {}),
        (roster(person("D1", DIRECTOR)), [evolve(BOSS, status=Status.LEFT)], NOBODY, IS_DIRECTOR),
    ],
)  # fmt: skip
def test_rights_that_a_list_changes(
    read: Roster,
    known: list[PersonRecord],
    left: frozenset[PersonId] | None,
    changed: dict[str, frozenset[Role]],
) -> None:
    """By who is on the list, who was not, and what was set by hand."""
    assert rights_changed(read, known, left) == changed


def test_who_leaves_is_read_from_the_plan() -> None:
    """Unless the plan is cut off: then nobody can say."""
    notes = [
        {"kind": "person_left", "person_id": "p1"},
        {"kind": "person_added", "person_id": "p2"},
    ]
    assert leaving({"changes": notes, "changes_total": 2}) == frozenset({PersonId("p1")})
    assert leaving({"changes": notes, "changes_total": 5001}) is None
    assert leaving({}) == frozenset()


@pytest.mark.parametrize(
    ("answer", "rights", "refusal"),
    [
        ({"refusal": None, "safe": True}, frozenset(), None),
        ({"refusal": "unsafe", "safe": False}, frozenset(), ImportRefusal.UNSAFE),
        ({"safe": False}, frozenset(), ImportRefusal.UNSAFE),
        ({"refusal": "last_administrator"}, frozenset(), ImportRefusal.LAST_ADMINISTRATOR),
        ({"refusal": "unsafe"}, frozenset({Role.DIRECTOR}), ImportRefusal.RIGHTS),
        ({"refusal": "a new word"}, frozenset(), ImportRefusal.UNSAFE),
    ],
)
def test_a_plan_says_why_it_must_not_be_written(
    answer: dict[str, object], rights: frozenset[Role], refusal: ImportRefusal | None
) -> None:
    """What it would take from above comes first; an unknown refusal of the module is never a yes."""
    assert Plan(answer=answer, rights=rights).refusal is refusal


class Untouched:
    """A directory that plans and must not be written to."""

    async def plan_roster(self, org_id: str, roster: Any) -> Mapping[str, Any]:
        return {"plan_hash": "p", "counts": {"person_left": 1}, "safe": False, "refusal": "unsafe"}

    async def search(self, org_id: str, **wanted: Any) -> People:
        return People(people=(BOSS,), total=1, next=None)

    async def by_source(self, org_id: str, key: object) -> None:
        return None


@pytest.mark.parametrize(
    ("role", "lists_deputy", "refusal"),
    [
        (Role.ADMINISTRATOR, False, ImportRefusal.FORCE_NOT_YOURS),
        (Role.DEPUTY, True, ImportRefusal.RIGHTS),
    ],
)
async def test_whoever_may_not_agree_writes_nothing(
    role: Role, lists_deputy: bool, refusal: ImportRefusal
) -> None:
    """R33: past the limit only heads go; rights come from who may give them. The try stands in the log."""
    services = evolve(services_of(SmallDirectory.of()), directory=cast(Any, Untouched()))
    by = Account(user_id=UserId("by"), org_id=SCHOOL, roles=frozenset({role}))
    people = [person("D1", DIRECTOR), *([person("D2", DEPUTY)] if lists_deputy else [])]
    answer = await apply_import(by, roster(*people), "p", NOW, force=True, services=services)
    assert answer is refusal
    async with services.store.begin() as work:
        (entry,) = await work.audit.of_org(SCHOOL, 9)
    assert (entry.action, entry.subject) == (Action.ROSTER_FAILED, refusal.value)
