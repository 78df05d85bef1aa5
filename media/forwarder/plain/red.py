"""Redundant audio (RFC 2198): the newest block alone, for subscribers whose client takes no RED."""

from __future__ import annotations

from media.forwarder.plain.rtp import Malformed


def primary_block(payload: bytes) -> bytes:
    """The last block of a RED payload: the sound of this packet, without copies of earlier ones.

    Raises:
        Malformed: the block lengths do not fit.
    """
    at, redundant, size = 0, 0, len(payload)
    while at < size and payload[at] & 0x80:  # F: another header follows, four bytes in all
        if at + 4 > size:
            break
        redundant += (payload[at + 2] & 0x03) << 8 | payload[at + 3]
        at += 4
    start = at + 1 + redundant
    if at >= size or payload[at] & 0x80 or start > size:
        raise Malformed("RED blocks are longer than the packet")
    return payload[start:]
