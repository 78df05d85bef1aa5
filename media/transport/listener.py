"""The node's UDP and TCP ports: every client's packets come in here and find their peer.

A packet is somebody's if it came from an address that a valid check came from; a check is valid if it is made with the
password of the ufrag that it names. Strangers' packets cost a look into two tables.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from media.ids import PeerId
from media.pace import Pace
from media.plane.api import Plane
from media.sdp.values import Candidate, Fingerprint
from media.transport import sockets
from media.transport.api import (
    Address,
    Gone,
    IceCredentials,
    Ignored,
    PeerObserver,
    PeerState,
    Route,
    TransportSettings,
)
from media.transport.binding import Binding, is_answer, read_binding, ufrag_of
from media.transport.demux import PacketKind, kind_of
from media.transport.dtls import Certificate
from media.transport.ice import Generation
from media.transport.peer import ClientPeer
from media.transport.routes import UdpRoute

logger = logging.getLogger(__name__)

#: Seconds after which an address whose owner sent no check may become another peer's (a NAT gave it away).
ADDRESS_KEPT_S = 10.0
SWEEP_S = 1.0


@asynccontextmanager
async def listen(
    settings: TransportSettings, certificate: Certificate, plane: Plane
) -> AsyncIterator[PortListener]:
    """Open the plane's ports; at the end every peer is closed and told so, then they are.

    Raises:
        OSError: a port is taken.
    """
    listener = PortListener(settings, certificate, plane)
    try:
        await listener.open()
        yield listener
    finally:
        await listener.close()


class PortListener:
    """`media.transport.api.Listener`, and what the plane hands up to (`Control`); made by `listen`."""

    def __init__(self, settings: TransportSettings, certificate: Certificate, plane: Plane) -> None:
        self.plane = plane
        self._settings = settings
        self._certificate = certificate
        self._loop = asyncio.get_running_loop()
        self._sweep: asyncio.TimerHandle | None = None
        self._by_ufrag: dict[str, ClientPeer] = {}
        self._by_address: dict[Address, Route] = {}
        self._peers: dict[PeerId, ClientPeer] = {}
        #: So that a rush of joins does not stop running calls. Whoever is refused comes again by itself: WebRTC clients
        #: repeat their ClientHello after 50 ms.
        self._admission = Pace(settings.handshake_burst, settings.handshakes_per_s)
        self._ignored: Counter[Ignored] = Counter()
        self._accepting = True
        self._faults = 0

    async def open(self) -> None:
        await self.plane.open(self._settings, self)
        self._sweep = self._loop.call_later(SWEEP_S, self._check_times)

    async def close(self) -> None:
        for peer in list(self._peers.values()):
            peer.end(Gone.CLOSED)
        await asyncio.sleep(0)  # their farewells go out before the sockets close
        if self._sweep is not None:
            self._sweep.cancel()
        self.plane.close()

    @property
    def udp_port(self) -> int:
        return self.plane.udp_port

    @property
    def tcp_port(self) -> int | None:
        return self.plane.tcp_port

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

    def routes(self) -> Sequence[Route]:
        found = (one.route for one in self._peers.values() if one.state is PeerState.CONNECTED)
        return [route for route in found if route is not None]

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
        self._know(added, added.ufrags())
        return added

    def stop_accepting(self) -> None:
        self._accepting = False

    def ignored(self) -> Mapping[Ignored, int]:
        return self._ignored + Counter(self.plane.ignored())

    # --- surroundings of a peer

    def count(self, ignored: Ignored) -> None:
        self._ignored[ignored] += 1

    def now(self) -> float:
        return self._loop.time()

    def admit_handshake(self) -> bool:
        return self._admission.allows(self.now())

    def new_credentials(self) -> IceCredentials:
        """RFC 8839 5.4: 24 bits of ufrag and 128 of password at least."""
        ufrag = secrets.token_hex(4)
        while ufrag in self._by_ufrag:
            ufrag = secrets.token_hex(4)
        return IceCredentials(ufrag, secrets.token_hex(16))

    def new_transaction(self) -> bytes:
        return secrets.token_bytes(12)

    def ufrags_changed(self, peer: ClientPeer, ended: frozenset[str]) -> None:
        self._forget(ended)
        self._know(peer, peer.ufrags())

    def route_lost(self, route: Route) -> None:
        self.plane.unbind(route)
        if isinstance(route, UdpRoute):
            self._by_address.pop(route.address, None)
        self._loop.call_soon(route.close)  # after the farewell

    def steer(self, peer: ClientPeer, way: Route | None) -> None:
        self.plane.steer(peer.id, way)

    def ended(self, peer: ClientPeer) -> None:
        self._peers.pop(peer.id, None)
        self._forget(peer.ufrags())

    def _know(self, peer: ClientPeer, ufrags: frozenset[str]) -> None:
        for ufrag in ufrags - self._by_ufrag.keys():
            self._by_ufrag[ufrag] = peer
            self.plane.add_ufrag(ufrag)

    def _forget(self, ufrags: frozenset[str]) -> None:
        for ufrag in ufrags & self._by_ufrag.keys():
            del self._by_ufrag[ufrag]
            self.plane.remove_ufrag(ufrag)

    def soon(self, work: Callable[[], None]) -> None:
        self._loop.call_soon(self._guarded, work)

    def _guarded(self, work: Callable[[], None]) -> None:
        """One peer's fault is not the others'."""
        try:
            work()
        except Exception as fault:
            self._log_fault(fault)

    # --- packets, from the plane

    def udp_received(self, address: Address, datagram: bytes, now: float) -> None:
        self._guarded_receive(self._by_address.get(address), address, datagram, now)

    def tcp_received(self, route: Route, datagram: bytes, now: float) -> None:
        self._guarded_receive(route, None, datagram, now)

    def tcp_lost(self, route: Route) -> None:
        peer = self._owner(route)
        self.plane.unbind(route)
        if peer is not None:
            peer.forget(route)

    def _guarded_receive(
        self, route: Route | None, address: Address | None, datagram: bytes, now: float
    ) -> None:
        try:
            self._receive(route, address, datagram, now)
        except Exception as fault:
            self._log_fault(fault)

    def _receive(
        self, route: Route | None, address: Address | None, datagram: bytes, now: float
    ) -> None:
        if kind_of(datagram) is PacketKind.STUN:
            self._receive_check(datagram, route, address, now)
        elif route is None or (peer := self._owner(route)) is None:
            self.count(Ignored.STRANGER)
        else:
            peer.receive_dtls(datagram, route)

    def _owner(self, route: Route | None) -> ClientPeer | None:
        if route is None or route.owner is None:
            return None
        return self._peers.get(route.owner)

    def _receive_check(
        self, datagram: bytes, route: Route | None, address: Address | None, now: float
    ) -> None:
        if is_answer(datagram):
            owner = self._owner(route)
            if route is None or owner is None or not owner.answered(datagram, route):
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
        before = self._owner(route)
        if route is not None and before is not None and before is not peer:
            if now - before.checked_at(route) < ADDRESS_KEPT_S:
                self.count(Ignored.OTHERS_ADDRESS)
                return
            before.forget(route)
        if route is None:
            assert address is not None
            route = self._by_address[address] = self.plane.route_to(address)
        if route.owner != peer.id:
            self.plane.bind(route, peer.id)
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
            route = self.plane.route_to(address)
        route.send(binding.role_conflict(generation.local.pwd))

    # --- time, and mistakes of ours

    def _check_times(self) -> None:
        self._sweep = self._loop.call_later(SWEEP_S, self._check_times)
        now = self._loop.time()
        for peer in list(self._peers.values()):
            peer.check_time(now, self._settings.consent_s, self._settings.connect_s)

    def _log_fault(self, fault: Exception) -> None:
        """The 1st, 2nd, 4th, 8th… time: a packet that finds a bug can come a thousand times a second."""
        self._faults += 1
        if self._faults & (self._faults - 1) == 0:
            logger.error("a packet met a bug times=%s", self._faults, exc_info=fault)
