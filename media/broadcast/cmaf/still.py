"""The still picture that is shown while there are none: black, one key frame, coded once. Not pure: FFmpeg codes it."""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.frame import VideoFrame

from media.broadcast.cmaf.pictures import Picture, PictureReader, split_annex_b

_BLACK = (16, 128, 128)  # Y, Cb, Cr in the range of television


def black(width: int, height: int) -> Picture:
    """A black picture; both sides even."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.options = {
        "preset": "veryslow",
        "tune": "zerolatency,stillimage",
        "profile": "baseline",
    }
    frame = VideoFrame(width, height, "yuv420p")
    for plane, level in zip(frame.planes, _BLACK, strict=True):
        plane.update(bytes((level,)) * plane.buffer_size)
    frame.pts = 0
    coded = b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
    picture = PictureReader().read(split_annex_b(coded), 0)
    assert isinstance(picture, Picture), picture
    return picture
