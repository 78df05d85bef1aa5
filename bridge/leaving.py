"""«Покинуть»: the repair of a wrong registration, and a good-bye (R14, R29, R33); erasure after the grace time.

What leaving frees, it frees in one transaction: contacts, browsers, the steps for Synapse and the directory. Only
for administrators something comes before it: the directory alone knows whether one is the last (R33), so they leave
there first, and nothing of theirs is released if it says no.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Sequence
from datetime import datetime

from attrs import frozen

from bridge.binding import release_in
from bridge.departing import departure_of, log_departure, steps_of
from bridge.people import PersonRecord, Status
from bridge.ports_directory import Directory, DirectoryDown, DirectoryRefused
from bridge.records import Action, AuditEntry, Departure, StepsId
from bridge.roles import ADMINISTRATION, Account, PersonId
from bridge.services import Services
from bridge.steps import Deactivate, ErasePerson, Step, Steps
from bridge.writer import enqueue

logger = logging.getLogger(__name__)

LAST_ADMINISTRATOR = "SFERUM_LAST_ADMINISTRATOR"  # docs/contracts.md §2
REASON = "own wish"  # stands in the school's log (R51)
#: Departures looked at in one hour's round; a school's graduates are some hundreds.
MOST_AT_ONCE = 500


class LeaveRefusal(enum.Enum):
    """Why somebody does not leave. The values are stable."""

    LAST_ADMINISTRATOR = "last_administrator"  # R33
    NOBODY = "nobody"  # none of the chosen persons is theirs


@frozen
class Left:
    """`whole`: no person of the account is of the school any more."""

    steps_id: StepsId
    whole: bool


async def leave(
    by: Account, chosen: frozenset[PersonId], now: datetime, *, erase: bool, services: Services
) -> Left | LeaveRefusal:
    """`by` leaves with the chosen ones of their persons (R32: a parent may stay a teacher).

    Args:
        erase: at once, not after the grace time.
    """
    mine = await services.directory.persons(by.user_id)
    going = [one for one in mine if one.person_id in chosen]
    if not going:
        return LeaveRefusal.NOBODY
    if not await _administrators_left(by, going, now, services):
        logger.info("leaving refused account=%s why=last_administrator", by.user_id)
        return LeaveRefusal.LAST_ADMINISTRATOR
    whole = len(going) == len(mine)
    async with services.store.begin() as work:
        if whole:
            await release_in(work, by.user_id, by.org_id, by.user_id, now)
        for person in going:
            departure = _departure(by, person.person_id, now, services, erase=erase)
            await work.departures.put(departure)
            await log_departure(work, by, person.person_id, now, erase=erase)
        steps = Steps(
            user_id=by.user_id,
            org_id=by.org_id,
            by=by.user_id,
            steps=steps_of([one.person_id for one in going], REASON, whole=whole, erase=erase),
        )
        steps_id = await enqueue(work, steps, now, services.vault, services.chance)
    logger.info(
        "left account=%s persons=%s whole=%s erase=%s", by.user_id, len(going), whole, erase
    )
    return Left(steps_id, whole)


async def is_last_administrator(
    by: Account, going: Sequence[PersonRecord], directory: Directory
) -> bool:
    """Whether the school would have nobody left who administers it: for the page that says so before anything."""
    if not any(one.roles & ADMINISTRATION for one in going):
        return False
    for role in sorted(ADMINISTRATION, key=lambda role: role.value):
        found = await directory.search(by.org_id, role=role, status=Status.ACTIVE.value)
        if any(one.user_id != by.user_id for one in found.people):
            return False
    return True


async def erase_due(now: datetime, *, services: Services) -> int:
    """Hourly: whoever left longer ago than the grace time is erased (152-FZ), unless they are back. How many."""
    async with services.store.begin() as work:
        due = await work.departures.due(now, MOST_AT_ONCE)
    erased = 0
    for departure in due:
        try:
            erased += await _erase(departure, now, services)
        except DirectoryDown:
            logger.warning("erasing waits: the directory is away left=%s", len(due) - erased)
            break
    return erased


async def _erase(departure: Departure, now: datetime, services: Services) -> bool:
    person = await services.directory.person(departure.org_id, departure.person_id)
    is_back = person is not None and person.status is not Status.LEFT
    account = await services.directory.account(departure.user_id)
    async with services.store.begin() as work:
        if is_back:
            await work.departures.end(departure.person_id)
            return False
        await work.departures.erased(departure.person_id, now)
        # The account may live on: with another person, with a newer departure, with a proved contact of a return.
        used = (
            account is not None
            or await work.departures.of_account(departure.user_id)
            or await work.contacts.of_account(departure.user_id)
        )
        erasing: list[Step] = [] if person is None else [ErasePerson(departure.person_id)]
        steps = Steps(
            user_id=departure.user_id,
            org_id=departure.org_id,
            by=departure.user_id,
            steps=tuple(erasing if used else [*erasing, Deactivate()]),
        )
        await enqueue(work, steps, now, services.vault, services.chance)
        await work.audit.add(
            AuditEntry(
                at=now,
                org_id=departure.org_id,
                actor="erasure",
                action=Action.ERASED,
                subject=departure.person_id,
            )
        )
    services.writer.wake()
    logger.info("erased person=%s account=%s", departure.person_id, departure.user_id)
    return True


async def _administrators_left(
    by: Account, going: Sequence[PersonRecord], now: datetime, services: Services
) -> bool:
    """Administrators leave in the directory now; False: it keeps them, all of them.

    Their departures are kept before: a crash after the directory's yes leaves nobody who can neither come back nor be
    erased. One that did not come about is forgotten by `erase_due`.
    """
    directory = services.directory
    asked = [one for one in going if one.roles & ADMINISTRATION]
    async with services.store.begin() as work:
        for person in asked:
            await work.departures.put(_departure(by, person.person_id, now, services, erase=False))
    gone: list[PersonRecord] = []
    for person in asked:
        try:
            await directory.leave(by.org_id, person.person_id, REASON, by.user_id)
        except DirectoryRefused as refused:
            for back in gone:
                await directory.activate(by.org_id, back.person_id, by.user_id, by.user_id)
            async with services.store.begin() as work:
                for back in asked:
                    await work.departures.end(back.person_id)
            if refused.errcode != LAST_ADMINISTRATOR:
                raise
            return False
        gone.append(person)
    return True


def _departure(
    by: Account, person_id: PersonId, now: datetime, services: Services, *, erase: bool
) -> Departure:
    grace_days = services.config.grace_days
    return departure_of(by, person_id, by.user_id, now, grace_days, erase=erase, own_wish=True)
