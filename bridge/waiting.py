"""The queue of applications as whoever decides sees it: oldest first, with likely matches (R16)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from attrs import define, field, frozen

from bridge.applicant import Applicant
from bridge.application import Application, ApplicationId, decision_refusal
from bridge.contact import shown
from bridge.deciding import opened
from bridge.matching import Suggestion, children_named, suggest
from bridge.outbox import contact_of
from bridge.people import LinkStatus, PersonRecord, Roll
from bridge.ports import Repositories
from bridge.roles import OF_A_CLASS, Account, ClassId, OrgId, Role, UserId
from bridge.services import Services
from bridge.vault import CannotUnseal


@frozen(kw_only=True)
class Waiting:
    """One application of the queue.

    Attributes:
        contact: masked; "" if it cannot be read.
        class_name: "" without a class.
        suggestions: people of the list who may be the applicant.
        children: pupils of the class whom a parent may have meant.
    """

    application: Application
    applicant: Applicant = field(repr=False)
    contact: str = field(repr=False)
    class_name: str
    age: timedelta
    suggestions: tuple[Suggestion, ...] = ()
    children: tuple[PersonRecord, ...] = ()


async def waiting_applications(
    by: Account,
    now: datetime,
    *,
    services: Services,
    only: Collection[ApplicationId] | None = None,
) -> tuple[Waiting, ...]:
    """What `by` may decide on, the oldest first. Class teachers see pupils and parents of their own classes.

    `only`: nothing is looked up for others, where one card of a long queue is wanted.
    """
    async with services.store.begin() as work:
        mine = [
            one
            for one in await work.applications.waiting(by.org_id)
            if (only is None or one.id in only) and decision_refusal(by, one) is None
        ]
        forms = {one.id: await work.applications.form(one.id) for one in mine}
        contacts = {
            one.id: await masked(work, one.applicant, services)
            for one in mine
            if one.applicant is not None
        }
    school = _School(by.org_id, services, by.heads)
    found = []
    for one in mine:
        sealed = forms[one.id]
        applicant = None if sealed is None else opened(one.id, sealed, services)
        if applicant is None:
            continue  # cannot be read: the log says so, and it expires
        suggestions, children = await school.likely(one, applicant)
        found.append(
            Waiting(
                application=one,
                applicant=applicant,
                contact=contacts.get(one.id, ""),
                class_name=await school.class_name(one.class_id),
                age=now - one.submitted_at,
                suggestions=suggestions,
                children=children,
            )
        )
    return tuple(found)


async def masked(work: Repositories, user_id: UserId, services: Services) -> str:
    """The account's contacts as a page may show them."""
    found = []
    for one in await work.contacts.of_account(user_id):
        assert one.sealed is not None  # only released ones have none
        try:
            plain = services.vault.unseal(one.sealed, f"contact:{user_id}").decode()
        except CannotUnseal:
            continue
        found.append(shown(contact_of(plain)))
    return ", ".join(found)


@define
class _School:
    """Asks the directory for each class once."""

    org_id: OrgId
    services: Services
    heads: bool  # whether restricted links may be seen (R34)
    _rolls: dict[ClassId, Roll | None] = field(factory=dict, init=False)

    async def roll(self, class_id: ClassId | None) -> Roll | None:
        if class_id is None:
            return None
        if class_id not in self._rolls:
            self._rolls[class_id] = await self.services.directory.roll(self.org_id, class_id)
        return self._rolls[class_id]

    async def class_name(self, class_id: ClassId | None) -> str:
        roll = await self.roll(class_id)
        return "" if roll is None else roll.name

    async def likely(
        self, one: Application, applicant: Applicant
    ) -> tuple[tuple[Suggestion, ...], tuple[PersonRecord, ...]]:
        roll = await self.roll(one.class_id)
        if one.role not in OF_A_CLASS:
            found = await self.services.directory.search(
                self.org_id, words=applicant.family_name, role=one.role, status="listed"
            )
            return suggest(applicant, found.people), ()
        if roll is None:
            return (), ()
        pupils = [one.person for one in roll.students]
        if one.role is Role.STUDENT:
            return suggest(applicant, pupils), ()
        parents = [
            link.person
            for pupil in roll.students
            for link in pupil.guardians
            if self.heads or link.status is not LinkStatus.RESTRICTED
        ]
        return suggest(applicant, _once(parents)), children_named(applicant.child_name, pupils)


def _once(people: Iterable[PersonRecord]) -> list[PersonRecord]:
    return list({one.person_id: one for one in people}.values())
