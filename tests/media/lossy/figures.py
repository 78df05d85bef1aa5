"""What a page saw while its line changed: from a schedule of conditions and samples of getStats to figures. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

from attrs import asdict, evolve, frozen

from tests.media.lossy.wire import GOOD, Condition

#: When, and how many pictures of each layer were sent until then.
Sent = tuple[float, Mapping[str, int]]
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
        at_s: seconds since 1970.
        stage: number of the stage that the line is in; the first sample of each is taken as it begins.
        frames: decoded pictures. `width`: of the last one, pixels.
        freezes, frozen_s: as the browser counts standstills: those that have ended.
        packets, lost: of the picture.
        concealed, samples: of the sound: what the browser made up, and all. Silence that it made up is in neither.
        paused: the server has told the page that it sends no picture.
        made: pictures that the publisher sent of whichever layer was seen (`with_made`), but for pauses.
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
    made: int = 0


@frozen(kw_only=True)
class Figures:
    """Of one stage.

    Attributes:
        frames_s: decoded pictures a second. `share`: of those that the publisher sent meanwhile of the layer that was
            seen: a busy machine makes fewer, and so does a layer that has just begun. `made_s`: those, a second.
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
    made_s: float
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
        return sum(self._ended_s) / max(1e-9, self.seconds)

    @property
    def longest_s(self) -> float:
        longest = stood = 0.0
        for (before, after), ended in zip(pairwise(self.samples), self._ended_s, strict=True):
            still = after.frames == before.frames and not after.paused
            stood = stood + after.at_s - before.at_s if still else 0.0
            longest = max(longest, stood, ended)
        return longest

    @property
    def _ended_s(self) -> list[float]:
        """Of each sample the standstills that ended before it, as the browser counts them, but for pauses."""
        ended, paused_at = [], float("-inf")
        for before, after in pairwise(self.samples):
            paused_at = before.at_s if before.paused else paused_at
            froze = after.frozen_s - before.frozen_s
            ended.append(0.0 if before.paused else min(froze, after.at_s - paused_at))
        return ended

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

    @property
    def made_s(self) -> float:
        passed = sum(b.at_s - a.at_s for a, b in pairwise(self.samples) if not a.paused)
        return (self.samples[-1].made - self.samples[0].made) / max(1e-9, passed)

    @property
    def share(self) -> float:
        first, last = self.samples[0], self.samples[-1]
        return (last.frames - first.frames) / max(1, last.made - first.made)

    @property
    def moves_after_s(self) -> float | None:
        """Until nearly all pictures came for `STEADY_S`."""
        for number, one in enumerate(self.samples):
            span = [other for other in self.samples[number:] if other.at_s < one.at_s + STEADY_S]
            ends = self.samples[number + len(span) :][:1]
            if not ends or any(each.paused for each in span):
                continue
            if 0 < MOVES * (ends[0].made - one.made) <= ends[0].frames - one.frames:
                return one.at_s - self.samples[0].at_s
        return None


def _rate(first: Sample, last: Sample) -> float:
    return (last.frames - first.frames) / max(1e-9, last.at_s - first.at_s)


def _made_up(first: Sample, last: Sample) -> float:
    return (last.concealed - first.concealed) / max(1, last.samples - first.samples)


def with_made(
    samples: Sequence[Sample], sent: Sequence[Sent], layers: Mapping[int, str]
) -> list[Sample]:
    """With what the publisher told of each layer meanwhile; `layers`: the rid of each width."""
    made, told, complete = 0, [at for at, _ in sent], []
    for before, one in zip((samples[0], *samples), samples, strict=False):
        rid = layers.get(one.width)
        if rid is not None and not before.paused:
            since, until = (sent[bisect_right(told, at) - 1] for at in (before.at_s, one.at_s))
            made += until[1].get(rid, 0) - since[1].get(rid, 0)
        complete.append(evolve(one, made=made))
    return complete


def figures(schedule: Sequence[Stage], samples: Sequence[Sample]) -> tuple[Figures, ...]:
    """Of each stage."""
    return tuple(
        Figures(
            name=stage.name,
            frames_s=its.frames_s,
            share=its.share,
            made_s=its.made_s,
            freezes=its.samples[-1].freezes - its.samples[0].freezes,
            frozen=its.frozen,
            longest_s=its.longest_s,
            switches=its.switches,
            width=its.samples[-1].width,
            width_after_s=its.width_after_s,
            paused=its.samples[-1].paused,
            paused_for=its.paused_for,
            moves_after_s=its.moves_after_s,
            concealed=its.concealed,
            concealed_later=its.concealed_later,
            lost=its.lost,
        )
        for stage, its in (
            (stage, Seen.of(samples, number)) for number, stage in enumerate(schedule)
        )
    )
