"""`python -m bridge bridge.yaml`: the onboarding service until it is asked to end.

Exit codes: those of `serving.process`; 1 also when `--trial` could not be done.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bridge.answers import Chance
from bridge.config import read_config
from bridge.logs import SILENT
from bridge.serving import serve
from bridge.trial import NotPrepared, prepare
from bridge.wiring import Machine
from serving.logs import set_up_logging
from serving.process import exit_code_of, until_asked

#: Bytes of an id of ours: 80 random bits never meet.
ID_BYTES = 10


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    os.umask(0o077)  # database and keys are nobody else's
    set_up_logging("bridge", SILENT)
    machine = Machine(
        clock=lambda: datetime.now(UTC),
        seconds=time.monotonic,
        chance=Chance(below=secrets.randbelow, new_id=lambda: secrets.token_hex(ID_BYTES)),
        random_bytes=secrets.token_bytes,
        write=lambda text: print(text, flush=True),
    )

    def run() -> None:
        config = read_config(options.config)
        if options.trial:
            print(asyncio.run(prepare(config, machine, sys.stdin.read())))
        else:
            asyncio.run(until_asked(lambda stop: serve(config, machine, stop)))

    return exit_code_of("bridge", run, NotPrepared)


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
