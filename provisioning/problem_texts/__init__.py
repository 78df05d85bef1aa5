"""What the school secretary reads: every problem in Russian and English, with what to do.

Texts hold `{details}` such as headings and class names, never a person's data.
"""

from __future__ import annotations

from provisioning.problem_texts import contents, files, oneroster, people, year
from provisioning.problem_texts.text import Language, Level, Text

TEXTS: dict[str, Text] = {
    **files.TEXTS,
    **contents.TEXTS,
    **people.TEXTS,
    **oneroster.TEXTS,
    **year.TEXTS,
}

__all__ = ["TEXTS", "Language", "Level", "Text"]
