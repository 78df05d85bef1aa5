"""The node's UDP and TCP ports: every client's packets come in here and find their peer.

A packet is somebody's if it came from an address that a valid check came from; a check is valid if it is made with the
password of the ufrag that it names. Strangers' packets cost a look into two tables.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from media.ids import PeerId
from media.sdp.values import Candidate, Fingerprint
from media.transport import sockets
from media.transport.admission import Admission
from media.transport.api import (
    AfterBatch,
    Gone,
    IceCredentials,
    Ignored,
    PeerObserver,
    TransportSettings,
)
from media.transport.binding import Binding, is_answer, read_binding, ufrag_of
from media.transport.demux import PacketKind, kind_of
from media.transport.dtls import Certificate
from media.transport.ice import Generation
from media.transport.peer import ClientPeer
from media.transport.routes import Address, Route, TcpRoute, UdpRoute

logger = logging.getLogger(__name__)

#: Datagrams taken before the loop does something else.
BATCH = 64
#: Seconds after which an address whose owner sent no check may become another peer's (a NAT gave it away).
ADDRESS_KEPT_S = 10.0
SWEEP_S = 1.0


@asynccontextmanager
async def listen(
    settings: TransportSettings, certificate: Certificate, after_batch: AfterBatch = lambda: None
) -> AsyncIterator[PortListener]:
    """Open the ports; at the end every peer is closed and told so.

    Raises:
        OSError: a port is taken.
    """
    listener = PortListener(settings, certificate, after_batch)
    try:
        await listener.open()
        yield listener
    finally:
        await listener.close()


class PortListener:
    """`media.transport.api.Listener`; made by `listen`."""

    def __init__(
        self,
        settings: TransportSettings,
        certificate: Certificate,
        after_batch: AfterBatch,
    ) -> None:
        self._settings = settings
        self._certificate = certificate
        self._after_batch = after_batch
        self._tasks: set[asyncio.Task[None]] = set()  # handshakes and farewells; held until done
        self._loop = asyncio.get_running_loop()
        self._udp = sockets.udp(settings.host, settings.udp_port)
        self._tcp: asyncio.Server | None = None
        self._tcp_routes: set[TcpRoute] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._by_ufrag: dict[str, ClientPeer] = {}
        self._by_address: dict[Address, UdpRoute] = {}
        self._peers: dict[PeerId, ClientPeer] = {}
        self._admission = Admission(settings.handshakes_per_s, settings.handshake_burst)
        self._ignored: Counter[Ignored] = Counter()
        self._accepting = True
        self._faults = 0

    async def open(self) -> None:
        self._loop.add_reader(self._udp, self._readable)
        self._sweep = self._loop.call_later(SWEEP_S, self._check_times)
        if self._settings.tcp_port is not None:
            opened = sockets.tcp(self._settings.host, self._settings.tcp_port)
            self._tcp = await self._loop.create_server(self._tcp_route, sock=opened)

    async def close(self) -> None:
        for peer in list(self._peers.values()):
            peer.end(Gone.CLOSED)
        if self._tasks:
            await asyncio.wait(self._tasks)  # their farewells go out before the socket closes
        self._loop.remove_reader(self._udp)
        self._udp.close()
        if self._sweep is not None:
            self._sweep.cancel()
        if self._tcp is not None:
            self._tcp.close()
        for route in list(self._tcp_routes):
            route.close()

    @property
    def udp_port(self) -> int:
        return int(self._udp.getsockname()[1])

    @property
    def tcp_port(self) -> int | None:
        return None if self._tcp is None else int(self._tcp.sockets[0].getsockname()[1])

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return sockets.candidates(
            self._settings.advertised,
            self._settings.advertised_udp_port or self.udp_port,
            self._settings.advertised_tcp_port or self.tcp_port,
        )

    @property
    def fingerprint(self) -> Fingerprint:
        return self._certificate.fingerprint

    @property
    def peers(self) -> int:
        return len(self._peers)

    def add_peer(self, peer: PeerId, observer: PeerObserver) -> ClientPeer:
        """Announce a peer: its checks are answered from now on.

        Raises:
            ValueError: there is one of this id.
            RuntimeError: the node drains.
        """
        if peer in self._peers:
            raise ValueError(f"peer {peer} exists")
        if not self._accepting:
            raise RuntimeError("draining: no new peers")
        added = ClientPeer(peer, observer, self._certificate, self)
        self._peers[peer] = added
        for ufrag in added.ufrags():
            self._by_ufrag[ufrag] = added
        return added

    def stop_accepting(self) -> None:
        self._accepting = False

    def ignored(self) -> Mapping[Ignored, int]:
        return self._ignored

    # --- surroundings of a peer

    def count(self, ignored: Ignored) -> None:
        self._ignored[ignored] += 1

    def now(self) -> float:
        return self._loop.time()

    def admit_handshake(self) -> bool:
        return self._admission.admit(self.now())

    def new_credentials(self) -> IceCredentials:
        """RFC 8839 5.4: 24 bits of ufrag and 128 of password at least."""
        ufrag = secrets.token_hex(4)
        while ufrag in self._by_ufrag:
            ufrag = secrets.token_hex(4)
        return IceCredentials(ufrag, secrets.token_hex(16))

    def new_transaction(self) -> bytes:
        return secrets.token_bytes(12)

    def ufrags_changed(self, peer: ClientPeer, ended: frozenset[str]) -> None:
        for ufrag in ended:
            self._by_ufrag.pop(ufrag, None)
        for ufrag in peer.ufrags():
            self._by_ufrag[ufrag] = peer

    def route_lost(self, route: Route) -> None:
        route.peer = None
        if isinstance(route, UdpRoute):
            self._by_address.pop(route.address, None)
        elif isinstance(route, TcpRoute):
            self._loop.call_soon(route.close)  # after the farewell

    def ended(self, peer: ClientPeer) -> None:
        self._peers.pop(peer.id, None)
        for ufrag in peer.ufrags():
            self._by_ufrag.pop(ufrag, None)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """One peer's fault is not the others'."""
        try:
            await work
        except Exception as fault:
            self._log_fault(fault)

    # --- packets

    def _readable(self) -> None:
        now = self._loop.time()
        for _ in range(BATCH):
            try:
                datagram, address = self._udp.recvfrom(sockets.LONGEST)
            except OSError:  # nothing more, or a message of the network about an old packet
                break
            try:
                self._receive_udp(datagram, address, now)
            except Exception as fault:
                self._log_fault(fault)
        self._flush()

    def _receive_udp(self, datagram: bytes, address: Address, now: float) -> None:
        route = self._by_address.get(address)
        kind = kind_of(datagram)
        if kind is PacketKind.STUN:
            self._receive_check(datagram, route, address, now)
        elif kind is None or len(datagram) >= sockets.LONGEST:
            self._count_odd(datagram)
        elif route is None or route.peer is None:
            self.count(Ignored.STRANGER)
        elif kind is PacketKind.MEDIA:
            route.peer.receive_media(datagram, now)
        else:
            route.peer.receive_dtls(datagram, route)

    def _receive_tcp(self, route: TcpRoute, packet: bytes) -> None:
        now = self._loop.time()
        kind = kind_of(packet)
        try:
            if kind is PacketKind.STUN:
                self._receive_check(packet, route, None, now)
            elif kind is None:
                self._count_odd(packet)
            elif route.peer is None:
                self.count(Ignored.STRANGER)
            elif kind is PacketKind.MEDIA:
                route.peer.receive_media(packet, now)
            else:
                route.peer.receive_dtls(packet, route)
        except Exception as fault:
            self._log_fault(fault)
        self._flush()

    def _count_odd(self, datagram: bytes) -> None:
        if not datagram:
            self.count(Ignored.EMPTY)
        elif len(datagram) >= sockets.LONGEST:
            self.count(Ignored.TOO_LONG)
        else:
            self.count(Ignored.NOT_OURS)

    def _receive_check(
        self, datagram: bytes, route: Route | None, address: Address | None, now: float
    ) -> None:
        if is_answer(datagram):
            if route is None or route.peer is None or not route.peer.answered(datagram, route):
                self.count(Ignored.UNASKED)
            return
        ufrag = ufrag_of(datagram)
        if isinstance(ufrag, Ignored):
            self.count(ufrag)
            return
        peer = self._by_ufrag.get(ufrag)
        if peer is None:
            self.count(Ignored.UNKNOWN_UFRAG)
            return
        binding = read_binding(datagram)
        if isinstance(binding, Ignored):
            self.count(binding)
            return
        generation = peer.verify(binding)
        if isinstance(generation, Ignored):
            self.count(generation)
            return
        if binding.controlled:
            self._correct(binding, generation, route, address)
            return
        if route is not None and route.peer is not None and route.peer is not peer:
            if now - route.peer.checked_at(route) < ADDRESS_KEPT_S:
                self.count(Ignored.OTHERS_ADDRESS)
                return
            route.peer.forget(route)
        if route is None:
            assert address is not None
            route = self._by_address[address] = UdpRoute(self._udp, address)
        route.peer = peer
        forgotten = peer.checked(binding, generation, route, len(datagram), now)
        if forgotten is not None:
            self.route_lost(forgotten)

    def _correct(
        self,
        binding: Binding,
        generation: Generation,
        route: Route | None,
        address: Address | None,
    ) -> None:
        """The client thinks that we control. It asks again the other way round; until then the address is nobody's."""
        if route is None:
            assert address is not None
            route = UdpRoute(self._udp, address)
        route.send(binding.role_conflict(generation.local.pwd))

    # --- TCP

    def _tcp_route(self) -> TcpRoute:
        return TcpRoute(self._receive_tcp, self._tcp_opened, self._tcp_lost, self.count)

    def _tcp_opened(self, route: TcpRoute) -> bool:
        if len(self._tcp_routes) >= self._settings.max_tcp_connections:
            return False
        self._tcp_routes.add(route)
        return True

    def _tcp_lost(self, route: TcpRoute) -> None:
        self._tcp_routes.discard(route)
        if route.peer is not None:
            route.peer.forget(route)
            route.peer = None

    # --- time, and mistakes of ours

    def _check_times(self) -> None:
        self._sweep = self._loop.call_later(SWEEP_S, self._check_times)
        now = self._loop.time()
        for peer in list(self._peers.values()):
            peer.check_time(now, self._settings.consent_s, self._settings.connect_s)

    def _flush(self) -> None:
        try:
            self._after_batch()
        except Exception as fault:
            self._log_fault(fault)

    def _log_fault(self, fault: Exception) -> None:
        """The 1st, 2nd, 4th, 8th… time: a packet that finds a bug can come a thousand times a second."""
        self._faults += 1
        if self._faults & (self._faults - 1) == 0:
            logger.error("a packet met a bug times=%s", self._faults, exc_info=fault)
