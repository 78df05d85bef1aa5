"""The use cases of «Это не я»: open, answer, decide, release after time (R11). The queue: `disputes_waiting.py`."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bridge.binding import ProofRefusal, proved
from bridge.contact import Email
from bridge.dispute import (
    Dispute,
    DisputeId,
    DisputeRefusal,
    DisputeState,
    dispute_refusal,
    is_released,
)
from bridge.outbox import contact_of, waiting
from bridge.ports import Repositories
from bridge.ports_sending import Message
from bridge.reason import kept_reason
from bridge.records import Action, AuditEntry, BoundContact, Chain, OutboxKind, SessionHash, StepsId
from bridge.roles import Account, OrgId, UserId
from bridge.services import Services
from bridge.steps import Steps, WriteContacts
from bridge.texts_dispute import dispute_mail
from bridge.verification import ChallengeId
from bridge.writer import enqueue

logger = logging.getLogger(__name__)

#: A mail that has not gone out for a day tells nobody in time any more.
MAIL_LIFETIME = timedelta(days=1)


async def open_dispute(
    challenge_id: ChallengeId,
    session: SessionHash,
    org_id: OrgId,
    now: datetime,
    *,
    services: Services,
) -> Dispute | ProofRefusal | None:
    """Whoever has proved a number says that its profile is not theirs. None: it is nobody's (any more).

    The same number disputed again while one is open changes nothing. `org_id`: of the invite; the owner's own school
    decides, if the owner is of one. Nobody's at this school, it is a profile of another one that is disputed (R12).
    """
    async with services.store.begin() as work:
        chain = await proved(work, challenge_id, session, now)
        if chain is None:
            return ProofRefusal.NOT_PROVED
        owner = await work.contacts.owner(chain.medium, chain.lookup, org_id)
        if owner is None:
            holders = await work.contacts.holders(chain.medium, chain.lookup)
            owner = holders[0].user_id if holders else None
    if owner is None:
        return None
    account = await services.directory.account(owner)
    dispute = Dispute(
        id=DisputeId(services.chance.new_id()),
        org_id=org_id if account is None else account.org_id,
        owner=owner,
        medium=chain.medium,
        lookup=chain.lookup,
        opened_at=now,
        release_at=now + timedelta(days=services.config.dispute_days),
    )
    async with services.store.begin() as work:
        await work.rates.serialise()  # pressed twice at once, it is one
        for known in await work.disputes.of_owner(owner):
            if known.lookup == chain.lookup and known.state is DisputeState.OPEN:
                return known
        await work.disputes.add(dispute)
        await _log(work, dispute, "claimant", Action.DISPUTE_OPENED, now)
        await _tell_owner(work, chain, dispute, now, services)
    logger.info("dispute opened dispute=%s owner=%s", dispute.id, owner)
    return dispute


async def disputes_of(owner: UserId, *, services: Services) -> list[Dispute]:
    """Open ones about the account's own numbers: its page says so and asks."""
    async with services.store.begin() as work:
        found = await work.disputes.of_owner(owner)
    return [one for one in found if one.state is DisputeState.OPEN]


async def keep_number(
    owner: UserId, dispute_id: DisputeId, now: datetime, *, services: Services
) -> DisputeRefusal | None:
    """«Номер мой»: the owner has answered, nothing is released by time any more."""
    async with services.store.begin() as work:
        found = await work.disputes.get(dispute_id)
        if found is None or found.owner != owner:
            return DisputeRefusal.NOT_YOURS
        if not await work.disputes.decide(found.decide(owner, False, now)):
            return DisputeRefusal.DECIDED
        await _log(work, found, owner, Action.DISPUTE_KEPT, now)
    logger.info("dispute kept dispute=%s by=%s", dispute_id, owner)
    return None


