"""Pictures that wait for their part: in their order, one after the other in time, and none that builds on nothing."""

from __future__ import annotations

from collections import deque

from attrs import define, evolve, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.fragment import Shown
from media.broadcast.cmaf.pictures import Parameters, Picture

#: Without a new picture for so long there is none any more. Screens that stand still send one a second.
ABSENT = 4 * RATE + RATE // 10
#: How long a picture is shown after which none has come yet: the still one begins with a part, which may be the one in
#: which pictures of ours come again, and that has 1.024 s.
LASTS = ABSENT + RATE + RATE // 20
#: Pictures may be so much ahead of the broadcast's clock.
MOST_AHEAD = 2 * RATE
#: Parameter sets may change so often: each change costs every viewer a new init segment.
CHANGED_AGAIN = RATE
#: Pictures that wait, and their bytes: ten seconds of 60 a second at 20 Mbit/s.
MOST_WAITING, MOST_BYTES = 600, 25_000_000


@define
class PictureLine:
    """The pictures of one encoder, between coming in and being written.

    Attributes:
        in_force: parameter sets of what was taken last; None before, and after the still picture.
        needs_key: only a key frame can follow.
        left_out: pictures that were not taken.
        lag: ticks that pictures come after their time, about the most of the last few seconds.
    """

    in_force: Parameters | None = None
    needs_key: bool = True
    left_out: int = 0
    waiting: deque[Picture] = field(factory=deque, repr=False)
    lag: int = RATE // 10
    _newest: int | None = None  # ticks of the last that was taken
    _bytes: int = 0
    _changed: int | None = None

    def take(self, picture: Picture, *, earliest: int, now: int) -> bool:
        """Whether the picture can be shown. It is moved to where it is no earlier than `earliest` and the last one."""
        changes = picture.parameters != self.in_force
        too_soon = (
            changes
            and self._changed is not None
            and self.in_force is not None
            and now - self._changed < CHANGED_AGAIN
        )
        full = len(self.waiting) >= MOST_WAITING or self._bytes > MOST_BYTES
        if full or too_soon or (not picture.key and (self.needs_key or changes)):
            self.left_out += 1
            self.needs_key = True
            return False
        self.lag = max(now - picture.ticks, self.lag - self.lag // 64)
        ticks = max(min(picture.ticks, now + MOST_AHEAD), earliest)
        if self._newest is not None:
            ticks = max(ticks, self._newest + 1)
        if changes:
            self.in_force, self._changed = picture.parameters, now
        self.needs_key = False
        self._newest = ticks
        self.waiting.append(picture if ticks == picture.ticks else evolve(picture, ticks=ticks))
        self._bytes += len(picture.data)
        return True

    def reaches(self, ticks: int) -> bool:
        """Whether all pictures before that are here, or cut already."""
        return bool(self.waiting) and self.waiting[-1].ticks >= ticks

    def lives(self, ticks: int) -> bool:
        """Whether there was a picture in the second before that."""
        return self._newest is not None and self._newest > ticks - RATE

    def cut(self, end: int, before: Picture | None) -> list[Picture]:
        """Take away what is shown before `end`; or everything before the picture `before`."""
        taken: list[Picture] = []
        while self.waiting:
            first = self.waiting[0]
            if first is before or (before is None and first.ticks >= end):
                break
            taken.append(self.waiting.popleft())
            self._bytes -= len(first.data)
        return taken

    def begin_anew(self, *, keep: bool) -> None:
        """Something else was shown: a key frame is next. `keep`: one that waits already will do."""
        while self.waiting and not (keep and self.waiting[0].key):
            self._bytes -= len(self.waiting.popleft().data)
            self.left_out += 1
        if not self.waiting:
            self.in_force = None
            self.needs_key = True

    def timed(self, pictures: list[Picture], *, over: int | None) -> list[Shown]:
        """How long each of these, just cut, is shown: until the next one.

        If that has not come yet, as long as it can take. Browsers throw away what follows a hole until a key frame
        comes (Media Source Extensions, coded frame processing); that a picture ends sooner than it said harms nobody.

        Args:
            over: when the broadcast ends, if no more pictures come.
        """
        times = [each.ticks for each in pictures]
        if self.waiting:
            times.append(self.waiting[0].ticks)
        elif pictures:
            times.append(times[-1] + LASTS if over is None else over)
        return [
            Shown(picture, max(1, min(LASTS, after - picture.ticks)))
            for picture, after in zip(pictures, times[1:], strict=True)
        ]
