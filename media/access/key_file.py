"""The keys of tokens: a file with `name: secret` on each line, as LiveKit's `keys`."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from media.access.tokens import Key
from serving.secret_files import BadSecret, text_of

#: Characters of a secret; HS256 wants 256 bits (RFC 7518 3.2).
SHORTEST = 32
MOST_KEYS = 10
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class BadKeyFile(Exception):
    """The file cannot be used; the message has no secret in it."""


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys of the file: the first signs, all of them are believed.

    To change the key without ending calls: write a new first line, and take the old line away after an hour.
    The calls server reads the file again by itself; of several nodes each must know a key before one signs with it.

    Raises:
        BadKeyFile: missing, readable by others, or a line is not a key.
    """
    try:
        text = text_of(path, "ascii")
    except BadSecret as error:
        raise BadKeyFile(str(error)) from None
    keys: list[Key] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, secret = (part.strip() for part in line.partition(":"))
        if not colon or not _NAME.fullmatch(name):
            raise BadKeyFile(f"{path}:{number}: want `name: secret`")
        if len(secret) < SHORTEST:
            raise BadKeyFile(f"{path}:{number}: the secret is shorter than {SHORTEST} characters")
        if any(key.name == name for key in keys):
            raise BadKeyFile(f"{path}:{number}: the name is there twice")
        keys.append(Key(name, secret))
    if not 0 < len(keys) <= MOST_KEYS:
        raise BadKeyFile(f"{path}: want 1 to {MOST_KEYS} keys, found {len(keys)}")
    return tuple(keys)


def new_line() -> str:
    """A line for the file, with a fresh key."""
    return f"sferum-{secrets.token_hex(4)}: {secrets.token_urlsafe(48)}\n"
