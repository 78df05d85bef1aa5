"""A service as a process: it runs until somebody asks it to end, and its exit code says how it ended.

Exit codes: 0 ended as asked, 1 an error of ours, 2 a setting cannot be used (one line says which).
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from serving.settings import BadConfig

EXIT_FAILED, EXIT_CONFIG = 1, 2


def exit_code_of(name: str, run: Callable[[], object], *expected: type[Exception]) -> int:
    """Run it to its end.

    Args:
        name: of the package; its log and its last line bear it.
        expected: failures whose message is written for people; exit code 1.
    """
    try:
        run()
    except BadConfig as error:
        sys.stderr.write(f"{name}: {error}\n")
        return EXIT_CONFIG
    except expected as error:
        sys.stderr.write(f"{name}: {error}\n")
        return EXIT_FAILED
    except Exception:
        # Through the log: Python's own last words would quote the error's message.
        logging.getLogger(name).critical("ended by an error", exc_info=True)
        return EXIT_FAILED
    return 0


async def until_asked(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """`run` is given an event that SIGTERM and Ctrl-C set.

    Asked again while it ends, the process ends as it was about to: a handler of the loop would be gone by then.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask(*_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    await run(stop)
