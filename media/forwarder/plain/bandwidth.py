"""How many bits a second one subscriber's link carries: from what it reports (RR, REMB). Simple, and bounded.

Nothing of this is believed at once. Of 14 pictures a second one lost packet is a third of a receiver report (libwebrtc
sends them every half second), so loss counts over `LEAST_PACKETS`. A REMB is never far above what arrives, and
libwebrtc's receiver takes the jitter of a busy computer for a full link: it counts when it has just fallen, and either
far below what is sent, or while packets are lost or wait in a queue, which the round trip shows.

The loss rule is that of Google's congestion control (draft-ietf-rmcat-gcc-02, 6): up by 8 % while less than 2 % is
lost, down by half the loss above 10 %; above 20 %, which no radio link loses for long, down to what came through. It is
never below what comes through.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field

#: Where it begins: enough for a 720p camera, so that a good link is not kept waiting.
START_BPS = 2_500_000
MIN_BPS = 100_000
MAX_BPS = 20_000_000
#: A REMB below this share of what we send may say that the link is full; above, only that we sent no more.
FULL = 1.1
#: Below this share it says so by itself.
FAR_BELOW = 0.5
#: Packets over which loss is counted; of 20, libwebrtc's number, a link that loses one in twenty loses three or more
#: every thirteenth time. So many lost ones are enough by themselves.
LEAST_PACKETS, ENOUGH_LOST = 100, 20
LITTLE_LOSS, MUCH_LOSS, COLLAPSE = 0.02, 0.10, 0.20
#: Seconds that a sign of a full link stays fresh: two reports.
FRESH_S = 2.0
#: Seconds by which a round trip is longer than it once was: packets wait in a queue. Twice a radio link's jitter. A
#: fall shortens what waits in a queue by half of it at least; else the client has moved, from Wi-Fi to mobile.
QUEUE_S = 0.1
#: Round trips of which the shortest counts, and seconds for which the shortest of all is remembered.
ROUND_TRIPS, SHORTEST_KEPT_S = 3, 60.0
#: Seconds after a fall until the next: a smaller layer begins (a keyframe), the queue empties, a report comes.
SETTLE_S = 1.5
#: Seconds between two estimates, unless it fell.
TOLD_EVERY_S = 1.0
#: A change smaller than this is not told.
TOLD_CHANGE = 0.05


@define
class Downlink:
    """Of one subscriber. `sent_bps` in calls: what was really sent to it lately."""

    estimate_bps: int = START_BPS
    _raised_at: float = float("-inf")
    _fell_at: float = float("-inf")
    _told_bps: int = 0
    _told_at: float = float("-inf")
    _expected: int = 0  # packets of the window
    _lost: int = 0
    _crowded_at: float = float("-inf")
    _last_remb: int | None = None
    _round_trips: deque[float] = field(factory=lambda: deque(maxlen=ROUND_TRIPS))
    _shortest: tuple[float, float] | None = None  # round trip, when
    _waited_s: float | None = (
        None  # round trip as it fell, until it is known whether that shortened it
    )

    def packets_reported(self, expected: int, lost: int, sent_bps: int, now: float) -> None:
        """Of one stream, since its last report. Windows that are too small wait for more."""
        if now - self._fell_at < SETTLE_S:
            self._expected = self._lost = 0
            return
        self._expected += expected
        self._lost += lost
        if self._expected >= LEAST_PACKETS or self._lost >= ENOUGH_LOST:
            share = min(1.0, max(0, self._lost) / max(1, self._expected))
            self._expected = self._lost = 0
            self.loss_reported(share, sent_bps, now)

    def loss_reported(self, lost: float, sent_bps: int, now: float) -> None:
        """`lost`: share 0..1, of enough packets."""
        if lost > MUCH_LOSS:
            self._crowded_at = now
            self._fall(int(sent_bps * (1 - (lost if lost > COLLAPSE else lost / 2))), now)
        elif not self._is_crowded(now):
            through = int(sent_bps * (1 - lost))
            self.estimate_bps = max(self.estimate_bps, min(MAX_BPS, through))
            if lost < LITTLE_LOSS and now - self._raised_at >= 1.0:
                self.estimate_bps = min(MAX_BPS, int(self.estimate_bps * 1.08))
                self._raised_at = now

    def round_trip(self, rtt_s: float, now: float) -> None:
        """One measurement. Sending less empties a queue; where it does not, the way itself is longer than it was."""
        if self._waited_s is not None and now - self._fell_at < SETTLE_S:
            return
        if (
            self._shortest is None
            or rtt_s <= self._shortest[0]
            or now - self._shortest[1] > SHORTEST_KEPT_S
        ):
            self._shortest = rtt_s, now
        self._round_trips.append(rtt_s)
        if len(self._round_trips) < ROUND_TRIPS:
            return
        least = min(self._round_trips)
        if self._waited_s is not None:
            if least > self._waited_s - QUEUE_S / 2:
                self._shortest = least, now
            self._waited_s = None
        if least - self._shortest[0] > QUEUE_S:
            self._crowded_at = now

    def remb(self, bitrate_bps: int, sent_bps: int, now: float, beside_bps: int = 0) -> None:
        """`sent_bps`: of what the REMB is about. libwebrtc leaves voices out of it: `beside_bps`, which fit as well."""
        before, self._last_remb = self._last_remb, bitrate_bps
        if before is None or bitrate_bps >= before or now - self._fell_at < SETTLE_S:
            return
        full = FULL if self._is_crowded(now) else FAR_BELOW
        if bitrate_bps < full * sent_bps:
            self._fall(bitrate_bps + beside_bps, now)

    def _is_crowded(self, now: float) -> bool:
        return now - self._crowded_at < FRESH_S

    def _fall(self, bitrate_bps: int, now: float) -> None:
        if bitrate_bps < self.estimate_bps:
            self.estimate_bps = max(MIN_BPS, bitrate_bps)
            self._fell_at = now
            if self._shortest is not None and len(self._round_trips) == ROUND_TRIPS:
                least = min(self._round_trips)
                if least - self._shortest[0] > QUEUE_S:
                    self._waited_s = least
                    self._round_trips.clear()

    def poll(self, now: float) -> int | None:
        """The estimate, when it is time to tell it."""
        change = abs(self.estimate_bps - self._told_bps) / max(1, self._told_bps)
        fell = self.estimate_bps < self._told_bps
        if change < TOLD_CHANGE or (not fell and now - self._told_at < TOLD_EVERY_S):
            return None
        self._told_bps, self._told_at = self.estimate_bps, now
        return self.estimate_bps
