"""The command line of `sferum run`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from provisioning.problem_texts import Language

PUPILS = 300
#: From Synapse's port to that of the pages: 8008 → 8090. Another `--port` so moves both.
PAGES_AFTER = 82
#: From the pages' port to that of calls: 8100; from there to that of sound and pictures (UDP and TCP): 8200.
CALLS_AFTER, MEDIA_AFTER = 10, 100
LEAST_PUPILS, MOST_PUPILS = 30, 5000


@frozen(kw_only=True)
class Options:
    """What was asked for.

    Attributes:
        root: absolute folder.
        pupils: None: as before, or PUPILS in a fresh folder.
        once: set up, print, end.
    """

    port: int
    pages_port: int
    calls_port: int
    root: Path
    pupils: int | None
    once: bool
    language: Language


def parse(argv: Sequence[str], default_language: Language) -> Options:
    """The options.

    Raises:
        SystemExit: wrong usage (2), or --help (0).
    """
    parser = argparse.ArgumentParser(
        prog="sferum run",
        description="Start everything on this machine, with a made-up school to try things out.",
        epilog="Exit codes: 0 stopped as asked, 1 the server did not start, 2 wrong usage, a taken "
        "port or folder, 3 the server refused, 130 interrupted before it was ready.",
    )
    parser.add_argument(
        "--port", type=_number(1024, 65535), default=8008, metavar="N", help="[8008]"
    )
    parser.add_argument(
        "--pages-port",
        type=_number(1024, 65535),
        metavar="N",
        help=f"of the onboarding pages [{PAGES_AFTER} after --port: 8090]",
    )
    parser.add_argument(
        "--calls-port",
        type=_number(1024, 65535 - MEDIA_AFTER),
        metavar="N",
        help=f"of the calls server [{CALLS_AFTER} after that of the pages: 8100]; sound and pictures "
        f"take the one {MEDIA_AFTER} after it",
    )
    parser.add_argument(
        "--var",
        type=Path,
        default=Path("var"),
        metavar="FOLDER",
        help="where everything is kept [var]",
    )
    parser.add_argument(
        "--pupils",
        type=_number(LEAST_PUPILS, MOST_PUPILS),
        metavar="N",
        help=f"size of the made-up school, on the first start [{PUPILS}]",
    )
    parser.add_argument("--once", action="store_true", help="set up, print, and end")
    parser.add_argument(
        "--lang", choices=("ru", "en"), default=default_language, help="language [by locale]"
    )
    found = parser.parse_args(argv)
    pages_port = found.pages_port or min(found.port + PAGES_AFTER, 65535)
    return Options(
        port=found.port,
        pages_port=pages_port,
        calls_port=found.calls_port or _calls_port(pages_port),
        root=found.var.absolute(),
        pupils=found.pupils,
        once=found.once,
        language=found.lang,
    )


def _calls_port(pages_port: int) -> int:
    """After the pages', or before them where the numbers end."""
    after = pages_port + CALLS_AFTER
    return after if after + MEDIA_AFTER <= 65535 else pages_port - CALLS_AFTER - MEDIA_AFTER


class _number:  # noqa: N801 - argparse shows the name: "invalid number value"
    """A whole number in a range."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def __call__(self, text: str) -> int:
        if not text.isascii() or not text.isdigit() or not self._least <= int(text) <= self._most:
            raise argparse.ArgumentTypeError(f"want a number from {self._least} to {self._most}")
        return int(text)
