"""Leaving and erasing when something else happens in between (R14, R29, R33); who invites a second parent (R15)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from attrs import define, evolve, field

from bridge import steps_json
from bridge.answers import Chance, Settings
from bridge.config import Clients, Config
from bridge.invite import InviteKind, may_issue
from bridge.leaving import LeaveRefusal, Left, erase_due, is_last_administrator, leave
from bridge.leaving_for import going_of, take_out
from bridge.newcomer import left_by_themselves
from bridge.people import People, PersonRecord, Status
from bridge.ports_directory import DirectoryDown, DirectoryRefused
from bridge.records import Departure
from bridge.roles import Account, PersonId, Role, UserId
from bridge.school_rights import ChangeRefusal
from bridge.services import Services
from bridge.steps import Deactivate, ErasePerson, Leave, SignOut, Step, WriteContacts
from tests.bridge.memory import MemoryStore
from tests.bridge.values import CLASS, MASHA, MOTHER, NOW, SCHOOL, VAULT, bound

MONTH = timedelta(days=30)


def record(name: str, *roles: Role, user_id: UserId = MOTHER) -> PersonRecord:
    return PersonRecord(
        person_id=PersonId(name),
        source="csv",
        source_id=name,
        family_name="Иванова",
        given_name="Ольга",
        roles=frozenset(roles),
        status=Status.ACTIVE,
        user_id=user_id,
    )


@define
class SmallDirectory:
    """What leaving asks of a school. `refuses`: persons whom it keeps, with this error."""

    people: dict[PersonId, PersonRecord]
    refuses: dict[PersonId, Exception] = field(factory=dict)
    down: bool = False
    log: list[str] = field(factory=list)

    @classmethod
    def of(cls, *people: PersonRecord) -> SmallDirectory:
        return cls({one.person_id: one for one in people})

    async def persons(self, user_id: UserId) -> Sequence[PersonRecord]:
        return [one for one in self.people.values() if one.user_id == user_id and one.active]

    async def person(self, org_id: str, person_id: PersonId) -> PersonRecord | None:
        if self.down:
            raise DirectoryDown("away")
        return self.people.get(person_id)

    async def account(self, user_id: UserId) -> Account | None:
        mine = await self.persons(user_id)
        return account_of(*mine) if mine else None

    async def search(self, org_id: str, *, role: Role, status: str) -> People:
        found = tuple(one for one in self.people.values() if role in one.roles and one.active)
        return People(people=found, total=len(found), next=None)

    async def leave(self, org_id: str, person_id: PersonId, reason: str, by: UserId) -> None:
        self.log.append(f"leave {person_id}")
        if person_id in self.refuses:
            raise self.refuses[person_id]
        self._put(person_id, Status.LEFT)

    async def activate(self, org_id: str, person_id: PersonId, user_id: str, by: UserId) -> None:
        self.log.append(f"activate {person_id}")
        self._put(person_id, Status.ACTIVE)

    def _put(self, person_id: PersonId, status: Status) -> None:
        self.people[person_id] = evolve(self.people[person_id], status=status)


def account_of(*people: PersonRecord) -> Account:
    roles = frozenset(role for one in people for role in one.roles)
    return Account(
        user_id=MOTHER,
        org_id=SCHOOL,
        roles=roles,
        persons=frozenset(one.person_id for one in people),
    )


def services_of(directory: SmallDirectory) -> Services:
    ids = itertools.count()
    nowhere = Path("unused")
    return Services(
        config=Config(
            public_url="https://school.example",
            keys_file=nowhere,
            server_name="school.example",
            service_token_file=nowhere,
            appservice_file=nowhere,
            clients=Clients(homeserver_url="https://school.example"),
        ),
        store=MemoryStore(),
        vault=VAULT,
        directory=cast(Any, directory),
        homeserver=cast(Any, None),
        schedules=cast(Any, None),
        materials=cast(Any, None),
        posted=cast(Any, None),
        quiet=cast(Any, None),
        exports=cast(Any, None),
        writer=cast(Any, SimpleNamespace(wake=lambda: None)),
        settings=Settings(host="school.example"),
        chance=Chance(below=lambda n: 0, new_id=lambda: f"id{next(ids)}"),
        clock=lambda: NOW,
        random_bytes=bytes,
    )


async def lists(services: Services) -> list[tuple[Step, ...]]:
    """The lists of steps that wait."""
    async with services.store.begin() as work:
        items = await work.steps.take_due(NOW + 2 * MONTH, NOW + 3 * MONTH, 99)
    return [steps_json.unpack(VAULT.unseal(one.payload, f"steps:{one.id}")).steps for one in items]


async def test_leaving_frees_everything_in_one_transaction() -> None:
    """R14: contacts, browsers, the departure and the steps, or nothing of it."""
    pupil = record("p1", Role.STUDENT)
    services = services_of(SmallDirectory.of(pupil))
    async with services.store.begin() as work:
        await work.contacts.claim(bound("k1", MOTHER))
    answer = await leave(
        account_of(pupil), frozenset({pupil.person_id}), NOW, erase=False, services=services
    )
    assert isinstance(answer, Left)
    assert answer.whole
    async with services.store.begin() as work:
        assert await work.contacts.of_account(MOTHER) == []
        (gone,) = await work.departures.of_account(MOTHER)
    assert gone.erase_at == NOW + MONTH
    (steps,) = await lists(services)
    assert [type(one) for one in steps] == [Leave, WriteContacts, SignOut]


async def test_who_is_taken_out_half_way_is_erased_all_the_same() -> None:
    """152-FZ: the directory has let a deputy go, and its answer was lost."""
    deputy = record("p1", Role.DEPUTY)
    directory = SmallDirectory.of(evolve(deputy, status=Status.LEFT))
    directory.refuses = {deputy.person_id: DirectoryDown("timeout")}
    services = services_of(directory)
    director = Account(user_id=UserId("head"), org_id=SCHOOL, roles=frozenset({Role.DIRECTOR}))
    going = await going_of(deputy, services=services)
    with pytest.raises(DirectoryDown):
        await take_out(director, going, "dismissed", NOW, erase=False, services=services)
    assert await erase_due(NOW + MONTH, services=services) == 1


async def test_who_is_kept_by_the_directory_has_no_departure() -> None:
    """R33: the last administrator is not taken out, and nothing of it stays."""
    director = record("p1", Role.DIRECTOR)
    directory = SmallDirectory.of(director)
    directory.refuses = {director.person_id: DirectoryRefused(409, "SFERUM_LAST_ADMINISTRATOR")}
    services = services_of(directory)
    by = Account(user_id=UserId("head"), org_id=SCHOOL, roles=frozenset({Role.DIRECTOR}))
    going = await going_of(director, services=services)
    refusal = await take_out(by, going, "x", NOW, erase=False, services=services)
    assert refusal is ChangeRefusal.LAST_ADMINISTRATOR
    async with services.store.begin() as work:
        assert await work.departures.of_account(MOTHER) == []


async def test_only_heads_erase() -> None:
    """152-FZ: an administrator takes out and does not erase; a director does both. A no leaves everything."""
    for role, refusal in ((Role.ADMINISTRATOR, ChangeRefusal.HEADS_ONLY), (Role.DIRECTOR, None)):
        pupil = record("p1", Role.STUDENT)
        services = services_of(SmallDirectory.of(pupil))
        by = Account(user_id=UserId("head"), org_id=SCHOOL, roles=frozenset({role}))
        going = await going_of(pupil, services=services)
        answer = await take_out(by, going, "asked", NOW, erase=True, services=services)
        done = [ErasePerson in map(type, steps) for steps in await lists(services)]
        assert (answer, done) == (refusal, []) if refusal else done == [True]


async def test_only_who_left_by_their_own_wish_comes_back_by_themselves() -> None:
    """R29: a colleague whom the director took out does not get the rights again with a number of an old list."""
    deputy, pupil = record("p1", Role.DEPUTY), record("p2", Role.STUDENT, user_id=MASHA)
    directory = SmallDirectory.of(deputy, pupil)
    services = services_of(directory)
    director = Account(user_id=UserId("head"), org_id=SCHOOL, roles=frozenset({Role.DIRECTOR}))
    going = await going_of(deputy, services=services)
    await take_out(director, going, "dismissed", NOW, erase=False, services=services)
    by = evolve(account_of(pupil), user_id=MASHA)
    await leave(by, frozenset({pupil.person_id}), NOW, erase=False, services=services)
    await directory.leave(SCHOOL, pupil.person_id, "own wish", MASHA)  # as the steps do
    people = list(directory.people.values())
    assert {one.status for one in people} == {Status.LEFT}
    assert await left_by_themselves(people, services) == {pupil.person_id}


async def test_one_of_two_roles_frees_nothing() -> None:
    """R32: the other person needs phone and devices."""
    teacher, parent = record("p1", Role.TEACHER), record("p2", Role.GUARDIAN)
    services = services_of(SmallDirectory.of(teacher, parent))
    async with services.store.begin() as work:
        await work.contacts.claim(bound("k1", MOTHER))
    answer = await leave(
        account_of(teacher, parent),
        frozenset({parent.person_id}),
        NOW,
        erase=True,
        services=services,
    )
    assert isinstance(answer, Left)
    assert not answer.whole
    async with services.store.begin() as work:
        assert len(await work.contacts.of_account(MOTHER)) == 1
    assert await lists(services) == [
        (Leave(parent.person_id, "own wish"), ErasePerson(parent.person_id))
    ]


async def test_what_the_directory_keeps_keeps_everything() -> None:
    """R33: refused at the second of two records, the first is active again and nothing was released."""
    first, second = record("p1", Role.DEPUTY), record("p2", Role.DIRECTOR)
    directory = SmallDirectory.of(first, second)
    last = DirectoryRefused(409, "SFERUM_LAST_ADMINISTRATOR")
    directory.refuses = {second.person_id: last}
    services = services_of(directory)
    async with services.store.begin() as work:
        await work.contacts.claim(bound("k1", MOTHER))
    both = frozenset({first.person_id, second.person_id})
    answer = await leave(account_of(first, second), both, NOW, erase=False, services=services)
    assert answer is LeaveRefusal.LAST_ADMINISTRATOR
    assert directory.log == ["leave p1", "leave p2", "activate p1"]
    async with services.store.begin() as work:
        assert len(await work.contacts.of_account(MOTHER)) == 1
        assert await work.departures.of_account(MOTHER) == []
    assert await lists(services) == []


async def test_an_administrator_who_left_half_way_may_come_back() -> None:
    """R29: the directory has let the first record go and was then away; the departure is kept before it is asked."""
    first, second = record("p1", Role.DEPUTY), record("p2", Role.DIRECTOR)
    directory = SmallDirectory.of(first, second)
    directory.refuses = {second.person_id: DirectoryDown("timeout")}
    services = services_of(directory)
    async with services.store.begin() as work:
        await work.contacts.claim(bound("k1", MOTHER))
    both = frozenset({first.person_id, second.person_id})
    with pytest.raises(DirectoryDown):
        await leave(account_of(first, second), both, NOW, erase=True, services=services)
    people = list(directory.people.values())
    assert await left_by_themselves(people, services) == {first.person_id}
    async with services.store.begin() as work:
        assert len(await work.contacts.of_account(MOTHER)) == 1
    # who did not leave is only forgotten again
    await erase_due(NOW + 2 * MONTH, services=services)
    assert await lists(services) == [(ErasePerson(first.person_id),)]


async def test_another_no_of_the_directory_is_no_answer_to_the_visitor() -> None:
    """It goes to the page that says that something is broken; nothing was released."""
    director = record("p1", Role.DIRECTOR)
    directory = SmallDirectory.of(director)
    directory.refuses = {director.person_id: DirectoryRefused(500, "M_UNKNOWN")}
    services = services_of(directory)
    with pytest.raises(DirectoryRefused):
        await leave(
            account_of(director),
            frozenset({director.person_id}),
            NOW,
            erase=False,
            services=services,
        )
    assert await lists(services) == []
    async with services.store.begin() as work:
        assert await work.departures.of_account(MOTHER) == []


async def test_nobody_leaves_with_a_record_that_is_not_theirs() -> None:
    """Also not with one that has left already."""
    mine, others = record("p1", Role.STUDENT), record("p2", Role.STUDENT, user_id=MASHA)
    services = services_of(SmallDirectory.of(mine, others))
    answer = await leave(
        account_of(mine), frozenset({others.person_id}), NOW, erase=False, services=services
    )
    assert answer is LeaveRefusal.NOBODY


async def test_the_last_administrator_is_told_before() -> None:
    """R33: another active one of any administrative role is enough; a name on a list is not."""
    director = record("p1", Role.DIRECTOR)
    listed = evolve(record("p2", Role.DEPUTY, user_id=MASHA), status=Status.LISTED, user_id=None)
    active = record("p3", Role.ADMINISTRATOR, user_id=MASHA)
    by, alone = account_of(director), cast(Any, SmallDirectory.of(director, listed))
    assert await is_last_administrator(by, [director], alone)
    two = cast(Any, SmallDirectory.of(director, active))
    assert not await is_last_administrator(by, [director], two)
    assert not await is_last_administrator(by, [record("p4", Role.TEACHER)], alone)


def departure(person: PersonRecord, **changes: Any) -> Departure:
    made = Departure(
        person_id=person.person_id,
        user_id=MOTHER,
        org_id=SCHOOL,
        left_at=NOW - MONTH,
        erase_at=NOW,
    )
    return evolve(made, **changes)


async def erased(services: Services, *gone: Departure) -> list[tuple[Step, ...]]:
    async with services.store.begin() as work:
        for one in gone:
            await work.departures.put(one)
    await erase_due(NOW, services=services)
    return await lists(services)


async def test_an_account_is_closed_with_its_last_person_only() -> None:
    """Another person, a younger departure, a proved contact: each keeps it open."""
    left = evolve(record("p1", Role.STUDENT), status=Status.LEFT)
    whole = (ErasePerson(left.person_id), Deactivate())
    assert await erased(services_of(SmallDirectory.of(left)), departure(left)) == [whole]

    teacher = record("p2", Role.TEACHER)
    alive = services_of(SmallDirectory.of(left, teacher))
    assert await erased(alive, departure(left)) == [whole[:1]]

    younger = departure(evolve(left, person_id=PersonId("p3")), erase_at=NOW + MONTH)
    waits = services_of(SmallDirectory.of(left))
    assert await erased(waits, departure(left), younger) == [whole[:1]]

    applies = services_of(SmallDirectory.of(left))
    async with applies.store.begin() as work:
        await work.contacts.claim(bound("k1", MOTHER))
    assert await erased(applies, departure(left)) == [whole[:1]]


async def test_a_record_that_is_gone_closes_the_account_all_the_same() -> None:
    """The school was removed: nothing is left to be erased in the directory."""
    left = record("p1", Role.STUDENT)
    assert await erased(services_of(SmallDirectory.of()), departure(left)) == [(Deactivate(),)]


async def test_whoever_is_back_is_not_erased() -> None:
    """R29: the departure is forgotten, not postponed."""
    back = record("p1", Role.STUDENT)
    services = services_of(SmallDirectory.of(back))
    assert await erased(services, departure(back)) == []
    async with services.store.begin() as work:
        assert await work.departures.of_account(MOTHER) == []


async def test_erasure_waits_for_the_directory() -> None:
    """An hour later it is done; nothing is marked as done before."""
    left = evolve(record("p1", Role.STUDENT), status=Status.LEFT)
    directory = SmallDirectory.of(left)
    directory.down = True
    services = services_of(directory)
    assert await erased(services, departure(left)) == []
    directory.down = False
    assert await erase_due(NOW + timedelta(hours=1), services=services) == 1


def parent(*children: str) -> Account:
    return Account(
        user_id=MOTHER,
        org_id=SCHOOL,
        roles=frozenset({Role.GUARDIAN}),
        persons=frozenset({PersonId("mother")}),
        children=frozenset(map(PersonId, children)),
    )


@pytest.mark.parametrize(
    ("kind", "child", "may"),
    [
        (InviteKind.CHILD_PARENT, "masha", True),
        (InviteKind.CHILD_PARENT, "another child", False),
        (InviteKind.CHILD_PARENT, "mother", False),  # a parent is nobody's child here
        (InviteKind.PERSONAL, "masha", False),
        (InviteKind.CARD, "masha", False),
        (InviteKind.CLASS_PARENT, None, False),
    ],
)
def test_a_parent_invites_the_second_parent_of_their_own_child(
    kind: InviteKind, child: str | None, may: bool
) -> None:
    """R15: and nobody else. `children` are those of confirmed links: a restricted parent has none (R34)."""
    person_id = None if child is None else PersonId(child)
    for by, expected in ((parent("masha"), may), (parent(), False)):
        assert (
            may_issue(by, org_id=SCHOOL, kind=kind, class_id=CLASS, person_id=person_id) is expected
        )
