"""People's names: cleaned for keeping, folded for comparing. Pure."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 100  # characters, docs/contracts.md §1
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
NAME = re.compile(r"[^\W\d_][\w .'’`ʼ()-]*", re.UNICODE)
#: Endings after which the third word of a full name is a patronymic.
PATRONYMIC = re.compile(r".*(?:ич|вна|чна)", re.IGNORECASE)
TURKIC = frozenset({"оглы", "оглу", "улы", "уулу", "кызы", "кизи", "гызы"})
CYRILLIC, LATIN = re.compile("[А-Яа-яЁё]"), re.compile("[A-Za-z]")


def clean(text: str) -> str:
    """Text without invisible characters, non-breaking, doubled and stray spaces; NFC."""
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


def fold(text: str) -> str:
    """Form for comparing only: ё is е, case and hyphen spaces do not matter."""
    return clean(text).casefold().replace("ё", "е").replace(" - ", "-")


def is_name(text: str, longest: int = MAX_NAME) -> bool:
    """Whether cleaned `text` can be a name: not empty, begins with a letter, no digits."""
    return len(text) <= longest and bool(NAME.fullmatch(text)) and not re.search(r"\d|_", text)


def mixes_alphabets(text: str) -> bool:
    """Whether one word holds both Cyrillic and Latin letters (a typing slip that breaks search)."""
    return any(CYRILLIC.search(word) and LATIN.search(word) for word in re.split(r"[\s-]", text))


class AmbiguousName(ValueError):
    """A full name in one cell that cannot be split without guessing."""


def split_full_name(text: str) -> tuple[str, str, str]:
    """«Фамилия Имя Отчество» → (family, given, middle); middle may be empty.

    Two words are family and given. Three or more need a patronymic at the end, Turkic ones
    (`Рустам оглы`) take two words.

    Raises:
        AmbiguousName: one word, or the last word of three or more is no patronymic
            («Нгуен Ван Минь»): only the school knows what is what.
    """
    words = clean(text).split(" ")
    match words:
        case [family, given]:
            return family, given, ""
        case [family, given, father, turkic] if turkic.casefold() in TURKIC:
            return family, given, f"{father} {turkic}"
        case [family, given, middle] if PATRONYMIC.fullmatch(middle):
            return family, given, middle
        case _:
            raise AmbiguousName("use three columns: family name, given name, patronymic")
