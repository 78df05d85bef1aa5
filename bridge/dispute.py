"""«Это не я»: somebody has proved a number that an active profile has (R11; reference/onboarding.md §12 E). Pure.

Nobody takes anything over. The owner is told; staff decide; a number that an operator has given to somebody else
becomes free after some days if the owner says nothing. A colleague's never does by itself.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import NewType

from attrs import evolve, field, frozen

from bridge.contact import Medium
from bridge.records import Lookup
from bridge.roles import ADMINISTRATION, Account, OrgId, UserId

DisputeId = NewType("DisputeId", str)


class DisputeState(enum.Enum):
    OPEN = "open"
    KEPT = "kept"  # the owner, or staff, said: it is the owner's
    RELEASED = "released"


class DisputeRefusal(enum.Enum):
    """Why somebody may not decide. The values are stable: logged, counted, tested."""

    NOT_YOURS = "not_yours"  # also: there is no such
    DECIDED = "decided"


@frozen(kw_only=True)
class Dispute:
    """Attributes:
    owner: the account that has the contact.
    release_at: from then on the number is free, if nobody has decided and the owner is not of the staff.
    """

    id: DisputeId
    org_id: OrgId
    owner: UserId
    medium: Medium
    lookup: Lookup = field(repr=False)
    opened_at: datetime
    release_at: datetime
    state: DisputeState = DisputeState.OPEN
    decided_by: UserId | None = None
    decided_at: datetime | None = None

    def decide(self, by: UserId | None, release: bool, now: datetime) -> Dispute:
        """The dispute after a decision; `by` None: after its time."""
        state = DisputeState.RELEASED if release else DisputeState.KEPT
        return evolve(self, state=state, decided_by=by, decided_at=now)


def dispute_refusal(by: Account, dispute: Dispute, owner: Account | None) -> DisputeRefusal | None:
    """Why `by` may not decide; None: they may.

    Administration on everybody, but only heads on administration's own numbers; class teachers on the pupils and
    parents of their classes. `owner` None: the account is of nobody of the school (an applicant's).
    """
    if by.org_id != dispute.org_id or by.user_id == dispute.owner or not _decides(by, owner):
        return DisputeRefusal.NOT_YOURS
    return None if dispute.state is DisputeState.OPEN else DisputeRefusal.DECIDED


def _decides(by: Account, owner: Account | None) -> bool:
    if owner is not None and owner.roles & ADMINISTRATION:
        return by.heads
    if by.administers:
        return True
    if owner is None or owner.is_staff:
        return False
    return bool(by.homeroom_of & (owner.student_in | owner.children_in))


def is_released(dispute: Dispute, owner: Account | None, now: datetime) -> bool:
    """Whether time has decided. Never about a colleague: their accounts open a school's records."""
    if dispute.state is not DisputeState.OPEN or now < dispute.release_at:
        return False
    return owner is None or not owner.is_staff
