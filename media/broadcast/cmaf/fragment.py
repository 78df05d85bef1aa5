"""Parts: one `prft`, one `moof`, one `mdat` (ISO/IEC 14496-12 8.8, 8.16.5; CMAF 7.3.2.3)."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from media.broadcast.cmaf.boxes import box, full_box, u32, u64
from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.init import PICTURE_TRACK, SOUND_TRACK
from media.broadcast.cmaf.pictures import Picture
from media.broadcast.cmaf.sound import FRAME

_DATA_OFFSET, _DURATION, _SIZE, _FLAGS = 0x1, 0x100, 0x200, 0x400  # trun, 8.8.8.1
_KEY, _NOT_KEY = 0x02000000, 0x01010000  # sample_depends_on; not a sync sample, 8.8.3.1
_BASE_IS_MOOF, _DEFAULT_DURATION, _DEFAULT_FLAGS = 0x020000, 0x8, 0x20  # tfhd, 8.8.7.1
#: prft, 8.16.5: the wall clock is an arbitrary one, with the same distance throughout. Ours tells when media came in.
_STEADY_CLOCK = 24


@frozen
class Shown:
    """A picture, and for how many ticks."""

    picture: Picture
    ticks: int


def write_fragment(
    *,
    number: int,
    begins: int,
    origin_ntp: int,
    sound: Sequence[bytes],
    pictures: Sequence[Shown] | None,
) -> bytes:
    """One part.

    Args:
        number: of this fragment in its rendition, from 1.
        begins: ticks of its first sample of sound.
        origin_ntp: the wall clock at tick 0, NTP with 32.32 bits.
        pictures: None in a rendition without any.
    """
    clock = origin_ntp + (begins << 32) // RATE & 0xFFFFFFFFFFFFFFFF
    prft = full_box(b"prft", 1, _STEADY_CLOCK, u32(SOUND_TRACK), u64(clock, begins))
    heard = b"".join(sound)
    seen = b"".join(each.picture.data for each in pictures or ())

    def moof(start: int) -> bytes:
        tracks = [_sound(begins, sound, start)]
        if pictures:
            tracks.append(_pictures(pictures, start + len(heard)))
        return box(b"moof", full_box(b"mfhd", 0, 0, u32(number)), *tracks)

    head = moof(0)
    return b"".join((prft, moof(len(head) + 8), box(b"mdat", heard, seen)))


def _sound(begins: int, frames: Sequence[bytes], start: int) -> bytes:
    return box(
        b"traf",
        full_box(
            b"tfhd",
            0,
            _BASE_IS_MOOF | _DEFAULT_DURATION | _DEFAULT_FLAGS,
            u32(SOUND_TRACK, FRAME, _KEY),
        ),
        full_box(b"tfdt", 1, 0, u64(begins)),
        full_box(
            b"trun",
            0,
            _DATA_OFFSET | _SIZE,
            u32(len(frames), start, *(len(each) for each in frames)),
        ),
    )


def _pictures(pictures: Sequence[Shown], start: int) -> bytes:
    samples = (
        u32(each.ticks, len(each.picture.data), _KEY if each.picture.key else _NOT_KEY)
        for each in pictures
    )
    return box(
        b"traf",
        full_box(b"tfhd", 0, _BASE_IS_MOOF, u32(PICTURE_TRACK)),
        full_box(b"tfdt", 1, 0, u64(pictures[0].picture.ticks)),
        full_box(
            b"trun",
            0,
            _DATA_OFFSET | _DURATION | _SIZE | _FLAGS,
            u32(len(pictures), start),
            *samples,
        ),
    )
