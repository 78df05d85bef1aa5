"""What carries packets, as the listener and the rooms use it. Two keep this: `plain.py`, and `native.py` on the engine.

::

    client ── STUN, DTLS ──▶ plane ──▶ Control: the listener (ICE, DTLS, SCTP)  ── bind, steer, ufrags ──▶ plane
    client ── SRTP ──▶ plane: its forwarder ── SRTP ──▶ clients                 ◀── peers, tracks: the rooms

Media never leaves the plane, but for copies of tracks that are tapped (`Tap`). It is taken from addresses that are
bound to a peer whose keys are known, and goes where the listener steers it. Nothing here blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from media.forwarder.api import Copy, DownTrack, Event, Layer, SrtpKeys, Stats, Tap, TrackIn, Want
from media.ids import DownId, PeerId, RoomName, TrackSid
from media.transport.api import Address, Ignored, Route, TransportSettings

#: Told the forwarder's events.
Hear = Callable[[Event], None]
#: Handed what is tapped: each packet, and the clocks beside them.
HearMedia = Callable[[Copy], None]


def nobody_listens(_event: Event) -> None:
    """Before the node is there."""


def nobody_packs(_copy: Copy) -> None:
    """Nothing is broadcast."""


class Control(Protocol):
    """Who is handed what is not media. Never raises: a packet's mistake is not the other packets'."""

    def udp_received(self, address: Address, datagram: bytes, now: float) -> None:
        """STUN or DTLS. `now`: when it came, seconds of the loop's clock."""

    def tcp_received(self, route: Route, datagram: bytes, now: float) -> None: ...

    def tcp_lost(self, route: Route) -> None:
        """A connection that had an owner has ended, not by us."""


class Forwarding(Protocol):
    """The calls of `media.forwarder.api.Forwarder` that rooms need; a peer comes with its room, and stays in it."""

    def add_peer(self, peer: PeerId, keys: SrtpKeys, room: RoomName) -> None: ...

    def remove_peer(self, peer: PeerId) -> None: ...

    def add_track(self, track: TrackIn) -> None: ...

    def remove_track(self, sid: TrackSid) -> None: ...

    def mute_track(self, sid: TrackSid, muted: bool) -> None: ...

    def add_downs(self, downs: Sequence[tuple[DownTrack, Want]]) -> None:
        """All that somebody is sent from now on, in one call: a newcomer's are hundreds."""

    def remove_down(self, down: DownId) -> None: ...

    def set_want(self, down: DownId, want: Want) -> None: ...

    def set_wish(self, peer: PeerId, bitrate_bps: int) -> None: ...

    def add_tap(self, tap: Tap) -> None: ...

    def remove_tap(self, sid: TrackSid) -> None: ...

    def ask_key(self, sid: TrackSid, layer: Layer) -> None: ...


class Plane(Forwarding, Protocol):
    """Attributes:

    hear: what happens before it is set is lost.
    hear_media: on the loop, up to 20 ms after it came (`Tapped.at` says when). Must not block, nor raise.
    faults: packets that met a bug of ours since the start; each is logged and costs no more than itself.
    """

    hear: Hear
    hear_media: HearMedia
    faults: int

    async def open(self, settings: TransportSettings, control: Control) -> None:
        """Open the ports and begin.

        Raises:
            OSError: a port is taken, or the address is not ours; nothing stays open after `close`.
        """

    def close(self) -> None:
        """At once; harmless when said twice, or before `open`."""

    @property
    def udp_port(self) -> int: ...

    @property
    def tcp_port(self) -> int | None: ...

    @property
    def connections(self) -> int:
        """TCP connections that are open, strangers' too."""

    def route_to(self, address: Address) -> Route:
        """A new way to an address of the UDP port, nobody's yet."""

    def bind(self, route: Route, peer: PeerId) -> None:
        """What comes this way is this peer's from now on, whoever it was before."""

    def unbind(self, route: Route) -> None: ...

    def steer(self, peer: PeerId, way: Route | None) -> None:
        """Where a peer's media goes; None: nowhere. Only ever where somebody has answered (`IceLite.prove`)."""

    def add_ufrag(self, ufrag: str) -> None:
        """Checks may name it; those that name another need not be handed up."""

    def remove_ufrag(self, ufrag: str) -> None: ...

    def stats(self) -> Stats: ...

    def ignored(self) -> Mapping[Ignored, int]:
        """What it dropped by itself."""
