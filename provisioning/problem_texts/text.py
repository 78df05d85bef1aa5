"""The shape of one text."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from attrs import frozen

Language = Literal["ru", "en"]


class Level(Enum):
    """How bad: an error blocks the import, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    SUGGESTION = "suggestion"


@frozen
class Text:
    """One problem's sentences: what is wrong and what to do, in Russian and English."""

    level: Level
    ru: str
    ru_fix: str
    en: str
    en_fix: str

    def message(self, language: Language) -> str:
        return self.ru if language == "ru" else self.en

    def fix(self, language: Language) -> str:
        return self.ru_fix if language == "ru" else self.en_fix


def error(ru: str, ru_fix: str, en: str, en_fix: str) -> Text:
    return Text(Level.ERROR, ru, ru_fix, en, en_fix)


def warning(ru: str, ru_fix: str, en: str, en_fix: str) -> Text:
    return Text(Level.WARNING, ru, ru_fix, en, en_fix)


def suggestion(ru: str, ru_fix: str, en: str, en_fix: str) -> Text:
    return Text(Level.SUGGESTION, ru, ru_fix, en, en_fix)
