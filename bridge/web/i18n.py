"""Languages of the pages. Texts are written in Russian; catalogues hold English, and Russian plurals.

A catalogue is a `.po` file in `bridge/locale/LANGUAGE/`, one for each part of the pages, read at the start: there
is nothing to compile and nothing to forget. `tests/bridge/web/test_i18n.py` finds what is not translated.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from bridge.config import LANGUAGES

LOCALE = Path(__file__).parent.parent / "locale"


def N_(text: str) -> str:  # noqa: N802 - gettext's name for "a text to be translated later"
    """Marks a text that is translated where it is shown."""
    return text


@cache
def catalogue(language: str) -> Translations:
    """Every text of one language."""
    merged = Translations()
    for path in sorted((LOCALE / language).glob("*.po")):
        with path.open("rb") as file:
            messages = read_po(file, locale=language)
        compiled = io.BytesIO()
        write_mo(compiled, messages)
        compiled.seek(0)
        part = Translations(compiled)
        merged.merge(part)
        merged.plural = part.plural
    return merged


def language_of(cookies: Mapping[str, str], accept: str) -> str:
    """The language somebody chose, else what the browser asks for, else Russian."""
    chosen = cookies.get("lang", "")
    if chosen in LANGUAGES:
        return chosen
    wanted = [part.partition(";")[0].strip().partition("-")[0] for part in accept[:200].split(",")]
    return negotiate_locale(wanted, LANGUAGES) or LANGUAGES[0]
