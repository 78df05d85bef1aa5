"""R40: who is of no school any more holds no number. It is free for whoever proves it next.

Whoever leaves by «Покинуть» or is taken out by hand frees it at once (R14). Whom a list dropped keeps it until somebody
proves it, so that a wrong list costs nobody their way in.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bridge.application import State
from bridge.binding import ProofRefusal, holders_of_proved
from bridge.records import Purpose, SessionHash
from bridge.roles import OrgId, UserId
from bridge.services import Services
from bridge.steps import SignOut, Steps, WriteContacts
from bridge.verification import ChallengeId
from bridge.writer import enqueue

logger = logging.getLogger(__name__)

#: A number proved later than this may be of an account whose first steps are still under way.
SETTLED = timedelta(days=1)


async def free_proved(
    challenge_id: ChallengeId,
    session: SessionHash,
    purpose: Purpose,
    org_id: OrgId,
    now: datetime,
    *,
    services: Services,
) -> None:
    """The same for whoever has the contact that this browser has proved, at any school; nothing without a proof."""
    store = services.store
    found = await holders_of_proved(challenge_id, session, now, store=store, purpose=purpose)
    if isinstance(found, ProofRefusal):
        return
    for holder in found:
        await free_if_nobodys(holder.user_id, org_id, now, services=services)


async def free_if_nobodys(
    owner: UserId, org_id: OrgId, now: datetime, *, services: Services
) -> bool:
    """Whether the account's contacts were freed, because nobody is behind it any more.

    Args:
        org_id: of the school where the contact was proved: it is told if Synapse cannot follow.

    Raises:
        DirectoryDown: it is not known; nothing was freed.
    """
    if await services.directory.account(owner) is not None:
        return False
    async with services.store.begin() as work:
        mine = await work.contacts.of_account(owner)
        if any(one.verified_at > now - SETTLED for one in mine):
            return False
        applied = await work.applications.of_applicant(owner)
        if any(one.state in {State.NEW, State.APPROVED} for one in applied):
            return False
        released = await work.contacts.release(owner, now)
        await work.profiles.end(owner)
        await work.sessions.end_all(owner)
        steps = Steps(user_id=owner, org_id=org_id, by=owner, steps=(WriteContacts(), SignOut()))
        await enqueue(work, steps, now, services.vault, services.chance)
    services.writer.wake()
    logger.info("contacts released account=%s by=nobody count=%s", owner, released)
    return True
