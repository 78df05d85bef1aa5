"""Parents and their children, as their own pages show and change them (R15, R17, R34)."""

from __future__ import annotations

import enum
import logging
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from attrs import frozen

from bridge.invite import CHILD_LINK_LIFETIME, Invite, InviteKind, IssueRefusal, Order
from bridge.inviting import Issued, issue_in, revoke_in
from bridge.onboarding_rules import needs_confirmation
from bridge.people import LinkStatus, PersonRecord, Relative, Status
from bridge.ports_directory import Directory
from bridge.records import Action, AuditEntry
from bridge.roles import Account, ClassId, PersonId, Role
from bridge.services import Services

logger = logging.getLogger(__name__)


class ChildState(enum.Enum):
    """What a parent's page says of a child."""

    WAITING = "waiting"  # the link itself is not decided yet: nothing of the child is shown
    NOT_IN = "not_in"  # on the list, has not registered
    UNCONFIRMED = "unconfirmed"  # R17: under 14, nobody has said yes
    CONFIRMED = "confirmed"
    GROWN = "grown"  # 14 or older: needs no yes


@frozen(kw_only=True)
class Child:
    """One child of somebody's page."""

    person: PersonRecord
    relation: str
    state: ChildState
    class_name: str
    others: tuple[
        PersonRecord, ...
    ]  # the other parents with confirmed links, also those not in yet


class ConfirmRefusal(enum.Enum):
    NOT_YOURS = "not_yours"  # also a restricted link (R34), and a child that is none: one answer
    NOT_IN = "not_in"
    GROWN = "grown"


async def children_of(by: Account, now: datetime, directory: Directory) -> tuple[Child, ...]:
    """The children of `by`, by name. Restricted links are as if they were not there (R34)."""
    found: dict[PersonId, Child] = {}
    for guardian in by.persons:
        family = await directory.family(by.org_id, guardian)
        for relative in family.children if family is not None else ():
            if relative.status is LinkStatus.RESTRICTED or relative.person.status is Status.LEFT:
                continue
            child = await _child(by, relative, now, directory)
            known = found.get(child.person.person_id)
            if known is None or known.state is ChildState.WAITING:
                found[child.person.person_id] = child
    return tuple(sorted(found.values(), key=lambda one: one.person.full_name))


async def parents_of(by: Account, directory: Directory) -> tuple[Relative, ...]:
    """The parents whom a pupil's own page shows: confirmed links, and those that wait for a yes."""
    parents: dict[PersonId, Relative] = {}
    for person in by.persons:
        family = await directory.family(by.org_id, person)
        for one in family.guardians if family is not None else ():
            if one.status is not LinkStatus.RESTRICTED and one.person.status is not Status.LEFT:
                parents[one.person.person_id] = one
    return tuple(sorted(parents.values(), key=lambda one: one.person.full_name))


async def confirm_child(
    by: Account, child: PersonId, yes: bool, now: datetime, *, services: Services
) -> ConfirmRefusal | None:
    """A parent's yes to the profile of a child under 14, or its withdrawal (R17)."""
    mine = {one.person.person_id: one for one in await children_of(by, now, services.directory)}
    found = mine.get(child)
    if found is None or found.state is ChildState.WAITING:
        return ConfirmRefusal.NOT_YOURS
    if found.state is ChildState.NOT_IN:
        return ConfirmRefusal.NOT_IN
    if found.state is ChildState.GROWN:
        return ConfirmRefusal.GROWN
    if yes is (found.state is ChildState.CONFIRMED):
        return None
    action = Action.CONSENT_GIVEN if yes else Action.CONSENT_WITHDRAWN
    async with services.store.begin() as work:  # first: no child is confirmed without an entry
        await work.audit.add(
            AuditEntry(at=now, org_id=by.org_id, actor=by.user_id, action=action, subject=child)
        )
    await services.directory.confirm(by.org_id, child, yes, by.user_id)
    logger.info("profile confirmed=%s person=%s by=%s", yes, child, by.user_id)
    return None


async def parent_link(
    by: Account, child: PersonId, now: datetime, *, services: Services
) -> Issued | IssueRefusal:
    """A link for one parent, 14 days, one use. A new one ends those that `by` gave out before."""
    record = await services.directory.person(by.org_id, child)
    if record is None or not record.active:
        return IssueRefusal.NOT_YOURS
    order = Order(
        org_id=by.org_id,
        kind=InviteKind.CHILD_PARENT,
        role=Role.GUARDIAN,
        class_id=class_of(record),
        person_id=child,
        lifetime=CHILD_LINK_LIFETIME,
    )
    async with services.store.begin() as work:
        issued = await issue_in(
            work, by, order, now,
            new_id=services.chance.new_id,
            random_bytes=services.random_bytes,
            below=services.chance.below,
        )  # fmt: skip
        if isinstance(issued, Issued):
            for old in _given_by(by, await work.invites.live(by.org_id, now, person_id=child)):
                if old.id != issued.invite.id:
                    await revoke_in(work, by, old, now)
    return issued


async def live_link(
    by: Account, child: PersonId, now: datetime, *, services: Services
) -> Invite | None:
    """The link that `by` has given out and nobody has used: its address is not known any more."""
    async with services.store.begin() as work:
        live = await work.invites.live(by.org_id, now, person_id=child)
    return next(iter(_given_by(by, live)), None)


def child_state(person: PersonRecord, now: datetime, zone: ZoneInfo) -> ChildState:
    """What is said of a child whose link is confirmed."""
    if not person.active:
        return ChildState.NOT_IN
    if not needs_confirmation(person.birth_date, now, zone):
        return ChildState.GROWN
    return ChildState.CONFIRMED if person.confirmed else ChildState.UNCONFIRMED


def class_of(pupil: PersonRecord) -> ClassId | None:
    return next((seat.class_id for seat in pupil.seats if seat.role == "student"), None)


def _given_by(by: Account, invites: Sequence[Invite]) -> list[Invite]:
    return [
        one
        for one in invites
        if one.kind is InviteKind.CHILD_PARENT and one.issued_by == by.user_id
    ]


async def _child(by: Account, link: Relative, now: datetime, directory: Directory) -> Child:
    person = link.person
    waiting = link.status is not LinkStatus.CONFIRMED
    others: tuple[PersonRecord, ...] = ()
    if not waiting:
        family = await directory.family(by.org_id, person.person_id)
        others = tuple(
            one.person
            for one in (family.guardians if family is not None else ())
            if one.status is LinkStatus.CONFIRMED
            and one.person.person_id not in by.persons
            and one.person.status is not Status.LEFT
        )
    return Child(
        person=person,
        relation=link.relation,
        state=ChildState.WAITING if waiting else child_state(person, now, ZoneInfo(by.timezone)),
        class_name=next((seat.name for seat in person.seats if seat.role == "student"), ""),
        others=others,
    )
