"""A flight of DTLS records, cut into datagrams. Pure.

OpenSSL writes into memory, where the borders of datagrams are lost; a record may not be torn (RFC 6347 4.1.1).
"""

from __future__ import annotations

from collections.abc import Iterator

#: Bytes: fits every path that WebRTC's own 1200 fit.
MAX_DATAGRAM = 1200
_HEADER = 13  # type, version, epoch, sequence number, length (RFC 6347 4.1)


def datagrams(flight: bytes, limit: int = MAX_DATAGRAM) -> Iterator[bytes]:
    """As many whole records in each as `limit` allows; a longer record goes alone.

    Bytes that are no record are taken as one.
    """
    start = end = 0
    while end < len(flight):
        next_end = end + _record_size(flight, end)
        if next_end - start > limit and end > start:
            yield flight[start:end]
            start = end
        end = next_end
    if end > start:
        yield flight[start:end]


def _record_size(flight: bytes, at: int) -> int:
    left = len(flight) - at
    if left < _HEADER or not 20 <= flight[at] <= 26:
        return left
    return min(left, _HEADER + int.from_bytes(flight[at + 11 : at + 13], "big"))
