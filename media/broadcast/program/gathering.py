"""The first seconds of a broadcast: what its publisher sends, until its sizes are fixed for all of it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.broadcast.cmaf.pictures import Picture
from media.broadcast.ladder.choice import Ladder, Sent, Unsuited, choose
from media.broadcast.ladder.values import DECODED, Coded
from media.broadcast.ladder.vp8 import size_of
from media.broadcast.program.scene import Scene, announced
from media.forwarder.api import Codec, Layer

#: From the first key frame until what the publisher sends is known.
GATHER = RATE * 3 // 2
#: Without one until it begins with sound alone: where a picture was announced, and where none was.
PATIENCE, NO_PICTURE = 10 * RATE, 3 * RATE
#: What is expected of a publisher nothing of whom was seen yet.
USUAL = Sent(layer=Layer.HIGH, width=1280, height=720, bit_rate=0)


@define(eq=False)
class Gathering:
    """Attributes:

    began: of the broadcast, ticks.
    spare_cores, coded_always: as of `Producer`.
    """

    began: int
    spare_cores: float
    coded_always: bool
    _sizes: dict[Layer, tuple[int, int]] = field(factory=dict)
    _first_key: int | None = None

    def begin_anew(self) -> None:
        """Another track is on air."""
        self._sizes.clear()
        self._first_key = None

    def look(self, layer: Layer, picture: Picture | Coded, now: int) -> None:
        """A picture of the track on air."""
        if not picture.key:
            return
        if isinstance(picture, Picture):
            sequence = picture.parameters.sequence
            self._sizes[layer] = sequence.width, sequence.height
        elif (size := size_of(picture.data)) is not None:
            self._sizes[layer] = size
        if self._first_key is None:
            self._first_key = now

    def is_due(self, scene: Scene, now: int) -> bool:
        """Whether it begins now."""
        announced = scene.picture is not None and scene.codec in DECODED
        gathered = self._first_key is not None and now - self._first_key >= GATHER
        return gathered or now - self.began >= (PATIENCE if announced else NO_PICTURE)

    def ladder(self, scene: Scene, came: Mapping[Layer, int], now: int) -> Ladder | Unsuited:
        """The sizes of this broadcast; `came`: bytes of each layer until now."""
        spent = max(RATE, now - self.began)
        seen = {
            layer: Sent(
                layer=layer,
                width=width,
                height=height,
                bit_rate=came.get(layer, 0) * 8 * RATE // spent,
            )
            for layer, (width, height) in self._sizes.items()
        }
        if not seen:  # a picture may come yet, of this or that encoder: it is coded then
            found = choose(Codec.VP8, (USUAL,), self.spare_cores)
            return Ladder() if isinstance(found, Unsuited) else found
        codec = Codec.VP8 if self.coded_always else scene.codec  # whatever the next speaker sends
        return choose(codec, announced(seen, scene.layers), self.spare_cores)
