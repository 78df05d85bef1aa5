"""Disputes over numbers as whoever decides sees them: oldest first, with whose the number is (R11)."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

from attrs import field, frozen

from bridge.contact import shown
from bridge.dispute import Dispute, dispute_refusal, is_released
from bridge.outbox import contact_of
from bridge.ports import Repositories
from bridge.roles import Account, PersonId, Role
from bridge.services import Services
from bridge.vault import CannotUnseal


class Owner(enum.Enum):
    """Who has the number. The values are stable: pages choose their words by them."""

    OURS = "ours"
    APPLICANT = "applicant"  # of no school yet: the application has the name
    ELSEWHERE = "elsewhere"  # of another school by now: nothing is said of them


@frozen(kw_only=True)
class OpenDispute:
    """One of the page.

    Attributes:
        name: «Фамилия Имя»; "" unless the owner is of the reader's own school.
        class_names: of a pupil or of a parent's children; a class teacher is told of their own classes only.
        person_id: the owner's record, where the account is of one person only.
        contact: masked; "" if it cannot be read.
        by_time: whether it is released when nobody answers.
    """

    dispute: Dispute
    owner: Owner
    name: str = field(default="", repr=False)
    role: Role | None = None
    class_names: tuple[str, ...] = ()
    person_id: PersonId | None = None
    contact: str = field(repr=False)
    age: timedelta
    by_time: bool


async def decidable(by: Account, *, services: Services) -> list[tuple[Dispute, Account | None]]:
    """Open disputes that `by` may decide on, the oldest first, each with the owner's account."""
    async with services.store.begin() as work:
        found = await work.disputes.open_of(by.org_id)
    mine = []
    for one in found:
        owner = await services.directory.account(one.owner)
        if dispute_refusal(by, one, owner) is None:
            mine.append((one, owner))
    return mine


async def waiting_disputes(
    by: Account, now: datetime, *, services: Services
) -> tuple[OpenDispute, ...]:
    """The same with everything that the page says of them."""
    mine = await decidable(by, services=services)
    if not mine:
        return ()
    async with services.store.begin() as work:
        contacts = {one.id: await _masked(work, one, services) for one, _ in mine}
    classes = await services.directory.classes(by.org_id)
    names = {one.class_id: one.name for one in classes if by.administers or by.leads(one.class_id)}
    found = []
    for one, owner in mine:
        ours = owner if owner is not None and owner.org_id == by.org_id else None
        whose = Owner.APPLICANT if owner is None else Owner.ELSEWHERE
        of_classes = frozenset() if ours is None else ours.student_in | ours.children_in
        found.append(
            OpenDispute(
                dispute=one,
                owner=whose if ours is None else Owner.OURS,
                name="" if ours is None else ours.display_name,
                role=None if ours is None else _first(ours),
                class_names=tuple(sorted(names[each] for each in of_classes & names.keys())),
                person_id=_only(ours),
                contact=contacts[one.id],
                age=now - one.opened_at,
                by_time=is_released(one, owner, one.release_at),
            )
        )
    return tuple(found)


def _first(account: Account) -> Role | None:
    """The role that says most of somebody."""
    return next((role for role in Role if role in account.roles), None)


def _only(account: Account | None) -> PersonId | None:
    if account is None or len(account.persons) != 1:
        return None
    return next(iter(account.persons))


async def _masked(work: Repositories, dispute: Dispute, services: Services) -> str:
    for one in await work.contacts.of_account(dispute.owner):
        if (one.medium, one.lookup) == (dispute.medium, dispute.lookup) and one.sealed is not None:
            try:
                plain = services.vault.unseal(one.sealed, f"contact:{dispute.owner}").decode()
            except CannotUnseal:
                return ""
            return shown(contact_of(plain))
    return ""
