"""New lines of logs, as they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

INTERVAL_S = 0.3


def follow(
    logs: Mapping[Path, Callable[[str], bool]],
    show: Callable[[str], None],
    pause: Callable[[float], None],
) -> None:
    """Show whole lines written from now on; ends when `pause` raises.

    Args:
        logs: path → whether a line of it is shown.
    """
    with ExitStack() as stack:
        files = {
            path: stack.enter_context(path.open(encoding="utf-8", errors="replace"))
            for path in logs
        }
        for file in files.values():
            file.seek(0, 2)
        begun = dict.fromkeys(files, "")
        while True:
            for path, file in files.items():
                *lines, begun[path] = (begun[path] + file.read()).split("\n")
                for line in filter(logs[path], lines):
                    show(line)
            pause(INTERVAL_S)
