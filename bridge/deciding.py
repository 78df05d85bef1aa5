"""The use cases of whoever decides: yes or no, with what follows from it (R16). Pages and bot call these."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bridge import applicant as forms
from bridge.applicant import Applicant
from bridge.application import (
    LIFETIME,
    Application,
    ApplicationId,
    DecisionRefusal,
    State,
    decision_refusal,
)
from bridge.applying import decide_in
from bridge.approving import ApprovalRefusal, Surroundings, approval_steps
from bridge.ports import Repositories
from bridge.records import Action, AuditEntry, Sealed, StepsId
from bridge.roles import Account, OrgId, PersonId, UserId
from bridge.services import Services
from bridge.steps import Deactivate, Step, Steps
from bridge.vault import CannotUnseal
from bridge.writer import Finished, enqueue
from serving.json_object import BadJson

logger = logging.getLogger(__name__)

#: Seconds that a decider waits for the account; it goes on by itself afterwards.
WAIT_S = 5.0

Decision = Application | DecisionRefusal | ApprovalRefusal


async def decide_application(
    by: Account,
    application_id: ApplicationId,
    yes: bool,
    now: datetime,
    *,
    services: Services,
    match: PersonId | None = None,
    child: PersonId | None = None,
    reason: str = "",
) -> Decision:
    """Record `by`'s yes or no and all that it causes, in one transaction.

    Args:
        match: who of the school's list the applicant is, when `by` recognises them.
        child: whose parent, of a pupil of the application's class.
        reason: of a no, for the school's log only (R51); the applicant is not told.

    Returns:
        The application: FINISHED when the account is active already, APPROVED while that takes longer, REJECTED. Or
        why not; then nothing was done. NOT_YOURS is also said of applications that there are not.
    """
    async with services.store.begin() as work:
        found = await work.applications.get(application_id)
        sealed = await work.applications.form(application_id)
    refusal = DecisionRefusal.NOT_YOURS if found is None else decision_refusal(by, found)
    if found is None or refusal is not None:
        logger.warning("decision refused application=%s by=%s", application_id, by.user_id)
        return refusal or DecisionRefusal.NOT_YOURS
    if not yes:
        return await _reject(by, found, reason, now, services)
    applicant = None if sealed is None else opened(found.id, sealed, services)
    if applicant is None:
        return ApprovalRefusal.UNREADABLE
    around = await _around(found, match, child, services)
    if isinstance(around, ApprovalRefusal):
        return around
    steps = approval_steps(found, applicant, by, around)
    if isinstance(steps, ApprovalRefusal):
        logger.info("approval refused application=%s why=%s", found.id, steps.value)
        return steps
    return await _approve(by, found, steps, now, services)


async def _approve(
    by: Account, found: Application, steps: tuple[Step, ...], now: datetime, services: Services
) -> Decision:
    assert found.applicant is not None  # made when they applied
    async with services.store.begin() as work:
        decided = await decide_in(work, by, found.id, True, now)
        if isinstance(decided, DecisionRefusal):
            return decided
        steps_id = await _enqueue(
            work, found.applicant, found.org_id, by.user_id, steps, now, services
        )
    if await services.writer.finish(steps_id, WAIT_S) is not Finished.DONE:
        return decided
    async with services.store.begin() as work:
        finished = decided.finish()
        return finished if await work.applications.move(decided, finished) else decided


async def _reject(
    by: Account, found: Application, reason: str, now: datetime, services: Services
) -> Decision:
    active = await is_active(found.applicant, services)
    async with services.store.begin() as work:
        await (
            work.rates.serialise()
        )  # of two noes to one person at once the later frees the contact
        decided = await decide_in(work, by, found.id, False, now, reason)
        if isinstance(decided, Application):
            await forget_applicant(work, found, by.user_id, now, active=active, services=services)
    services.writer.wake()
    return decided


async def withdraw_application(
    by: UserId, application_id: ApplicationId, now: datetime, *, services: Services
) -> Application | DecisionRefusal:
    """The applicant does not want to any more: nothing is kept, the number is free."""
    active = await is_active(by, services)
    async with services.store.begin() as work:
        await work.rates.serialise()
        found = await work.applications.get(application_id)
        if found is None or found.applicant != by:
            return DecisionRefusal.NOT_YOURS
        if found.state is not State.NEW:
            return DecisionRefusal.DECIDED
        gone = found.withdraw()
        if not await work.applications.move(found, gone):
            return DecisionRefusal.DECIDED
        await forget_applicant(work, found, by, now, active=active, services=services)
    services.writer.wake()
    logger.info("application withdrawn application=%s", application_id)
    return gone


async def expire_applications(now: datetime, *, services: Services) -> int:
    """Hourly: what nobody has decided on for LIFETIME is forgotten (R16). How many."""
    async with services.store.begin() as work:
        old = await work.applications.in_state(State.NEW, now - LIFETIME)
    for found in old:
        active = await is_active(found.applicant, services)
        async with services.store.begin() as work:
            await work.rates.serialise()
            if await work.applications.move(found, found.expire(now)):
                by = UserId("bridge")
                await forget_applicant(work, found, by, now, active=active, services=services)
    if old:
        services.writer.wake()
        logger.info("applications expired count=%s", len(old))
    return len(old)


async def finish_approved(now: datetime, *, services: Services) -> int:
    """What was approved is finished once the account is active, also after a crash in between. How many."""
    async with services.store.begin() as work:
        approved = await work.applications.in_state(State.APPROVED, now + timedelta(seconds=1))
    done = [one for one in approved if await is_active(one.applicant, services)]
    for found in done:
        async with services.store.begin() as work:
            await work.applications.move(found, found.finish())
    return len(done)


async def forget_applicant(
    work: Repositories,
    application: Application,
    by: UserId,
    now: datetime,
    *,
    active: bool,
    services: Services,
) -> StepsId | None:
    """After a no: the contact is free and the account closed, unless it is of the school or still waits elsewhere.

    The caller's transaction has begun with `rates.serialise`: two noes at once must see each other.
    """
    user_id = application.applicant
    if user_id is None or active:
        return None
    others = await work.applications.of_applicant(user_id)
    if any(one.id != application.id and one.state in {State.NEW, State.APPROVED} for one in others):
        return None
    await work.profiles.end(user_id)
    if await work.contacts.release(user_id, now):
        await work.audit.add(
            AuditEntry(
                at=now,
                org_id=application.org_id,
                actor=by,
                action=Action.CONTACT_RELEASED,
                subject=user_id,
            )
        )
    steps = (Deactivate(),)
    return await _enqueue(work, user_id, application.org_id, by, steps, now, services)


async def is_active(user_id: UserId | None, services: Services) -> bool:
    """Whether the account is of a school right now."""
    return user_id is not None and await services.directory.account(user_id) is not None


def opened(application_id: ApplicationId, sealed: Sealed, services: Services) -> Applicant | None:
    """What the applicant wrote; None: it cannot be read any more."""
    try:
        return forms.unpack(services.vault.unseal(sealed, forms.purpose(application_id)))
    except (CannotUnseal, BadJson):
        logger.error("application unreadable application=%s", application_id)  # noqa: TRY400 (a trace could quote)
        return None


async def _around(
    found: Application, match: PersonId | None, child: PersonId | None, services: Services
) -> Surroundings | ApprovalRefusal:
    directory, org_id = services.directory, found.org_id
    own = () if found.applicant is None else await directory.persons(found.applicant)
    match_family = None if match is None else await directory.family(org_id, match)
    child_family = None if child is None else await directory.family(org_id, child)
    if match is not None and match_family is None:
        return ApprovalRefusal.MATCH_UNSUITABLE
    if child is not None and child_family is None:
        return ApprovalRefusal.CHILD_UNSUITABLE
    return Surroundings(
        own=own,
        match=match_family.person if match_family else None,
        match_children=match_family.children if match_family else (),
        child=child_family.person if child_family else None,
        child_guardians=child_family.guardians if child_family else (),
    )


async def _enqueue(
    work: Repositories,
    user_id: UserId,
    org_id: OrgId,
    by: UserId,
    steps: tuple[Step, ...],
    now: datetime,
    services: Services,
) -> StepsId:
    listed = Steps(user_id=user_id, org_id=org_id, by=by, steps=steps)
    return await enqueue(work, listed, now, services.vault, services.chance)
