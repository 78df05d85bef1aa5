"""What a page may say of a code that was sent: to which contact, masked, and when there may be another."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from bridge.contact import Medium, shown_unbroken
from bridge.outbox import contact_of
from bridge.ports import Store, Vault
from bridge.records import Purpose, SessionHash
from bridge.verification import ChallengeId


@frozen(kw_only=True)
class SentCode:
    """Attributes:
    to: the contact, masked.
    resend_at: None: no further code in this chain.
    open: whether a code can still be typed.
    """

    id: ChallengeId
    medium: Medium
    to: str
    resend_at: datetime | None
    open: bool

    def wait_s(self, now: datetime) -> int | None:
        """Whole seconds until the next code may be asked for; None: never."""
        if self.resend_at is None:
            return None
        return max(0, round((self.resend_at - now).total_seconds()))


async def sent_code(
    challenge_id: ChallengeId,
    session: SessionHash,
    purpose: Purpose,
    *,
    store: Store,
    vault: Vault,
) -> SentCode | None:
    """None: no such chain, of another browser, or for something else."""
    async with store.begin() as work:
        chain = await work.challenges.get(challenge_id)
    if chain is None or chain.session != session or chain.purpose is not purpose:
        return None
    plain = vault.unseal(chain.sealed, f"challenge:{challenge_id}").decode()
    challenge = chain.challenge
    return SentCode(
        id=challenge_id,
        medium=chain.medium,
        to=shown_unbroken(contact_of(plain)),
        resend_at=challenge.resend_at,
        open=challenge.passed_at is None and challenge.tries_left > 0,
    )
