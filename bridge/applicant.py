"""Who somebody says they are: names, birth date, whose parent. Pure.

It lies sealed beside the application (purpose `application:{id}`), and is erased with a no (R16).
"""

from __future__ import annotations

import json
import unicodedata
from datetime import date

from attrs import field, frozen

from bridge import names
from bridge.application import ApplicationId
from serving.json_object import BadJson, parse_object

#: Characters of one name, as in docs/contracts.md §1.
LONGEST_NAME = 100
LONGEST_RELATION = 40
#: Characters that are no letters and yet are in names: Анна-Мария, О'Коннор, д’Артаньян, Мл.
MARKS = frozenset("-'’ʼ.– ")


@frozen(kw_only=True)
class Applicant:
    """As typed, cleaned. Nothing of it is ever in a log."""

    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    middle_name: str = field(repr=False, default="")
    birth_date: date | None = field(repr=False, default=None)  # of a pupil
    relation: str = field(repr=False, default="")  # of a parent: мать, отец, опекун
    child_name: str = field(repr=False, default="")  # whose parent, in the applicant's words
    note: str = field(repr=False, default="")

    @property
    def short_name(self) -> str:
        """«Иванов А.»."""
        return names.short_name(self.family_name, self.given_name)

    @property
    def full_name(self) -> str:
        return names.full_name(self.family_name, self.given_name, self.middle_name)


def purpose(application_id: ApplicationId) -> str:
    """What the sealed bytes are bound to."""
    return f"application:{application_id}"


def pack(applicant: Applicant) -> bytes:
    return json.dumps(
        {
            "family_name": applicant.family_name,
            "given_name": applicant.given_name,
            "middle_name": applicant.middle_name,
            "birth_date": applicant.birth_date and applicant.birth_date.isoformat(),
            "relation": applicant.relation,
            "child_name": applicant.child_name,
            "note": applicant.note,
        },
        ensure_ascii=False,
    ).encode()


def unpack(raw: bytes) -> Applicant:
    """The applicant that `pack` wrote.

    Raises:
        BadJson: something else.
    """
    words = parse_object(raw)
    born = words.text_or_none("birth_date")
    try:
        birth_date = None if born is None else date.fromisoformat(born)
    except ValueError:
        raise BadJson("birth_date") from None
    return Applicant(
        family_name=words.text("family_name"),
        given_name=words.text("given_name"),
        middle_name=words.text("middle_name"),
        birth_date=birth_date,
        relation=words.text("relation"),
        child_name=words.text("child_name"),
        note=words.text("note"),
    )


def clean(text: str) -> str:
    """One line in Unicode's composed form: «  Анна  Мария» → «Анна Мария»."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def is_name(text: str) -> bool:
    """Whether a cleaned text can be somebody's name, in any script.

    Letters, their accents and a few marks; so no digits, no markup, nothing invisible that turns text around.
    """
    kinds = [unicodedata.category(char)[0] for char in text if char not in MARKS]
    return 0 < len(text) <= LONGEST_NAME and "L" in kinds and set(kinds) <= {"L", "M"}


def is_line(text: str, longest: int) -> bool:
    """Whether a cleaned text may be kept: no control characters, nothing invisible, not too long."""
    return len(text) <= longest and all(unicodedata.category(char)[0] != "C" for char in text)
