"""Publishes the film as if it were taken now: a part is there when its last picture has been.

Its `prft` holds the moment at which it is given to the origin, which is what viewers measure lag from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from struct import Struct

from attrs import define, field, frozen

from bench.broadcast.film import PICTURES, SOUND, Film
from media.broadcast.hls.multivariant import Picture, Variant
from media.broadcast.hls.values import PART, Part, Shape
from media.broadcast.origin.publication import Opening, Publication

BROADCAST = "concert"
#: Parts of a segment: 4 s, or 2 s with half-second parts.
SEGMENT_PARTS = 4

_U64 = Struct(">Q")
#: Of the `prft` that a part begins with: its clock, its media time (ISO/IEC 14496-12 8.16.5, version 1).
_CLOCK, _MEDIA = 16, 24
#: From a `tfdt`'s name to its time (version 1).
_TIME = 8
_NTP_S = 2_208_988_800


@frozen
class Template:
    """A part of the film, and where its times stand."""

    data: bytes = field(repr=False)
    times: tuple[int, ...]

    @classmethod
    def read(cls, path: Path) -> Template:
        data = path.read_bytes()
        head = data[: data.index(b"mdat")]
        times, at = [_MEDIA], head.find(b"tfdt")
        while at >= 0:
            times.append(at + _TIME)
            at = head.find(b"tfdt", at + 1)
        return cls(data, tuple(times))

    def at(self, later: int, now: float) -> bytes:
        """`later`: ticks that were before this turn of the film."""
        made = bytearray(self.data)
        for place in self.times:
            _U64.pack_into(made, place, _U64.unpack_from(made, place)[0] + later)
        _U64.pack_into(made, _CLOCK, int((now + _NTP_S) * 2**32))
        return bytes(made)


def opening(film: Film) -> Opening:
    """What a packager would tell the origin."""
    usual = film.part_ticks >= PART
    picture = Picture(codec=film.codec, width=640, height=360, frames_per_s=24)
    return Opening(
        broadcast=BROADCAST,
        shape=Shape(part_ticks=film.part_ticks, target_s=5 if usual else 4),
        variants=(
            Variant(rendition=PICTURES, bandwidth_bps=film.bandwidth_bps, picture=picture),
            Variant(rendition=SOUND, bandwidth_bps=64_000),
        ),
        recorded=True,
        independent=True,
    )


@define
class Stage:
    """Attributes:
    clock: seconds since 1970. late_s: how much later than it should the latest part was published.
    """

    film: Film
    folder: Path
    clock: Callable[[], float]
    late_s: float = 0.0
    _templates: dict[tuple[str, int], Template] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for name in (PICTURES, SOUND):
            for number in range(self.film.parts):
                path = self.folder / f"{name}-{number}.m4s"
                self._templates[name, number] = Template.read(path)

    async def play(self, to: Publication, published: Callable[[], None]) -> None:
        """For ever. `published`: is told of each part."""
        film, part_s = self.film, self.film.part_s
        inits = {name: (self.folder / f"{name}-i.mp4").read_bytes() for name in (PICTURES, SOUND)}
        count = int(self.clock() / part_s) + 1
        begun = count
        refusal = to.begin(
            0, inits, round(begun * part_s * 1_000), begun % film.parts * film.part_ticks
        )
        assert refusal is None, refusal
        while True:
            due = (count + 1) * part_s
            await asyncio.sleep(max(0.0, due - self.clock()))
            now = self.clock()
            self.late_s = max(self.late_s, now - due)
            segment, number = divmod(count - begun, SEGMENT_PARTS)
            turn = count // film.parts - begun // film.parts
            later = turn * film.parts * film.part_ticks
            for name in (PICTURES, SOUND):
                data = self._templates[name, count % film.parts].at(later, now)
                part = Part(name, 0, segment, number, film.part_ticks, number == 0)
                refusal = to.part(part, data)
                assert refusal is None, refusal
            to.settle()
            published()
            count += 1
