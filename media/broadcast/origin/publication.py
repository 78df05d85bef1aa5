"""What a packager writes to, and what it is told. Pure: values and a Protocol.

publication = origin.open(Opening(…))
publication.begin(0, {"v720": init, "sound": init}, wall_ms=…, media_at=…)
publication.part(Part("v720", 0, 0, 0, …), data); publication.part(Part("sound", 0, 0, 0, …), data)
publication.settle()                          all renditions have come to the same moment: viewers are answered
publication.end()
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Protocol

from attrs import field, frozen
from attrs.validators import ge

from media.broadcast.hls.captions import Unsayable
from media.broadcast.hls.multivariant import Captions, Variant
from media.broadcast.hls.timeline import Unfit
from media.broadcast.hls.values import Part, Shape

#: What a part may have: 4 s at 16 Mbit/s.
MOST_PART_BYTES = 8_000_000
#: And an init segment: parameter sets and little else.
MOST_INIT_BYTES = 65_536


@frozen(kw_only=True)
class Opening:
    """A broadcast that begins, or goes on in a process that has started again.

    Attributes:
        broadcast: its id, as passes have it: 1 to 64 of A-Z, a-z, 0-9, _ and -.
        variants: one of them is the sound alone. The picture's values come from the first init segment.
        recorded: a file is made of it in the end. Otherwise nothing is left when it is over.
        independent: every segment begins with a key frame.
    """

    broadcast: str
    shape: Shape
    variants: tuple[Variant, ...]
    recorded: bool
    captions: Captions | None = None
    independent: bool = False


class Fault(enum.Enum):
    """What hosts are told. The values are stable: counted, tested."""

    DISK_FULL = "disk_full"  # it goes on live; the recording has what was written until then
    DISK_FAILED = "disk_failed"  # the same, for another reason
    DISK_SLOW = "disk_slow"  # the same: more waited to be written than may
    UNFIT = "unfit"  # a part that players would stop at was left out
    REMUX_FAILED = "remux_failed"  # the parts are still there
    NOT_HANDED_OVER = (
        "not_handed_over"  # the recording is there, the school's room does not have it yet
    )


@frozen
class Told:
    """Attributes:
    why: of UNFIT.
    """

    broadcast: str
    fault: Fault
    why: Unfit | None = None


#: Called on the event loop; it does not block and does not raise.
Tell = Callable[[Told], None]


class TooBig(ValueError):
    """A part or an init segment that no packager of ours makes."""


@frozen(kw_only=True)
class Recording:
    """A file that is ready.

    Attributes:
        path: of the MP4, whose `moov` comes first.
        seconds: its length.
        began_ms: wall clock of its first sample, milliseconds since 1970.
        size: octets.
        picture: width and height, the largest where they changed; None: sound alone.
    """

    broadcast: str
    path: str
    seconds: float = field(validator=ge(0))
    began_ms: int
    size: int
    picture: tuple[int, int] | None = None
    captions: str = ""


class Materials(Protocol):
    """Where recordings go."""

    async def keep(self, recording: Recording) -> bool:
        """Take the file over, or copy it, before this returns. False, or any exception: not now, ask again later."""


class Publication(Protocol):
    """One broadcast that is being written. Called on the event loop; nothing here blocks.

    Segments, parts and discontinuities are counted by the packager, each from 0 since `open`: the publication adds
    what was given out before, and closes the gaps that refused parts leave.
    """

    def begin(
        self,
        discontinuity: int,
        inits: Mapping[str, bytes],
        wall_ms: int,
        media_at: int | None = None,
    ) -> Unfit | None:
        """Init segments of every rendition, in one go.

        Args:
            wall_ms: of the first sample that follows, milliseconds since 1970.
            media_at: the media's own time there (tfdt), ticks.
        """

    def part(self, part: Part, data: bytes) -> Unfit | None:
        """A part of one rendition. What is Unfit is left out, everywhere."""

    def settle(self) -> None:
        """Parts of all renditions that end at this moment are there: whoever waits is answered."""

    def say(self, text: str, at: int | None = None) -> Unsayable | None:
        """A line of captions, shown from now on; `at`: from so many ticks after the newest segment's beginning."""

    def end(self) -> None:
        """It is over: players are told, the recording is made. Harmless when it is said twice."""
