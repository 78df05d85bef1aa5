"""The native plane: media is the engine's, on threads of its own; what comes up to Python's loop is STUN and DTLS.

Python opens the ports and accepts connections, then hands them over. However long its loop is held, media goes on.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from media.forwarder.api import DownTrack, Event, Layer, SrtpKeys, Stats, Tap, TrackIn, Want
from media.ids import DownId, PeerId, RoomName, TrackSid
from media.plane.api import Control, Hear, HearMedia, nobody_listens, nobody_packs
from media.plane.connections import Connections, EngineRoute
from media.plane.engine import Engine, Fault, TcpClosed
from media.transport import sockets
from media.transport.api import Address, Ignored, Route, TransportSettings
from media.transport.routes import UdpRoute

logger = logging.getLogger(__name__)

#: Datagrams taken before the loop does something else.
BATCH = 64
#: Copies of tapped packets taken before the loop does something else.
COPIES = 256


@define(eq=False)
class NativePlane:
    """`media.plane.api.Plane`. `make` makes the engine of UDP sockets' files, one for each thread."""

    _make: Callable[[list[int]], Engine]
    _threads: int
    hear: Hear = nobody_listens
    hear_media: HearMedia = nobody_packs
    faults: int = 0
    _control: Control = field(init=False)
    _engine: Engine = field(init=False)
    _tcp: Connections = field(init=False)
    _udp: list[socket.socket] = field(factory=list)
    _is_open: bool = False

    async def open(self, settings: TransportSettings, control: Control) -> None:
        self._control = control
        self._udp = sockets.shared_udp(settings.host, settings.udp_port, self._threads)
        self._engine = self._make([one.fileno() for one in self._udp])
        self._tcp = Connections(self._engine, settings.max_tcp_connections, control)
        self._is_open = True
        asyncio.get_running_loop().add_reader(self._engine.fileno(), self._readable)
        if settings.tcp_port is not None:
            self._tcp.listen(sockets.tcp(settings.host, settings.tcp_port))

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._tcp.close()
            asyncio.get_running_loop().remove_reader(self._engine.fileno())
            self._engine.close()
        for one in self._udp:
            one.close()

    @property
    def udp_port(self) -> int:
        return int(self._udp[0].getsockname()[1])

    @property
    def tcp_port(self) -> int | None:
        return self._tcp.port

    @property
    def connections(self) -> int:
        return len(self._tcp.routes)

    # --- whose an address is, and where media goes

    def route_to(self, address: Address) -> Route:
        return UdpRoute(self._udp[0], address)

    def bind(self, route: Route, peer: PeerId) -> None:
        route.owner = peer
        self._engine.bind(_source(route), peer)

    def unbind(self, route: Route) -> None:
        route.owner = None
        self._engine.unbind(_source(route))

    def steer(self, peer: PeerId, way: Route | None) -> None:
        self._engine.set_route(peer, None if way is None else _source(way))

    def add_ufrag(self, ufrag: str) -> None:
        self._engine.add_ufrag(ufrag)

    def remove_ufrag(self, ufrag: str) -> None:
        self._engine.remove_ufrag(ufrag)

    # --- the forwarder's calls

    def add_peer(self, peer: PeerId, keys: SrtpKeys, room: RoomName) -> None:
        """Whoever is in one room is on one thread."""
        self._engine.add_peer(peer, keys, room)

    def remove_peer(self, peer: PeerId) -> None:
        self._engine.remove_peer(peer)

    def add_track(self, track: TrackIn) -> None:
        self._engine.add_track(track)

    def remove_track(self, sid: TrackSid) -> None:
        self._engine.remove_track(sid)

    def mute_track(self, sid: TrackSid, muted: bool) -> None:
        self._engine.mute_track(sid, muted)

    def add_downs(self, downs: Sequence[tuple[DownTrack, Want]]) -> None:
        self._engine.add_downs(downs)

    def remove_down(self, down: DownId) -> None:
        self._engine.remove_down(down)

    def set_want(self, down: DownId, want: Want) -> None:
        self._engine.set_want(down, want)

    def set_wish(self, peer: PeerId, bitrate_bps: int) -> None:
        self._engine.set_wish(peer, bitrate_bps)

    def add_tap(self, tap: Tap) -> None:
        self._engine.add_tap(tap)

    def remove_tap(self, sid: TrackSid) -> None:
        self._engine.remove_tap(sid)

    def ask_key(self, sid: TrackSid, layer: Layer) -> None:
        self._engine.ask_key(sid, layer)

    def stats(self) -> Stats:
        return self._engine.stats()

    def ignored(self) -> Mapping[Ignored, int]:
        found = {Ignored(name): count for name, count in self._engine.ignored().items() if count}
        for why, count in self._tcp.refused.items():
            found[why] = found.get(why, 0) + count
        return found

    # --- what comes up

    def _readable(self) -> None:
        for source, datagram, now in self._engine.take_received(BATCH):
            if not isinstance(source, int):
                self._control.udp_received(source, datagram, now)
            elif (route := self._tcp.routes.get(source)) is not None:
                self._control.tcp_received(route, datagram, now)
        for event in self._engine.take_events():
            try:
                self._told(event)
            except Exception:  # a mistake of ours must not cost the events after it
                self.faults += 1
                logger.exception("an event of the engine met a bug")
        for copy in self._engine.take_tapped(COPIES):
            try:
                self.hear_media(copy)
            except Exception:
                self.faults += 1
                logger.exception("a tapped packet met a bug")

    def _told(self, event: Event | TcpClosed | Fault) -> None:
        if isinstance(
            event, Event
        ):  # nearly all; the others are told by their attributes, which is slow
            self.hear(event)
        elif isinstance(event, TcpClosed):
            self._tcp.lost(event.connection)
        else:
            self.faults += 1
            logger.error("the engine met a bug times=%s what=%s", event.times, event.text)


def _source(route: Route) -> Address | int:
    if isinstance(route, EngineRoute):
        return route.number
    assert isinstance(route, UdpRoute)
    return route.address
