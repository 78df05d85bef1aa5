"""The plain plane: sockets of the event loop, and a forwarder that is called with each packet. One thread."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import define, field

from media.forwarder.api import DownTrack, Forwarder, Layer, SrtpKeys, Stats, Tap, TrackIn, Want
from media.ids import DownId, PeerId, RoomName, TrackSid
from media.plane.api import Control, Hear, HearMedia, nobody_listens, nobody_packs
from media.transport import sockets
from media.transport.api import Address, Ignored, Route, TransportSettings
from media.transport.demux import PacketKind, kind_of
from media.transport.routes import TcpRoute, UdpRoute

logger = logging.getLogger(__name__)

#: Datagrams taken before the loop does something else.
BATCH = 64
#: Seconds between two polls at most (media/forwarder/api.py).
POLL_S = 0.02
#: Seconds at least: a forwarder that always wants to be woken does not take the whole processor.
REST_S = 0.002


@define(eq=False)
class PlainPlane:
    """`media.plane.api.Plane`. Every forwarder will do: it knows no sockets."""

    forwarder: Forwarder
    hear: Hear = nobody_listens
    hear_media: HearMedia = nobody_packs
    faults: int = 0
    _settings: TransportSettings | None = None
    _control: Control = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _udp: socket.socket | None = None
    _tcp: asyncio.Server | None = None
    _polling: asyncio.TimerHandle | None = None
    _connections: set[TcpRoute] = field(factory=set)
    _peers: set[PeerId] = field(factory=set)  # whose keys the forwarder has
    _owners: dict[Address, PeerId] = field(factory=dict)
    _ways: dict[PeerId, Route] = field(factory=dict)
    _ignored: Counter[Ignored] = field(factory=Counter)

    async def open(self, settings: TransportSettings, control: Control) -> None:
        self._settings, self._control = settings, control
        self._loop = asyncio.get_running_loop()
        self._udp = sockets.udp(settings.host, settings.udp_port)
        sockets.receive_times(self._udp)
        self._loop.add_reader(self._udp, self._readable)
        if settings.tcp_port is not None:
            opened = sockets.tcp(settings.host, settings.tcp_port)
            self._tcp = await self._loop.create_server(self._connection, sock=opened)
        self._poll()

    def close(self) -> None:
        if self._polling is not None:
            self._polling.cancel()
        udp, self._udp = self._udp, None
        if udp is not None:
            self._loop.remove_reader(udp)
            udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for route in list(self._connections):
            route.close()

    @property
    def udp_port(self) -> int:
        assert self._udp is not None, "not before open()"
        return int(self._udp.getsockname()[1])

    @property
    def tcp_port(self) -> int | None:
        return None if self._tcp is None else int(self._tcp.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        return len(self._connections)

    # --- whose an address is, and where media goes

    def route_to(self, address: Address) -> Route:
        assert self._udp is not None, "not before open()"
        return UdpRoute(self._udp, address)

    def bind(self, route: Route, peer: PeerId) -> None:
        route.owner = peer
        if isinstance(route, UdpRoute):
            self._owners[route.address] = peer

    def unbind(self, route: Route) -> None:
        route.owner = None
        if isinstance(route, UdpRoute):
            self._owners.pop(route.address, None)

    def steer(self, peer: PeerId, way: Route | None) -> None:
        if way is None:
            self._ways.pop(peer, None)
        else:
            self._ways[peer] = way

    def add_ufrag(self, ufrag: str) -> None:
        """The listener looks at every check itself."""

    def remove_ufrag(self, ufrag: str) -> None:
        """The same."""

    # --- the forwarder's calls

    def add_peer(self, peer: PeerId, keys: SrtpKeys, room: RoomName) -> None:
        """`room`: one thread serves them all."""
        self.forwarder.add_peer(peer, keys)
        self._peers.add(peer)

    def remove_peer(self, peer: PeerId) -> None:
        self.forwarder.remove_peer(peer)
        self._peers.discard(peer)
        self._ways.pop(peer, None)

    def add_track(self, track: TrackIn) -> None:
        self.forwarder.add_track(track)

    def remove_track(self, sid: TrackSid) -> None:
        self.forwarder.remove_track(sid)

    def mute_track(self, sid: TrackSid, muted: bool) -> None:
        self.forwarder.mute_track(sid, muted)

    def add_downs(self, downs: Sequence[tuple[DownTrack, Want]]) -> None:
        for down, want in downs:
            self.forwarder.add_down(down, want)

    def remove_down(self, down: DownId) -> None:
        self.forwarder.remove_down(down)

    def set_want(self, down: DownId, want: Want) -> None:
        self.forwarder.set_want(down, want)

    def set_wish(self, peer: PeerId, bitrate_bps: int) -> None:
        self.forwarder.set_wish(peer, bitrate_bps)

    def add_tap(self, tap: Tap) -> None:
        self.forwarder.add_tap(tap)

    def remove_tap(self, sid: TrackSid) -> None:
        self.forwarder.remove_tap(sid)

    def ask_key(self, sid: TrackSid, layer: Layer) -> None:
        self.forwarder.ask_key(sid, layer)

    def stats(self) -> Stats:
        return self.forwarder.stats()

    def ignored(self) -> Mapping[Ignored, int]:
        return self._ignored

    # --- packets

    def _readable(self) -> None:
        assert self._udp is not None
        now, real_ns = self._loop.time(), time.time_ns()
        for _ in range(BATCH):
            try:
                datagram, told, _, address = self._udp.recvmsg(sockets.LONGEST, sockets.TIME_SPACE)
            except OSError:  # nothing more, or a message of the network about an old packet
                break
            kind = kind_of(datagram)
            if kind is PacketKind.MEDIA and len(datagram) < sockets.LONGEST:
                came = now - sockets.waited_s(told, real_ns)
                self._forward(self._owners.get(address), datagram, now, came)
            elif kind is PacketKind.STUN or (len(datagram) < sockets.LONGEST and kind is not None):
                self._control.udp_received(address, datagram, now)
            else:
                self._count_odd(datagram)
        self._flush()

    def _tcp_received(self, route: TcpRoute, packet: bytes) -> None:
        kind = kind_of(packet)
        now = self._loop.time()
        if kind is PacketKind.MEDIA:
            self._forward(route.owner, packet, now, now)
        elif kind is not None:
            self._control.tcp_received(route, packet, now)
        else:
            self._count_odd(packet)
        self._flush()

    def _forward(self, owner: PeerId | None, datagram: bytes, now: float, came: float) -> None:
        if owner is None:
            self._ignored[Ignored.STRANGER] += 1
        elif owner not in self._peers:
            self._ignored[Ignored.EARLY] += 1
        else:
            try:
                self.forwarder.receive(owner, datagram, now, came)
            except Exception as fault:
                self._log_fault(fault)

    def _count_odd(self, datagram: bytes) -> None:
        if not datagram:
            self._ignored[Ignored.EMPTY] += 1
        elif len(datagram) >= sockets.LONGEST:
            self._ignored[Ignored.TOO_LONG] += 1
        else:
            self._ignored[Ignored.NOT_OURS] += 1

    def _flush(self) -> None:
        """Send what is to be sent and tell what has happened: after every batch, and after every poll."""
        try:
            for out in self.forwarder.take_output():
                way = self._ways.get(out.peer)
                if way is not None and (refused := way.send(out.data)) is not None:
                    self._ignored[refused] += 1
        except Exception as fault:
            self._log_fault(fault)
        for event in self.forwarder.take_events():
            try:
                self.hear(event)
            except (
                Exception
            ) as fault:  # a mistake about one room must not cost the others their events
                self._log_fault(fault)
        for copy in self.forwarder.take_tapped():
            try:
                self.hear_media(copy)
            except Exception as fault:
                self._log_fault(fault)

    def _poll(self) -> None:
        """For ever; the next one may be fine, and without it every call ends."""
        now = self._loop.time()
        pause = POLL_S
        try:
            self.forwarder.poll(now)
            self._flush()
            if (wakeup := self.forwarder.next_wakeup()) is not None:
                pause = min(POLL_S, wakeup - now)
        except Exception as fault:
            self._log_fault(fault)
        self._polling = self._loop.call_later(max(REST_S, pause), self._poll)

    def _log_fault(self, fault: Exception) -> None:
        """The 1st, 2nd, 4th, 8th… time: a packet that finds a bug can come a thousand times a second."""
        self.faults += 1
        if self.faults & (self.faults - 1) == 0:
            logger.error("the forwarder met a bug times=%s", self.faults, exc_info=fault)

    # --- connections

    def _connection(self) -> TcpRoute:
        return TcpRoute(self._tcp_received, self._tcp_opened, self._tcp_lost, self._refused)

    def _tcp_opened(self, route: TcpRoute) -> bool:
        assert self._settings is not None
        if len(self._connections) >= self._settings.max_tcp_connections:
            return False
        self._connections.add(route)
        return True

    def _tcp_lost(self, route: TcpRoute) -> None:
        self._connections.discard(route)
        if route.owner is not None:
            self._control.tcp_lost(route)

    def _refused(self, why: Ignored) -> None:
        self._ignored[why] += 1
