"""The use cases of a person's page: what administration changes, asked of the directory in their name (R31, R34).

Each first asks `school_rights`, then the module; a refusal of the module is one of ours for the page.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence

from bridge.people import LinkStatus, PersonRecord
from bridge.ports_directory import DirectoryRefused
from bridge.reason import kept_reason
from bridge.records import Action, AuditEntry, StepsId
from bridge.roles import STAFF, Account, ClassId, PersonId, Role
from bridge.school_rights import (
    ChangeRefusal,
    link_refusal,
    roles_refusal,
    touch_refusal,
)
from bridge.services import Services
from bridge.steps import SignOut, Steps, WriteContacts
from bridge.writer import enqueue

logger = logging.getLogger(__name__)

MOST_HOMEROOM_TEACHERS = 10  # as the module has it


async def change_roles(
    by: Account,
    person: PersonRecord,
    roles: frozenset[Role] | None,
    reason: str,
    *,
    services: Services,
) -> ChangeRefusal | None:
    """R31: in place, with a reason for the log; the rooms follow."""
    refusal = roles_refusal(by, person, roles)
    if refusal is not None:
        return _refused("roles", by, person.person_id, refusal)
    return await _asked(
        services.directory.set_roles(
            by.org_id, person.person_id, roles, kept_reason(reason), by.user_id
        )
    )


async def move_pupil(
    by: Account, person: PersonRecord, old: ClassId, new: ClassId, *, services: Services
) -> ChangeRefusal | None:
    """R40: out of the old class's rooms and into the new one's; parents follow."""
    return await _asked(services.directory.move(by.org_id, person.person_id, old, new, by.user_id))


async def link_family(
    by: Account,
    guardian: PersonId,
    student: PersonId,
    *,
    relation: str | None,
    status: LinkStatus | None,
    services: Services,
) -> ChangeRefusal | None:
    """Make, confirm, restrict or (None) take away a link (R34)."""
    family = await services.directory.family(by.org_id, student)
    if family is None:
        return ChangeRefusal.REFUSED
    known = next((o.status for o in family.guardians if o.person.person_id == guardian), None)
    refusal = link_refusal(by, status, known)
    if refusal is not None:
        return _refused("link", by, student, refusal)
    return await _asked(
        services.directory.link(
            by.org_id, guardian, student, relation=relation, status=status, by=by.user_id
        )
    )


async def set_class_teachers(
    by: Account, class_id: ClassId, teachers: Sequence[PersonId], *, services: Services
) -> ChangeRefusal | None:
    """By hand; they survive imports."""
    for person_id in teachers[:MOST_HOMEROOM_TEACHERS]:
        person = await services.directory.person(by.org_id, person_id)
        if person is None or not person.roles & STAFF:
            return ChangeRefusal.REFUSED
    return await _asked(
        services.directory.set_homeroom_teachers(
            by.org_id, class_id, teachers[:MOST_HOMEROOM_TEACHERS], by.user_id
        )
    )


async def sign_out_devices(
    by: Account, person: PersonRecord, *, services: Services
) -> StepsId | ChangeRefusal:
    """Every device and every browser of the account: somebody has lost a telephone."""
    return await _on_account(by, person, services, release=False)


async def release_contacts_of(
    by: Account, person: PersonRecord, *, services: Services
) -> StepsId | ChangeRefusal:
    """R14's way for a wrong or lost number: it is free at once, everything signed out; never shown."""
    return await _on_account(by, person, services, release=True)


async def _on_account(
    by: Account, person: PersonRecord, services: Services, *, release: bool
) -> StepsId | ChangeRefusal:
    user_id = person.user_id
    if user_id is None:
        return ChangeRefusal.REFUSED
    account = await services.directory.account(user_id)
    refusal = touch_refusal(by, person, account)
    if refusal is not None:
        return _refused("account", by, person.person_id, refusal)
    now = services.clock()
    doing = (WriteContacts(), SignOut()) if release else (SignOut(),)
    steps = Steps(user_id=user_id, org_id=by.org_id, by=by.user_id, steps=doing)
    action = Action.CONTACT_RELEASED if release else Action.DEVICES_SIGNED_OUT
    async with services.store.begin() as work:
        if release:
            await work.contacts.release(user_id, now)
            await work.profiles.end(user_id)
        await work.sessions.end_all(user_id)
        await work.audit.add(
            AuditEntry(at=now, org_id=by.org_id, actor=by.user_id, action=action, subject=user_id)
        )
        return await enqueue(work, steps, now, services.vault, services.chance)


async def _asked(change: Awaitable[None]) -> ChangeRefusal | None:
    """What the module says."""
    try:
        await change
    except DirectoryRefused as refused:
        return refusal_of(refused)
    return None


def refusal_of(refused: DirectoryRefused) -> ChangeRefusal:
    """The module's no as ours."""
    if refused.errcode == "SFERUM_LAST_ADMINISTRATOR":
        return ChangeRefusal.LAST_ADMINISTRATOR
    logger.info("change refused by the directory code=%s", refused.errcode)
    return ChangeRefusal.REFUSED


def _refused(what: str, by: Account, target: PersonId, refusal: ChangeRefusal) -> ChangeRefusal:
    logger.warning(
        "change refused what=%s by=%s target=%s why=%s", what, by.user_id, target, refusal.value
    )
    return refusal
