"""What every line of a description is judged by, and how one that cannot be used is refused. Pure."""

from __future__ import annotations

import re

#: RFC 8866 9, bounded.
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~]{1,64}")


class SdpError(ValueError):
    """A description that cannot be used. `line` counts from 1; 0: the text as a whole."""

    def __init__(self, line: int, fault: str) -> None:
        super().__init__(f"line {line} {fault}" if line else f"the description {fault}")
        self.line = line
