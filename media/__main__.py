"""`python -m media media.yaml`: the calls server until it is asked to end (SIGTERM). SIGHUP: read the secrets again.

Exit codes: those of `serving.process`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from media.config import Config, read_config
from media.serving import Machine, check, serve
from media.signal.bits import Bits
from serving.logs import set_up_logging
from serving.process import exit_code_of, until_asked


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    os.umask(0o077)  # keys are nobody else's
    set_up_logging("media")
    machine = Machine(wall=time.time, bits=Bits())

    def run() -> None:
        config = read_config(options.config)
        if options.check:
            check(config)
        else:
            asyncio.run(until_asked(lambda stop: _serve(config, machine, stop)))

    return exit_code_of("media", run)


async def _serve(config: Config, machine: Machine, stop: asyncio.Event) -> None:
    reread = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reread.set)
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
