"""What the operator reads: texts of problems, plans and progress."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import provisioning
from provisioning.language import language_of
from provisioning.problem import Place, Problem, in_order
from provisioning.problem_texts import TEXTS
from provisioning.report import plan_lines, progress_words
from provisioning.settling import Outcome, Settling

PACKAGE = Path(provisioning.__file__).parent

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("code", TEXTS)
def test_every_problem_speaks_both_languages(code: str) -> None:
    """Each text has a message and a fix in Russian and English, with the same details in both."""
    text = TEXTS[code]

    def details(*texts: str) -> set[str]:
        return {name for t in texts for _, name, _, _ in string.Formatter().parse(t) if name}

    assert all((text.ru, text.ru_fix, text.en, text.en_fix))
    assert details(text.ru, text.ru_fix) == details(text.en, text.en_fix)
    assert any("а" <= c <= "я" for c in text.ru)
    assert any("a" <= c <= "z" for c in text.en)


def test_every_text_is_used_and_every_code_has_a_text() -> None:
    """No dead texts; a code without a text would fail when the problem is made."""
    literals = {
        node.value
        for path in PACKAGE.rglob("*.py")
        if "problem_texts" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert set(TEXTS) <= literals
    with pytest.raises(KeyError):
        Problem("no_such_code", Place("a"))


def test_problems_are_told_errors_first_and_once() -> None:
    """Errors, then warnings; by file, row and column; a repetition is dropped."""
    twice = Problem("id_empty", Place("b.csv", 2, "ИД"))
    problems = [
        Problem("column_ignored", Place("a.csv", 1, "Рост")),
        twice,
        Problem("id_empty", Place("a.csv", 10, "ИД")),
        Problem("id_empty", Place("a.csv", 9, "ИД")),
        twice,
    ]

    assert [(p.file, p.row) for p in in_order(problems)] == [
        ("a.csv", 9), ("a.csv", 10), ("b.csv", 2), ("a.csv", 1),
    ]  # fmt: skip


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(["counts", "by_class", "exceptions", "removals", "changes"]), json_values
    )
)
def test_any_plan_can_be_shown(plan: dict[str, object]) -> None:
    """A plan of a newer server, or a broken one, is shown as far as it is understood."""
    assert all(isinstance(line, str) for line in plan_lines(plan, "ru"))
    assert progress_words(plan, "en")


def test_the_language_is_the_locales() -> None:
    """LC_ALL before LC_MESSAGES before LANG; English when nothing says Russian."""
    assert language_of({"LANG": "ru_RU.UTF-8"}) == "ru"
    assert language_of({"LANG": "ru_RU.UTF-8", "LC_ALL": "C"}) == "en"
    assert language_of({"LC_MESSAGES": "ru", "LANG": "en_US"}) == "ru"
    assert language_of({}) == "en"


def progress(queued: int, ready: int = 4, **more: object) -> dict[str, object]:
    return {
        "reconciled_revision": 1,
        "memberships": {"wanted": 10, "done": 10 - queued},
        "rooms": {"wanted": 4, "ready": ready},
        "jobs": {"queued": queued, "running": 0, "dead": 0},
        "settled": not queued,
        **more,
    }


def test_settling_ends_when_the_server_says_so() -> None:
    """Settled is the server's word; dead tasks and a held change are told apart."""
    settling = Settling(60)

    assert settling.outcome(progress(3), 0) is Outcome.WORKING
    assert settling.outcome(progress(0), 1) is Outcome.SETTLED
    assert settling.outcome(progress(0, jobs={"dead": 2}), 1) is Outcome.DEAD_JOBS
    assert settling.outcome(progress(3, held="unsafe"), 2) is Outcome.HELD


def test_patience_counts_from_the_last_change() -> None:
    """Slow progress is waited for without end; no progress for 60 s is not."""
    settling = Settling(60)

    for step in range(10):
        assert settling.outcome(progress(20 - step), step * 59.0) is Outcome.WORKING
    assert settling.outcome(progress(11), 9 * 59.0 + 59) is Outcome.WORKING
    assert settling.outcome(progress(11), 9 * 59.0 + 60) is Outcome.STALLED


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), min_size=1))
def test_the_bar_stays_within_its_length(steps: list[tuple[int, int]]) -> None:
    """Done is between nothing and everything, whatever order the figures come in; the total never shrinks."""
    settling, longest = Settling(60), 0

    for queued, ready in steps:
        done, total = settling.done_of(progress(queued, ready))
        assert 0 <= done <= total
        assert total >= longest
        longest = total


@given(json_values)
def test_any_progress_is_followed(value: object) -> None:
    """Odd figures from a server are not a crash."""
    settling = Settling(60)
    odd = {"jobs": value, "rooms": value, "memberships": value, "settled": value, "held": ""}

    settling.done_of(odd)
    settling.outcome(odd, 0)
