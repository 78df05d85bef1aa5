"""What was cut, given to the origin: init segments of all renditions together, parts of one moment too. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.parts import Further, Init, Output, Part, Rendition
from media.broadcast.cmaf.rhythm import Rhythm
from media.broadcast.hls import values
from media.broadcast.hls.timeline import Unfit
from media.broadcast.hls.values import Shape
from media.broadcast.origin.publication import Opening, Publication
from media.broadcast.program.scene import Line, names_of, variants_of


def shape_of(rhythm: Rhythm) -> Shape:
    """Lengths that players are told."""
    longest_s = rhythm.longest / RATE
    return Shape(part_ticks=rhythm.part_ticks, target_s=int(longest_s + 0.5))


def opening(
    broadcast: str, rhythm: Rhythm, lines: Sequence[Line], channels: int, *, recorded: bool
) -> Opening:
    """A broadcast of these lines."""
    return Opening(
        broadcast=broadcast,
        shape=shape_of(rhythm),
        variants=variants_of(lines, channels),
        recorded=recorded,
    )


@define(eq=False)
class Outlet:
    """Attributes:

    began_ms: the wall clock at tick 0, milliseconds since 1970.
    parts: that were given.
    """

    publication: Publication
    lines: Sequence[Line]
    began_ms: int
    parts: int = 0
    _names: Mapping[Rendition | Further, str] = field(init=False)
    _inits: dict[str, bytes] = field(factory=dict)
    _written: int | None = None  # ticks at which the parts at hand begin

    def __attrs_post_init__(self) -> None:
        self._names = names_of(self.lines)

    def write(self, outputs: Iterable[Output]) -> list[Unfit]:
        """In the cutter's order. What the origin does not take it says, and goes on."""
        wrong: list[Unfit] = []
        for one in outputs:
            if isinstance(one, Init):
                self._settle()
                self._inits[self._names[one.rendition]] = one.data
            elif isinstance(one, Part):
                if self._written != one.begins:
                    self._settle()
                if self._inits:
                    wrong += self._begin(one)
                self._written = one.begins
                wrong += self._part(one)
        self._settle()
        return wrong

    def end(self) -> None:
        self.publication.end()

    def _settle(self) -> None:
        if self._written is not None:
            self._written = None
            self.publication.settle()

    def _begin(self, first: Part) -> list[Unfit]:
        inits, self._inits = self._inits, {}
        wall_ms = self.began_ms + first.begins * 1000 // RATE
        refused = self.publication.begin(first.discontinuity, inits, wall_ms, first.begins)
        return [] if refused is None else [refused]

    def _part(self, one: Part) -> list[Unfit]:
        part = values.Part(
            self._names[one.rendition],
            one.discontinuity,
            one.segment,
            one.part,
            one.ticks,
            one.independent,
        )
        refused = self.publication.part(part, one.data)
        self.parts += refused is None
        return [] if refused is None else [refused]
