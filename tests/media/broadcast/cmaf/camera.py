"""A camera, a microphone and their packets, coded for real; small pictures, and each kind is coded once."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from math import pi, sin

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from media.broadcast.cmaf.pictures import split_annex_b
from media.forwarder.plain.rtp import RtpPacket

Units = tuple[bytes, ...]


@cache
def film(
    count: int,
    *,
    width: int = 64,
    height: int = 48,
    gop: int = 1000,
    b_frames: int = 0,
    **more: str,
) -> tuple[Units, ...]:
    """NAL units of so many pictures, each of another grey, in the order in which they are sent."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = more.pop("pix_fmt", "yuv420p")
    encoder.time_base = Fraction(1, 25)
    encoder.options = {
        "preset": "ultrafast",
        "g": str(gop),
        "bf": str(b_frames),
        "x264-params": f"scenecut=0:keyint={gop}:min-keyint=1:bframes={b_frames}:b-adapt=0:threads=1",
        **more,
    }
    coded = []
    for number in range(count):
        frame = VideoFrame(width, height, encoder.pix_fmt)
        for plane in frame.planes:
            plane.update(bytes((16 + number * 5 % 200,)) * plane.buffer_size)
        frame.pts = number
        coded += encoder.encode(frame)
    coded += encoder.encode(None)
    return tuple(tuple(split_annex_b(bytes(packet))) for packet in coded)


def packets(
    film: Sequence[Units],
    *,
    sequence: int = 0,
    timestamp: int = 0,
    step: int = 3_600,
    most: int = 40,
) -> Iterator[RtpPacket]:
    """RFC 6184 as browsers do it: parameter sets in one packet, what is longer than `most` bytes in fragments."""
    for units in film:
        small = [nal for nal in units if nal[0] & 0x1F in {7, 8}]
        payloads = []
        if small:
            payloads.append(b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in small))
        for nal in units:
            if nal not in small:
                payloads += _fragments(nal, most)
        for place, payload in enumerate(payloads):
            marker = place == len(payloads) - 1
            yield packet(sequence, timestamp, payload, marker=marker)
            sequence += 1
        timestamp += step


def packet(sequence: int, timestamp: int, payload: bytes, *, marker: bool = False) -> RtpPacket:
    return RtpPacket(102, marker, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 1, {}, payload)


def _fragments(nal: bytes, most: int) -> list[bytes]:
    if len(nal) <= most:
        return [nal]
    pieces = [nal[at : at + most] for at in range(1, len(nal), most)]
    made = []
    for place, piece in enumerate(pieces):
        start, end = place == 0, place == len(pieces) - 1
        header = nal[0] & 0x1F | (0x80 if start else 0) | (0x40 if end else 0)
        made.append(bytes((nal[0] & 0x60 | 28, header)) + piece)
    return made


@cache
def tone(count: int, *, silent: int = 0, channels: int = 2) -> tuple[bytes, ...]:
    """So many Opus packets of 20 ms, 440 Hz after `silent` packets of silence."""
    layout = "mono" if channels == 1 else "stereo"
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, layout, "flt"
    encoder.time_base = Fraction(1, 48_000)
    made: list[bytes] = []
    for number in range(count):
        frame = AudioFrame("flt", layout, 960)
        frame.sample_rate, frame.pts = 48_000, number * 960
        level = 0.0 if number < silent else 0.5
        wave = [level * sin(2 * pi * 440 * (number * 960 + at) / 48_000) for at in range(960)]
        frame.planes[0].update(
            array("f", [sample for sample in wave for _ in range(channels)]).tobytes()
        )
        made += (bytes(each) for each in encoder.encode(frame))
    return tuple(made)
