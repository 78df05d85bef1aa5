"""The same picture in another size: cut where the first size is cut, so that players can change between them.

An encoder of layers makes its key frames at one moment for all of them (libwebrtc: asked of one layer, made of each),
and so does a transcoder. New parameter sets cost every rendition a new init segment; so they come into force
only where the first size begins a segment with a key frame, and until then what needs them is left out.
"""

from __future__ import annotations

from attrs import define, evolve, field

from media.broadcast.cmaf.picture_line import ABSENT, PictureLine
from media.broadcast.cmaf.pictures import Parameters, Picture
from media.broadcast.cmaf.sound import FRAME

#: Key frames of one moment may be so far apart on our clock: their layers' reports differ by rounding.
NEAR = 2 * FRAME


@define
class Follower:
    """One further size.

    Attributes:
        still: a key frame that is shown while there are no pictures.
        written: parameter sets of its init segment in force.
        taken: what the part at hand shows.
        changes: the part at hand begins with other parameter sets: everything must begin anew.
        left_out: pictures that were not shown.
    """

    still: Picture = field(repr=False)
    line: PictureLine = field(factory=PictureLine, repr=False)
    written: Parameters | None = None
    taken: list[Picture] = field(factory=list, repr=False)
    left_out: int = 0
    _parameters: Parameters | None = None  # of what was taken
    _broken: bool = True  # only a key frame can follow
    _last: int | None = None

    def __attrs_post_init__(self) -> None:
        if not self.still.key:
            raise ValueError("the still picture must be a key frame")

    @property
    def changes(self) -> bool:
        return self._parameters != self.written

    @property
    def independent(self) -> bool:
        return bool(self.taken) and self.taken[0].key

    def begin(self) -> None:
        """Everything begins anew with this part: players need a key frame."""
        self.written = self._parameters
        if not self.independent:
            self.left_out += len(self.taken)
            self.taken = []
            self._broken = True

    def cut(self, begins: int, end: int, stop: int | None, *, junction: bool, anew: bool) -> None:
        """Take what the part from `begins` to `end` shows.

        Args:
            stop: when the first size's key frame is before which the part ends.
            junction: the first size begins a segment here, with a key frame …
            anew: … or a discontinuity.
        """
        pictures = self._until(end, stop)
        opening = None
        if junction:
            near = (at for at, one in enumerate(pictures) if one.key and one.ticks < begins + NEAR)
            opening = next(near, None)
        if opening is not None:
            self.left_out += opening
            pictures = pictures[opening:]
            self._parameters = pictures[0].parameters
        self.taken = [one for one in pictures if self._follows(one)]
        self.left_out += len(pictures) - len(self.taken)
        absent = self._last is None or self._last + ABSENT < end
        if not self.taken and junction and (absent or anew or self._shows_still):
            self._parameters = self.still.parameters
            self.taken = [evolve(self.still, ticks=begins)]
            self.line.begin_anew(keep=True)
            self._broken = True
        if self.taken:
            self.taken = _from(begins, self.taken)
            self._last = self.taken[-1].ticks

    @property
    def _shows_still(self) -> bool:
        return self.written == self.still.parameters

    def _until(self, end: int, stop: int | None) -> list[Picture]:
        """Away from the line: what is before the next segment's key frame, or before `end`."""
        before = None
        if stop is not None:
            near = (one for one in self.line.waiting if one.key and abs(one.ticks - stop) <= NEAR)
            before = next(near, None)
        return self.line.cut(end, before)

    def _follows(self, picture: Picture) -> bool:
        if picture.parameters != self._parameters or (self._broken and not picture.key):
            self._broken = True
            return False
        self._broken = False
        return True


def _from(begins: int, pictures: list[Picture]) -> list[Picture]:
    """None before `begins`, none before the one before it: a key frame may have come a little before its segment."""
    moved = []
    earliest = begins
    for one in pictures:
        ticks = max(earliest, one.ticks)
        moved.append(one if ticks == one.ticks else evolve(one, ticks=ticks))
        earliest = ticks + 1
    return moved
