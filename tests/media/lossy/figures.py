"""What a page saw while its line changed: from a schedule of conditions and samples of getStats to figures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

from attrs import asdict, frozen

from tests.media.lossy.wire import GOOD, Condition

#: A picture moves when so long, seconds, this share of the pictures came that were sent.
STEADY_S, MOVES = 2.0, 0.7


@frozen(kw_only=True)
class Stage:
    """What a line is like for `lasts_s` seconds, up and down.

    Attributes:
        width, waits_s: then it stays so until a picture of this width is there, for so many seconds more at most;
        then_s: and for so many seconds after that.
    """

    name: str
    up: Condition = GOOD
    down: Condition = GOOD
    lasts_s: float = 6.0
    width: int = 0
    waits_s: float = 0.0
    then_s: float = 0.0


@frozen(kw_only=True)
class Sample:
    """getStats of a page at one moment; everything but `width` and `paused` counts from the beginning.

    Attributes:
        at_s: of the page's clock.
        stage: number of the stage that the line is in; the first sample of each is taken as it begins.
        frames: decoded pictures. `width`: of the last one, pixels.
        freezes, frozen_s: as the browser counts standstills: those that have ended.
        packets, lost: of the picture.
        concealed, samples: of the sound: what the browser made up, and all. Silence that it made up is in neither.
        paused: the server has told the page that it sends no picture.
    """

    at_s: float
    stage: int
    frames: int = 0
    width: int = 0
    freezes: int = 0
    frozen_s: float = 0.0
    packets: int = 0
    lost: int = 0
    concealed: int = 0
    samples: int = 0
    paused: bool = False


@frozen(kw_only=True)
class Figures:
    """Of one stage.

    Attributes:
        frames_s: decoded pictures a second. `share`: of those that the publisher sent meanwhile.
        freezes: standstills that ended. `frozen`: their share of the time.
        longest_s: the longest of them, or span without a picture; where it is paused none counts.
        switches: changes of the width. `width`, `paused`: at the end. `width_after_s`: since when it is that width.
        paused_for: share of the time in which the server said that it sent no picture.
        moves_after_s: from the change until the picture moved; None: it did not.
        concealed: share of the sound that the page made up. `concealed_later`: the same without the first third.
        lost: share of the picture's packets that did not come, those sent again aside.
    """

    name: str
    frames_s: float
    share: float
    freezes: int
    frozen: float
    longest_s: float
    switches: int
    width: int
    width_after_s: float
    paused: bool
    paused_for: float
    moves_after_s: float | None
    concealed: float
    concealed_later: float
    lost: float

    def rounded(self) -> dict[str, Any]:
        """For a table."""
        return {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


@frozen
class Seen:
    """The samples of one stage, the one that begins the next included."""

    samples: tuple[Sample, ...]

    @classmethod
    def of(cls, samples: Sequence[Sample], stage: int) -> Self:
        its = [one for one in samples if one.stage == stage]
        ends = next((one for one in samples if one.stage > stage), None)
        return cls((*its, ends) if ends is not None else tuple(its))

    @property
    def frames_s(self) -> float:
        return _rate(self.samples[0], self.samples[-1])

    @property
    def seconds(self) -> float:
        return self.samples[-1].at_s - self.samples[0].at_s

    @property
    def frozen(self) -> float:
        return (self.samples[-1].frozen_s - self.samples[0].frozen_s) / max(1e-9, self.seconds)

    @property
    def longest_s(self) -> float:
        longest = stood = 0.0
        for before, after in pairwise(self.samples):
            still = after.frames == before.frames and not after.paused
            stood = stood + after.at_s - before.at_s if still else 0.0
            ended = after.frozen_s - before.frozen_s if not before.paused else 0.0
            longest = max(longest, stood, ended)
        return longest

    @property
    def switches(self) -> int:
        widths = [one.width for one in self.samples if one.width]
        return sum(before != after for before, after in pairwise(widths))

    @property
    def width_after_s(self) -> float:
        last = self.samples[-1]
        others = (one for one in reversed(self.samples) if one.width != last.width)
        other = next(others, None)
        if other is None:
            return 0.0
        since = self.samples[self.samples.index(other) + 1]
        return since.at_s - self.samples[0].at_s

    @property
    def paused_for(self) -> float:
        paused = sum(b.at_s - a.at_s for a, b in pairwise(self.samples) if a.paused)
        return paused / max(1e-9, self.seconds)

    @property
    def concealed(self) -> float:
        return _made_up(self.samples[0], self.samples[-1])

    @property
    def concealed_later(self) -> float:
        first, last = self.samples[0], self.samples[-1]
        later = first.at_s + (last.at_s - first.at_s) / 3
        return _made_up(next(one for one in self.samples if one.at_s >= later), last)

    @property
    def lost(self) -> float:
        first, last = self.samples[0], self.samples[-1]
        lost = max(0, last.lost - first.lost)
        return lost / max(1, lost + last.packets - first.packets)

    def moves_after_s(self, frames_s: float) -> float | None:
        """Until so many pictures a second came for `STEADY_S`."""
        for number, one in enumerate(self.samples):
            later = (other for other in self.samples[number:] if other.at_s >= one.at_s + STEADY_S)
            ends = next(later, None)
            if ends is not None and _rate(one, ends) >= frames_s:
                return one.at_s - self.samples[0].at_s
        return None


def _rate(first: Sample, last: Sample) -> float:
    return (last.frames - first.frames) / max(1e-9, last.at_s - first.at_s)


def _made_up(first: Sample, last: Sample) -> float:
    return (last.concealed - first.concealed) / max(1, last.samples - first.samples)


def figures(
    schedule: Sequence[Stage], samples: Sequence[Sample], sent: Sequence[float]
) -> tuple[Figures, ...]:
    """Of each stage, in which the publisher sent so many pictures a second: a busy machine makes fewer."""
    return tuple(
        Figures(
            name=stage.name,
            frames_s=its.frames_s,
            share=its.frames_s / max(1e-9, frames_s),
            freezes=its.samples[-1].freezes - its.samples[0].freezes,
            frozen=its.frozen,
            longest_s=its.longest_s,
            switches=its.switches,
            width=its.samples[-1].width,
            width_after_s=its.width_after_s,
            paused=its.samples[-1].paused,
            paused_for=its.paused_for,
            moves_after_s=its.moves_after_s(MOVES * frames_s),
            concealed=its.concealed,
            concealed_later=its.concealed_later,
            lost=its.lost,
        )
        for stage, its, frames_s in zip(
            schedule,
            (Seen.of(samples, number) for number in range(len(schedule))),
            sent,
            strict=True,
        )
    )
