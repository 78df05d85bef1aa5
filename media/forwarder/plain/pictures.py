"""VP8's picture numbers for one subscriber: no gap for pictures of a temporal layer that it does not get.

Chromium waits for every picture id that it misses on a lower temporal layer; a gap we made would freeze it.
"""

from __future__ import annotations

from attrs import define, field

from media.forwarder.plain.sequence import SequenceMap
from media.forwarder.plain.vp8 import PICTURE_ID_MOD, Descriptor


@define
class PictureMap:
    first: int  # where the subscriber's picture ids begin, 0..32767
    _ids: SequenceMap = field(init=False)
    _newest: int | None = None  # incoming, unrolled
    _tl0_offset: int = 0
    _tl0_newest: int | None = None  # outgoing, uint8

    def __attrs_post_init__(self) -> None:
        self._ids = SequenceMap(self.first)

    def begin(self, descriptor: Descriptor) -> None:
        """Another source starts with this keyframe. Only with a picture id."""
        assert descriptor.picture_id is not None
        self._newest = descriptor.picture_id + PICTURE_ID_MOD
        self._ids.begin(self._newest)
        if descriptor.tl0 is not None:
            following = self.first if self._tl0_newest is None else self._tl0_newest + 1
            self._tl0_offset = (following - descriptor.tl0) % 256

    def drop(self, descriptor: Descriptor) -> None:
        """This picture is not forwarded."""
        if descriptor.picture_id is not None:
            self._ids.drop(self._unroll(descriptor))

    def forward(self, descriptor: Descriptor) -> bytes | None:
        """The descriptor for the subscriber; None when its picture was dropped, or is forgotten."""
        if descriptor.picture_id is None:
            return b""
        out = self._ids.forward(self._unroll(descriptor))
        if out is None:
            return None
        tl0 = 0
        if descriptor.tl0 is not None:
            tl0 = (descriptor.tl0 + self._tl0_offset) % 256
            if self._tl0_newest is None or (tl0 - self._tl0_newest) % 256 < 128:
                self._tl0_newest = tl0
        return descriptor.rewritten(out, tl0)

    def _unroll(self, descriptor: Descriptor) -> int:
        assert descriptor.picture_id is not None
        mod = 1 << descriptor.picture_id_bits
        if self._newest is None:
            self._newest = descriptor.picture_id + PICTURE_ID_MOD
            return self._newest
        delta = (descriptor.picture_id - self._newest) % mod
        if delta >= mod // 2:
            return self._newest + delta - mod
        self._newest += delta
        return self._newest
