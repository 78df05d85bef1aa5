"""What a broadcast needs of a transcoder (`PictureTranscoder`), whoever codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from media.broadcast.ladder.values import Coded, Output


class PictureTranscoder(Protocol):
    """Coded pictures of one publisher in, pictures of every rung out. Nothing here waits or blocks.

    A picture that was a key frame is one in every rung too, and so is the next one after `want_key`, and there is one
    every 4 s at least: rungs and a layer that is passed on can end their segments at the same ticks.
    """

    def take(self, coded: Coded, now: int) -> None:
        """A picture, in the publisher's order; `now` on the broadcast's clock, 48 kHz."""

    def lose(self) -> None:
        """A picture is missing: nothing is made until a key frame comes."""

    def want_key(self) -> None:
        """The next picture that is made is a key frame in every rung."""

    def ready(self, now: int) -> Sequence[Output]:
        """What happened since the last call; call it every 100 ms or oftener."""

    def close(self) -> None:
        """Nothing is made any more."""
