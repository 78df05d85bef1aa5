"""`Range` of a recording (RFC 9110 14): one range of octets; several at once are not worth their answer. Pure."""

from __future__ import annotations

import re

from attrs import frozen

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


@frozen
class Span:
    """Octets from `first` to `last`, both among them."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable(Exception):
    """416: nothing of the file is meant."""


def span_of(header: str | None, size: int) -> Span | None:
    """None: the whole file is given, as for headers that say nothing to us (RFC 9110 14.2).

    Raises:
        Unsatisfiable: it begins behind the end.
    """
    found = None if header is None else _RANGE.fullmatch(header.replace(" ", ""))
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":  # the last so many
        count = min(int(found[2]), size)
        if count == 0:
            raise Unsatisfiable
        return Span(size - count, size - 1)
    first = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    if first >= size:
        raise Unsatisfiable
    return Span(first, last) if first <= last else None
