"""Access units of H.264: which picture some NAL units are, and how CMAF carries it (H.264 7.4.1.2, ISO 14496-15)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from struct import Struct

from attrs import define, field, frozen

from media.broadcast.cmaf.bits import Bits, unescape
from media.broadcast.cmaf.parameter_sets import (
    SequenceSet,
    parse_picture_set,
    parse_sequence_set,
)
from media.forwarder.plain.rtp import Malformed

IDR, SPS, PPS, DELIMITER = 5, 7, 8, 9  # nal_unit_type, H.264 table 7-1
_B = 1  # slice_type modulo 5, H.264 table 7-6
#: NAL units of one picture. Encoders cut 1080p into 8 slices at most; one macroblock row each would be 256.
MOST_NALS = 512
#: Bytes of one picture: thirty times a large keyframe of 1080p.
LARGEST_PICTURE = 4_000_000
#: Picture parameter sets that are remembered. Encoders have one to three.
MOST_PICTURE_SETS = 16
#: Parameter sets that come with one picture, at most: to read one costs up to some milliseconds.
MOST_SETS = 2 * MOST_PICTURE_SETS
_LENGTH = Struct("!I")
#: Bytes of a slice that are looked at: three Exp-Golomb numbers of 63 bits at most, and a 03 between every two bytes.
_LOOKED_AT = 40


class Unseen(Enum):
    """Why a picture is not shown. The value is stable: it is counted."""

    MALFORMED = "malformed"  # parameter sets or slices that no decoder understands
    NO_PARAMETERS = "no_parameters"  # its parameter sets never came
    NO_PICTURE = "no_picture"  # nothing but parameter sets, delimiters, messages
    B_FRAME = (
        "b_frame"  # comes in another order than it is shown in; the encoder must be set otherwise
    )
    AFTER_LOSS = "after_loss"  # builds on something that is missing


@frozen
class Parameters:
    """What a decoder must be told before the first picture. Equal ones need no new init segment.

    Attributes:
        sps, pps: NAL units as they came.
        sequence: what `sps` says.
    """

    sps: bytes
    pps: tuple[bytes, ...]
    sequence: SequenceSet = field(eq=False, repr=False)


@frozen
class Picture:
    """One access unit without parameter sets, each NAL unit behind its length in four bytes (AVCC).

    Attributes:
        ticks: when it is shown, 48 kHz.
        key: needs no other picture.
    """

    ticks: int
    key: bool
    parameters: Parameters = field(repr=False)
    data: bytes = field(repr=False)


def split_annex_b(data: bytes) -> list[bytes]:
    """NAL units between start codes (H.264 annex B); what stands before the first one is no unit.

    Raises:
        Malformed: more bytes or more units than a picture can have.
    """
    if len(data) > LARGEST_PICTURE:
        raise Malformed("H.264 picture is too large")
    nals: list[bytes] = []
    start = data.find(b"\0\0\1")
    while start >= 0:
        start += 3
        end = data.find(b"\0\0\1", start)
        nal = data[start : len(data) if end < 0 else end].rstrip(b"\0")  # trailing_zero_8bits
        if nal:
            nals.append(nal)
            if len(nals) > MOST_NALS:
                raise Malformed("H.264 picture has too many units")
        start = end
    return nals


def join_lengths(nals: Iterable[bytes]) -> bytes:
    """AVCC, lengths of four bytes."""
    return b"".join(part for nal in nals for part in (_LENGTH.pack(len(nal)), nal))


@define
class PictureReader:
    """Reads one encoder's pictures, in the order in which they are sent; remembers its parameter sets.

    Pictures with B slices are left out. Encoders build other pictures on them only if they are told to, so the rest can
    be seen, at a lower rate; `Unseen.B_FRAME` is for telling the host which setting is wrong.
    """

    _sequences: dict[int, tuple[bytes, SequenceSet]] = field(factory=dict)
    _pictures: dict[int, tuple[bytes, int]] = field(factory=dict)  # NAL unit, id of its sequence
    _made: Parameters | None = None

    def read(self, nals: Sequence[bytes], ticks: int) -> Picture | Unseen:
        """The picture of these NAL units; `ticks` says when it is shown."""
        try:
            return self._read(nals, ticks)
        except Malformed:
            return Unseen.MALFORMED

    def _read(self, nals: Sequence[bytes], ticks: int) -> Picture | Unseen:
        if len(nals) > MOST_NALS or sum(map(len, nals)) > LARGEST_PICTURE:
            raise Malformed("H.264 picture is too large")
        kinds = [nal[0] & 0x1F if nal else 0 for nal in nals]
        if kinds.count(SPS) + kinds.count(PPS) > MOST_SETS:
            raise Malformed("H.264 picture has too many parameter sets")
        slices = []
        for kind, nal in zip(kinds, nals, strict=True):
            match kind:
                case 7:  # SPS
                    self._take_sequence(nal)
                case 8:  # PPS
                    self._take_picture_set(nal)
                case 1 | 5:
                    slices.append(nal)
        if not slices:
            return Unseen.NO_PICTURE
        headers = [_slice_header(nal) for nal in slices]
        if any(kind == _B for kind, _ in headers):
            return Unseen.B_FRAME
        parameters = self._parameters(headers[0][1])
        if parameters is None:
            return Unseen.NO_PARAMETERS
        key = all(nal[0] & 0x1F == IDR for nal in slices)
        return Picture(ticks, key, parameters, join_lengths(slices))

    def _take_sequence(self, nal: bytes) -> None:
        if any(nal == known for known, _ in self._sequences.values()):
            return
        sequence = parse_sequence_set(nal)
        self._sequences[sequence.id] = (nal, sequence)

    def _take_picture_set(self, nal: bytes) -> None:
        id_, sequence_id = parse_picture_set(nal)
        if id_ not in self._pictures and len(self._pictures) >= MOST_PICTURE_SETS:
            raise Malformed("H.264 stream has too many picture parameter sets")
        self._pictures[id_] = (nal, sequence_id)

    def _parameters(self, picture_id: int) -> Parameters | None:
        """Those that a slice with this pic_parameter_set_id needs; the same value as long as they are the same."""
        if picture_id not in self._pictures:
            return None
        sequence_id = self._pictures[picture_id][1]
        if sequence_id not in self._sequences:
            return None
        sps, sequence = self._sequences[sequence_id]
        pps = tuple(
            nal for _, (nal, owner) in sorted(self._pictures.items()) if owner == sequence_id
        )
        if self._made is None or (self._made.sps, self._made.pps) != (sps, pps):
            self._made = Parameters(sps, pps, sequence)
        return self._made


def _slice_header(nal: bytes) -> tuple[int, int]:
    """slice_type modulo 5 and pic_parameter_set_id (H.264 7.3.3)."""
    bits = Bits.of(unescape(nal[:_LOOKED_AT])[1:])
    bits.ue((1 << 32) - 2, "macroblock")
    return bits.ue(9, "slice type") % 5, bits.ue(255, "picture set id")
