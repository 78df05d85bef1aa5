"""Trains of padding that find out whether more would come through, where pictures wait for room.

A train leaves at once; how far apart its packets arrive says what the narrowest place on the way carries, as
libwebrtc's `probe_bitrate_estimator.cc` has it. It is short: on a link that is exactly full it stands in the queue
for a tenth of a second. After one that found nothing the next waits twice as long.
"""

from __future__ import annotations

from attrs import define, field

from media.forwarder.plain.delivery import Delivery

#: Of what is known, how much more a train tries, and seconds of that rate that it is long.
TRIES, LENGTH_S = 2.0, 0.05
#: Bytes of one packet: a header, extensions, 255 of padding and SRTP's tag (`down.py`).
PACKET_BYTES = 295
#: Packets of a train, at least and at most.
LEAST, MOST = 8, 60
#: Of its packets, the share that must arrive for it to say anything.
ENOUGH = 0.8
#: Seconds until the next: after one that found more, and after one that did not, which doubles up to the last.
SOON_S, AGAIN_S, LONGEST_S = 0.4, 3.0, 6.0
#: Seconds after which a train that was not told of is given up.
GIVEN_UP_S = 1.5
#: What counts as more; and of what it measured, what is believed (libwebrtc's kTargetUtilizationFraction).
MORE, BELIEVED = 1.1, 0.95


@define
class Prober:
    """Of one subscriber's link."""

    wish_bps: int = 0  # what would be sent were there room; 0: everything is sent
    beside_bps: int = 0  # of voices, which have no numbers: a train measures their place too
    _train: int = 0  # the last one's number
    _packets: int = 0  # of it
    _bitrate_bps: float = 0.0  # that it tries
    _arrived: list[tuple[float, int]] = field(factory=list)  # of its packets
    _sent_at: float | None = None  # None: nobody is waited for
    _pause_s: float = AGAIN_S
    _next_at: float = float("-inf")

    def wish(self, bitrate_bps: int) -> None:
        """A room has other pictures than before: what it would take to send them all."""
        self.wish_bps = bitrate_bps

    def poll(self, estimate_bps: float, now: float) -> tuple[int, int] | None:
        """The number of a train that is to leave now, and how many packets it has."""
        if self._sent_at is not None and now - self._sent_at > GIVEN_UP_S:
            self._ended(found=False, now=now)
        if self.wish_bps <= estimate_bps or self._sent_at is not None or now < self._next_at:
            return None
        self._bitrate_bps = min(TRIES * estimate_bps, MORE * self.wish_bps)
        packets = int(self._bitrate_bps * LENGTH_S / (8 * PACKET_BYTES))
        self._packets = min(max(packets, LEAST), MOST)
        self._train += 1
        self._sent_at = now
        self._arrived = []
        return self._train, self._packets

    def delivered(self, packet: Delivery) -> None:
        """A packet of a train."""
        if packet.probe == self._train and self._sent_at is not None:
            self._arrived.append((packet.arrived_at, packet.size))

    def judge(self, estimate_bps: float, fastest_s: float, now: float) -> float | None:
        """After every message: what the train found, once enough of it is there; None: nothing new, or no more.

        `fastest_s`: what the fastest packet took lately, by both clocks. Packets that a busy computer takes in at once
        arrived without a distance: what the last one took says how long the train was on its way, at most.
        """
        if self._sent_at is None or len(self._arrived) < self._packets * ENOUGH:
            return None
        first, last, size = self._arrived[0][0], self._arrived[0][0], 0
        for arrived_at, each in self._arrived:
            first, last, size = min(first, arrived_at), max(last, arrived_at), size + each
        size -= self._arrived[0][1]  # what came first has waited for nobody
        took = max(last - first, last - self._sent_at - fastest_s)
        through = BELIEVED * size * 8 / took if took > 0 else self._bitrate_bps
        found = min(through - self.beside_bps, self._bitrate_bps)
        more = found > MORE * estimate_bps
        self._ended(found=more, now=now)
        return found if more else None

    def put_off(self, now: float) -> None:
        """The link is full or loses much: no train for a while."""
        self._next_at = max(self._next_at, now + AGAIN_S)

    def _ended(self, *, found: bool, now: float) -> None:
        self._sent_at = None
        if found:
            self._pause_s = AGAIN_S
            self._next_at = now + SOON_S
        else:
            self._next_at = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_S)
