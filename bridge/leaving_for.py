"""Administration takes somebody out of the school, or erases them on request (R14, R29, R33)."""

from __future__ import annotations

import logging
from datetime import datetime

from attrs import frozen

from bridge.binding import release_in
from bridge.departing import departure_of, log_departure, steps_of
from bridge.people import PersonRecord, Status
from bridge.ports_directory import DirectoryRefused
from bridge.reason import kept_reason
from bridge.records import StepsId
from bridge.roles import ADMINISTRATION, Account
from bridge.school_people import refusal_of
from bridge.school_rights import ChangeRefusal, touch_refusal
from bridge.services import Services
from bridge.steps import Steps
from bridge.writer import enqueue

logger = logging.getLogger(__name__)


@frozen(kw_only=True)
class Going:
    """What the preview says.

    Attributes:
        whole: nothing of the account stays at this school: contacts are freed, devices signed out.
    """

    person: PersonRecord
    account: Account | None
    whole: bool


async def going_of(person: PersonRecord, *, services: Services) -> Going:
    """What would end with this person."""
    account = None
    others = 0
    if person.user_id is not None:
        account = await services.directory.account(person.user_id)
        mine = await services.directory.persons(person.user_id)
        others = sum(one.person_id != person.person_id for one in mine)
    return Going(person=person, account=account, whole=person.user_id is not None and not others)


async def take_out(
    by: Account, going: Going, reason: str, now: datetime, *, erase: bool, services: Services
) -> StepsId | ChangeRefusal | None:
    """The person leaves; None: done already, for somebody who has never been in.

    The directory is asked first about whoever has rights: it alone knows who is the last (R33), and nothing is freed
    if it says no.

    Args:
        reason: for both logs (R51), without personal data: it outlives an erasure.
        erase: names, birth date and family are forgotten at once; only director and deputies.
    """
    person, reason = going.person, kept_reason(reason)
    refusal = touch_refusal(by, person, going.account)
    if erase and not by.heads:
        refusal = ChangeRefusal.HEADS_ONLY
    if refusal is not None:
        logger.warning(
            "leaving refused by=%s target=%s why=%s", by.user_id, person.person_id, refusal.value
        )
        return refusal
    first = person.user_id is None or bool(person.roles & ADMINISTRATION)
    if first and person.status is not Status.LEFT:
        kept = await _asked(by, person, reason, now, services)
        if kept is not None:
            return kept
    if person.user_id is None:
        if erase:
            await services.directory.erase(by.org_id, person.person_id, by.user_id)
        async with services.store.begin() as work:
            await log_departure(work, by, person.person_id, now, erase=erase, reason=reason)
        return None
    async with services.store.begin() as work:
        if going.whole:
            await release_in(work, person.user_id, by.org_id, by.user_id, now)
        grace_days = services.config.grace_days
        departure = departure_of(by, person.person_id, person.user_id, now, grace_days, erase=erase)
        await work.departures.put(departure)
        await log_departure(work, by, person.person_id, now, erase=erase, reason=reason)
        steps = Steps(
            user_id=person.user_id,
            org_id=by.org_id,
            by=by.user_id,
            steps=steps_of([person.person_id], reason, whole=going.whole, erase=erase),
        )
        steps_id = await enqueue(work, steps, now, services.vault, services.chance)
    logger.info("taken out person=%s by=%s erase=%s", person.person_id, by.user_id, erase)
    return steps_id


async def _asked(
    by: Account, person: PersonRecord, reason: str, now: datetime, services: Services
) -> ChangeRefusal | None:
    """The directory lets the person go, or says why not. The departure is kept before: a lost answer loses nothing."""
    if person.user_id is not None:
        grace_days = services.config.grace_days
        going = departure_of(by, person.person_id, person.user_id, now, grace_days, erase=False)
        async with services.store.begin() as work:
            await work.departures.put(going)
    try:
        await services.directory.leave(by.org_id, person.person_id, reason, by.user_id)
    except DirectoryRefused as refused:
        async with services.store.begin() as work:
            await work.departures.end(person.person_id)
        return refusal_of(refused)
    return None
