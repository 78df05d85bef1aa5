"""A person's names in one line. Pure."""

from __future__ import annotations


def short_name(family: str, given: str) -> str:
    """«Иванов А.»: enough to recognise oneself, not enough for a stranger."""
    return f"{family} {given[:1]}." if given else family


def full_name(family: str, given: str, middle: str) -> str:
    """«Иванов Александр Петрович»."""
    return " ".join(part for part in (family, given, middle) if part)
