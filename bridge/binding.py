"""A proved contact becomes somebody's, or is free again (R7, R14). After the code, never before."""

from __future__ import annotations

import enum
import logging
from datetime import datetime, timedelta

from attrs import frozen

from bridge.answers import Chance
from bridge.ports import Repositories, Store, Vault
from bridge.records import (
    Action,
    AuditEntry,
    BoundContact,
    Chain,
    ContactId,
    Purpose,
    Sealed,
    SessionHash,
)
from bridge.roles import OrgId, UserId
from bridge.verification import ChallengeId

logger = logging.getLogger(__name__)

#: How long after the code the rest of the form may take: names, class, a password.
PROOF_LIFETIME = timedelta(minutes=30)


class ProofRefusal(enum.Enum):
    NOT_PROVED = "not_proved"  # no right code from this browser, or too long ago


@frozen
class Taken:
    """An active profile has this contact: "Это я" or "Это не я", never a takeover (R11)."""

    owner: UserId


@frozen
class Bound:
    user_id: UserId
    again: bool = False  # it was theirs before: a second role of one person (R32)


async def holders_of_proved(
    challenge_id: ChallengeId,
    session: SessionHash,
    now: datetime,
    *,
    store: Store,
    purpose: Purpose = Purpose.JOIN,
) -> tuple[BoundContact, ...] | ProofRefusal:
    """The profiles that have the contact which this browser has proved: at most one at each school."""
    async with store.begin() as work:
        chain = await proved(work, challenge_id, session, now, purpose)
        if chain is None:
            return ProofRefusal.NOT_PROVED
        return tuple(await work.contacts.holders(chain.medium, chain.lookup))


async def bind_contact(
    challenge_id: ChallengeId,
    session: SessionHash,
    user_id: UserId,
    org_id: OrgId,
    now: datetime,
    *,
    store: Store,
    vault: Vault,
    chance: Chance,
    purpose: Purpose = Purpose.JOIN,
) -> Bound | Taken | ProofRefusal:
    """Give the proved contact to `user_id`. Of any number at a time exactly one gets it."""
    async with store.begin() as work:
        return await bind_in(
            work,
            challenge_id,
            session,
            user_id,
            org_id,
            now,
            vault=vault,
            chance=chance,
            purpose=purpose,
        )


async def bind_in(
    work: Repositories,
    challenge_id: ChallengeId,
    session: SessionHash,
    user_id: UserId,
    org_id: OrgId,
    now: datetime,
    *,
    vault: Vault,
    chance: Chance,
    purpose: Purpose = Purpose.JOIN,
    beside: frozenset[UserId] = frozenset(),
) -> Bound | Taken | ProofRefusal:
    """The same inside a transaction that does more: the steps of the new account, the use of an invite.

    Args:
        beside: profiles of other schools that may have it as well (ADR 32); of anybody else there it is `Taken`. Who
            gives some has begun with `rates.serialise`: two schools at once must see each other.
    """
    chain = await proved(work, challenge_id, session, now, purpose)
    if chain is None:
        return ProofRefusal.NOT_PROVED
    for holder in await work.contacts.holders(chain.medium, chain.lookup):
        if holder.org_id != org_id and holder.user_id not in {user_id, *beside}:
            logger.info("contact taken elsewhere challenge=%s by=%s", challenge_id, user_id)
            return Taken(holder.user_id)
    contact = BoundContact(
        id=ContactId(chance.new_id()),
        user_id=user_id,
        org_id=org_id,
        medium=chain.medium,
        lookup=chain.lookup,
        sealed=_resealed(chain, user_id, vault),
        verified_at=now,
    )
    if not await work.contacts.claim(contact):
        owner = await work.contacts.owner(chain.medium, chain.lookup, org_id)
        if owner is None or owner == user_id:
            # None: released between the two statements; the person presses the button again.
            return Bound(user_id, again=True) if owner else ProofRefusal.NOT_PROVED
        logger.info("contact taken challenge=%s by=%s", challenge_id, user_id)
        return Taken(owner)
    await work.audit.add(
        AuditEntry(
            at=now,
            org_id=org_id,
            actor=user_id,
            action=Action.CONTACT_CLAIMED,
            subject=user_id,
        )
    )
    logger.info("contact bound challenge=%s account=%s", challenge_id, user_id)
    return Bound(user_id)


async def release_contacts(
    user_id: UserId, org_id: OrgId, by: UserId, now: datetime, *, store: Store
) -> int:
    """R14: the person's phone and e-mail are free, their browsers signed out. How many contacts it were."""
    async with store.begin() as work:
        return await release_in(work, user_id, org_id, by, now)


async def release_in(
    work: Repositories, user_id: UserId, org_id: OrgId, by: UserId, now: datetime
) -> int:
    """The same inside a transaction that does more: the steps of leaving."""
    released = await work.contacts.release(user_id, now)
    await work.sessions.end_all(user_id)
    await work.feeds.end(user_id)
    await work.profiles.end(user_id)
    if released:
        await work.audit.add(
            AuditEntry(
                at=now,
                org_id=org_id,
                actor=by,
                action=Action.CONTACT_RELEASED,
                subject=user_id,
            )
        )
    logger.info("contacts released account=%s by=%s count=%s", user_id, by, released)
    return released


async def proved(
    work: Repositories,
    challenge_id: ChallengeId,
    session: SessionHash,
    now: datetime,
    purpose: Purpose = Purpose.JOIN,
) -> Chain | None:
    """The chain that this browser has answered rightly, not long ago, for this very purpose."""
    chain = await work.challenges.get(challenge_id)
    if chain is None or chain.session != session or chain.challenge.passed_at is None:
        return None
    if chain.purpose is not purpose:
        return None
    return chain if now < chain.challenge.passed_at + PROOF_LIFETIME else None


def _resealed(chain: Chain, user_id: UserId, vault: Vault) -> Sealed:
    """The same number for another row: sealed values cannot be moved."""
    number = vault.unseal(chain.sealed, f"challenge:{chain.challenge.id}")
    return vault.seal(number, f"contact:{user_id}")
