"""What a forwarder has to say: datagrams, events, counters. Bounded; taken by the caller."""

from __future__ import annotations

from collections import Counter, deque

from attrs import define, field

from media.forwarder.api import Copy, Drop, Event, Stats, Tapped, Transmit
from media.ids import PeerId

#: Datagrams between two `take_output`: a picture of 100 packets to 100 subscribers, twice.
MOST_DATAGRAMS = 20_000
#: Events between two `take_events`. A caller that takes none loses the newest.
MOST_EVENTS = 10_000
#: Copies between two `take_tapped`: 4 s of a camera in three layers. A caller that takes none loses the oldest.
MOST_TAPPED = 4_096


@define(eq=False)
class Outbox:
    transmits: list[Transmit] = field(factory=list)
    events: list[Event] = field(factory=list)
    tapped: deque[Copy] = field(factory=deque)
    drops: Counter[Drop] = field(factory=Counter)
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    plis_sent: int = 0
    nacks_sent: int = 0
    nacks_received: int = 0
    retransmitted: int = 0
    packets_tapped: int = 0
    taps_lost: int = 0

    def send(self, peer: PeerId, datagram: bytes) -> bool:
        """False: the caller does not keep up, the datagram is dropped."""
        if len(self.transmits) >= MOST_DATAGRAMS:
            self.drops[Drop.QUEUE_FULL] += 1
            return False
        self.transmits.append(Transmit(peer, datagram))
        self.packets_out += 1
        self.bytes_out += len(datagram)
        return True

    def event(self, event: Event) -> None:
        if len(self.events) < MOST_EVENTS:
            self.events.append(event)

    def tap(self, copy: Copy) -> None:
        if isinstance(copy, Tapped):
            self.packets_tapped += 1
        if len(self.tapped) >= MOST_TAPPED:
            self.tapped.popleft()
            self.taps_lost += 1
        self.tapped.append(copy)

    def take_transmits(self) -> list[Transmit]:
        taken, self.transmits = self.transmits, []
        return taken

    def take_events(self) -> list[Event]:
        taken, self.events = self.events, []
        return taken

    def take_tapped(self) -> list[Copy]:
        if not self.tapped:
            return []
        taken = list(self.tapped)
        self.tapped.clear()
        return taken

    def stats(self) -> Stats:
        return Stats(
            packets_in=self.packets_in,
            packets_out=self.packets_out,
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            drops={drop.value: count for drop, count in self.drops.items()},
            plis_sent=self.plis_sent,
            nacks_sent=self.nacks_sent,
            nacks_received=self.nacks_received,
            retransmitted=self.retransmitted,
            tapped=self.packets_tapped,
            taps_lost=self.taps_lost,
        )
