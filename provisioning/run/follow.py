"""New lines of a log, as they are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

INTERVAL_S = 0.3


def follow(path: Path, show: Callable[[str], None], pause: Callable[[float], None]) -> None:
    """Show whole lines written from now on; ends when `pause` raises."""
    with path.open(encoding="utf-8", errors="replace") as log:
        log.seek(0, 2)
        begun = ""
        while True:
            begun += log.read()
            *lines, begun = begun.split("\n")
            for line in lines:
                show(line)
            pause(INTERVAL_S)
