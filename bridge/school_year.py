"""The school year from the pages: the plan while it is made, its figures, apply, undo (R35-R37).

The plan is kept here, sealed, until the next year's takes its place: a secretary decides for days. The module checks
and applies it, whole or not at all.
"""

from __future__ import annotations

import enum
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from bridge.ports import Repositories
from bridge.ports_directory import DirectoryRefused
from bridge.roles import Account, OrgId
from bridge.services import Services
from bridge.vault import CannotUnseal
from bridge.year_draft import Plan, document_of, plan_of, renewed

logger = logging.getLogger(__name__)


class YearRefusal(enum.Enum):
    """Why the year does not go on. The values are stable: logged, tested."""

    NOT_AGREED = "not_agreed"  # the box is not ticked
    NOT_YOURS = "not_yours"  # director and deputies
    STALE = "stale"  # the school or the plan is not what was shown
    CONFLICTS = "conflicts"
    NO_YEAR = "no_year"  # no list has been applied yet
    NO_UNDO = "no_undo"
    LAST_ADMINISTRATOR = "last_administrator"
    NOT_TAKEN = "not_taken"  # the module does not accept the document


#: The module's codes → ours.
REFUSALS = {
    "SFERUM_STALE_PLAN": YearRefusal.STALE,
    "SFERUM_YEAR_CONFLICTS": YearRefusal.CONFLICTS,
    "SFERUM_NO_YEAR": YearRefusal.NO_YEAR,
    "SFERUM_NO_UNDO": YearRefusal.NO_UNDO,
    "SFERUM_LAST_ADMINISTRATOR": YearRefusal.LAST_ADMINISTRATOR,
}


@frozen(kw_only=True)
class Drafted:
    """The plan, and what the module says of it.

    Attributes:
        answer: of `POST .../year/plan` (docs/contracts.md §2).
        begun: somebody has decided something already.
    """

    plan: Plan
    answer: Mapping[str, Any] = field(repr=False)
    begun: bool

    @property
    def hash(self) -> str:
        """Of everything that would be written; "" while something is open."""
        return str(self.answer.get("plan_hash") or "")

    @property
    def ready(self) -> bool:
        return self.answer.get("ready") is True


async def drafted(by: Account, *, services: Services) -> Drafted | YearRefusal:
    """The plan for the school as it is now. Nothing is written."""
    try:
        fresh = await services.directory.plan_year(by.org_id, None)
        async with services.store.begin() as work:
            kept = await _kept(work, by.org_id, services)
        if kept is None:
            return Drafted(plan=plan_of(fresh["plan"]), answer=fresh, begun=False)
        plan = renewed(plan_of(fresh["plan"]), kept, _students(fresh))
        begun = kept.school_year == plan.school_year
        answer = await services.directory.plan_year(by.org_id, document_of(plan))
    except DirectoryRefused as refused:
        return _refusal(by, refused)
    return Drafted(plan=plan, answer=answer, begun=begun)


async def change_draft(
    by: Account, edit: Callable[[Plan], Plan], *, services: Services
) -> YearRefusal | None:
    """Keep what a page decides. Two people who decide about two classes do not undo each other."""
    try:
        fresh = await services.directory.plan_year(by.org_id, None)
    except DirectoryRefused as refused:
        return _refusal(by, refused)
    async with services.store.begin() as work:
        kept = await _kept(work, by.org_id, services, locked=True)
        plan = edit(renewed(plan_of(fresh["plan"]), kept, _students(fresh)))
        raw = json.dumps(document_of(plan), ensure_ascii=False).encode()
        await work.years.put(by.org_id, services.vault.seal(raw, _purpose(by.org_id)))
    logger.info("plan of the year changed org=%s by=%s", by.org_id, by.user_id)
    return None


async def discard_draft(by: Account, *, services: Services) -> None:
    """The next look begins with the module's own draft."""
    async with services.store.begin() as work:
        await work.years.end(by.org_id)
    logger.info("plan of the year discarded org=%s by=%s", by.org_id, by.user_id)


async def apply_draft(
    by: Account, to_year: str, plan_hash: str, *, agreed: bool, services: Services
) -> YearRefusal | None:
    """Promote the school as it was shown. A form that comes twice is done once.

    The plan stays: whoever takes the promotion back finds it as it was.

    Args:
        to_year: the school year that was shown.
    """
    if not by.heads:
        return YearRefusal.NOT_YOURS
    if not agreed:
        return YearRefusal.NOT_AGREED
    found = await drafted(by, services=services)
    if isinstance(found, YearRefusal):
        return found
    if found.plan.school_year != to_year:
        year = await services.directory.year(by.org_id)
        return None if to_year and year.get("school_year") == to_year else YearRefusal.STALE
    if not found.ready:
        return YearRefusal.CONFLICTS
    if not plan_hash or found.hash != plan_hash:
        return YearRefusal.STALE
    try:
        await services.directory.apply_year(
            by.org_id, document_of(found.plan), plan_hash, by.user_id
        )
    except DirectoryRefused as refused:
        return _refusal(by, refused)
    logger.info("year applied org=%s by=%s", by.org_id, by.user_id)
    return None


async def undo_year(
    by: Account, *, agreed: bool, services: Services
) -> Mapping[str, Any] | YearRefusal:
    """Take the promotion back, until the next list or for 14 days (R37)."""
    if not by.heads:
        return YearRefusal.NOT_YOURS
    if not agreed:
        return YearRefusal.NOT_AGREED
    try:
        answer = await services.directory.undo_year(by.org_id, by.user_id)
    except DirectoryRefused as refused:
        return _refusal(by, refused)
    logger.info("year undone org=%s by=%s", by.org_id, by.user_id)
    return answer


async def _kept(
    work: Repositories, org_id: OrgId, services: Services, *, locked: bool = False
) -> Plan | None:
    sealed = await work.years.get(org_id, locked=locked)
    if sealed is None:
        return None
    try:
        return plan_of(json.loads(services.vault.unseal(sealed, _purpose(org_id))))
    except (CannotUnseal, ValueError, KeyError, TypeError):
        logger.warning("a school's plan of the year cannot be read org=%s", org_id)
        return None


def _students(answer: Mapping[str, Any]) -> set[str]:
    return {str(one["person_id"]) for one in answer["students"]}


def _purpose(org_id: OrgId) -> str:
    return f"year_draft:{org_id}"


def _refusal(by: Account, refused: DirectoryRefused) -> YearRefusal:
    why = REFUSALS.get(refused.errcode, YearRefusal.NOT_TAKEN)
    logger.warning("year refused org=%s by=%s why=%s", by.org_id, by.user_id, why.value)
    return why
