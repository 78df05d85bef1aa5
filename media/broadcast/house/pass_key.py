"""The key that seals passes and cookies: made once, in the folder of broadcasts, for this process alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from media.broadcast.passes import LEAST_KEY
from serving.secret_files import BadSecret, read_secret

FILE = "passes.key"


def pass_key(folder: Path, chance: Callable[[int], bytes]) -> bytes:
    """The key of this folder. Deleting the file makes every pass and every session of hosts' pages void.

    Raises:
        BadSecret: others may read it, or it is none.
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE
    if not path.exists():
        fresh = path.with_name(f"{FILE}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(chance(LEAST_KEY).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    try:
        key = bytes.fromhex(read_secret(path, "ascii"))
    except ValueError:
        key = b""
    if len(key) < LEAST_KEY:
        raise BadSecret(f"{path}: no key; delete it, and a new one is made")
    return key
