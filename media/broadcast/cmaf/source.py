"""One encoder's pictures for the cutter: packets in; out come whole pictures that build on nothing that is missing."""

from __future__ import annotations

from collections import Counter

from attrs import define, field

from media.broadcast.cmaf.clocks import StreamClock
from media.broadcast.cmaf.depacketizer import Depacketizer
from media.broadcast.cmaf.pictures import Picture, PictureReader, Unseen
from media.forwarder.plain.rtp import RtpPacket


@define(eq=False)
class PictureSource:
    """After a loss nothing is given out until a key frame comes; `wants_key` says that one must be asked for.

    Attributes:
        unseen: pictures that were left out, by reason.
    """

    _clock: StreamClock
    unseen: Counter[Unseen] = field(factory=Counter)
    wants_key: bool = True
    _packets: Depacketizer = field(factory=Depacketizer)
    _reader: PictureReader = field(factory=PictureReader)

    def take(self, packet: RtpPacket, now: int) -> list[Picture]:
        """The pictures that this packet completes; `now` on the broadcast's clock."""
        shown = []
        for units in self._packets.take(packet):
            if units.after_loss:
                self.wants_key = True
            picture = self._reader.read(units.nals, self._clock.ticks(units.timestamp, now))
            if isinstance(picture, Unseen):
                self.unseen[picture] += 1
                if picture in {Unseen.MALFORMED, Unseen.NO_PARAMETERS}:
                    self.wants_key = True
            elif self.wants_key and not picture.key:
                self.unseen[Unseen.AFTER_LOSS] += 1
            else:
                self.wants_key = False
                shown.append(picture)
        return shown
