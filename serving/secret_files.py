"""Files that nobody but the service's own user may read: tokens, keys, passwords."""

from __future__ import annotations

from pathlib import Path


class BadSecret(Exception):
    """A file cannot be used; the message names it and has no secret in it."""


def text_of(path: Path, encoding: str = "utf-8") -> str:
    """All that is in it.

    Raises:
        BadSecret: missing, readable by others, or no text.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise BadSecret(f"{path}: others may read it; chmod 600")
        return path.read_text(encoding)
    except (OSError, UnicodeDecodeError) as error:
        raise BadSecret(f"{path}: {type(error).__name__}") from None


def read_secret(path: Path, encoding: str = "utf-8") -> str:
    """One secret, without the line's end.

    Raises:
        BadSecret: as `text_of`, or empty.
    """
    text = text_of(path, encoding).strip()
    if not text:
        raise BadSecret(f"{path}: is empty")
    return text
