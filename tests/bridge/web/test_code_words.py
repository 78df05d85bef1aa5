"""Every refusal of codes has a sentence, in both languages; a wait is said in words one can plan with."""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from bridge.answers import CodeRefusal, Wrong
from bridge.contact import ContactRefusal
from bridge.limits import Limit, Refused
from bridge.verification import ResendRefusal
from bridge.web.code_words import code_words
from bridge.web.visit import Visit

REFUSALS: list[enum.Enum] = [*CodeRefusal, *ContactRefusal, *ResendRefusal]


def visit(language: str) -> Visit:
    return Visit(
        token="t" * 43,
        services=cast(Any, None),
        language=language,
        address="192.0.2.1",
        now=datetime(2026, 9, 1, 8, 30, tzinfo=UTC),
        path="/signin/code",
    )


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_refusal_has_a_sentence(refusal: enum.Enum) -> None:
    """Another one for each language."""
    russian, english = code_words(visit("ru"), refusal), code_words(visit("en"), refusal)
    assert russian.endswith(".")
    assert english.endswith(".")
    assert russian != english


@pytest.mark.parametrize("limit", Limit)
def test_every_limit_says_when_it_ends(limit: Limit) -> None:
    """Rounded up, so that whoever waits so long is served."""
    assert code_words(visit("ru"), Refused(limit, 61)).endswith("через 2 минуты.")
    assert code_words(visit("en"), Refused(limit, 60)).endswith("in 1 minute.")
    assert code_words(visit("ru"), Refused(limit, 5 * 3600 + 1)).endswith("через 6 часов.")
    assert code_words(visit("en"), Refused(limit, 24 * 3600)).endswith("in 24 hours.")


def test_tries_are_declined() -> None:
    """1 попытка, 2 попытки, 5 попыток."""
    words = [code_words(visit("ru"), Wrong(left)) for left in (1, 2, 5)]
    assert [one.rpartition("Осталось")[2] or one for one in words][1:] == [
        " 2 попытки.",
        " 5 попыток.",
    ]
    assert "Осталась 1 попытка" in words[0]


def test_what_is_no_refusal_is_a_bug() -> None:
    """It never becomes an empty page."""
    with pytest.raises(TypeError):
        code_words(visit("ru"), "something")
