"""Parameter sets of H.264: what an init segment and a host need to know of them (H.264 7.3.2.1, 7.3.2.2, E.1.1)."""

from __future__ import annotations

from attrs import frozen

from media.broadcast.cmaf.bits import Bits, unescape
from media.forwarder.plain.rtp import Malformed

BASELINE = 66
#: Profiles whose sequence parameter sets say how colours are sampled (H.264 7.3.2.1.1).
_COLOURED = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
#: Widest and highest picture, luma samples: more than any level that a browser's decoder takes.
LARGEST = 4096
#: Longest parameter set, bytes. Encoders write 10 to 60; scaling lists make some hundreds.
LONGEST_SET = 1_024
_ANY = (1 << 32) - 2
_EXTENDED_SAR = 255


@frozen
class SequenceSet:
    """What a sequence parameter set says.

    Attributes:
        width, height: of the shown picture, cropped.
        profile, compatibility, level: the three bytes after the NAL unit's first, as in `avc1.PPCCLL`.
        chroma, luma_depth, chroma_depth: chroma_format_idc, bits of a sample.
        reorders: pictures may come in another order than they are shown in: B-frames may come.
    """

    id: int
    width: int
    height: int
    profile: int
    compatibility: int
    level: int
    chroma: int
    luma_depth: int
    chroma_depth: int
    reorders: bool

    @property
    def codec(self) -> str:
        """RFC 6381 3.3, for the multivariant playlist."""
        return f"avc1.{self.profile:02x}{self.compatibility:02x}{self.level:02x}"


def parse_sequence_set(nal: bytes) -> SequenceSet:
    """A NAL unit of type 7.

    Raises:
        Malformed: it is cut off, too long, or has a number that H.264 forbids; or the picture is too large.
    """
    if not 4 <= len(nal) <= LONGEST_SET:
        raise Malformed("sequence parameter set has an impossible length")
    data = unescape(nal)
    bits = Bits.of(data[1:])
    profile, compatibility, level = bits.take(8), bits.take(8), bits.take(8)
    id_ = bits.ue(31, "sequence id")
    chroma, luma_depth, chroma_depth, planes = 1, 8, 8, False
    if profile in _COLOURED:
        chroma = bits.ue(3, "chroma format")
        if chroma == 3:
            planes = bits.flag()
        luma_depth = 8 + bits.ue(6, "bit depth")
        chroma_depth = 8 + bits.ue(6, "bit depth")
        bits.flag()  # qpprime_y_zero_transform_bypass_flag
        if bits.flag():
            for place in range(8 if chroma != 3 else 12):
                if bits.flag():
                    _pass_scaling_list(bits, 16 if place < 6 else 64)
    bits.ue(12, "frame number length")
    order = bits.ue(2, "picture order")
    if order == 0:
        bits.ue(12, "picture order length")
    elif order == 1:
        bits.flag()
        bits.se()
        bits.se()
        for _ in range(bits.ue(255, "cycle")):
            bits.se()
    bits.ue(16, "number of reference frames")
    bits.flag()  # gaps_in_frame_num_value_allowed_flag
    columns = 1 + bits.ue(LARGEST // 16 - 1, "width")
    rows = 1 + bits.ue(LARGEST // 16 - 1, "height")
    frames_only = bits.flag()
    if not frames_only:
        bits.flag()  # mb_adaptive_frame_field_flag
    bits.flag()  # direct_8x8_inference_flag
    full_width, full_height = 16 * columns, 16 * rows * (1 if frames_only else 2)
    across, down = _crop(bits, chroma=0 if planes else chroma, frames_only=frames_only)
    if across >= full_width or down >= full_height or full_height > LARGEST:
        raise Malformed("H.264 picture has an impossible size")
    reorders = order != 2 and profile != BASELINE
    if reorders and bits.flag():
        reorders = _reordered(bits) != 0
    return SequenceSet(
        id=id_,
        width=full_width - across,
        height=full_height - down,
        profile=profile,
        compatibility=compatibility,
        level=level,
        chroma=chroma,
        luma_depth=luma_depth,
        chroma_depth=chroma_depth,
        reorders=reorders,
    )


def parse_picture_set(nal: bytes) -> tuple[int, int]:
    """Of a NAL unit of type 8: its id, and the id of its sequence parameter set.

    Raises:
        Malformed: it is cut off, too long, or an id is out of range.
    """
    if not 2 <= len(nal) <= LONGEST_SET:
        raise Malformed("picture parameter set has an impossible length")
    bits = Bits.of(unescape(nal)[1:])
    return bits.ue(255, "picture set id"), bits.ue(31, "sequence id")


def _crop(bits: Bits, *, chroma: int, frames_only: bool) -> tuple[int, int]:
    """Luma samples cut off across and down."""
    if not bits.flag():
        return 0, 0
    left, right, top, bottom = (bits.ue(LARGEST, "cropping") for _ in range(4))
    wide = 2 if chroma in {1, 2} else 1
    high = (2 if chroma == 1 else 1) * (1 if frames_only else 2)
    return wide * (left + right), high * (top + bottom)


def _pass_scaling_list(bits: Bits, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
            last = following or last


def _reordered(bits: Bits) -> int | None:
    """max_num_reorder_frames of the usability information; None if nothing is said of it, or it cannot be read.

    Decoders show what has broken usability information, so it is no reason to refuse a picture.
    """
    try:
        return _read_usability(bits)
    except Malformed:
        return None


def _read_usability(bits: Bits) -> int | None:
    if bits.flag() and bits.take(8) == _EXTENDED_SAR:
        bits.take(32)
    if bits.flag():
        bits.flag()  # overscan_appropriate_flag
    if bits.flag():
        bits.take(4)
        if bits.flag():
            bits.take(24)
    if bits.flag():
        bits.ue(5, "chroma place")
        bits.ue(5, "chroma place")
    if bits.flag():
        bits.take(65)  # timing: WebRTC has no fixed rate, nobody believes it
    buffered = [_pass_buffering(bits) for _ in range(2)]
    if any(buffered):
        bits.flag()
    bits.flag()  # pic_struct_present_flag
    if not bits.flag():
        return None
    bits.flag()
    for _ in range(4):
        bits.ue(_ANY, "bitstream restriction")
    return bits.ue(16, "number of reordered frames")


def _pass_buffering(bits: Bits) -> bool:
    if not bits.flag():
        return False
    count = 1 + bits.ue(31, "number of buffers")
    bits.take(8)
    for _ in range(count):
        bits.ue(_ANY, "bit rate")
        bits.ue(_ANY, "buffer size")
        bits.flag()
    bits.take(20)
    return True
