"""One encoding that a publisher sends: an SSRC, a layer of a track."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import define, field

from media.forwarder.api import Kind, Layer
from media.forwarder.plain.dependency import Structure
from media.forwarder.plain.keyframes import MIN_INTERVAL_S, KeyframeRequester
from media.forwarder.plain.meter import Meter
from media.forwarder.plain.nack import MissingPackets
from media.forwarder.plain.reports import ReceptionStatistics
from media.forwarder.plain.scalable import layers_in
from media.forwarder.plain.sequence import WINDOW, Unroller
from media.forwarder.plain.timestamps import ClockReading

if TYPE_CHECKING:
    from media.forwarder.plain.down import Down
    from media.forwarder.plain.incoming import Incoming


#: Pictures whose numbers are remembered: two seconds, and less than half of the ids of seven bits.
PICTURES = 60


@define(eq=False)
class Stream:
    """Attributes:
    takers: subscribers that get it, or wait for its keyframe.
    tapped: copies of its packets are taken.
    clock: the last sender report.
    last_media: when the last packet with a payload came.
    held_from: number of the first packet that was held back, while louder voices have all places.
    structure: of a stream with layers inside (`dependency.py`), as its last keyframe has it.
    active: bit i: its decode target i can be decoded.
    meters: of what subscribers of each of its layers are sent.
    """

    kind: Kind
    layer: Layer
    ssrc: int
    clock_rate: int
    takers: list[Down] = field(factory=list)
    tapped: bool = False
    clock: ClockReading | None = None
    last_media: float = float("-inf")
    held_from: int | None = None
    structure: Structure | None = None
    active: int = 0
    # Numbers of the packets that said so.
    _structure_from: int = -1
    _active_from: int = -1
    meters: dict[Layer, Meter] = field(factory=lambda: defaultdict(Meter))
    missing: MissingPackets = field(factory=MissingPackets)
    statistics: ReceptionStatistics = field(init=False)
    keyframes: KeyframeRequester = field(init=False)
    _unroller: Unroller = field(factory=Unroller)
    _last_timestamp: int | None = None
    # VP8 picture id → number of its first and last packet.
    _begins: dict[int, int] = field(factory=dict)
    _ends: dict[int, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.statistics = ReceptionStatistics(self.clock_rate)
        self.keyframes = KeyframeRequester(MIN_INTERVAL_S[self.layer])

    @property
    def epoch(self) -> int:
        """Grows when the publisher's numbering began anew: subscribers then begin with it anew."""
        return self._unroller.epoch

    @property
    def highest(self) -> int:
        return self._unroller.highest

    @property
    def is_wanted(self) -> bool:
        """Whether its packets go anywhere."""
        return self.tapped or bool(self.takers)

    def want_keyframe(self) -> None:
        """A subscriber can begin with this stream only there. Sound needs none."""
        if self.kind is Kind.VIDEO:
            self.keyframes.want()

    def arrived(self, sequence: int, timestamp: int, now: float, *, repaired: bool) -> int | None:
        """The unrolled number of a packet; None for one that came before, or far too late.

        Args:
            repaired: it came by RTX, which is no sign of the link's delay or loss.
        """
        unroller = self._unroller
        before, epoch = unroller.highest, unroller.epoch
        number = unroller.unroll(sequence, repaired=repaired)
        if number is None:
            return None
        if unroller.epoch != epoch:
            self.statistics.restart()
            self.missing.clear()
            self._begins.clear()
            self._ends.clear()
            self.held_from = self.structure = None
            self._structure_from = self._active_from = -1
        elif number > before + 1:
            if not self.missing.gap(before + 1, number, now):
                self.want_keyframe()
        elif number < before:
            self.missing.arrived(number)
        if not repaired:
            self.statistics.arrived(number, timestamp, now)
        return number

    def described(self, media: Incoming) -> bool:
        """After every packet: whether other layers can be chosen from than before.

        A keyframe's first packet that comes late counts, if no later one has said otherwise.
        """
        frame, number = media.frame, media.sequence
        if frame is None or frame.active is None:
            return False
        before = self.layers
        if frame.structure is not None and number > self._structure_from:
            self.structure, self._structure_from = frame.structure, number
        if number > self._active_from:
            self.active, self._active_from = frame.active, number
        return self.layers != before

    @property
    def layers(self) -> frozenset[Layer]:
        """What can be chosen from."""
        if self.structure is None:
            return frozenset({self.layer})
        return layers_in(self.structure, self.active, self.layer)

    def passed_over(self, media: Incoming) -> list[int]:
        """Numbers that did not come and carried nothing: between the end of a VP8 picture and the next one's first.

        Publishers without RTX (LiveKit's Rust) probe their link with padding in the stream itself, and never repeat it:
        a decoder that counts numbers would wait for it until the next keyframe.
        """
        descriptor = media.descriptor
        if descriptor is None or descriptor.picture_id is None:
            return []
        number, mod = media.sequence, 1 << descriptor.picture_id_bits
        picture = descriptor.picture_id
        padding: list[int] = []
        if descriptor.start:
            _remember(self._begins, picture, number)
            padding += self._between(self._ends.get((picture - 1) % mod), number)
        if media.marker:
            _remember(self._ends, picture, number)
            padding += self._between(number, self._begins.get((picture + 1) % mod))
        for each in padding:
            self.missing.arrived(each)
        return padding

    def _between(self, end: int | None, begin: int | None) -> list[int]:
        if end is None or begin is None or not 1 < begin - end < WINDOW:
            return []
        first = max(end + 1, self.highest - WINDOW + 1)
        return [number for number in range(first, begin) if not self._unroller.came(number)]

    def go_on_from(self, number: int) -> None:
        """It is loud enough again: for subscribers it was silent, and nothing is missing."""
        if self.held_from is not None:
            self.held_from = None
            for down in self.takers:
                down.skip_to(number, self)

    def is_new_picture(self, timestamp: int) -> bool:
        """Whether the packet before had another timestamp."""
        new = timestamp != self._last_timestamp
        self._last_timestamp = timestamp
        return new


def _remember(numbers: dict[int, int], picture: int, number: int) -> None:
    numbers.pop(picture, None)
    numbers[picture] = number
    if len(numbers) > PICTURES:
        del numbers[next(iter(numbers))]
