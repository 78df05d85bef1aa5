"""Transport-wide feedback, read by what the draft says alone."""

from __future__ import annotations

_TRANSPORT_FEEDBACK = (0x8F, 205)  # format 15 of RTPFB


def arrivals_in(compound: bytes) -> dict[int, float]:
    """What all its messages say together: `decode`."""
    found: dict[int, float] = {}
    while compound:
        size = 4 + 4 * int.from_bytes(compound[2:4], "big")
        if (compound[0], compound[1]) == _TRANSPORT_FEEDBACK:
            found |= decode(compound[:size])
        compound = compound[size:]
    return found


def decode(message: bytes) -> dict[int, float]:
    """draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1: number (uint16) → arrival in seconds."""
    base, count = int.from_bytes(message[12:14], "big"), int.from_bytes(message[14:16], "big")
    time = int.from_bytes(message[16:19], "big") * 0.064
    symbols, at = unpack_symbols(message, 20, count)
    arrivals = {}
    for place, symbol in enumerate(symbols[:count]):
        if symbol == 1:
            time += message[at] * 0.00025
            at += 1
        elif symbol == 2:
            time += int.from_bytes(message[at : at + 2], "big", signed=True) * 0.00025
            at += 2
        if symbol:
            arrivals[(base + place) & 0xFFFF] = time
    assert len(message) - at < 4
    return arrivals


def unpack_symbols(message: bytes, at: int, count: int) -> tuple[list[int], int]:
    symbols: list[int] = []
    while len(symbols) < count:
        chunk = int.from_bytes(message[at : at + 2], "big")
        at += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    return symbols, at
