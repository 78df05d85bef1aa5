"""Init segments (ISO/IEC 14496-12, 14496-14, 14496-15): which tracks there are and how they are decoded.

All tracks count in ticks of 48 kHz. Our own writer: FFmpeg's needs a picture first, and other tricks (broadcast.md §4).
"""

from __future__ import annotations

from media.broadcast.cmaf.boxes import box, full_box, u16, u32
from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.pictures import Parameters
from media.broadcast.cmaf.sound import audio_config

SOUND_TRACK, PICTURE_TRACK = 1, 2
SOUND_CODEC = "mp4a.40.2"

_MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4  # "und", ISO/IEC 14496-12 8.4.2.3
_DATA_HERE = box(b"dinf", full_box(b"dref", 0, 0, u32(1), full_box(b"url ", 0, 1)))
_NO_SAMPLES = (
    full_box(b"stts", 0, 0, u32(0))
    + full_box(b"stsc", 0, 0, u32(0))
    + full_box(b"stsz", 0, 0, u32(0, 0))
    + full_box(b"stco", 0, 0, u32(0))
)
#: Profiles whose avcC says how colours are sampled (ISO/IEC 14496-15 5.3.3.1.2).
_COLOURED = frozenset({100, 110, 122, 144})
_DPI_72 = 0x480000


def write_init(channels: int, parameters: Parameters | None) -> bytes:
    """`ftyp` and `moov` of a rendition: sound, and pictures too unless `parameters` is None."""
    tracks = [_sound_track(channels)]
    ids = [SOUND_TRACK]
    if parameters is not None:
        tracks.append(_picture_track(parameters))
        ids.append(PICTURE_TRACK)
    header = full_box(
        b"mvhd",
        0,
        0,
        u32(0, 0, RATE, 0, 0x10000),
        u16(0x0100, 0),
        u32(0, 0),
        _MATRIX,
        bytes(24),
        u32(max(ids) + 1),
    )
    defaults = [full_box(b"trex", 0, 0, u32(id_, 1, 0, 0, 0)) for id_ in ids]
    return box(b"ftyp", b"iso6", u32(1), b"iso6", b"cmfc", b"mp41") + box(
        b"moov", header, *tracks, box(b"mvex", *defaults)
    )


def _track(
    id_: int, *, handler: bytes, size: tuple[int, int], header: bytes, entry: bytes, volume: int
) -> bytes:
    tkhd = full_box(
        b"tkhd",
        0,
        7,  # enabled, in the movie, in the preview
        u32(0, 0, id_, 0, 0, 0, 0),
        u16(0, 0, volume, 0),
        _MATRIX,
        u32(size[0] << 16, size[1] << 16),
    )
    mdhd = full_box(b"mdhd", 0, 0, u32(0, 0, RATE, 0), u16(_UNDETERMINED, 0))
    hdlr = full_box(b"hdlr", 0, 0, u32(0), handler, bytes(12), b"\0")
    stbl = box(b"stbl", full_box(b"stsd", 0, 0, u32(1), entry), _NO_SAMPLES)
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, box(b"minf", header, _DATA_HERE, stbl)))


def _sound_track(channels: int) -> bytes:
    entry = box(
        b"mp4a",
        bytes(6),
        u16(1),
        bytes(8),
        u16(channels, 16, 0, 0),
        u32(RATE << 16),
        _esds(audio_config(channels)),
    )
    return _track(
        SOUND_TRACK,
        handler=b"soun",
        size=(0, 0),
        header=full_box(b"smhd", 0, 0, u32(0)),
        entry=entry,
        volume=0x0100,
    )


def _esds(config: bytes) -> bytes:
    """The elementary stream descriptor (ISO/IEC 14496-1 7.2.6.5): MPEG-4 audio, any rate."""
    decoder = _descriptor(4, b"\x40\x15" + bytes(11) + _descriptor(5, config))
    return full_box(
        b"esds", 0, 0, _descriptor(3, u16(SOUND_TRACK) + b"\0" + decoder + _descriptor(6, b"\2"))
    )


def _descriptor(tag: int, content: bytes) -> bytes:
    return bytes((tag, len(content))) + content


def _picture_track(parameters: Parameters) -> bytes:
    sequence = parameters.sequence
    entry = box(
        b"avc1",
        bytes(6),
        u16(1),
        bytes(16),
        u16(sequence.width, sequence.height),
        u32(_DPI_72, _DPI_72, 0),
        u16(1),
        bytes(32),
        u16(24, 0xFFFF),
        _avcc(parameters),
    )
    return _track(
        PICTURE_TRACK,
        handler=b"vide",
        size=(sequence.width, sequence.height),
        header=full_box(b"vmhd", 0, 1, bytes(8)),
        entry=entry,
        volume=0,
    )


def _avcc(parameters: Parameters) -> bytes:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1.2), lengths of four bytes."""
    sequence = parameters.sequence
    record = [
        bytes((1, sequence.profile, sequence.compatibility, sequence.level, 0xFF, 0xE1)),
        u16(len(parameters.sps)),
        parameters.sps,
        bytes((len(parameters.pps),)),
    ]
    for nal in parameters.pps:
        record += [u16(len(nal)), nal]
    if sequence.profile in _COLOURED:
        depths = 0xF8 | sequence.luma_depth - 8, 0xF8 | sequence.chroma_depth - 8
        record.append(bytes((0xFC | sequence.chroma, *depths, 0)))
    return box(b"avcC", *record)
