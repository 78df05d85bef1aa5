"""Cards through the use case, in every store: what several presses of a button leave alive (R20, R32)."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import evolve, frozen

from bridge.answers import Chance, Settings
from bridge.cards import Desk, SheetRefusal, make_slips
from bridge.config import Clients, Config
from bridge.invite import InviteKind
from bridge.people import PersonRecord, Pupil, Roll, Status
from bridge.ports import Store
from bridge.roles import Account, PersonId, Role, UserId
from bridge.services import Services
from bridge.sheets import Sheet, kept_sheet
from tests.bridge.values import BROWSER, CLASS, MASHA, NOW, SCHOOL, TEACHER, VAULT

TEACHING = Account(
    user_id=TEACHER, org_id=SCHOOL, roles=frozenset({Role.TEACHER}), homeroom_of=frozenset({CLASS})
)
LISTED = PersonRecord(
    person_id=PersonId("petja"), source="csv", source_id="U1", family_name="Попов", given_name="Пётр",
    roles=frozenset({Role.STUDENT}), status=Status.LISTED,
)  # fmt: skip
IN = evolve(LISTED, person_id=PersonId("masha"), status=Status.ACTIVE, user_id=MASHA)
ROLL = Roll(
    class_id=CLASS, name="1А", grade=1, homeroom_teachers=(), students=(Pupil(person=LISTED), Pupil(person=IN)),
)  # fmt: skip


@frozen
class Accounts:
    """The only question that cards ask of the directory."""

    roles: frozenset[Role]

    async def account(self, user_id: UserId) -> Account | None:
        return Account(user_id=user_id, org_id=SCHOOL, roles=self.roles)


def desk(store: Store, *roles: Role) -> Desk:
    """The class teacher's; `roles` are those of the pupil who is in."""
    numbers = itertools.count()
    config = Config(
        public_url="https://school.example", keys_file=Path(), server_name="school.example",
        service_token_file=Path(), appservice_file=Path(),
        clients=Clients(homeserver_url="https://school.example"),
    )  # fmt: skip
    services = Services(
        config=config,
        store=store,
        vault=VAULT,
        directory=cast(Any, Accounts(frozenset(roles))),
        homeserver=cast(Any, None),
        schedules=cast(Any, None),
        materials=cast(Any, None),
        posted=cast(Any, None),
        quiet=cast(Any, None),
        exports=cast(Any, None),
        writer=cast(Any, None),
        settings=Settings(host="school.example"),
        chance=Chance(below=lambda n: 0, new_id=lambda: f"id{next(numbers)}"),
        clock=lambda: NOW,
        random_bytes=lambda n: next(numbers).to_bytes(n, "big"),
    )
    return Desk(by=TEACHING, session=BROWSER, now=NOW, services=services)


async def test_of_many_cards_made_at_once_one_is_alive(store: Store) -> None:
    """Impatient fingers, two teachers of one class: each sheet is kept, the last card made opens the door."""
    made = desk(store)
    wanted = {LISTED.person_id}
    sheets = await asyncio.gather(
        *(make_slips(made, ROLL, InviteKind.CARD, wanted) for _ in range(10))
    )
    assert len(set(sheets)) == 10
    async with store.begin() as work:
        live = await work.invites.live(SCHOOL, NOW, person_id=LISTED.person_id)
    assert len(live) == 1
    for one in sheets:
        assert isinstance(one, str)
        kept = await kept_sheet(one, CLASS, BROWSER, NOW, store=store, vault=VAULT)
        assert isinstance(kept, Sheet)
        assert [slip.name for slip in kept.slips] == ["Попов Пётр"]


@pytest.mark.parametrize(
    ("kind", "chosen", "roles", "refusal"),
    [
        (InviteKind.CARD, {"masha"}, (Role.STUDENT,), None),
        (InviteKind.CARD, {"petja"}, (), None),
        (InviteKind.CARD, {"masha"}, (Role.STUDENT, Role.TEACHER), SheetRefusal.NOT_ONLY_A_PUPIL),
        (InviteKind.CARD, {"masha", "petja"}, (Role.STUDENT, Role.GUARDIAN), SheetRefusal.NOT_ONLY_A_PUPIL),
        (InviteKind.CHILD_PARENT, {"masha"}, (Role.STUDENT, Role.TEACHER), None),
        (InviteKind.PERSONAL, {"petja"}, (), None),
        (InviteKind.PERSONAL, {"masha"}, (Role.STUDENT,), SheetRefusal.IN_ALREADY),
        (InviteKind.CARD, set(), (), SheetRefusal.NOBODY),
        (InviteKind.CARD, {"nobody"}, (), SheetRefusal.NOBODY),
        (InviteKind.CARD, {"masha", "nobody"}, (Role.STUDENT,), SheetRefusal.NOT_IN_CLASS),
    ],
)  # fmt: skip
async def test_for_whom_there_is_paper(
    store: Store,
    kind: InviteKind,
    chosen: set[str],
    roles: tuple[Role, ...],
    refusal: SheetRefusal | None,
) -> None:
    """Pupils of the class; a card is no way into the account of a colleague or a parent. A refusal leaves nothing."""
    made = await make_slips(desk(store, *roles), ROLL, kind, {PersonId(one) for one in chosen})
    assert isinstance(made, str) if refusal is None else made is refusal
    async with store.begin() as work:
        live = await work.invites.live(SCHOOL, NOW)
    assert len(live) == (0 if refusal else len(chosen))
