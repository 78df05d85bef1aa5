"""Class names as typed, and the canonical one (R39)."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.class_name import BadClassName, parse_class_name

#: typed → (canonical, grade)
TABLE = {
    "5А": ("5А", 5),
    "5A": ("5А", 5),  # Latin
    "5а": ("5А", 5),
    "5-а": ("5А", 5),
    "5–А": ("5А", 5),
    "5 а": ("5А", 5),
    "5 «А»": ("5А", 5),
    '5"А"': ("5А", 5),
    "5 „а“": ("5А", 5),
    " 5\u00a0А ": ("5А", 5),
    "05А": ("5А", 5),
    "5_А": ("5А", 5),
    "5(А)": ("5А", 5),
    "5А класс": ("5А", 5),
    "5 класс А": ("5А", 5),
    "5 кл. «А»": ("5А", 5),
    "1-й «А»": ("1А", 1),
    "5 - й Б": ("5Б", 5),
    "5А1": ("5А1", None),
    "5B": ("5В", 5),  # by look
    "11-A": ("11А", 11),
    "10 «ФМ»": ("10ФМ", 10),
    "10фм": ("10ФМ", 10),
    "7К": ("7К", 7),
    "7K": ("7К", 7),
    "8кад": ("8КАД", 8),
    "9Ё": ("9Ё", 9),
    "3S": ("3S", 3),  # no Cyrillic letter looks so
    "5": ("5", 5),
    "1 класс": ("1", 1),
    "10-1": ("10-1", None),
    "10/2": ("10/2", None),
    "Подготовка": ("Подготовка", None),
    "Лицей  физ": ("Лицей физ", None),
    "Класс мира": ("Класс мира", None),
}


@pytest.mark.parametrize("typed", TABLE)
def test_one_form_for_each_class(typed: str) -> None:
    """R39: however a class is typed, it has one canonical name and grade."""
    parsed = parse_class_name(typed)

    assert (parsed.name, parsed.grade) == TABLE[typed]


@pytest.mark.parametrize(
    "typed",
    ["", " ", "«»", "0А", "0", "12А", "99", "125А", "2026-05-01", "01.05.2026", "5А, 5Б", "5А и 6Б", "5А кл. и 6Б",
     "5А;",      "надомное обучение", "10АБВГДЕЖЗИКЛМНО", "а89161234567", "-", "№", "@", "+75001000000", "5А\x00"],
)  # fmt: skip
def test_what_is_no_class_is_refused(typed: str) -> None:
    """Grades outside 1–11, dates, lists, phones and sentences are no classes."""
    with pytest.raises(BadClassName):
        parse_class_name(typed)


@given(st.integers(1, 11), st.text("АБВГДЕЖЗИК", max_size=4))
def test_canonical_names_are_fixed_points(grade: int, letters: str) -> None:
    """A canonical name is its own canonical name."""
    name = f"{grade}{letters}"

    assert parse_class_name(name).name == name
    assert parse_class_name(name).grade == grade


@given(st.text(max_size=40))
def test_any_text_is_a_class_or_refused(text: str) -> None:
    """Nothing but BadClassName is raised, names are 1–15 characters, and parsing again changes nothing."""
    with suppress(BadClassName):
        parsed = parse_class_name(text)
        assert 1 <= len(parsed.name) <= 15
        assert parse_class_name(parsed.name) == parsed
