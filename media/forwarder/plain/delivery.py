"""What was sent to one subscriber under transport-wide numbers, and what became of it.

A number that a message passes over is not lost yet: what comes late is told in the next message, which begins there.
It is lost when a later message begins behind it. What no message ever speaks of (the message itself was lost) counts
neither way.
"""

from __future__ import annotations

from itertools import takewhile

from attrs import define, field, frozen

from media.forwarder.plain.arrivals import Arrivals
from media.forwarder.plain.sequence import seq_delta

#: Packets that may wait for an answer: 20 Mbit/s for two seconds.
MOST_OUTSTANDING = 4_096
TICK_S = 0.00025


@frozen
class Delivery:
    """A packet that arrived. `sent_at` by our clock, `arrived_at` by the subscriber's, both in seconds.

    Attributes:
        size: bytes of the datagram.
        probe: the train it belonged to (`probe.py`), 0 for media.
    """

    sent_at: float
    arrived_at: float
    size: int
    probe: int


@define
class Outstanding:
    """Of one subscriber's transport, over all tracks and their RTX."""

    following: int = 0  # the next number, unrolled
    _sent: dict[int, tuple[float, int, int]] = field(factory=dict)  # when, bytes, probe; ascending
    _missing: set[int] = field(factory=set)  # of those, passed over by a message
    _passed: int = 0  # below it, all of those are

    def number(self) -> int:
        """The next packet's, unrolled; what is written is its low 16 bits."""
        self.following += 1
        return self.following - 1

    def sent(self, number: int, size: int, now: float, probe: int = 0) -> None:
        """It went out. Numbers of what did not are never asked after."""
        self._sent[number] = now, size, probe
        if len(self._sent) > MOST_OUTSTANDING:
            oldest = next(iter(self._sent))
            del self._sent[oldest]
            self._missing.discard(oldest)

    def reported(self, arrivals: Arrivals) -> tuple[list[Delivery], int]:
        """What arrived, in the order in which it was sent, and how many are lost for good."""
        first = self.following + seq_delta(arrivals.first, self.following & 0xFFFF)
        gone = [*takewhile(lambda number: number < first, self._sent)]
        lost = len(self._missing.intersection(gone))
        self._missing.difference_update(gone)
        for number in gone:
            del self._sent[number]
        delivered = []
        for place, tick in arrivals.received:
            packet = self._sent.pop(first + place, None)
            if packet is not None:
                self._missing.discard(first + place)
                delivered.append(Delivery(packet[0], tick * TICK_S, packet[1], packet[2]))
        # Each is looked at once, whatever messages say of it afterwards: a datagram has forty of them.
        behind = min(first + arrivals.count, self.following)
        passed = range(max(first, self._passed), behind)
        self._missing.update(number for number in passed if number in self._sent)
        self._passed = max(self._passed, behind)
        return delivered, lost
