"""A yes or no from the room, by whichever way: rights are the directory's, the consequences the pages' own."""

from __future__ import annotations

import enum
from datetime import datetime

from bridge.application import Application, ApplicationId, DecisionRefusal, State
from bridge.approving import ApprovalRefusal
from bridge.bot.cards import Match
from bridge.bot.facts import match_of
from bridge.deciding import decide_application
from bridge.dispute import DisputeId, DisputeRefusal
from bridge.disputes import decide_dispute
from bridge.records import CardKind, StaffCard
from bridge.roles import Account, PersonId
from bridge.services import Services
from bridge.waiting import waiting_applications


class Outcome(enum.Enum):
    """What came of it. The values are names of texts (`bridge.bot.texts`), counted, tested."""

    APPROVED = "approved"
    FINISHED = "finished"
    REJECTED = "rejected"
    KEPT = "kept"
    RELEASED = "released"
    NOT_YOURS = "no_card"  # one answer for "no such" and "not yours"
    OWN = "own"
    ALREADY = "already"
    CHILD_NEEDED = "child_needed"
    CHOOSE = "choose"
    ON_PAGE = "on_page"
    HEADS_ONLY = "heads_only"
    UNREADABLE = "unreadable"


DONE = frozenset(
    {Outcome.APPROVED, Outcome.FINISHED, Outcome.REJECTED, Outcome.KEPT, Outcome.RELEASED}
)
BY_STATE = {
    State.APPROVED: Outcome.APPROVED,
    State.FINISHED: Outcome.FINISHED,
    State.REJECTED: Outcome.REJECTED,
}
BY_REFUSAL = {
    DecisionRefusal.NOT_YOURS: Outcome.NOT_YOURS,
    DecisionRefusal.OWN: Outcome.OWN,
    DecisionRefusal.DECIDED: Outcome.ALREADY,
    ApprovalRefusal.CHILD_NEEDED: Outcome.CHILD_NEEDED,
    ApprovalRefusal.CHILD_UNSUITABLE: Outcome.CHILD_NEEDED,
    ApprovalRefusal.MATCH_UNSUITABLE: Outcome.CHOOSE,
    ApprovalRefusal.HEADS_ONLY: Outcome.HEADS_ONLY,
    ApprovalRefusal.RESTRICTED: Outcome.ON_PAGE,
    ApprovalRefusal.UNREADABLE: Outcome.UNREADABLE,
}


async def decide_card(
    by: Account, card: StaffCard, yes: bool, now: datetime, services: Services, reason: str = ""
) -> Outcome:
    """Decide on what a card is about, as its page would (`bridge.deciding`, `bridge.disputes`).

    A yes to an application takes the one certain record of the school's list, as the card says; anything to choose
    is for the page. `reason`: of a no, for the log (R51).
    """
    if by.org_id != card.org_id:
        return Outcome.NOT_YOURS
    if card.kind is CardKind.DISPUTE:
        return await _decide_dispute(by, DisputeId(card.ref), yes, reason, now, services)
    if card.kind is not CardKind.APPLICATION:
        return Outcome.NOT_YOURS
    application_id = ApplicationId(card.ref)
    match: PersonId | None = None
    if yes:
        waiting = await waiting_applications(by, now, services=services, only=[application_id])
        for mine in waiting:  # one or none
            found = match_of(mine)
            if found is Match.MANY:
                return Outcome.CHOOSE
            if found is Match.ONE:
                match = mine.suggestions[0].person.person_id
    decision = await decide_application(
        by, application_id, yes, now, services=services, match=match, reason=reason
    )
    if isinstance(decision, Application):
        return BY_STATE[decision.state]
    return BY_REFUSAL[decision]


async def _decide_dispute(
    by: Account,
    dispute_id: DisputeId,
    release: bool,
    reason: str,
    now: datetime,
    services: Services,
) -> Outcome:
    """R11: a yes releases the number, a no leaves it with its owner."""
    decision = await decide_dispute(by, dispute_id, release, now, services=services, reason=reason)
    match decision:
        case DisputeRefusal.NOT_YOURS:
            return Outcome.NOT_YOURS
        case DisputeRefusal.DECIDED:
            return Outcome.ALREADY
        case _:
            return Outcome.RELEASED if release else Outcome.KEPT
