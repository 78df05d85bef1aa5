"""What goes into the ladder and what comes out of it. Pure."""

from __future__ import annotations

import enum

from attrs import field, frozen
from attrs.validators import ge, le

from media.broadcast.cmaf.pictures import Picture
from media.broadcast.hls.values import is_name
from media.forwarder.api import Codec

#: Coders of the worker. VP9 and AV1 come as layers of one stream (SVC) whose dependencies are not read here.
DECODED = frozenset({Codec.H264, Codec.VP8})
#: Bytes of one coded picture, as `cmaf.pictures` has it.
LARGEST = 4_000_000


def _name(_: object, __: object, text: str) -> None:
    if not is_name(text):
        raise ValueError("a rendition's name is 1 to 16 of a-z, 0-9")


def _even(_: object, __: object, number: int) -> None:
    if number % 2:
        raise ValueError("a coded picture's sides are even")


@frozen
class Rung:
    """One size that is coded here. It never changes: what has another shape gets black bars.

    Attributes:
        name: of the rendition.
        bit_rate: bits a second at most, over a second.
        frames_per_s: pictures a second at most.
    """

    name: str = field(validator=_name)
    width: int = field(validator=[ge(16), le(1920), _even])
    height: int = field(validator=[ge(16), le(1920), _even])
    bit_rate: int = field(validator=[ge(20_000), le(10_000_000)])
    frames_per_s: int = field(default=30, validator=[ge(1), le(60)])


@frozen
class Coded:
    """One picture as the publisher coded it.

    Attributes:
        ticks: when it is shown, 48 kHz.
        key: needs no other picture.
        data: a frame of VP8, or an access unit of H.264 with start codes (annex B).
    """

    ticks: int
    key: bool
    data: bytes = field(repr=False)


@frozen
class Made:
    """One picture of a rung, for that rendition's cutter. It has the ticks of the picture that it was made from."""

    rung: str
    picture: Picture


@frozen
class KeyWanted:
    """The decoder can go on with a key frame only: ask the publisher for one."""


class Pace(enum.Enum):
    """How many pictures are made. The values are stable: shown to hosts, counted."""

    FULL = "full"
    TOO_SLOW = "too_slow"  # the machine does not keep up: fewer pictures a second
    FAILED = "failed"  # the coder ended; it is started anew


Output = Made | KeyWanted | Pace


def annex_b(picture: Picture) -> Coded:
    """A picture of the packager with start codes, and with its parameter sets where it is a key frame."""
    nals = []
    at, data = 0, picture.data
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        nals.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    if picture.key:
        nals[:0] = [picture.parameters.sps, *picture.parameters.pps]
    return Coded(picture.ticks, picture.key, b"".join(b"\0\0\0\1" + nal for nal in nals))