async def decide_dispute(
    by: Account,
    dispute_id: DisputeId,
    release: bool,
    now: datetime,
    *,
    services: Services,
    reason: str = "",
) -> Dispute | DisputeRefusal:
    """Staff say whose the number is. Released: it is free for whoever proves it; the owner keeps account and rights.

    Args:
        reason: for the school's log (R51).
    """
    async with services.store.begin() as work:
        found = await work.disputes.get(dispute_id)
    if found is None:
        return DisputeRefusal.NOT_YOURS
    owner = await services.directory.account(found.owner)
    refusal = dispute_refusal(by, found, owner)
    if refusal is not None:
        logger.warning(
            "decision refused dispute=%s by=%s why=%s", found.id, by.user_id, refusal.value
        )
        return refusal
    decided = found.decide(by.user_id, release, now)
    if not await _settle(decided, by.user_id, now, services, kept_reason(reason)):
        return DisputeRefusal.DECIDED
    return decided


async def release_due(now: datetime, *, services: Services) -> int:
    """Hourly: numbers whose owners have not answered in `dispute_days` are free. How many."""
    async with services.store.begin() as work:
        due = await work.disputes.due(now)
    released = 0
    for one in due:
        owner = await services.directory.account(one.owner)
        if is_released(one, owner, now):
            released += await _settle(one.decide(None, True, now), UserId("time"), now, services)
    return released


async def _settle(
    decided: Dispute, by: UserId, now: datetime, services: Services, reason: str = ""
) -> bool:
    released = decided.state is DisputeState.RELEASED
    async with services.store.begin() as work:
        if not await work.disputes.decide(decided):
            return False
        action = Action.DISPUTE_RELEASED if released else Action.DISPUTE_KEPT
        await _log(work, decided, by, action, now, reason)
        if released:
            await _release(work, decided, by, now, services)
    services.writer.wake()
    logger.info("dispute %s dispute=%s by=%s", decided.state.value, decided.id, by)
    return True


async def _release(
    work: Repositories, dispute: Dispute, by: UserId, now: datetime, services: Services
) -> StepsId | None:
    contact = await _contact(work, dispute)
    if contact is None or not await work.contacts.release_one(contact.id, now):
        return None
    await work.profiles.end(dispute.owner)
    await work.audit.add(
        AuditEntry(
            at=now,
            org_id=dispute.org_id,
            actor=by,
            action=Action.CONTACT_RELEASED,
            subject=dispute.owner,
        )
    )
    steps = Steps(
        user_id=dispute.owner, org_id=dispute.org_id, by=dispute.owner, steps=(WriteContacts(),)
    )
    return await enqueue(work, steps, now, services.vault, services.chance)


async def _tell_owner(
    work: Repositories, chain: Chain, dispute: Dispute, now: datetime, services: Services
) -> None:
    """By mail to another contact of theirs, if they have one; their own page says it anyway."""
    for contact in await work.contacts.of_account(dispute.owner):
        if contact.lookup == dispute.lookup or contact.sealed is None:
            continue
        to = contact_of(services.vault.unseal(contact.sealed, f"contact:{dispute.owner}").decode())
        if not isinstance(to, Email):
            continue
        mail = dispute_mail(
            services.config.public_url, services.config.dispute_days, chain.language
        )
        message = Message(
            id=services.chance.new_id(),
            to=to,
            subject=mail.subject,
            text=mail.text,
            language=chain.language,
        )
        item = waiting(message, OutboxKind.MAIL, now, MAIL_LIFETIME, services.vault)
        await work.outbox.add(item)


async def _contact(work: Repositories, dispute: Dispute) -> BoundContact | None:
    for one in await work.contacts.of_account(dispute.owner):
        if (one.medium, one.lookup) == (dispute.medium, dispute.lookup):
            return one
    return None


async def _log(
    work: Repositories,
    dispute: Dispute,
    actor: str,
    action: Action,
    now: datetime,
    reason: str = "",
) -> None:
    await work.audit.add(
        AuditEntry(
            at=now,
            org_id=dispute.org_id,
            actor=actor,
            action=action,
            subject=dispute.id,
            reason=reason,
        )
    )
