"""Going before whatever else the machine does, where it is not ours alone.

Linux shares processors among sessions first (autogroups), so `nice` alone changes nothing between two of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: Of a session: about ninety times the share of others.
NICE = "-20"


def descendants(pid: int) -> Iterator[int]:
    """This process, those it has started, and theirs."""
    yield pid
    with suppress(OSError):  # it has ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from descendants(int(child))


def go_before() -> bool:
    """All processes of ours that are there now. False: that is root's to do."""
    for pid in descendants(os.getpid()):
        try:
            Path(f"/proc/{pid}/autogroup").write_text(NICE, encoding="ascii")
        except FileNotFoundError:
            continue  # it has ended, or there are no autogroups
        except OSError:
            return False
    return True
