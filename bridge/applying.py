"""The use cases of applications: apply, decide (R16). Web and bot both call these."""

from __future__ import annotations

import logging
from datetime import datetime

from attrs import field, frozen

from bridge.answers import Chance
from bridge.application import (
    Application,
    ApplicationId,
    ApplyRefusal,
    DecisionRefusal,
    apply_refusal,
    decision_refusal,
)
from bridge.binding import ProofRefusal, proved
from bridge.invite import Invite, InviteRefusal
from bridge.ports import Repositories, Store, Vault
from bridge.reason import kept_reason
from bridge.records import Action, AuditEntry, Lookup, SessionHash
from bridge.roles import Account, ClassId, OrgId, Role, UserId
from bridge.verification import ChallengeId

logger = logging.getLogger(__name__)


@frozen(kw_only=True)
class Form:
    """What the applicant chose and wrote. `text` (names) is sealed, and erased with a no."""

    role: Role
    class_id: ClassId | None
    applicant: UserId | None = None
    text: bytes = field(repr=False)


async def apply(
    challenge_id: ChallengeId,
    session: SessionHash,
    form: Form,
    now: datetime,
    *,
    store: Store,
    vault: Vault,
    chance: Chance,
) -> Application | ApplyRefusal | InviteRefusal | ProofRefusal:
    """Put an application into the queue of the school that the invite is of; uses the invite once.

    An invite that names a role or a class decides both, whatever the form says (R10).
    """
    async with store.begin() as work:
        chain = await proved(work, challenge_id, session, now)
        if chain is None:
            return ProofRefusal.NOT_PROVED
        invite = None if chain.invite_id is None else await work.invites.get(chain.invite_id)
        if invite is None:
            return InviteRefusal.UNKNOWN
        return await apply_in(work, invite, chain.lookup, form, now, vault=vault, chance=chance)


async def apply_in(
    work: Repositories,
    invite: Invite,
    lookup: Lookup,
    form: Form,
    now: datetime,
    *,
    vault: Vault,
    chance: Chance,
) -> Application | ApplyRefusal | InviteRefusal:
    """The same inside a transaction that does more: the contact becomes the applicant's. `lookup`: of that contact."""
    role, class_id = _chosen(invite, form)
    hashed = _hash(vault, invite.org_id, lookup)
    await work.rates.serialise()  # the same form sent twice at once is one application
    refusal = apply_refusal(
        role,
        class_id,
        waiting=await work.applications.waiting_of(hashed),
        rejections=await work.applications.rejections(hashed),
        now=now,
    )
    if refusal is not None:
        logger.info("application refused why=%s", refusal.value)
        return refusal
    if not await work.invites.use(invite.id, now):
        return invite.refusal(now) or InviteRefusal.USED_UP
    made = Application(
        id=ApplicationId(chance.new_id()),
        org_id=invite.org_id,
        role=role,
        class_id=class_id,
        applicant=form.applicant,
        submitted_at=now,
        repeat_hash=hashed,
    )
    await work.applications.add(made, vault.seal(form.text, f"application:{made.id}"))
    await _log(work, made, "applicant", Action.APPLICATION_MADE, now)
    logger.info("application made application=%s role=%s", made.id, role.value)
    return made


async def decide(
    by: Account, application_id: ApplicationId, yes: bool, now: datetime, *, store: Store
) -> Application | DecisionRefusal:
    """Record `by`'s yes or no.

    Saved before anyone is told: a crash after this costs a message, not a decision. Of two deciders at
    a time the second is told that it is decided.
    """
    async with store.begin() as work:
        return await decide_in(work, by, application_id, yes, now)


async def decide_in(
    work: Repositories,
    by: Account,
    application_id: ApplicationId,
    yes: bool,
    now: datetime,
    reason: str = "",
) -> Application | DecisionRefusal:
    """The same inside the transaction that keeps what follows from it (`bridge/deciding.py`)."""
    found = await work.applications.get(application_id)
    if found is None:
        return DecisionRefusal.NOT_YOURS
    refusal = decision_refusal(by, found)
    if refusal is not None:
        logger.warning(
            "decision refused application=%s by=%s why=%s", found.id, by.user_id, refusal.value
        )
        return refusal
    decided = found.approve(by, now) if yes else found.reject(by, now)
    if not await work.applications.move(found, decided):
        return DecisionRefusal.DECIDED
    action = Action.APPLICATION_APPROVED if yes else Action.APPLICATION_REJECTED
    await _log(work, decided, by.user_id, action, now, kept_reason(reason))
    logger.info("application %s application=%s by=%s", decided.state.value, decided.id, by.user_id)
    return decided


def _chosen(invite: Invite, form: Form) -> tuple[Role, ClassId | None]:
    if invite.role is None:
        return form.role, form.class_id
    return invite.role, invite.class_id


def _hash(vault: Vault, org_id: OrgId, lookup: Lookup) -> bytes:
    """The contact's hash once more, for one school: two schools cannot compare whom they refused."""
    return vault.lookup(f"rejected:{org_id}:{lookup.hex()}")


async def _log(
    work: Repositories,
    application: Application,
    actor: str,
    action: Action,
    now: datetime,
    reason: str = "",
) -> None:
    await work.audit.add(
        AuditEntry(
            at=now,
            org_id=application.org_id,
            actor=actor,
            action=action,
            subject=application.id,
            reason=reason,
        )
    )
