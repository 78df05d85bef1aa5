"""`python -m bridge bridge.yaml`: the onboarding service until it is asked to end.

Exit codes: 0 ended as asked, 1 an error of ours, or `--trial` could not be done, 2 a setting cannot be used
(one line says which).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bridge.answers import Chance
from bridge.config import BadConfig, read_config
from bridge.logs import set_up_logging
from bridge.serving import serve
from bridge.trial import NotPrepared, prepare
from bridge.wiring import Machine

EXIT_FAILED, EXIT_CONFIG = 1, 2
#: Bytes of an id of ours: 80 random bits never meet.
ID_BYTES = 10


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    os.umask(0o077)  # database and keys are nobody else's
    set_up_logging()
    machine = Machine(
        clock=lambda: datetime.now(UTC),
        seconds=time.monotonic,
        chance=Chance(below=secrets.randbelow, new_id=lambda: secrets.token_hex(ID_BYTES)),
        random_bytes=secrets.token_bytes,
        write=lambda text: print(text, flush=True),
    )
    try:
        config = read_config(options.config)
        if options.trial:
            print(asyncio.run(prepare(config, machine, sys.stdin.read())))
        else:
            asyncio.run(_until_asked(lambda stop: serve(config, machine, stop)))
    except BadConfig as error:
        print(f"bridge: {error}", file=sys.stderr)
        return EXIT_CONFIG
    except NotPrepared as error:
        print(f"bridge: {error}", file=sys.stderr)
        return EXIT_FAILED
    except Exception:
        # Through the log: Python's own last words would quote the error's message.
        logging.getLogger("bridge").critical("ended by an error", exc_info=True)
        return EXIT_FAILED
    return 0


async def _until_asked(run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bridge", description="The onboarding service: pages, codes, staff bot."
    )
    parser.add_argument("config", type=Path, help="bridge.yaml")
    parser.add_argument(
        "--trial",
        action="store_true",
        help="for `sferum run` only: read demo people from the input, print links to try",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
