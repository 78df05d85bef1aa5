"""VP8 in RTP (RFC 7741): what the descriptor tells a forwarder, and the descriptor as a subscriber sees it.

The descriptor is in the clear with end-to-end encryption too.
"""

from __future__ import annotations

from struct import Struct

from attrs import frozen

from media.forwarder.plain.rtp import Malformed

_PICTURE = Struct("!BBH")
_PICTURE_TL0 = Struct("!BBHB")

PICTURE_ID_MOD = 1 << 15


@frozen(eq=False)
class Descriptor:
    """RFC 7741 4.2.

    Attributes:
        size: bytes of the descriptor in this packet.
        picture_id: None when absent; `picture_id_bits` is 7 or 15.
        tl0: TL0PICIDX, grows with each picture of the base layer; None when absent.
        temporal: TID, 0..3; None when absent.
        sync: Y, this picture needs nothing but the base layer.
        start: first packet of its picture (S=1, PID=0).
        keyframe: and that picture needs no other one.
    """

    size: int
    first: int
    flags: int  # second byte, X's bits
    picture_id: int | None
    picture_id_bits: int
    tl0: int | None
    temporal: int | None
    sync: bool
    tail: bytes  # TID/Y/KEYIDX as received
    start: bool
    keyframe: bool

    def rewritten(self, picture_id: int, tl0: int) -> bytes:
        """This descriptor with other numbers; the picture id always in 15 bits. Only with a picture id."""
        number = picture_id & 0x7FFF | 0x8000
        if self.tl0 is None:
            return _PICTURE.pack(self.first, self.flags, number) + self.tail
        return _PICTURE_TL0.pack(self.first, self.flags, number, tl0 & 0xFF) + self.tail


def parse_descriptor(payload: bytes) -> Descriptor:
    """The descriptor at the beginning of a payload.

    Raises:
        Malformed: the payload ends inside it.
    """
    try:
        return _parse(payload)
    except IndexError:
        raise Malformed("VP8 descriptor is cut off") from None


def _parse(payload: bytes) -> Descriptor:
    first = payload[0]
    at = 1
    flags = 0
    picture_id: int | None = None
    bits = 15
    tl0: int | None = None
    temporal: int | None = None
    sync = False
    tail = b""
    if first & 0x80:
        flags = payload[1]
        at = 2
        if flags & 0x80:
            picture_id = payload[at]
            if picture_id & 0x80:
                picture_id = (picture_id & 0x7F) << 8 | payload[at + 1]
                at += 2
            else:
                bits = 7
                at += 1
        if flags & 0x40:
            tl0 = payload[at]
            at += 1
        if flags & 0x30:
            tail = payload[at : at + 1]
            if flags & 0x20:
                temporal = payload[at] >> 6
                sync = bool(payload[at] & 0x20)
            at += 1
    start = first & 0x17 == 0x10
    # Payload header, RFC 7741 4.3: P, the lowest bit of its first byte, is 0 in a key frame.
    keyframe = start and payload[at] & 1 == 0
    if not start and at > len(payload):
        raise IndexError
    return Descriptor(
        at, first, flags, picture_id, bits, tl0, temporal, sync, tail, start, keyframe
    )
