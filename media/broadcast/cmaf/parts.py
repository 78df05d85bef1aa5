"""What the packager gives out: parts, init segments, wishes."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

from media.broadcast.cmaf.init import SOUND_CODEC
from media.broadcast.cmaf.pictures import Parameters


class Rendition(Enum):
    """The value is stable: it is part of addresses."""

    PICTURES = "video"  # pictures and sound
    SOUND = "audio"  # sound alone; always there


class Further(Enum):
    """The same picture in other sizes, with the same sound; cut where `PICTURES` is. The value is stable."""

    SECOND = "video2"
    THIRD = "video3"


@frozen(kw_only=True)
class Part:
    """One CMAF chunk. All renditions have the same parts: same numbers, same ticks.

    Attributes:
        discontinuity: grows by one with each new init segment; a segment is never in two.
        segment: from 0, never back.
        part: place in the segment, from 0.
        begins: ticks since tick 0 of the broadcast's clock.
        ticks: how long it is, 48 kHz; a whole number of AAC frames.
        independent: a player can begin with it.
    """

    rendition: Rendition | Further
    discontinuity: int
    segment: int
    part: int
    begins: int
    ticks: int
    independent: bool
    data: bytes = field(repr=False)


@frozen(kw_only=True)
class Init:
    """What comes before the parts of this discontinuity number."""

    rendition: Rendition | Further
    discontinuity: int
    parameters: Parameters | None
    data: bytes = field(repr=False)

    @property
    def codecs(self) -> str:
        """CODECS of the multivariant playlist."""
        if self.parameters is None:
            return SOUND_CODEC
        return f"{self.parameters.sequence.codec},{SOUND_CODEC}"

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height, for RESOLUTION."""
        if self.parameters is None:
            return None
        return self.parameters.sequence.width, self.parameters.sequence.height


@frozen
class KeyFrameWanted:
    """Ask the publisher for a key frame (PLI, RFC 4585 6.3.1)."""


Output = Part | Init | KeyFrameWanted
