"""What a datagram is, by its first byte (RFC 7983 7). Pure."""

from __future__ import annotations

import enum


class PacketKind(enum.Enum):
    STUN = "stun"
    DTLS = "dtls"
    MEDIA = "media"  # SRTP or SRTCP


#: By first byte; ZRTP (16..19) and TURN channels (64..79) are nobody's here.
_KINDS: tuple[PacketKind | None, ...] = tuple(
    PacketKind.STUN
    if byte <= 3
    else PacketKind.DTLS
    if 20 <= byte <= 63
    else PacketKind.MEDIA
    if 128 <= byte <= 191
    else None
    for byte in range(256)
)


def kind_of(datagram: bytes) -> PacketKind | None:
    """None: not ours, or empty."""
    return _KINDS[datagram[0]] if datagram else None
