"""The tables of the school year: what is kept of a promotion, for how long, and which rooms go when."""

from __future__ import annotations

from datetime import date

import pytest
from attrs import evolve
from synapse.storage.database import LoggingTransaction

from synapse_sferum.directory_rows import directory_txn, write_txn
from synapse_sferum.due import fall_due_txn
from synapse_sferum.model import Enrolment, EnrolmentRole, PersonStatus
from synapse_sferum.year_draft import draft_year
from synapse_sferum.year_footprint import state_hash, take_back
from synapse_sferum.year_plan import plan_year
from synapse_sferum.year_rows import (
    UNDO_MS,
    Promotion,
    YearState,
    add_promotion_txn,
    end_undo_txn,
    forget_old_txn,
    last_promotion_txn,
    rooms_to_remove_txn,
)
from tests.support.directories import store
from tests.support.schools import ORG, cid, pid, uid
from tests.synapse_sferum.test_year_plan import school

DAY = date(2028, 9, 1)


def promoted(txn: LoggingTransaction) -> Promotion:
    """A school whose 11А graduates, promoted in the tables."""
    before = school(a=11).directory()
    store(txn, before)
    plan = plan_year(before, draft_year(before))
    assert plan.after is not None
    write_txn(txn, before, plan.after, [], 3)
    promotion = Promotion(
        number=1,
        plan_hash=plan.plan_hash,
        from_year="2026/2027",
        to_year="2027/2028",
        state=YearState.APPLIED,
        applied_ms=1_000,
        state_before=state_hash(before),
        footprint=plan.footprint,
    )
    add_promotion_txn(txn, ORG, promotion)
    return promotion


def test_what_is_kept_comes_back(txn: LoggingTransaction) -> None:
    """Read from the tables, a promotion is the value that was written, and takes the school back exactly."""
    promotion = promoted(txn)
    kept = last_promotion_txn(txn, ORG)
    assert kept == promotion
    assert kept.footprint is not None
    now = directory_txn(txn, ORG)
    assert now is not None
    back = take_back(now, kept.footprint)
    write_txn(txn, now, back, [], 4)
    assert directory_txn(txn, ORG) == back
    assert state_hash(back) == promotion.state_before
    assert last_promotion_txn(txn, "another") is None


@pytest.mark.parametrize("state", [YearState.FINAL, YearState.UNDONE])
def test_nothing_is_kept_afterwards(txn: LoggingTransaction, state: YearState) -> None:
    """Once it cannot be taken back, the footprint is gone from the tables; the line of it stays."""
    promotion = promoted(txn)
    end_undo_txn(txn, ORG, state)
    assert last_promotion_txn(txn, ORG) == evolve(promotion, state=state, footprint=None)
    end_undo_txn(txn, ORG)
    assert last_promotion_txn(txn, ORG) == evolve(promotion, state=state, footprint=None)


def test_fourteen_days(txn: LoggingTransaction) -> None:
    """R37: on the last millisecond it is kept, on the next it is not."""
    promotion = promoted(txn)
    forget_old_txn(txn, promotion.undo_until_ms)
    assert last_promotion_txn(txn, ORG) == promotion
    forget_old_txn(txn, promotion.undo_until_ms + 1)
    kept = last_promotion_txn(txn, ORG)
    assert kept is not None
    assert (kept.state, kept.footprint) == (YearState.FINAL, None)
    assert UNDO_MS == 1_209_600_000


def test_the_latest_counts(txn: LoggingTransaction) -> None:
    """Of several promotions the one with the highest number is the school's."""
    promotion = promoted(txn)
    end_undo_txn(txn, ORG)
    second = evolve(promotion, number=2, from_year="2027/2028", to_year="2028/2029")
    add_promotion_txn(txn, ORG, second)
    assert last_promotion_txn(txn, ORG) == second


def test_rooms_go_on_their_day_and_not_before_undo_is_over(txn: LoggingTransaction) -> None:
    """Archived rooms of ended classes only, from the day on, when the promotion is final."""
    promoted(txn)
    for kind, name, state in (
        ("class", "5А", "archived"),
        ("class_parents", "5А", "archiving"),
        ("class", "5Б", "ready"),
    ):
        txn.execute(
            "INSERT INTO sferum_rooms (org_id, kind, ref, name, state) VALUES (?, ?, ?, 'n', ?)",
            (ORG, kind, cid(name), state),
        )
    assert rooms_to_remove_txn(txn, ORG, DAY) == []
    end_undo_txn(txn, ORG)
    assert rooms_to_remove_txn(txn, ORG, date(2028, 8, 31)) == []
    assert rooms_to_remove_txn(txn, ORG, DAY) == [("class", cid("5А"))]


def test_a_day_is_written_once(txn: LoggingTransaction) -> None:
    """Graduates and parents leave, a substitute goes; the accounts are named; the second look writes nothing."""
    promoted(txn)
    now = directory_txn(txn, ORG)
    assert now is not None
    role = EnrolmentRole.HOMEROOM_TEACHER
    stands_in = Enrolment(cid("5Б"), pid("Z1"), role, by_hand=True, until="2027-08-31")
    write_txn(txn, now, evolve(now, enrolments=now.enrolments | {stands_in}), [], 5)
    assert fall_due_txn(txn, ORG, date(2027, 8, 31), 6) == set()
    touched = fall_due_txn(txn, ORG, date(2027, 9, 1), 6)
    assert {uid(one) for one in ("U1", "U2", "R2", "Z1")} <= touched
    after = directory_txn(txn, ORG)
    assert after is not None
    assert after.people[pid("U1")].status is PersonStatus.LEFT
    assert stands_in not in after.enrolments
    assert fall_due_txn(txn, ORG, date(2027, 9, 1), 7) == set()
    assert directory_txn(txn, ORG) == after
