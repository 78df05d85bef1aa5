"""What a viewer sends: a question, a raised hand. Checked and cleaned. Pure."""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Mapping
from urllib.parse import parse_qsl

from attrs import field, frozen

#: Characters of a question; the page says so.
MOST_CHARACTERS = 500
#: Bytes of a form: each character may be four bytes, each byte three characters of a form.
MOST_BYTES = 16 * 1024
#: Unicode's kinds of characters that nobody writes: controls, directions, surrogates, private and unassigned ones.
UNWRITTEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
#: Of those, what emoji and some alphabets join letters with.
JOINERS = frozenset("\u200c\u200d")


class BadAsking(enum.Enum):
    """Why a form is not taken. The values are stable: they are names of texts."""

    EMPTY = "question_empty"
    LONG = "question_long"
    FORM = "question_form"


class Asked(enum.Enum):
    """What became of a question. The values are stable: what the page says."""

    ARRIVED = "asked"
    LOST = "not_sent"
    SOON = "too_soon"  # the hosts asked for patience


class BadLine(enum.Enum):
    """Why a line of captions is not shown. The values are stable: they are names of texts."""

    EMPTY = "line_empty"
    LONG = "line_long"
    FAST = "line_fast"
    NOT_NOW = "line_not_now"  # nothing runs, or nobody wanted captions
    NOT_YOURS = "line_not_yours"  # the code is another one by now


@frozen
class Question:
    """For the moderators' room. It is a person's words: never logged."""

    text: str = field(repr=False)


def question_of(form: Mapping[str, str]) -> Question | BadAsking:
    """`text=…`: one paragraph; line ends and runs of blanks are one blank."""
    raw = form.get("text")
    if raw is None:
        return BadAsking.FORM
    blanks = "".join(" " if one.isspace() else one for one in raw)
    kept = (one for one in blanks if one in JOINERS or unicodedata.category(one) not in UNWRITTEN)
    text = " ".join("".join(kept).split())
    if not text.strip("\u200c\u200d "):
        return BadAsking.EMPTY
    return Question(text) if len(text) <= MOST_CHARACTERS else BadAsking.LONG


def hand_of(form: Mapping[str, str]) -> bool | BadAsking:
    """`up=1`: raised, `up=0`: lowered."""
    up = form.get("up")
    return up == "1" if up in {"0", "1"} else BadAsking.FORM


def form_fields(raw: bytes) -> Mapping[str, str]:
    """The first value of each field. What is not UTF-8 is shown as �."""
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=8)
    except ValueError:
        return {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found
