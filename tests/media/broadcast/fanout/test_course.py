"""What is fetched next: whatever the way does, our own origin gets parts in an order that it takes."""

from __future__ import annotations

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from media.broadcast.fanout.course import Course, Moment
from media.broadcast.fanout.playlists import Page, read_page
from media.broadcast.hls.broadcast import Broadcast
from media.broadcast.hls.timeline import First
from media.broadcast.hls.values import PART
from tests.media.broadcast.world import NAMES, NOW_MS, Stage, broadcast, text

ORDER = ("sound", "v720", "v360")


def _pages(stage: Stage) -> dict[str, Page]:
    return {name: read_page(name, text(stage.to, f"{name}/live.m3u8")) for name in NAMES}


def _all_of(course: Course, stage: Stage) -> tuple[list[Moment], Course]:
    moments = []
    pages = _pages(stage)
    while (found := course.step(pages)) is not None:
        moment, course = found
        moments.append(moment)
    return moments, course


def _take(into: Broadcast, moments: list[Moment]) -> None:
    """As our own origin: everything is taken."""
    for moment in moments:
        if moment.anew is not None:
            assert into.begin(moment.anew.discontinuity, moment.anew.wall_ms) is None
            assert set(moment.anew.inits) == set(NAMES)
        for one in moment.wanted:
            assert into.add(one.part) is None, one
        assert {one.part.rendition for one in moment.wanted} == set(NAMES)


def test_from_a_little_behind() -> None:
    """Joining in the middle, it begins with the segment before the newest, as number 0 with its init segment."""
    stage = Stage(broadcast())
    stage.begin()
    stage.segments(5)
    stage.part()
    moments, course = _all_of(Course(ORDER), stage)
    assert [moment.there for moment in moments] == [(4, n) for n in range(4)] + [(5, 0)]
    first = moments[0]
    assert first.anew is not None
    assert first.anew.discontinuity == 0
    assert first.anew.wall_ms == NOW_MS + 16 * PART * 1000 // 48_000
    assert [one.part.segment for one in moments[0].wanted] == [0, 0, 0]
    assert [one.serial for one in moments[0].wanted] == [16, 16, 16]
    assert (course.segment, course.part) == (5, 1)
    _take(broadcast(), moments)


def test_nothing_twice() -> None:
    """Part by part as they come, each once, and nothing while nothing new is there."""
    stage = Stage(broadcast())
    stage.begin()
    stage.part()
    moments, course = _all_of(Course(ORDER), stage)
    assert len(moments) == 1
    assert _all_of(course, stage)[0] == []
    for number in range(1, 4):
        stage.part(independent=False)
        more, course = _all_of(course, stage)
        assert [moment.there for moment in more] == [(0, number)]


def test_a_quality_that_is_late() -> None:
    """A moment waits until every quality has it."""
    stage = Stage(broadcast())
    stage.begin()
    stage.part()
    pages = _pages(stage)
    _, course = _all_of(Course(ORDER), stage)
    stage.part(independent=False)
    assert course.step(_pages(stage) | {"v360": pages["v360"]}) is None
    assert course.step(_pages(stage)) is not None


def test_an_origin_that_began_anew() -> None:
    """Its numbers jump: ours go on with a new discontinuity."""
    stage = Stage(broadcast())
    stage.begin()
    stage.segments(3)
    stage.part()
    ours = broadcast()
    moments, course = _all_of(Course(ORDER), stage)
    _take(ours, moments)
    again = Stage(broadcast(first=First(segment=1_000, discontinuity=7, serial=9_000)), 7, 1_000)
    again.begin(NOW_MS + 60_000)
    again.segments(2)
    again.part()
    moments, _ = _all_of(course, again)
    assert moments[0].anew is not None
    assert moments[0].anew.discontinuity == 1
    _take(ours, moments)


@define
class _Way:
    """Their stage, our origin, and what lies between."""

    theirs: Stage = field(factory=lambda: Stage(broadcast()))
    ours: Broadcast = field(factory=broadcast)
    course: Course = field(factory=lambda: Course(ORDER))

    def part(self) -> None:
        if self.theirs.number == 4:
            self.theirs.next_segment()
        self.theirs.part(independent=self.theirs.number == 0)

    def short(self) -> None:
        self.part()
        if 0 < self.theirs.number < 4:
            self.theirs.part(PART // 3, independent=False)
        self.theirs.next_segment()

    def breaks(self) -> None:
        self.part()
        self.theirs.next_segment(breaks=True)
        assert self.theirs.begin() is None
        self.part()

    def away(self) -> None:
        if self.theirs.number:
            self.theirs.next_segment()
        self.theirs.segments(9)

    def look(self) -> None:
        if self.theirs.to.edge:
            moments, self.course = _all_of(self.course, self.theirs)
            _take(self.ours, moments)


@given(
    st.lists(
        st.sampled_from(["part", "part", "short", "breaks", "away", "look", "look"]), max_size=40
    )
)
def test_whatever_happens(events: list[str]) -> None:
    """Whatever is published and whenever it is looked at, our own origin takes every moment, and comes to the end."""
    way = _Way()
    way.theirs.begin()
    for what in events:
        getattr(way, what)()
    way.part()
    way.look()
    number = way.theirs.number
    assert (way.course.segment, way.course.part) == (way.theirs.segment, number)
