"""Datagrams into the forwarder and out of it, and its timed work. The one loop that every packet passes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from attrs import define, field

from media.forwarder.api import Event, Forwarder
from media.ids import PeerId
from media.transport.api import Peer

logger = logging.getLogger(__name__)

#: Seconds between two polls at most (media/forwarder/api.py).
POLL_S = 0.02
#: Seconds at least: a forwarder that always wants to be woken does not take the whole processor.
REST_S = 0.002


def _nobody_listens(_event: Event) -> None:
    """Before the node is there."""


@define(eq=False)
class Pump:
    """`clock` is the loop's, as the transport's `now` is. `hear` is told the forwarder's events."""

    forwarder: Forwarder
    clock: Callable[[], float]
    hear: Callable[[Event], None] = _nobody_listens
    peers: dict[PeerId, Peer] = field(factory=dict)
    _faults: int = 0

    def receive(self, peer: PeerId, datagram: bytes, now: float) -> None:
        """One SRTP or SRTCP packet; `flush` follows after the batch it came with."""
        self.forwarder.receive(peer, datagram, now)

    def flush(self) -> None:
        """Send what is to be sent: after every batch of the transport, and after every poll."""
        peers = self.peers
        for out in self.forwarder.take_output():
            peer = peers.get(out.peer)
            if peer is not None:
                peer.send(out.data)
        for event in self.forwarder.take_events():
            self.hear(event)

    async def run(self) -> None:
        """For ever. The node puts it into its TaskGroup."""
        while True:
            now = self.clock()
            try:
                self.forwarder.poll(now)
                self.flush()
            except Exception:  # the next poll may be fine; without this loop every call ends
                self._faults += 1
                if self._faults & (self._faults - 1) == 0:  # the 1st, 2nd, 4th, 8th…
                    logger.exception("the forwarder met a bug times=%s", self._faults)
            wakeup = self.forwarder.next_wakeup()
            pause = POLL_S if wakeup is None else min(POLL_S, wakeup - now)
            await asyncio.sleep(max(REST_S, pause))
