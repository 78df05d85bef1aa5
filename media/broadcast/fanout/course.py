"""What is fetched next of another school's broadcast, and which numbers it has here. Pure.

A moment is one part of each quality. Ours are counted from 0, as a packager counts; where theirs jump, because the way
was interrupted or their origin began anew, a new discontinuity begins with the newest segment that can be had whole.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from media.broadcast.fanout.playlists import Listed, Page, Passage
from media.broadcast.hls.values import Part

#: Whole segments behind the newest that are fetched at the beginning: players start with some seconds in hand.
BEHIND = 1


@frozen
class Wanted:
    """One file, and the part that it becomes. Attributes: `serial`: its file's number there."""

    serial: int
    part: Part


@frozen
class Anew:
    """Init segments come first.

    Attributes:
        discontinuity: ours.
        inits: their numbers, by rendition.
        wall_ms: of the first sample, milliseconds since 1970.
    """

    discontinuity: int
    inits: Mapping[str, int]
    wall_ms: int


@frozen
class Moment:
    """Attributes:
    there: segment and part there.
    """

    there: tuple[int, int]
    anew: Anew | None
    wanted: tuple[Wanted, ...]


@frozen
class Course:
    """How far we are. `names`: the renditions, the one that is asked first at the beginning.

    Attributes:
        segment, part: theirs that comes next; None: wherever they are.
        init: their init segments' numbers in force.
        ours: segment, part and discontinuity that come next here.
    """

    names: tuple[str, ...]
    segment: int | None = None
    part: int = 0
    init: int | None = None
    ours: tuple[int, int, int] = (0, 0, 0)

    def step(self, pages: Mapping[str, Page]) -> tuple[Moment, Course] | None:
        """The next moment of which every quality has a part, and the course after it; None: not there yet."""
        lead = {one.number: one for one in pages[self.names[0]].passages}
        if self.segment is None:
            found = self._entry(pages)
            return None if found is None else self._begin(pages, found)
        here = lead.get(self.segment)
        if here is None:
            follows = not lead or min(lead) <= self.segment <= max(lead) + 1
            return None if follows else self._lost(pages)
        if self.part < len(here.parts):
            if self.part == 0 and here.init != self.init:
                return self._begin(pages, here.number)
            return self._moment(pages, here, anew=None)
        if not here.whole:
            return None
        if not here.parts:  # so old that its parts are not listed
            return self._lost(pages)
        ours = (self.ours[0] + 1, 0, self.ours[2])
        return evolve(self, segment=here.number + 1, part=0, ours=ours).step(pages)

    def _lost(self, pages: Mapping[str, Page]) -> tuple[Moment, Course] | None:
        """We were away, or their origin counts anew: from where they are now."""
        return evolve(self, segment=None, part=0).step(pages)

    def _entry(self, pages: Mapping[str, Page]) -> int | None:
        """The segment to begin with: some seconds back, its parts listed in every quality."""
        common: set[int] | None = None
        for name in self.names:
            numbers = {one.number for one in pages[name].passages if one.parts}
            common = numbers if common is None else common & numbers
        ordered = sorted(common or ())
        return None if not ordered else ordered[max(0, len(ordered) - 1 - BEHIND)]

    def _begin(self, pages: Mapping[str, Page], segment: int) -> tuple[Moment, Course] | None:
        begun = self.init is not None
        ours_segment, ours_part, discontinuity = self.ours
        passages = {name: _passage(pages[name], segment) for name in self.names}
        inits = {name: one.init for name, one in passages.items() if one is not None}
        here = passages[self.names[0]]
        if len(inits) != len(self.names) or here is None:
            return None
        fresh = evolve(
            self,
            segment=segment,
            part=0,
            init=here.init,
            ours=(ours_segment + (1 if ours_part else 0), 0, discontinuity + begun),
        )
        anew = Anew(fresh.ours[2], inits, here.wall_ms)
        return fresh._moment(pages, here, anew=anew)

    def _moment(
        self, pages: Mapping[str, Page], here: Passage, anew: Anew | None
    ) -> tuple[Moment, Course] | None:
        ours_segment, ours_part, discontinuity = self.ours
        wanted = []
        for name in self.names:
            listed = _listed(pages[name], here.number, self.part)
            if listed is None:
                return None
            part = Part(
                name, discontinuity, ours_segment, ours_part, listed.ticks, listed.independent
            )
            wanted.append(Wanted(listed.serial, part))
        after = evolve(self, part=self.part + 1, ours=(ours_segment, ours_part + 1, discontinuity))
        return Moment((here.number, self.part), anew, tuple(wanted)), after


def _passage(page: Page, number: int) -> Passage | None:
    return next((one for one in page.passages if one.number == number), None)


def _listed(page: Page, number: int, part: int) -> Listed | None:
    found = _passage(page, number)
    return found.parts[part] if found is not None and part < len(found.parts) else None
