"""The school year as a service: plan it, apply it whole, take it back. One transaction each (R35, R37).

The directory is written in one transaction with the record of what was before; the rooms follow by the queue, which
survives a crash. Whoever repeats a call after one finds it done.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from synapse.module_api import LoggingTransaction, ModuleApi

from synapse_sferum.audit import AuditEntry
from synapse_sferum.directory import Actor, DirectoryService, Written, revision_txn
from synapse_sferum.directory_rows import directory_txn, write_txn
from synapse_sferum.edits import EditRefused, check_grants, not_found
from synapse_sferum.facts import Facts
from synapse_sferum.model import Directory, Org
from synapse_sferum.roster_plan import loses_administrators
from synapse_sferum.year_document import YearDocument
from synapse_sferum.year_draft import draft_year
from synapse_sferum.year_footprint import (
    Restored,
    left_without_class,
    restored_by,
    state_hash,
    take_back,
)
from synapse_sferum.year_plan import YearPlan, plan_year
from synapse_sferum.year_rows import (
    Promotion,
    YearState,
    add_promotion_txn,
    end_undo_txn,
    last_promotion_txn,
)


@frozen(kw_only=True)
class Promoted:
    """What one apply or undo did.

    Attributes:
        exact: the state is that of before, by its hash (undo only).
        without_class: pupils whose class is gone with the promotion (undo only).
    """

    written: Written
    promotion: Promotion
    exact: bool = True
    without_class: int = 0


class YearService:
    """Promotions of the schools of this server.

    Args:
        now_ms: wall clock, milliseconds since 1970.
    """

    def __init__(
        self, api: ModuleApi, directory: DirectoryService, facts: Facts, now_ms: Callable[[], int]
    ) -> None:
        self._api, self._directory, self._facts, self._now_ms = api, directory, facts, now_ms

    async def plan(self, org_id: str, document: YearDocument | None) -> YearPlan:
        """What a document would do; without one, the draft. Nothing is written.

        In a thread: a quarter of a second for 2,300 people, during which messages must flow.

        Raises:
            EditRefused: 404; 409 `SFERUM_NO_YEAR`, the school has no school year yet.
        """
        before = await self._directory.directory(org_id)
        return await self._api.defer_to_thread(_planned, before, document)

    async def status(self, org_id: str) -> tuple[Org, Promotion | None, Restored | None]:
        """The school's year, its latest promotion, and what taking it back would do while that can be done."""
        org = await self._directory.org(org_id)
        last = await self._directory.read(last_promotion_txn, org_id)
        restored = None
        if last is not None and last.may_undo(self._now_ms()) and last.footprint is not None:
            restored = await self._api.defer_to_thread(
                restored_by,
                await self._directory.directory(org_id),
                last.footprint,
                last.state_before,
            )
        return org, last, restored

    async def apply(
        self, org_id: str, document: YearDocument, plan_hash: str, actor: Actor
    ) -> Promoted:
        """Promote the school, whole or not at all. The same plan again changes nothing.

        Args:
            plan_hash: of the plan that a person agreed to.

        Raises:
            EditRefused: 409 `SFERUM_STALE_PLAN`, the school is not what it was; `SFERUM_YEAR_CONFLICTS`,
                the plan does not fit it; `SFERUM_LAST_ADMINISTRATOR`; 404.
        """

        def apply_year_txn(txn: LoggingTransaction) -> Promoted:
            before, last = _read(txn, org_id)
            if last is not None and _is_done(before, last, plan_hash):
                return Promoted(written=_nothing(txn, org_id), promotion=last)
            plan = _planned(before, document)
            if plan.after is None or plan.footprint is None:
                raise _conflicts(plan)
            if plan.plan_hash != plan_hash:
                raise EditRefused(
                    409,
                    "SFERUM_STALE_PLAN",
                    "the school has changed since this plan was made; make it again",
                )
            if loses_administrators(before, plan.after):
                raise EditRefused(
                    409, "SFERUM_LAST_ADMINISTRATOR", "the school would have no administrator left"
                )
            check_grants(before, plan.after, actor.roles)
            now = self._now_ms()
            promotion = Promotion(
                number=last.number + 1 if last is not None else 1,
                plan_hash=plan.plan_hash,
                from_year=before.org.school_year,
                to_year=plan.after.org.school_year,
                state=YearState.APPLIED,
                applied_ms=now,
                state_before=state_hash(before),
                footprint=plan.footprint,
            )
            end_undo_txn(txn, org_id)
            add_promotion_txn(txn, org_id, promotion)
            counts = ",".join(f"{kind}={n}" for kind, n in plan.counts.items())
            entry = AuditEntry(actor.name, "year", promotion.to_year, promotion.from_year, counts)
            return Promoted(
                written=self._write(txn, before, plan.after, entry, now), promotion=promotion
            )

        return await self._run(apply_year_txn)

    async def undo(self, org_id: str, actor: Actor) -> Promoted:
        """Take the latest promotion back: names and memberships are those of before (R37). Again: nothing to do.

        Raises:
            EditRefused: 409 `SFERUM_NO_UNDO`, there is none, a list has been applied since, or 14 days are over; 404.
        """

        def undo_year_txn(txn: LoggingTransaction) -> Promoted:
            before, last = _read(txn, org_id)
            if last is not None and last.state is YearState.UNDONE:
                return Promoted(
                    written=_nothing(txn, org_id),
                    promotion=last,
                    exact=state_hash(before) == last.state_before,
                )
            now = self._now_ms()
            if last is None or last.footprint is None or not last.may_undo(now):
                raise EditRefused(
                    409,
                    "SFERUM_NO_UNDO",
                    "the school year can be taken back for 14 days, and until the next list is applied",
                )
            after = take_back(before, last.footprint)
            check_grants(before, after, actor.roles)
            end_undo_txn(txn, org_id, YearState.UNDONE)
            entry = AuditEntry(actor.name, "year_undo", last.to_year, last.to_year, last.from_year)
            return Promoted(
                written=self._write(txn, before, after, entry, now),
                promotion=last,
                exact=state_hash(after) == last.state_before,
                without_class=len(left_without_class(before, after)),
            )

        return await self._run(undo_year_txn)

    async def _run(self, func: Callable[[LoggingTransaction], Promoted]) -> Promoted:
        promoted = await self._directory.read(func)
        await self._facts.forget_accounts(promoted.written.touched)
        return promoted

    @staticmethod
    def _write(
        txn: LoggingTransaction, before: Directory, after: Directory, entry: AuditEntry, now: int
    ) -> Written:
        change, touched = write_txn(txn, before, after, [entry], now)
        return Written(
            changed=not change.empty,
            revision=revision_txn(txn, after.org.org_id),
            touched=frozenset(touched),
        )


def _read(txn: LoggingTransaction, org_id: str) -> tuple[Directory, Promotion | None]:
    found = directory_txn(txn, org_id)
    if found is None:
        raise not_found()
    return found, last_promotion_txn(txn, org_id)


def _planned(directory: Directory, document: YearDocument | None) -> YearPlan:
    try:
        return plan_year(directory, document or draft_year(directory))
    except ValueError:
        raise EditRefused(
            409, "SFERUM_NO_YEAR", "the school has no school year yet; apply its lists first"
        ) from None


def _is_done(directory: Directory, last: Promotion, plan_hash: str) -> bool:
    """Whether this very plan has been applied, and nobody has gone back since."""
    return (
        last.plan_hash == plan_hash
        and last.state is not YearState.UNDONE
        and directory.org.school_year == last.to_year
    )


def _nothing(txn: LoggingTransaction, org_id: str) -> Written:
    return Written(changed=False, revision=revision_txn(txn, org_id), touched=frozenset())


def _conflicts(plan: YearPlan) -> EditRefused:
    kinds = ", ".join(sorted({note.kind for note in plan.conflicts}))
    return EditRefused(
        409, "SFERUM_YEAR_CONFLICTS", f"the plan cannot be applied yet: {kinds}; plan shows where"
    )
