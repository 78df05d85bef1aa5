"""Names cleaned for keeping, folded for comparing, split only when certain."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.birth_date import BadDate, age, parse_date
from provisioning.names import AmbiguousName, clean, fold, is_name, mixes_alphabets, split_full_name


@pytest.mark.parametrize(
    ("dirty", "cleaned"),
    [
        ("\u00a0Диана", "Диана"),
        ("Ван  Минь ", "Ван Минь"),
        ("Аксё\u00adнова", "Аксёнова"),
        ("\ufeffИван", "Иван"),
        ("Андреи\u0306", "Андрей"),  # й of two characters, as macOS writes it
        ("Пётр", "Пётр"),
    ],
)
def test_stray_spaces_go_and_letters_stay(dirty: str, cleaned: str) -> None:
    """Non-breaking, doubled and invisible characters go; ё stays."""
    assert clean(dirty) == cleaned


def test_yo_counts_as_ye_only_for_comparing() -> None:
    """Королёв and Королев compare equal; what is kept is what was written."""
    assert fold("Королёв") == fold("КОРОЛЕВ")
    assert clean("Королёв") != clean("Королев")


@pytest.mark.parametrize(
    ("full", "parts"),
    [
        ("Иванов Пётр", ("Иванов", "Пётр", "")),
        ("Иванов Пётр Ильич", ("Иванов", "Пётр", "Ильич")),
        ("Иванова  Анна Никитична", ("Иванова", "Анна", "Никитична")),
        ("Алиев Рустам Вагиф оглы", ("Алиев", "Рустам", "Вагиф оглы")),
        ("Римская-Корсакова Анна-Мария Юрьевна", ("Римская-Корсакова", "Анна-Мария", "Юрьевна")),
    ],
)
def test_full_names_split(full: str, parts: tuple[str, str, str]) -> None:
    """Family, given and middle name when the patronymic shows itself."""
    assert split_full_name(full) == parts


@pytest.mark.parametrize("full", ["", "Ким", "Нгуен Ван Минь", "Де Ла Крус Мария", "А Б В Г Д"])
def test_what_could_be_split_two_ways_is_not(full: str) -> None:
    """Without a patronymic three words are nobody's guess."""
    with pytest.raises(AmbiguousName):
        split_full_name(full)


@pytest.mark.parametrize(
    "name", ["Ли", "О'Нил", "Анна-Мария", "Ван Минь", "Ольга (Ивановна)", "ʼаль"[1:], "Müller"]
)
def test_names_of_all_peoples_are_names(name: str) -> None:
    """Hyphens, apostrophes, spaces and other alphabets are fine."""
    assert is_name(name)


@pytest.mark.parametrize(
    "text", ["", "5А", "Иван1", "-", "Иван@", "+7500", "x" * 101, "а_б", "Ян?"]
)
def test_what_is_no_name(text: str) -> None:
    """Digits and signs are no names."""
    assert not is_name(text)


def test_mixed_alphabets_show() -> None:
    """A Latin o in a Cyrillic word is a slip; two words of two alphabets are not."""
    assert mixes_alphabets("Иванoв")
    assert not mixes_alphabets("Иванов Smith")


@pytest.mark.parametrize(
    "text",
    [
        "2015-02-01",
        "01.02.2015",
        "1.2.2015",
        "2015-02-01T00:00:00",
        "2015-02-01 00:00",
        "01.02.2015 г.",
    ],
)
def test_dates_in_two_forms(text: str) -> None:
    """ISO 8601 and дд.мм.гггг, also as spreadsheets write midnight."""
    assert parse_date(text) == date(2015, 2, 1)


@pytest.mark.parametrize(
    "text",
    ["", "01/02/2015", "01.02.15", "2015", "31.02.2015", "42036", "1 мая 2015", "01.02.1815"],
)
def test_other_dates_are_refused(text: str) -> None:
    """What can be read two ways, or not at all, is not read."""
    with pytest.raises(BadDate):
        parse_date(text)


def test_age_changes_on_the_birthday() -> None:
    """R17 counts full years on the day; who is born on 29 February has it on 1 March."""
    assert age(date(2012, 9, 1), date(2026, 8, 31)) == 13
    assert age(date(2012, 9, 1), date(2026, 9, 1)) == 14
    assert age(date(2012, 2, 29), date(2026, 2, 28)) == 13
    assert age(date(2012, 2, 29), date(2026, 3, 1)) == 14


@given(st.text(max_size=60))
def test_any_text_is_handled(text: str) -> None:
    """Cleaning and folding are idempotent; splitting and dates raise only their own errors."""
    assert clean(clean(text)) == clean(text)
    assert fold(fold(text)) == fold(text)
    with suppress(AmbiguousName):
        assert all(split_full_name(text)[:2])
    with suppress(BadDate):
        parse_date(text)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_both_forms_read_back(day: date) -> None:
    """Writing a date in either form and reading it gives the same day."""
    assert parse_date(day.isoformat()) == parse_date(f"{day:%d.%m.%Y}") == day
