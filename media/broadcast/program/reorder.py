"""Packets of one stream in their order again: what was repaired comes late, and is waited for a little. Pure."""

from __future__ import annotations

from attrs import define, field

from media.broadcast.cmaf.clocks import RATE
from media.forwarder.plain.rtp import RtpPacket
from media.forwarder.plain.sequence import seq_delta

#: A missing packet is waited for so long: NACK, a way to the publisher and back, twice (ticks).
PATIENCE = RATE // 4
#: Packets that wait: 0.25 s at 20 Mbit/s.
MOST_WAITING = 600
#: A number so far away is another stream's: the sender began anew.
ANEW = 3_000


@define(eq=False)
class Reorder:
    """Attributes:

    lost: numbers that never came.
    patience: ticks that a missing one is waited for.
    """

    lost: int = 0
    patience: int = PATIENCE
    _next: int | None = None
    _waiting: dict[int, tuple[RtpPacket, int]] = field(factory=dict)  # by number, when it came

    def take(self, packet: RtpPacket, now: int) -> list[RtpPacket]:
        """What can go on, in order; `now` in ticks."""
        if self._next is None:
            self._next = packet.sequence
        ahead = seq_delta(packet.sequence, self._next)
        if abs(ahead) > ANEW:
            out = self._flush()
            self._next = packet.sequence
            self._waiting[packet.sequence] = (packet, now)
            return out + self._run()
        if ahead < 0:
            return self.look(now)
        self._waiting.setdefault(packet.sequence, (packet, now))
        out = self._run()
        while len(self._waiting) > MOST_WAITING:
            out += self._give_up()
        return out + self.look(now)

    def look(self, now: int) -> list[RtpPacket]:
        """What has waited long enough for something that is missing."""
        out: list[RtpPacket] = []
        while self._waiting:
            oldest = min(came for _, came in self._waiting.values())
            if now - oldest < self.patience:
                break
            out += self._give_up()
        return out

    def _run(self) -> list[RtpPacket]:
        out = []
        while self._next in self._waiting:
            out.append(self._waiting.pop(self._next)[0])
            self._next = (self._next + 1) & 0xFFFF
        return out

    def _give_up(self) -> list[RtpPacket]:
        """The numbers before the first that waits are missing."""
        assert self._next is not None
        gap, first = min((seq_delta(number, self._next), number) for number in self._waiting)
        self.lost += gap
        self._next = first
        return self._run()

    def _flush(self) -> list[RtpPacket]:
        out: list[RtpPacket] = []
        while self._waiting:
            out += self._give_up()
        return out
