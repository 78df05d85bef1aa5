"""`python -m media media.yaml`: the calls server until it is asked to end (SIGTERM). SIGHUP: read the secrets again.

Exit codes: 0 ended as asked, 1 an error of ours, 2 a setting cannot be used (one line says which).
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
from collections.abc import Sequence
from pathlib import Path

from media.config import BadConfig, Config, read_config
from media.logs import set_up_logging
from media.serving import Machine, check, serve

EXIT_FAILED, EXIT_CONFIG = 1, 2


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    os.umask(0o077)  # keys are nobody else's
    set_up_logging()
    machine = Machine(wall=time.time, bits=secrets.randbits)
    try:
        if options.check:
            check(read_config(options.config))
            return 0
        asyncio.run(_until_asked(read_config(options.config), machine))
    except BadConfig as error:
        print(f"media: {error}", file=sys.stderr)
        return EXIT_CONFIG
    except Exception:
        # Through the log: Python's own last words would quote the error's message.
        logging.getLogger("media").critical("ended by an error", exc_info=True)
        return EXIT_FAILED
    return 0


async def _until_asked(config: Config, machine: Machine) -> None:
    stop, reread = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reread.set)
    await serve(config, machine, stop, reread)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m media", description="The calls server: tokens, signalling, media."
    )
    parser.add_argument("config", type=Path, help="media.yaml")
    parser.add_argument(
        "--check", action="store_true", help="read the settings and the files they name, and end"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
