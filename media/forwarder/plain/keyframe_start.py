"""Does a decoder that knows nothing yet understand everything from this packet on?

Reads only what is in the clear with end-to-end encryption. VP8 has a file of its own (`vp8.py`).
"""

from __future__ import annotations

from media.forwarder.api import Codec

_IDR, _SPS, _STAP_A, _FU_A = 5, 7, 24, 28  # RFC 6184 5.2, H.264 table 7-1


def starts_keyframe(codec: Codec, payload: bytes, new_picture: bool) -> bool:
    """Whether a keyframe begins here. Sound can begin anywhere.

    Args:
        new_picture: the packet before had another timestamp.
    """
    match codec:
        case Codec.OPUS | Codec.RED:
            return True
        case Codec.H264:
            return _h264(payload, new_picture)
        case Codec.VP9:
            return _vp9(payload)
        case Codec.AV1:
            # RTP payload of AV1, 4.4: N, a new coded video sequence begins.
            return len(payload) > 0 and bool(payload[0] & 0x08)
        case Codec.VP8:
            raise ValueError("the VP8 descriptor knows")


def _h264(payload: bytes, new_picture: bool) -> bool:
    """At the parameter sets (SPS), which come before the picture; or at an IDR picture that has none before it."""
    if not payload:
        return False
    kinds = [payload[0] & 0x1F]
    if kinds[0] == _STAP_A:
        kinds = _aggregated(payload)
    elif kinds[0] == _FU_A:
        # Only the first fragment (S bit) begins something.
        kinds = [payload[1] & 0x1F] if len(payload) > 1 and payload[1] & 0x80 else []
    return _SPS in kinds or (new_picture and _IDR in kinds)


def _aggregated(payload: bytes) -> list[int]:
    """NAL unit types of a STAP-A (RFC 6184 5.7.1), as far as it is whole."""
    kinds: list[int] = []
    at = 1
    while at + 3 <= len(payload):
        kinds.append(payload[at + 2] & 0x1F)
        at += 2 + int.from_bytes(payload[at : at + 2], "big")
    return kinds


def _vp9(payload: bytes) -> bool:
    """RFC 9628 4.2: B (a frame begins), not P (predicted from others), and the lowest spatial layer."""
    if not payload:
        return False
    first = payload[0]
    if not first & 0x08 or first & 0x40:
        return False
    if not first & 0x20:  # L: no layer indices, one layer
        return True
    at = 1
    if first & 0x80:  # I: picture id, one or two bytes
        at += 2 if len(payload) > 1 and payload[1] & 0x80 else 1
    return len(payload) > at and (payload[at] >> 1) & 0x07 == 0
