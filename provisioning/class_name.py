"""Class names as schools type them, and the one form we keep (R39). Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import NewType

from attrs import frozen

ClassName = NewType("ClassName", str)

MAX_NAMED = 15  # characters of a named class (R39)
MIN_GRADE, MAX_GRADE = 1, 11

#: Latin capitals that look like Cyrillic ones. By look and not by sound: whoever typed `5B`
#: copied the shape of «5В» (in school86 every such B is a В).
LOOKALIKES = str.maketrans("ABCEHKMOPTXY", "АВСЕНКМОРТХУ")
LETTERS = re.compile(r"[А-ЯЁA-Z]+")
GRADE_AND_REST = re.compile(r"0*([1-9]\d*)(.*)", re.DOTALL)
QUOTES_AND_SPACE = re.compile(r"[\s«»„“”\"'`’]+")
ORDINAL = re.compile(r"(?<=\d) ?- ?(?:ый|ой|й)(?=[\s«\"„“])", re.IGNORECASE)  # 1-й «А»
WORD_CLASS = re.compile(r"(?<!\w)(?:класс|кл)(?!\w)\.?", re.IGNORECASE)
DASHES = "-‐‑‒–—−"
NUMBERED = re.compile(r"\d{1,2}[-/]\d{1,2}")  # parallel classes that are numbered: 10-1
MAX_DIGITS = 4  # in a named class; more would be a phone or a date
ALLOWED_IN_NAMED = re.compile(r"[\w .«»\"'/№+-]+")


class BadClassName(ValueError):
    """Not a class name. The message names no input: it may be anything, a phone too."""


@frozen(order=True)
class ParsedClass:
    """A class name after R39.

    Attributes:
        name: canonical: `{1..11}{letters}` in Cyrillic capitals, or the name of a named class.
        grade: 1–11, or None for a named class (promotion does not move those, R35).
    """

    name: ClassName
    grade: int | None


def parse_class_name(text: str) -> ParsedClass:
    """The canonical name (R39): `5A` (Latin), `5-а`, `5 «А»`, `5 а`, `05А`, `5А класс` → `5А`.

    A grade without a letter stays as it is (`5`: one class in the year, as in village schools).
    Anything that does not begin with a digit is a named class, ≤ 15 characters. `10-1` and `10/2`
    are named classes too: their part after the grade is not made of letters.

    Raises:
        BadClassName: empty, too long, grade outside 1–11, or signs no class name has.
    """
    cleaned = " ".join(unicodedata.normalize("NFC", text).split())
    for dash in DASHES:
        cleaned = cleaned.replace(dash, "-")
    without_word = WORD_CLASS.sub(" ", ORDINAL.sub(" ", cleaned))
    compact = QUOTES_AND_SPACE.sub("", without_word).upper()
    match = GRADE_AND_REST.fullmatch(compact)
    if match is None:
        return _named(cleaned)
    grade, rest = match[1], match[2].strip("-_./()").translate(LOOKALIKES)
    if len(grade) > 2 or not MIN_GRADE <= int(grade) <= MAX_GRADE:
        raise BadClassName("the grade is outside 1–11")
    name = grade + rest
    if not rest or LETTERS.fullmatch(rest):
        if len(name) > MAX_NAMED:
            raise BadClassName(f"longer than {MAX_NAMED} characters")
        return ParsedClass(ClassName(name), int(grade))
    return _named(cleaned)


def _named(cleaned: str) -> ParsedClass:
    if not cleaned:
        raise BadClassName("empty")
    if len(cleaned) > MAX_NAMED:
        raise BadClassName(f"longer than {MAX_NAMED} characters")
    if not ALLOWED_IN_NAMED.fullmatch(cleaned):
        raise BadClassName("holds signs that no class name has")
    if not NUMBERED.fullmatch(cleaned) and not any(c.isalpha() for c in cleaned):
        raise BadClassName("a number or a date, not a class")
    if cleaned[0].isdigit() and " " in cleaned:
        raise BadClassName("several classes, or words after a class")
    if cleaned[0] == "0" or sum(c.isdigit() for c in cleaned) > MAX_DIGITS:
        raise BadClassName("more digits than a class name has")
    return ParsedClass(ClassName(cleaned), None)
