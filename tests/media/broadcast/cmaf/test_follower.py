"""Two sizes of one picture, on paper: what is cut of the second, and when everything begins anew."""

from __future__ import annotations

from itertools import groupby

from attrs import Factory, define

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.cutter import Cutter
from media.broadcast.cmaf.parts import Further, Init, KeyFrameWanted, Output, Part, Rendition
from media.broadcast.cmaf.pictures import Picture
from media.broadcast.cmaf.rhythm import USUAL
from media.broadcast.cmaf.sound import FRAME, Sound
from tests.media.broadcast.cmaf.judge import judge
from tests.media.broadcast.cmaf.reading import Sample, samples
from tests.media.broadcast.cmaf.stage import STILL, parameters

#: Parameter sets of the second size: its still picture's, and its encoder's.
BLACK, SMALL, OTHER = 8, 9, 10


@define
class Pair:
    """A camera in two sizes, 25 pictures a second; `apart`: ticks from a picture to the second size of it, and `late`
    how much later that comes."""

    apart: int = 200
    late: int = 0
    second: int | None = SMALL
    cutter: Cutter = Factory(
        lambda: Cutter(
            USUAL, STILL, 1, 0, further=(Picture(0, True, parameters(BLACK), b"8 0 key"),)
        )
    )
    out: list[Output] = Factory(list)
    now: int = 0
    first: bool = True
    _number: int = 0
    _key_at: int = 0
    _coming: list[tuple[int, Picture]] = Factory(list)

    def run(self, seconds: float) -> None:
        end = self.now + int(seconds * RATE)
        while self.now < end:
            self._number += 1
            key = self.now >= self._key_at
            if key:
                self._key_at = 1 << 60
            text = b"%d " + b"%d %s" % (self._number, b"key" if key else b"-")
            came = self.now + RATE // 25
            if self.second is not None:
                at = self.now + self.apart
                picture = Picture(at, key, parameters(self.second), text % self.second)
                self._coming.append((came + self.late, picture))
            while self._coming and self._coming[0][0] <= came:
                self._take(self.cutter.take_further(0, self._coming.pop(0)[1], came))
            if self.first:
                self._take(
                    self.cutter.take_picture(Picture(self.now, key, parameters(1), text % 1), came)
                )
            for at in range(-(-self.now // FRAME) * FRAME, came, FRAME):
                self._take(self.cutter.take_sound(Sound(at, b"sound"), came))
            self.now = came

    def ask(self) -> None:
        self._key_at = self.now

    def _take(self, out: list[Output]) -> None:
        self.out += out
        if any(isinstance(each, KeyFrameWanted) for each in out):
            self._key_at = self.now + RATE // 10

    def parts(self) -> list[Part]:
        return [
            one for one in self.out if isinstance(one, Part) and one.rendition is Further.SECOND
        ]

    def seen(self) -> list[Sample]:
        """Pictures of the second size that are shown."""
        return [one for part in self.parts() for one in samples(part.data) if one.track == 2]

    def encoders(self) -> list[int]:
        return [key for key, _ in groupby(int(one.data.split()[0]) for one in self.seen())]

    def check(self) -> None:
        """Both sizes have the same parts; nothing of the second builds on what is missing; the first is whole."""
        firsts = [
            one for one in self.out if isinstance(one, Part) and one.rendition is Rendition.PICTURES
        ]

        def shape(part: Part) -> tuple[int, ...]:
            return part.discontinuity, part.segment, part.part, part.begins, part.ticks

        assert list(map(shape, self.parts())) == list(map(shape, firsts))
        rest = [
            one
            for one in self.out
            if isinstance(one, KeyFrameWanted) or one.rendition is not Further.SECOND
        ]
        judge(rest, USUAL, ended=False)
        before, discontinuity = None, -1
        for part in self.parts():
            seen = [one for one in samples(part.data) if one.track == 2]
            assert part.independent == bool(seen and seen[0].key)
            for one in seen:
                assert part.begins <= one.ticks < part.begins + part.ticks + 3 * FRAME
                encoder, number, _ = one.data.split()
                if not one.key:
                    assert before == (encoder, int(number) - 1)
                    assert part.discontinuity == discontinuity or seen[0].key
                before, discontinuity = (encoder, int(number)), part.discontinuity
        ticks = [one.ticks for one in self.seen()]
        assert ticks == sorted(set(ticks))

    def inits(self) -> list[Init]:
        return [
            one for one in self.out if isinstance(one, Init) and one.rendition is Further.SECOND
        ]


def test_key_frames_of_both_begin_segments() -> None:
    """Every segment begins with a key frame in both sizes, whichever is earlier, and however late the second comes."""
    for apart, late in ((-900, 0), (-200, 0), (0, 0), (200, 0), (900, 0), (90, RATE // 3)):
        pair = Pair(apart, late)
        pair.now = RATE
        pair.run(20)
        pair.check()
        firsts = [part for part in pair.parts() if part.part == 0]
        assert len(firsts) >= 4
        assert all(part.independent for part in firsts)
        assert len(pair.inits()) == 1
        assert len(pair.seen()) >= 20 * 25 - 80, "none is left out"


def test_a_size_that_comes_later() -> None:
    """Until the first segment in which it has a key frame its still picture is shown; then all begin anew, once."""
    pair = Pair(second=None)
    pair.run(6)
    pair.second = SMALL
    pair.run(12)
    pair.check()
    assert pair.encoders() == [BLACK, SMALL]
    assert [one.discontinuity for one in pair.inits()] == [0, 1]


def test_another_encoder_waits_for_a_segment() -> None:
    """New parameter sets in the middle of a segment are not shown before the next one begins."""
    pair = Pair()
    pair.run(6)
    pair.second = OTHER
    pair.ask()
    pair.run(10)
    pair.check()
    assert pair.encoders() == [SMALL, OTHER]
    assert len(pair.inits()) == 2
    assert len({part.segment for part in pair.parts() if part.discontinuity == 0}) >= 1


def test_a_size_that_goes_away() -> None:
    """Without pictures for four seconds it is still, and the first size goes on as before."""
    pair = Pair()
    pair.run(8)
    pair.second = None
    pair.run(14)
    pair.check()
    assert pair.encoders() == [SMALL, BLACK]


def test_the_first_size_goes_away() -> None:
    """Both are still then; when it comes back, so is the second."""
    pair = Pair()
    pair.run(6)
    pair.first, pair.second = False, None
    pair.run(10)
    pair.first, pair.second = True, SMALL
    pair.ask()
    pair.run(8)
    pair.check()
    assert pair.encoders() == [SMALL, BLACK, SMALL]
