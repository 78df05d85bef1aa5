"""A publication that says on standard output how far it is."""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import define

from media.broadcast.hls.captions import Unsayable
from media.broadcast.hls.timeline import Unfit
from media.broadcast.hls.values import Part
from media.broadcast.origin.publication import Publication


@define
class Telling:
    """A publication that says how far it is."""

    to: Publication
    parts: int = 0

    def begin(
        self,
        discontinuity: int,
        inits: Mapping[str, bytes],
        wall_ms: int,
        media_at: int | None = None,
    ) -> Unfit | None:
        return self.to.begin(discontinuity, inits, wall_ms, media_at)

    def part(self, part: Part, data: bytes) -> Unfit | None:
        return self.to.part(part, data)

    def settle(self) -> None:
        self.to.settle()
        self.parts += 1
        print(json.dumps({"parts": self.parts}), flush=True)

    def say(self, text: str, at: int | None = None) -> Unsayable | None:
        return self.to.say(text, at)

    def end(self) -> None:
        self.to.end()
