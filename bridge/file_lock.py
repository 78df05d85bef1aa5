"""A lock that ends with its process, however that ends: `flock` on a file of ours."""

from __future__ import annotations

import fcntl


def taken(file: int) -> bool:
    """Whether the lock of this open file is ours now; False: another process has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
