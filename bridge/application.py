"""An application to join a school, from the form to a yes or a no (R16). Pure.

It is made only after a code proved the contact. Until a yes its person sees no room, no name, no
material; after a no nothing of it is left but a hash that slows repeats down.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NewType

from attrs import evolve, field, frozen

from bridge.roles import ADMINISTRATION, OF_A_CLASS, Account, ClassId, OrgId, Role, UserId

ApplicationId = NewType("ApplicationId", str)

LIFETIME = timedelta(days=30)  # unread for a month: nobody knows this person (chosen by us)
REPEAT_AFTER = timedelta(days=1)  # after the first no
MOST_REJECTIONS = 3  # within REMEMBERED; then only an invite helps
MOST_WAITING = 5  # one parent, five children in five classes (chosen by us)
REMEMBERED = timedelta(days=90)  # how long the hash of a rejection is kept


class State(enum.Enum):
    NEW = "new"
    APPROVED = "approved"
    FINISHED = "finished"  # the account exists and is active
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # «Покинуть» before anybody decided
    EXPIRED = "expired"


#: Every legal move. A move that is not here is a bug or an attack, never a retry.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.NEW: frozenset({State.APPROVED, State.REJECTED, State.WITHDRAWN, State.EXPIRED}),
    State.APPROVED: frozenset({State.FINISHED, State.WITHDRAWN}),
    State.FINISHED: frozenset(),
    State.REJECTED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.EXPIRED: frozenset(),
}
#: States after which what the person wrote about themselves is erased.
ERASED = frozenset({State.REJECTED, State.WITHDRAWN, State.EXPIRED})


class IllegalTransition(Exception):
    def __init__(self, application_id: ApplicationId, old: State, new: State) -> None:
        super().__init__(f"application {application_id}: {old.value} -> {new.value}")


class DecisionRefusal(enum.Enum):
    """Why somebody may not decide. The values are stable: logged, counted, tested."""

    NOT_YOURS = "not_yours"
    OWN = "own"
    DECIDED = "decided"


class ApplyRefusal(enum.Enum):
    """Why a form is not taken."""

    CLASS_NEEDED = "class_needed"
    WAITING = "waiting"  # the same one waits already, or too many of this contact do
    REJECTED_LATELY = "rejected_lately"
    REJECTED_OFTEN = "rejected_often"


@frozen(kw_only=True)
class Application:
    """Holds no names and no contact: those are sealed beside it, and erased with a no."""

    id: ApplicationId
    org_id: OrgId
    role: Role | None  # None after a no
    class_id: ClassId | None
    applicant: UserId | None  # made already, let in by a yes
    submitted_at: datetime
    state: State = State.NEW
    decided_by: UserId | None = None
    decided_at: datetime | None = None
    repeat_hash: bytes | None = field(default=None, repr=False)  # of contact and school

    def approve(self, by: Account, now: datetime) -> Application:
        """The application after `by` said yes. Ask `decision_refusal` first."""
        decided = evolve(self._to(State.APPROVED), decided_by=by.user_id, decided_at=now)
        return evolve(decided, repeat_hash=None)

    def reject(self, by: Account, now: datetime) -> Application:
        """The application after `by` said no: role, class and applicant are gone, the hash stays."""
        bare = evolve(self._to(State.REJECTED), role=None, class_id=None, applicant=None)
        return evolve(bare, decided_by=by.user_id, decided_at=now)

    def finish(self) -> Application:
        """The account is active."""
        return self._to(State.FINISHED)

    def withdraw(self) -> Application:
        """The applicant does not want to any more."""
        return self._forgotten(State.WITHDRAWN)

    def expire(self, now: datetime) -> Application:
        """Nobody decided for LIFETIME.

        Raises:
            ValueError: it is not that old.
        """
        if now < self.submitted_at + LIFETIME:
            raise ValueError(f"application {self.id} is not {LIFETIME.days} days old")
        return self._forgotten(State.EXPIRED)

    def _forgotten(self, new: State) -> Application:
        bare = evolve(self._to(new), role=None, class_id=None, applicant=None)
        return evolve(bare, repeat_hash=None)

    def _to(self, new: State) -> Application:
        if new not in TRANSITIONS[self.state]:
            raise IllegalTransition(self.id, self.state, new)
        return evolve(self, state=new)


def decision_refusal(by: Account, application: Application) -> DecisionRefusal | None:
    """Why `by` may not say yes or no; None: they may (R16, R30).

    Administration decides on any role, but only director and deputies make colleagues with rights:
    R10 says so of links, and a yes must not give more than a link could. Class teachers decide on
    pupils and parents of their own classes. What one does not see, one does not learn the state of.
    """
    if by.org_id != application.org_id or not _decides(by, application):
        return DecisionRefusal.NOT_YOURS
    if application.state is not State.NEW:
        return DecisionRefusal.DECIDED
    return DecisionRefusal.OWN if by.user_id == application.applicant else None


def _decides(by: Account, application: Application) -> bool:
    if application.role in ADMINISTRATION:
        return by.heads
    if by.administers:
        return True
    return application.role in OF_A_CLASS and by.leads(application.class_id)


def apply_refusal(
    role: Role,
    class_id: ClassId | None,
    *,
    waiting: Sequence[Application],
    rejections: Sequence[datetime],
    now: datetime,
) -> ApplyRefusal | None:
    """Why a new application is not taken.

    Args:
        waiting: undecided applications of the same contact at this school.
        rejections: when earlier ones got a no.
    """
    if role in OF_A_CLASS and class_id is None:
        return ApplyRefusal.CLASS_NEEDED
    same = any((one.role, one.class_id) == (role, class_id) for one in waiting)
    if same or len(waiting) >= MOST_WAITING:
        return ApplyRefusal.WAITING
    recent = [at for at in rejections if now - REMEMBERED < at]
    if len(recent) >= MOST_REJECTIONS:
        return ApplyRefusal.REJECTED_OFTEN
    if recent and now < max(recent) + REPEAT_AFTER:
        return ApplyRefusal.REJECTED_LATELY
    return None
