"""Questions and hands, as forms bring them."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.pages.asking import (
    MOST_BYTES,
    MOST_CHARACTERS,
    BadAsking,
    Question,
    form_fields,
    hand_of,
    question_of,
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  Когда  будет\r\nконец? ", "Когда будет конец?"),
        ("a\u202eb\u0000c\u200bd", "abcd"),
        ("👩\u200d🏫", "👩\u200d🏫"),
        ("<b>", "<b>"),
        ("x" * MOST_CHARACTERS, "x" * MOST_CHARACTERS),
    ],
)
def test_a_question_is_one_clean_paragraph(text: str, kept: str) -> None:
    """Line ends become blanks; what turns the line round or cannot be seen is left out, joined emoji stay."""
    assert question_of({"text": text}) == Question(kept)


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({}, BadAsking.FORM),
        ({"text": ""}, BadAsking.EMPTY),
        ({"text": " \n\u200d\u200b "}, BadAsking.EMPTY),
        ({"text": "x" * (MOST_CHARACTERS + 1)}, BadAsking.LONG),
    ],
)
def test_what_is_no_question(form: dict[str, str], why: BadAsking) -> None:
    """Nothing, blanks and too much are refused, each by its name."""
    assert question_of(form) is why


def test_hands() -> None:
    """Up or down; anything else is no answer."""
    assert hand_of({"up": "1"}) is True
    assert hand_of({"up": "0"}) is False
    assert hand_of({"up": "true"}) is hand_of({}) is BadAsking.FORM


def test_the_longest_question_fits_a_form() -> None:
    """Five hundred characters of four bytes arrive whole."""
    raw = urlencode({"text": "🎻" * MOST_CHARACTERS}).encode()
    assert len(raw) < MOST_BYTES
    assert question_of(form_fields(raw)) == Question("🎻" * MOST_CHARACTERS)


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: f"text={text}".encode()))
def test_fuzz_of_forms(raw: bytes) -> None:
    """Whatever arrives is a question without controls, no longer than allowed, or a refusal."""
    fields = form_fields(raw)
    found = question_of(fields)
    if isinstance(found, Question):
        assert 0 < len(found.text) <= MOST_CHARACTERS
        kinds = {unicodedata.category(one) for one in found.text if one not in "\u200c\u200d"}
        assert not kinds & {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert hand_of(fields) in {True, False, BadAsking.FORM}


def test_a_question_is_not_printed() -> None:
    """A person's words do not get into a log by way of `repr`."""
    assert "Маша" not in repr(Question("Маша спрашивает"))
