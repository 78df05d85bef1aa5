"""Loops that begin again after a failure, and still end when they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def failure_of(work: Coroutine[Any, Any, None]) -> Exception | None:
    """What it failed with; None if it came to its end.

    Raises:
        CancelledError: the caller was cancelled, however `work` ended. Awaited directly, a task group in which a cancel
            meets a failure tells of the failure only (CPython before 3.13, gh-116720), and a loop around it goes on.
    """
    ended: BaseException | None = (await asyncio.gather(work, return_exceptions=True))[0]
    if isinstance(ended, BaseException) and not isinstance(ended, Exception):
        raise ended
    return ended
