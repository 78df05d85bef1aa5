"""Random bits of the system, drawn many at a time.

A newcomer among twenty tracks takes some forty times, and each draw by itself is a call of the system.
"""

from __future__ import annotations

import secrets

from attrs import define

#: Bytes of one draw.
DRAWN = 2048


@define
class Bits:
    """No bit is given out twice. For one process that does not fork: a copy would give out the same ones."""

    _drawn: bytes = b""
    _at: int = 0

    def __call__(self, count: int) -> int:
        """`count` bits nobody can guess, as a number."""
        size = (count + 7) // 8
        if self._at + size > len(self._drawn):
            self._drawn, self._at = secrets.token_bytes(max(DRAWN, size)), 0
        begin, self._at = self._at, self._at + size
        return int.from_bytes(self._drawn[begin : self._at]) >> (8 * size - count)
