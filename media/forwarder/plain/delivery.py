"""What was sent to one subscriber under transport-wide numbers, and what became of it.

A number that a message passes over is not lost yet: what comes late is told in the next message, which begins there.
It is lost when a later message begins behind it. What no message ever speaks of (the message itself was lost) counts
neither way.
"""

from __future__ import annotations

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
        lost = 0
        for number in [*self._sent]:
            if number >= first:
                break
            del self._sent[number]
            if number in self._missing:
                self._missing.discard(number)
                lost += 1
        delivered = []
        for place, tick in arrivals.received:
            packet = self._sent.pop(first + place, None)
            if packet is not None:
                self._missing.discard(first + place)
                delivered.append(Delivery(packet[0], tick * TICK_S, packet[1], packet[2]))
        for number in self._sent:
            if number >= first + arrivals.count:
                break
            self._missing.add(number)
        return delivered, lost
