"""The phone and e-mail of somebody signed in: shown masked, changed after a code to the new one."""

from __future__ import annotations

import enum
import logging
from datetime import datetime

from attrs import field, frozen

from bridge.answers import Chance
from bridge.binding import ProofRefusal, Taken, bind_in, proved
from bridge.contact import Contact, Medium, shown_unbroken
from bridge.onboarding_rules import StopReason, pupil_stop
from bridge.outbox import contact_of
from bridge.ports import Repositories, Store, Vault
from bridge.records import Action, AuditEntry, Chain, ContactId, Purpose, SessionHash, StepsId
from bridge.roles import Account, Role, UserId
from bridge.steps import Steps, WriteContacts
from bridge.verification import ChallengeId
from bridge.writer import enqueue

logger = logging.getLogger(__name__)

#: A role for each group of a school's lists: which of the staff it is makes no difference to R12.
LISTED_AS = {"student": Role.STUDENT, "staff": Role.TEACHER, "guardian": Role.GUARDIAN}


@frozen(kw_only=True)
class OwnContact:
    id: ContactId
    medium: Medium
    shown: str
    contact: Contact = field(repr=False)


class ChangeRefusal(enum.Enum):
    """Why a proved contact does not become theirs. The values are stable."""

    NOT_PROVED = "not_proved"
    TAKEN = "taken"  # R7
    PARENTS_PHONE = "parents_phone"  # R12 holds for a pupil's later numbers too
    STAFF_PHONE = "staff_phone"


@frozen
class Changed:
    """`steps_id` None: it was theirs already."""

    steps_id: StepsId | None


async def own_contacts(user_id: UserId, *, store: Store, vault: Vault) -> tuple[OwnContact, ...]:
    """Phones first."""
    async with store.begin() as work:
        found = await work.contacts.of_account(user_id)
    mine = []
    for one in found:
        assert one.sealed is not None  # only released ones have none
        contact = contact_of(vault.unseal(one.sealed, f"contact:{user_id}").decode())
        mine.append(
            OwnContact(id=one.id, medium=one.medium, shown=shown_unbroken(contact), contact=contact)
        )
    return tuple(sorted(mine, key=lambda one: one.medium is not Medium.MSISDN))


async def change_contact(
    challenge_id: ChallengeId,
    session: SessionHash,
    by: Account,
    now: datetime,
    *,
    store: Store,
    vault: Vault,
    chance: Chance,
    beside: frozenset[UserId] = frozenset(),
) -> Changed | ChangeRefusal:
    """The proved contact is `by`'s from now on; an older one of the same kind is free for others (R7).

    Args:
        beside: profiles of other schools that may have the same one (`own_profiles.may_share`).
    """
    async with store.begin() as work:
        await work.rates.serialise()
        chain = await proved(work, challenge_id, session, now, Purpose.CHANGE)
        if chain is None:
            return ChangeRefusal.NOT_PROVED
        refusal = await _stop(work, chain, by)
        if refusal is not None:
            logger.info("contact not changed account=%s why=%s", by.user_id, refusal.value)
            return refusal
        bound = await bind_in(
            work, challenge_id, session, by.user_id, by.org_id, now,
            vault=vault, chance=chance, purpose=Purpose.CHANGE, beside=beside,
        )  # fmt: skip
        if isinstance(bound, ProofRefusal):
            return ChangeRefusal.NOT_PROVED
        if isinstance(bound, Taken):
            return ChangeRefusal.TAKEN
        if bound.again:
            return Changed(None)
        await _release_older(work, chain, by, now)
        steps = Steps(user_id=by.user_id, org_id=by.org_id, by=by.user_id, steps=(WriteContacts(),))
        return Changed(await enqueue(work, steps, now, vault, chance))


async def _stop(work: Repositories, chain: Chain, by: Account) -> ChangeRefusal | None:
    if by.roles != {Role.STUDENT}:
        return None
    listed = await work.listed.matches(by.org_id, chain.medium, chain.lookup)
    stop = pupil_stop(frozenset(LISTED_AS[one.group] for one in listed), None)
    if stop is None:
        return None
    if stop.reason is StopReason.PARENTS_PHONE:
        return ChangeRefusal.PARENTS_PHONE
    return ChangeRefusal.STAFF_PHONE


async def _release_older(work: Repositories, chain: Chain, by: Account, now: datetime) -> None:
    for one in await work.contacts.of_account(by.user_id):
        if one.medium is chain.medium and one.lookup != chain.lookup:
            await work.contacts.release_one(one.id, now)
            await work.audit.add(
                AuditEntry(
                    at=now,
                    org_id=by.org_id,
                    actor=by.user_id,
                    action=Action.CONTACT_RELEASED,
                    subject=by.user_id,
                )
            )
