"""`sferum_years`: the promotions of a school, and what is kept of the last one so that it can be taken back (R37)."""

from __future__ import annotations

import enum
from datetime import date

from attrs import field, frozen
from synapse.module_api import LoggingTransaction

from synapse_sferum.year_footprint import Footprint, footprint_from, footprint_json

#: For so long a promotion can be taken back, if no list has been applied since (R37): 14 days, in milliseconds.
UNDO_MS = 14 * 24 * 3600 * 1000


class YearState(enum.Enum):
    """What has become of a promotion."""

    APPLIED = "applied"  # can be taken back until its time is over
    UNDONE = "undone"
    FINAL = "final"  # a list has been applied since, or its time is over: nothing is kept of it


@frozen(kw_only=True)
class Promotion:
    """One promotion. `footprint` is None once it cannot be taken back."""

    number: int
    plan_hash: str
    from_year: str
    to_year: str
    state: YearState
    applied_ms: int
    state_before: str
    footprint: Footprint | None = field(default=None, repr=False)

    @property
    def undo_until_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.applied_ms + UNDO_MS

    def may_undo(self, now_ms: int) -> bool:
        """Whether it can be taken back: no list since, and not over its 14 days (R37)."""
        return self.footprint is not None and now_ms <= self.undo_until_ms


def last_promotion_txn(txn: LoggingTransaction, org_id: str) -> Promotion | None:
    """The latest promotion of a school."""
    txn.execute(
        "SELECT number, plan_hash, from_year, to_year, state, applied_ms, state_before, footprint"
        " FROM sferum_years WHERE org_id = ? ORDER BY number DESC LIMIT 1",
        (org_id,),
    )
    row = txn.fetchone()
    if row is None:
        return None
    number, plan_hash, from_year, to_year, state, applied_ms, before, footprint = row
    return Promotion(
        number=int(number),
        plan_hash=str(plan_hash),
        from_year=str(from_year),
        to_year=str(to_year),
        state=YearState(state),
        applied_ms=int(applied_ms),
        state_before=str(before),
        footprint=footprint_from(str(footprint)) if footprint else None,
    )


def add_promotion_txn(txn: LoggingTransaction, org_id: str, promotion: Promotion) -> None:
    """Write a promotion down, in the transaction that makes it."""
    txn.execute(
        "INSERT INTO sferum_years (org_id, number, plan_hash, from_year, to_year, state, applied_ms,"
        " state_before, footprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            org_id,
            promotion.number,
            promotion.plan_hash,
            promotion.from_year,
            promotion.to_year,
            promotion.state.value,
            promotion.applied_ms,
            promotion.state_before,
            footprint_json(promotion.footprint) if promotion.footprint is not None else "",
        ),
    )


def end_undo_txn(txn: LoggingTransaction, org_id: str, state: YearState = YearState.FINAL) -> None:
    """From now on the school's promotion cannot be taken back, and nothing is kept of what was before."""
    txn.execute(
        "UPDATE sferum_years SET state = ?, footprint = '' WHERE org_id = ? AND state = ?",
        (state.value, org_id, YearState.APPLIED.value),
    )


def forget_old_txn(txn: LoggingTransaction, now_ms: int) -> None:
    """Nothing is kept of promotions that are older than 14 days. Writes only when there is one."""
    txn.execute(
        "SELECT COUNT(*) FROM sferum_years WHERE state = ? AND applied_ms < ?",
        (YearState.APPLIED.value, now_ms - UNDO_MS),
    )
    if (txn.fetchone() or (0,))[0] == 0:
        return
    txn.execute(
        "UPDATE sferum_years SET state = ?, footprint = '' WHERE state = ? AND applied_ms < ?",
        (YearState.FINAL.value, YearState.APPLIED.value, now_ms - UNDO_MS),
    )


def rooms_to_remove_txn(txn: LoggingTransaction, org_id: str, today: date) -> list[tuple[str, str]]:
    """(kind, ref) of the rooms of classes that have ended and whose day has come, archived by now.

    None while the promotion can still be taken back: it gives those rooms back with all they hold.
    """
    txn.execute(
        "SELECT r.kind, r.ref FROM sferum_rooms AS r"
        " JOIN sferum_classes AS c ON c.class_id = r.ref AND c.org_id = r.org_id"
        " WHERE r.org_id = ? AND r.state = 'archived' AND c.open = 0"
        " AND c.rooms_until <> '' AND c.rooms_until <= ? AND NOT EXISTS"
        " (SELECT 1 FROM sferum_years AS y WHERE y.org_id = r.org_id AND y.state = ?)"
        " ORDER BY r.kind, r.ref",
        (org_id, today.isoformat(), YearState.APPLIED.value),
    )
    return [(str(kind), str(ref)) for kind, ref in txn]
