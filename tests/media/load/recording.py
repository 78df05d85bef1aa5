"""A short film that is really encoded, in packets: VP8 as a browser's decoder wants it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from attrs import frozen

#: Bytes of a picture in one packet.
MOST = 1_000
PICTURES_S = 15


@frozen
class Film:
    """Attributes:

    pictures: each in pieces of at most `MOST` bytes; the first one is a keyframe, so they can be shown in a circle.
    """

    pictures: Sequence[Sequence[bytes]]

    def picture(self, number: int) -> tuple[int, Sequence[bytes]]:
        """The n-th one's picture id, and its payloads with their descriptors (RFC 7741 4.2)."""
        picture_id = number & 0x7FFF
        pieces = self.pictures[number % len(self.pictures)]
        named = (0x8000 | picture_id).to_bytes(2, "big")
        return picture_id, [
            bytes((0x80 if place else 0x90, 0x80)) + named + piece
            for place, piece in enumerate(pieces)
        ]


def encoded(width: int, height: int, shade: int, pictures: int = PICTURES_S) -> Film:
    """One second of a bar that moves over a rough ground of this shade."""
    codec = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height = width, height
    codec.pix_fmt, codec.time_base = "yuv420p", Fraction(1, PICTURES_S)
    codec.bit_rate = 100_000
    codec.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    rough = np.random.default_rng(86).integers(
        shade, shade + 60, (height, width, 3), dtype=np.uint8
    )
    made = []
    for number in range(pictures):
        ground = rough.copy()
        at = number * width // pictures
        ground[:, at : at + width // 8] = 255 - shade
        frame = av.VideoFrame.from_ndarray(ground, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        data = b"".join(bytes(packet) for packet in codec.encode(frame))
        made.append([data[start : start + MOST] for start in range(0, len(data), MOST)])
    return Film(made)
