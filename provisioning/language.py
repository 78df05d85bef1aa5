"""Russian or English, by the operator's environment. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from provisioning.problem_texts import Language


def language_of(environment: Mapping[str, str]) -> Language:
    """Russian if the locale says so (POSIX order: LC_ALL, LC_MESSAGES, LANG), else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name, ""):
            return "ru" if value.lower().startswith("ru") else "en"
    return "en"


def say(language: Language, ru: str, en: str) -> str:
    return ru if language == "ru" else en
