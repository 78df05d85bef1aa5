"""In without the password, and a new password (onboarding.md §12, flow F)."""

from __future__ import annotations

import logging
from datetime import datetime

from bridge.answers import Chance
from bridge.binding import ProofRefusal, holders_of_proved
from bridge.ports import Store, Vault
from bridge.records import BoundContact, Purpose, SessionHash, StepsId
from bridge.roles import Account
from bridge.steps import SetPassword, Steps
from bridge.verification import ChallengeId
from bridge.writer import enqueue

logger = logging.getLogger(__name__)


async def recovered(
    challenge_id: ChallengeId, session: SessionHash, now: datetime, *, store: Store
) -> tuple[BoundContact, ...] | ProofRefusal:
    """Which profiles the code opens that this browser has typed: one, or one at each of several schools (ADR 32).

    The browser is to get a new session with it, and the code is worth nothing afterwards.
    """
    found = await holders_of_proved(
        challenge_id, session, now, store=store, purpose=Purpose.RECOVER
    )
    return found or ProofRefusal.NOT_PROVED


async def change_password(
    by: Account,
    password: str,
    now: datetime,
    *,
    sign_out: bool,
    store: Store,
    vault: Vault,
    chance: Chance,
) -> StepsId:
    """A new password; `sign_out`: every client and every browser must type it. The caller has checked who."""
    steps = Steps(
        user_id=by.user_id,
        org_id=by.org_id,
        by=by.user_id,
        steps=(SetPassword(password, sign_out),),
    )
    async with store.begin() as work:
        if sign_out:
            await work.sessions.end_all(by.user_id)
        steps_id = await enqueue(work, steps, now, vault, chance)
    logger.info("password changes account=%s sign_out=%s", by.user_id, sign_out)
    return steps_id
