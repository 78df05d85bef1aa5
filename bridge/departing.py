"""What a departure is, whoever wished it: the row with its grace time, entries of the log, steps (R14, R29, R51)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bridge.ports import Repositories
from bridge.records import Action, AuditEntry, Departure
from bridge.roles import Account, PersonId, UserId
from bridge.steps import Deactivate, ErasePerson, Leave, SignOut, Step, WriteContacts


def departure_of(
    by: Account,
    person_id: PersonId,
    user_id: UserId,
    now: datetime,
    grace_days: int,
    *,
    erase: bool,
    own_wish: bool = False,
) -> Departure:
    """The account's person is erased when the grace time is over; with `erase` that is now."""
    return Departure(
        person_id=person_id,
        user_id=user_id,
        org_id=by.org_id,
        left_at=now,
        erase_at=now if erase else now + timedelta(days=grace_days),
        erased_at=now if erase else None,
        own_wish=own_wish,
    )


async def log_departure(
    work: Repositories,
    by: Account,
    person_id: PersonId,
    now: datetime,
    *,
    erase: bool,
    reason: str = "",
) -> None:
    for action in (Action.LEFT, Action.ERASED) if erase else (Action.LEFT,):
        await work.audit.add(
            AuditEntry(
                at=now,
                org_id=by.org_id,
                actor=by.user_id,
                action=action,
                subject=person_id,
                reason=reason,
            )
        )


def steps_of(
    going: Sequence[PersonId], reason: str, *, whole: bool, erase: bool
) -> tuple[Step, ...]:
    """Rights first, then the way in; erasure last: it needs nothing of what is before it."""
    steps: list[Step] = [Leave(one, reason) for one in going]
    if whole:
        steps += [WriteContacts(), SignOut()]
    if erase:
        steps += [ErasePerson(one) for one in going]
        if whole:
            steps.append(Deactivate())
    return tuple(steps)
