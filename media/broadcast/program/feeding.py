"""Which layer of which track a line shows. Pure.

A line begins with another one at a key frame of that. Until it comes the old one stays, as long as it gives pictures:
nobody sees a hole when a host chooses another speaker, or when a publisher's network has no room for the largest layer.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.forwarder.api import Layer
from media.ids import TrackSid

#: A layer of which nothing came for so long is not sent (any more). Screens that stand still send once in some seconds.
SILENT = 6 * RATE
#: For choosing anew: a camera's layer without packets for so long has been switched off.
PAUSED = RATE

Stream = tuple[TrackSid, Layer]


def rank(wanted: Layer, layer: Layer) -> tuple[bool, int]:
    """Smaller is better: the wanted one, then lower ones from the top, then higher ones."""
    return layer > wanted, abs(layer - wanted)


@define(eq=False)
class Feed:
    """What one line is fed with.

    Attributes:
        wanted: the layer that it is for.
        fed: None: nothing yet.
    """

    wanted: Layer
    fed: Stream | None = field(default=None)

    def takes(
        self,
        stream: Stream,
        *,
        key: bool,
        on_air: TrackSid | None,
        came: Mapping[Stream, int],
        now: int,
    ) -> bool:
        """Whether a picture of this stream is shown in this line.

        Args:
            on_air: the track that is to be shown.
            came: when the last packet of each stream came, ticks.
        """
        if key and stream == self.best(on_air, came, now):
            self.fed = stream
        return stream == self.fed

    def best(self, on_air: TrackSid | None, came: Mapping[Stream, int], now: int) -> Stream | None:
        """The stream that the line should show; None: there is none."""
        lively = self._of(on_air, came, now - PAUSED) or self._of(on_air, came, now - SILENT)
        return min(lively, key=lambda one: rank(self.wanted, one[1]), default=None)

    def waits(self, on_air: TrackSid | None, came: Mapping[Stream, int], now: int) -> Stream | None:
        """The stream of which a key frame is needed before the line can show it."""
        best = self.best(on_air, came, now)
        return None if best == self.fed else best

    @staticmethod
    def _of(on_air: TrackSid | None, came: Mapping[Stream, int], since: int) -> list[Stream]:
        return [one for one, at in came.items() if one[0] == on_air and at > since]
