"""Transport-wide feedback of a subscriber, read: which of our packets came, and when by its clock.

draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1. `feedback.py` writes the same towards publishers.
"""

from __future__ import annotations

from attrs import frozen

from media.forwarder.plain.rtp import Malformed

_CUT_OFF = "transport feedback is cut off"
_SMALL, _RESERVED = 1, 3


@frozen
class Arrivals:
    """One message.

    Attributes:
        first: uint16, the first number it speaks of.
        count: of the numbers it speaks of; those that are not in `received` have not come.
        received: (how far behind `first`, tick of 250 µs), ascending in the first.
    """

    first: int
    count: int
    received: tuple[tuple[int, int], ...]


def read_arrivals(fci: bytes) -> Arrivals:
    """`fci`: what follows the two SSRCs. Work is bounded by its length, whatever counts it claims.

    Raises:
        Malformed: chunks or times are missing, or a symbol is the reserved one.
    """
    if len(fci) < 8:
        raise Malformed(_CUT_OFF)
    first = int.from_bytes(fci[:2], "big")
    count = int.from_bytes(fci[2:4], "big")
    tick = int.from_bytes(fci[4:7], "big", signed=True) * 256  # units of 64 ms
    symbols, at = _read_symbols(fci, count)
    received = []
    for place, symbol in symbols:
        size = 1 if symbol == _SMALL else 2
        if at + size > len(fci):
            raise Malformed(_CUT_OFF)
        tick += int.from_bytes(fci[at : at + size], "big", signed=size == 2)
        at += size
        received.append((place, tick))
    return Arrivals(first, count, tuple(received))


def _read_symbols(fci: bytes, count: int) -> tuple[list[tuple[int, int]], int]:
    """(place, symbol) of what was received, and where the times begin. Status chunks, 3.1.2 to 3.1.4."""
    found: list[tuple[int, int]] = []
    at, place = 8, 0
    while place < count:
        if at + 2 > len(fci):
            raise Malformed(_CUT_OFF)
        chunk = int.from_bytes(fci[at : at + 2], "big")
        at += 2
        if chunk < 0x8000:
            symbol, run = chunk >> 13, min(chunk & 0x1FFF, count - place)
            if symbol == _RESERVED or (symbol and len(found) + run > len(fci)):
                raise Malformed(_CUT_OFF)
            if symbol:
                found += [(each, symbol) for each in range(place, place + run)]
            place += run
            continue
        bits, symbols = (2, 7) if chunk & 0x4000 else (1, 14)
        for shift in range(bits * (symbols - 1), -1, -bits):
            symbol = chunk >> shift & (1 << bits) - 1
            if place < count and symbol:
                if symbol == _RESERVED:
                    raise Malformed(_CUT_OFF)
                found.append((place, symbol))
            place += 1
    return found, at
