"""What is wrong with a school's files, as values. Pure.

A problem says where (file, row, column as the operator sees them), what, and what to do. It never
quotes a cell: problems reach logs and screens, names and phones must not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum

from attrs import field, frozen

from provisioning.problem_texts import TEXTS, Language, Level


@frozen(order=True)
class Place:
    """Where in the school's files.

    Attributes:
        file: file name without folders; `book.xlsx[Лист1]` or `archive.zip/users.csv` inside.
        row: row as a spreadsheet shows it, from 1 (the headings count); None: the whole file.
        column: heading as it stands in the file; "" when the whole row is meant.
    """

    file: str
    row: int | None = None
    column: str = ""

    def at(self, column: str) -> Place:
        """The same row, one column."""
        return Place(self.file, self.row, column)

    def whole_file(self) -> Place:
        return Place(self.file)

    def __str__(self) -> str:
        row = "" if self.row is None else f":{self.row}"
        return f"{self.file}{row}"


class Severity(StrEnum):
    """What follows: an error blocks the import, a warning and a suggestion do not."""

    ERROR = "error"
    WARNING = "warning"
    SUGGESTION = "suggestion"


@frozen
class Problem:
    """One thing wrong at one place.

    Attributes:
        code: stable name, a key of `problem_texts.TEXTS`; counted and tested.
        place: where.
        details: words for the text, never from a person's cells: headings, class names, other
            places, numbers.
    """

    code: str
    place: Place
    details: Mapping[str, str] = field(factory=dict, hash=False)

    def __attrs_post_init__(self) -> None:
        if self.code not in TEXTS:
            raise KeyError(f"no text for problem {self.code!r}")

    @property
    def severity(self) -> Severity:
        match TEXTS[self.code].level:
            case Level.ERROR:
                return Severity.ERROR
            case Level.WARNING:
                return Severity.WARNING
            case Level.SUGGESTION:
                return Severity.SUGGESTION

    @property
    def file(self) -> str:
        return self.place.file

    @property
    def row(self) -> int | None:
        return self.place.row

    @property
    def column(self) -> str:
        return self.place.column

    def message(self, language: Language = "ru") -> str:
        """What is wrong, one sentence."""
        return TEXTS[self.code].message(language).format_map(self.details)

    def fix(self, language: Language = "ru") -> str:
        """What to do, one sentence."""
        return TEXTS[self.code].fix(language).format_map(self.details)

    def line(self, language: Language = "ru") -> str:
        """One line for a terminal: place, message, what to do."""
        column = f" «{self.column}»" if self.column else ""
        return f"{self.place}{column}: {self.message(language)} → {self.fix(language)}"

    def as_json(self) -> dict[str, object]:
        """The problem for a machine; texts in both languages."""
        return {
            "severity": self.severity.value,
            "code": self.code,
            "file": self.file,
            "row": self.row,
            "column": self.column or None,
            "message": {"ru": self.message("ru"), "en": self.message("en")},
            "fix": {"ru": self.fix("ru"), "en": self.fix("en")},
        }


def has_errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Errors first, then by file, row and column; one of each."""
    rank = list(Severity)
    distinct = {
        (rank.index(p.severity), p.place.file, p.row or 0, p.column, p.code, _key(p)): p
        for p in problems
    }
    return tuple(distinct[key] for key in sorted(distinct))


def _key(problem: Problem) -> str:
    return json.dumps(dict(problem.details), sort_keys=True)
