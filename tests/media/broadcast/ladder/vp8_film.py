"""VP8 of the real libvpx, in RTP as browsers send it; small, and each film is coded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache

import av
from av.video.frame import PictureType, VideoFrame

from media.forwarder.plain.rtp import RtpPacket

#: Bytes of a payload; small, so that pictures have several packets.
MOST = 200


def still(width: int, height: int, number: int) -> VideoFrame:
    """A picture with edges that move, so that coders have something to do."""
    frame = VideoFrame(width, height, "yuv420p")
    for plane in frame.planes:
        row = bytes((16 + (at + 3 * number) // 4 * 37 % 200) for at in range(plane.line_size))
        plane.update(row * plane.height)
    return frame


@cache
def film(
    count: int, *, width: int = 160, height: int = 96, keys: tuple[int, ...] = (0,), rate: int = 25
) -> tuple[bytes, ...]:
    """So many frames of VP8; `keys` are key frames."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, rate)
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "g": "9999",
        "auto-alt-ref": "0",
    }
    coded: list[bytes] = []
    for number in range(count):
        frame = still(width, height, number)
        frame.pts = number
        frame.pict_type = PictureType.I if number in keys else PictureType.NONE
        coded += (bytes(packet) for packet in encoder.encode(frame))
    coded += (bytes(packet) for packet in encoder.encode(None))
    return tuple(coded)


def packets(
    frames: Sequence[bytes], *, sequence: int = 0, timestamp: int = 0, step: int = 3_600
) -> Iterator[RtpPacket]:
    """RFC 7741 with a picture id of 15 bits, as libwebrtc writes it."""
    for number, frame in enumerate(frames):
        pieces = [frame[at : at + MOST] for at in range(0, len(frame), MOST)]
        for place, piece in enumerate(pieces):
            first = 0x90 if place == 0 else 0x80
            head = bytes((first, 0x80, 0x80 | number >> 8 & 0x7F, number & 0xFF))
            marker = place == len(pieces) - 1
            yield RtpPacket(
                96, marker, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 1, {}, head + piece
            )
            sequence += 1
        timestamp += step
