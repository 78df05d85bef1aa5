"""Every text of the pages has its English; nothing is translated that no page says any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import bridge
from bridge.web.i18n import LOCALE, catalogue, language_of

SOURCE = Path(bridge.__file__).parent
METHODS = [("**.py", "python"), ("web/templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
#: Forms of a plural: Russian has three, English two.
FORMS = {"ru": 3, "en": 2}


def said() -> dict[str, tuple[str, ...]]:
    """Every text of code and templates → where it is said; plural texts by their first form."""
    options = {"web/templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}
    found: dict[str, list[str]] = {}
    for file, line, message, _, _ in extract_from_dir(SOURCE, METHODS, options, keywords=KEYWORDS):
        text = message if isinstance(message, str) else message[0]
        found.setdefault(text, []).append(f"{file}:{line}")
    return {text: tuple(places) for text, places in found.items()}


def plurals() -> set[str]:
    """The first forms of texts with a number in them."""
    return {
        message[0]
        for _, _, message, _, _ in extract_from_dir(SOURCE, METHODS, keywords=KEYWORDS)
        if not isinstance(message, str)
    }


def entries(language: str) -> Iterator[tuple[str, Any, Path]]:
    """(text, translation, file) of each catalogue."""
    for path in sorted((LOCALE / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    first = message.id if isinstance(message.id, str) else message.id[0]
                    yield first, message.string, path


def test_every_text_has_its_english() -> None:
    """Whoever chose English sees no Russian."""
    known = {
        text
        for text, translation, _ in entries("en")
        if (translation if isinstance(translation, str) else all(translation))
    }
    missing = {text: places[0] for text, places in said().items() if text not in known}
    assert not missing, "no English for:\n" + "\n".join(f"{p}: {t}" for t, p in missing.items())


def test_every_number_is_declined_in_russian() -> None:
    """1 попытка, 2 попытки, 5 попыток."""
    known = {text for text, forms, _ in entries("ru") if len(forms) == FORMS["ru"] and all(forms)}
    assert plurals() <= known, f"no Russian plural forms for: {plurals() - known}"


@pytest.mark.parametrize("language", FORMS)
def test_no_translation_is_left_over_or_made_twice(language: str) -> None:
    """A catalogue says what pages say, each text in one file."""
    texts = Counter(text for text, _, _ in entries(language))
    assert [text for text, times in texts.items() if times > 1] == []
    assert set(texts) <= set(said()), set(texts) - set(said())


def test_placeholders_survive_translation() -> None:
    """A translation that forgets a %(name)s, or invents one, would fail in front of a parent."""
    for text, translation, path in (*entries("en"), *entries("ru")):
        for form in [translation] if isinstance(translation, str) else translation:
            names = {part.partition(")")[0] for part in text.split("%(")[1:]} - {"num"}
            given = {part.partition(")")[0] for part in form.split("%(")[1:]} - {"num"}
            assert names == given, f"{path.name}: {text}"


@pytest.mark.parametrize(
    ("cookies", "accept", "language"),
    [
        ({}, "", "ru"),
        ({}, "en-GB,en;q=0.9", "en"),
        ({}, "de-DE,de;q=0.9,en;q=0.5", "en"),
        ({}, "kk-KZ", "ru"),
        ({"lang": "ru"}, "en", "ru"),
        ({"lang": "../../etc"}, "en", "en"),
        ({}, "x" * 10_000, "ru"),
    ],
)
def test_the_language_is_chosen_or_the_browsers(
    cookies: dict[str, str], accept: str, language: str
) -> None:
    """Russian unless somebody asks for English."""
    assert language_of(cookies, accept) == language


def test_numbers_are_declined() -> None:
    """The catalogues are put together with their plural rules."""
    assert catalogue("en").plural(1) == 0
    assert catalogue("en").plural(5) == 1
