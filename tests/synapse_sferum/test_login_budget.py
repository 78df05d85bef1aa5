"""How many wrong passwords: a script of times, and what must hold whatever the times are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synapse_sferum.login_budget import BURST, REFILL_S, Budgets


def spend_all(budgets: Budgets, key: str, now: float) -> int:
    """How many tries there were."""
    tries = 0
    while budgets.spend(key, now):
        tries += 1
    return tries


def test_ten_at_once_then_one_a_minute() -> None:
    """The burst is ten; each minute gives one more, and an hour gives ten again, not sixty."""
    budgets = Budgets(most=9)
    assert spend_all(budgets, "a", 1000.0) == BURST
    assert spend_all(budgets, "a", 1000.0 + REFILL_S - 1) == 0
    assert spend_all(budgets, "a", 1000.0 + REFILL_S) == 1
    assert spend_all(budgets, "a", 1000.0 + 61 * REFILL_S) == BURST


def test_asking_while_empty_costs_nothing() -> None:
    """Somebody who hammers an empty budget does not push the refill away."""
    budgets = Budgets(most=9)
    spend_all(budgets, "a", 0.0)
    for second in range(1, 60):
        assert not budgets.spend("a", float(second))
    assert budgets.spend("a", REFILL_S + 0.001)


def test_a_right_password_is_free() -> None:
    """A right password takes nothing, and does not fill the budget up either."""
    budgets = Budgets(most=9)
    for _ in range(3):
        budgets.spend("a", 0.0)
    for _ in range(50):
        assert budgets.spend("a", 0.0)
        budgets.give_back("a", 0.0)
    assert spend_all(budgets, "a", 0.0) == BURST - 3


def test_a_budget_is_one_persons() -> None:
    """An attack on one account takes nothing from another."""
    budgets = Budgets(most=9)
    spend_all(budgets, "a", 0.0)
    assert spend_all(budgets, "b", 0.0) == BURST


def test_memory_is_bounded_and_the_attacked_one_is_kept() -> None:
    """However many names are tried, no more than `most` are kept; the one under attack is not forgotten meanwhile."""
    budgets = Budgets(most=100)
    spend_all(budgets, "victim", 0.0)
    for n in range(10_000):
        budgets.spend(f"stranger{n}", 0.0)
        if n % 50 == 0:
            assert not budgets.spend("victim", 0.0)
    assert len(budgets) == 100


@given(st.lists(st.tuples(st.floats(-30, 600), st.booleans()), max_size=200))
def test_never_more_than_the_budget(steps: list[tuple[float, bool]]) -> None:
    """In any order of times, clocks that go back included, wrong passwords stay within burst plus refill."""
    budgets, now, forward, wrong = Budgets(most=2), 0.0, 0.0, 0
    for step, right in steps:
        now += step
        forward += max(0.0, step)
        if budgets.spend("a", now):
            if right:
                budgets.give_back("a", now)
            else:
                wrong += 1
    assert wrong <= BURST + forward / REFILL_S + 0.001
