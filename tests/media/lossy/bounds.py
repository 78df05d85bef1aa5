"""What people accept of a call while their line is bad, and whether a page got it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from attrs import frozen

from tests.media.lossy.figures import Figures

#: Pictures a second of the film on an idle machine (`conditions_page.js`).
FILM_S = 12.0
#: The native forwarder's share of pictures by the plain one's, at least; seconds that it may come later with a moving
#: picture, and with a large one (the wait for more room is doubled by chance: `media/room/budget.py`).
AS_MANY, LATER_S, LARGE_LATER_S = 0.8, 5.0, 12.0


@frozen(kw_only=True)
class Bounds:
    """In one stage.

    Attributes:
        share: of the pictures that were sent, at least. `moves_s`: until they move, seconds, at most.
        frozen, longest_s: of the time, and seconds at a stretch, at most. Pictures that the publisher did not make
            in time are no fault of the line: their share is added to `frozen`.
        voice: made up, at most; `settled`: the first third aside, in which the line changed.
        widths: of the picture at the end. `within_s`: since when, at most.
        may_pause: the picture may be paused now and then, or all the time; then nothing is asked of it.
    """

    share: float
    moves_s: float = 2.0
    frozen: float
    longest_s: float
    voice: float
    settled: bool = False
    switches: int = 3
    widths: frozenset[int]
    within_s: float = inf
    may_pause: bool = False

    def broken_by(self, seen: Figures) -> Iterator[str]:
        """What of it a page did not get."""
        voice = seen.concealed_later if self.settled else seen.concealed
        if voice > self.voice:
            yield f"{voice:.3f} of the voice was made up"
        if seen.switches > self.switches:
            yield f"{seen.switches} changes of the width"
        if self.may_pause and seen.paused_for:
            return
        if seen.paused:
            yield "the picture is paused"
            return
        if seen.share < self.share:
            yield f"{seen.share:.2f} of the pictures"
        if seen.moves_after_s is None or seen.moves_after_s > self.moves_s:
            yield f"moves after {seen.moves_after_s} s"
        not_made = max(0.0, 1 - seen.made_s / FILM_S)
        if seen.frozen > self.frozen + not_made:
            yield f"{seen.frozen:.2f} of the time it stood still"
        if seen.longest_s > self.longest_s:
            yield f"stood still for {seen.longest_s:.1f} s"
        if seen.width not in self.widths or seen.width_after_s > self.within_s:
            yield f"{seen.width} pixels wide since {seen.width_after_s:.1f} s"


def fell_behind(native: Figures, plain: Figures) -> Iterator[str]:
    """What a page got less of from the native forwarder."""
    if native.paused_for or plain.paused_for:
        return
    if native.share < AS_MANY * plain.share:
        yield f"{native.share:.2f} of the pictures, plain {plain.share:.2f}"
    if _seconds(native.moves_after_s) > _seconds(plain.moves_after_s) + LATER_S:
        yield f"moves after {native.moves_after_s} s, plain {plain.moves_after_s}"
    if native.width_after_s > plain.width_after_s + LARGE_LATER_S:
        yield f"{native.width} pixels after {native.width_after_s} s, plain {plain.width_after_s}"


def _seconds(never: float | None) -> float:
    return inf if never is None else never
