"""A parent's yes to a child's profile, and its record (R17, R34)."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

import pytest
from attrs import define, evolve, field

from bridge.family import ConfirmRefusal, confirm_child
from bridge.people import Family, LinkStatus, PersonRecord, Relative
from bridge.ports_directory import DirectoryDown
from bridge.records import Action
from bridge.roles import PersonId, Role, UserId
from bridge.services import Services
from tests.bridge.test_leaving import SmallDirectory, account_of, record, services_of
from tests.bridge.values import MASHA, NOW, SCHOOL

CHILD = evolve(record("child", Role.STUDENT, user_id=MASHA), birth_date=date(2018, 1, 1))
MUM = record("mum", Role.GUARDIAN)
BY = account_of(MUM)


@define
class FamilyDirectory:
    """One parent and one child. `lost`: what is done is done, but no answer comes back."""

    status: LinkStatus | None
    lost: bool = False
    child: PersonRecord = CHILD
    log: list[str] = field(factory=list)

    async def family(self, org_id: str, person_id: PersonId) -> Family:
        if self.status is None:
            return Family(person=MUM, guardians=(), children=())
        link = Relative(person=self.child, relation="мать", status=self.status)
        return Family(person=MUM, guardians=(), children=(link,))

    async def confirm(self, org_id: str, person_id: PersonId, yes: bool, by: UserId) -> None:
        self.log.append(f"{person_id} {yes} {by}")
        self.child = evolve(self.child, confirmed=yes)
        if self.lost:
            raise DirectoryDown("timeout")


def services_with(directory: FamilyDirectory) -> Services:
    return evolve(services_of(SmallDirectory.of()), directory=cast(Any, directory))


async def consents(services: Services) -> list[tuple[Action, str, str]]:
    async with services.store.begin() as work:
        return [(one.action, one.actor, one.subject) for one in await work.audit.of_org(SCHOOL, 9)]


@pytest.mark.parametrize("status", [None, LinkStatus.CLAIMED, LinkStatus.RESTRICTED])
async def test_only_a_confirmed_parent_confirms(status: LinkStatus | None) -> None:
    """A link that waits, or that a court order stands against, gives nothing; one answer for all."""
    directory = FamilyDirectory(status)
    services = services_with(directory)
    for yes in (True, False):
        answer = await confirm_child(BY, CHILD.person_id, yes, NOW, services=services)
        assert answer is ConfirmRefusal.NOT_YOURS
    assert directory.log == []
    assert await consents(services) == []


async def test_a_consent_is_kept_with_who_gave_it_also_if_the_answer_is_lost() -> None:
    """152-FZ: there is no confirmed child without an entry; said again, nothing is done twice."""
    directory = FamilyDirectory(LinkStatus.CONFIRMED, lost=True)
    services = services_with(directory)
    with pytest.raises(DirectoryDown):
        await confirm_child(BY, CHILD.person_id, True, NOW, services=services)
    assert await confirm_child(BY, CHILD.person_id, True, NOW, services=services) is None
    assert directory.log == [f"child True {BY.user_id}"]
    assert await consents(services) == [(Action.CONSENT_GIVEN, BY.user_id, "child")]
    directory.lost = False
    assert await confirm_child(BY, CHILD.person_id, False, NOW, services=services) is None
    assert (await consents(services))[0][0] is Action.CONSENT_WITHDRAWN
