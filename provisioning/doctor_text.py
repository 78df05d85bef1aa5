"""The form of a sentence of `sferum doctor`. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """What is so, and what to do ("" when nothing), in both languages. `{s}` is the finding's subject."""

    ru: str
    en: str
    do_ru: str = ""
    do_en: str = ""
