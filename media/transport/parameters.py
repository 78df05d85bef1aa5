"""Whether the parameters of an SCTP packet have lengths that lead to the next one. Pure.

aiortc walks parameters by their own lengths and never ends at a length of 0: one packet of a participant would stop the
whole server, and take all of its memory.
"""

from __future__ import annotations

from collections.abc import Iterator

_COMMON_HEADER = 12  # RFC 9260 3.1
_HEADER = 4  # of a chunk and of a parameter: type, flags or type, length
#: Chunks with parameters or causes, by type: bytes before the first one (RFC 9260 3.3, RFC 6525 3.1).
_FIXED = {1: 16, 2: 16, 4: 0, 5: 0, 6: 0, 9: 0, 130: 0}


def ends(packet: bytes) -> bool:
    """Whether every parameter is at least as long as its own header. What is wrong besides, aiortc finds itself."""
    return all(_walkable(packet[start:end]) for start, end in _parameters(packet))


def _parameters(packet: bytes) -> Iterator[tuple[int, int]]:
    """Where the parameters of each chunk that has some begin and end."""
    at = _COMMON_HEADER
    while at + _HEADER <= len(packet):
        length = int.from_bytes(packet[at + 2 : at + 4], "big")
        if length < _HEADER:
            return
        fixed = _FIXED.get(packet[at])
        if fixed is not None:
            yield at + _HEADER + fixed, at + length
        at += length + -length % 4


def _walkable(body: bytes) -> bool:
    at = 0
    while at + _HEADER <= len(body):
        length = int.from_bytes(body[at + 2 : at + 4], "big")
        if length < _HEADER:
            return False
        at += length + -length % 4
    return True
