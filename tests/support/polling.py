"""Wait for a fact instead of sleeping and hoping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds a fact may take that is true within one on an idle machine: CI's two cores serve two test runs at once.
DEADLINE_S = 30.0

#: Seconds between two looks: short against a server's start (1-3 s), long enough to leave it the CPU.
INTERVAL_S = 0.02
#: Where a look costs the server that is waited for some milliseconds of its one core.
UNHURRIED_S = 0.1
#: Of what was waited already, until the next look: whoever waits long hardly notices, and a server is not asked fifty
#: times a second for half a minute.
SHARE = 0.05


def pause_s(waited_s: float, interval_s: float = INTERVAL_S) -> float:
    """Seconds until the next look, after having waited so long."""
    return max(interval_s, min(SHARE * waited_s, UNHURRIED_S))


def until(
    probe: Callable[[], T | None],
    *,
    what: str,
    deadline_s: float = DEADLINE_S,
    interval_s: float = INTERVAL_S,
    steady: bool = False,
) -> T:
    """Call `probe` until it answers something true, and return that.

    Args:
        interval_s: seconds between two calls; up to `UNHURRIED_S` when it takes long.
        steady: never more than that, because what happens meanwhile matters too.

    Raises:
        TimeoutError: nothing true within `deadline_s` seconds; the message names `what` and the last answer.
    """
    begun = time.monotonic()
    while True:
        answer = probe()
        if answer:
            return answer
        waited = time.monotonic() - begun
        if waited > deadline_s:
            raise TimeoutError(f"{what}: not within {deadline_s:g} s; last answer {answer!r}")
        time.sleep(interval_s if steady else pause_s(waited, interval_s))


async def until_async(
    probe: Callable[[], Awaitable[T | None]],
    *,
    what: str,
    deadline_s: float = DEADLINE_S,
    interval_s: float = INTERVAL_S,
) -> T:
    """`until` for a probe that is a coroutine function.

    Raises:
        TimeoutError: nothing true within `deadline_s` seconds.
    """
    end = time.monotonic() + deadline_s
    while True:
        answer = await probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {deadline_s:g} s; last answer {answer!r}")
        await asyncio.sleep(interval_s)
