"""One client's connection: ICE-lite, DTLS and data channels on routes of the listener."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from media.forwarder.api import SrtpKeys
from media.ids import PeerId
from media.sdp.values import Setup
from media.transport.api import (
    Gone,
    IceCredentials,
    Ignored,
    PeerObserver,
    PeerState,
    RemoteParameters,
    Route,
    Sent,
)
from media.transport.binding import Binding, answers, question
from media.transport.channels import Channels
from media.transport.dtls import Certificate, Dtls
from media.transport.ice import Generation, IceLite

logger = logging.getLogger(__name__)

#: Datagrams of DTLS that are kept before the client's parameters are known; it repeats its ClientHello.
INBOX = 4


class Surroundings(Protocol):
    """What a peer needs of its listener."""

    def count(self, ignored: Ignored) -> None: ...

    def now(self) -> float: ...

    def admit_handshake(self) -> bool: ...

    def new_credentials(self) -> IceCredentials: ...

    def new_transaction(self) -> bytes:
        """Of STUN: 96 bits nobody can guess (RFC 8489 5)."""

    def ufrags_changed(self, peer: ClientPeer, ended: frozenset[str]) -> None: ...

    def route_lost(self, route: Route) -> None: ...

    def steer(self, peer: ClientPeer, way: Route | None) -> None:
        """Media of this peer goes there from now on; None: nowhere."""

    def ended(self, peer: ClientPeer) -> None: ...

    def soon(self, work: Callable[[], None]) -> None:
        """After what is under way now."""


class ClientPeer:
    """`media.transport.api.Peer`."""

    def __init__(
        self,
        peer: PeerId,
        observer: PeerObserver,
        certificate: Certificate,
        surroundings: Surroundings,
    ) -> None:
        self._id = peer
        self._observer = observer
        self._around = surroundings
        self._ice: IceLite[Route] = IceLite(
            created=surroundings.now(), current=Generation(surroundings.new_credentials())
        )
        self._questions: dict[Route, bytes] = {}  # transactions of checks of ours
        self._inbox: list[bytes] = []  # before DTLS has begun
        self._remote: RemoteParameters | None = None
        self._state = PeerState.NEW
        self._way: Route | None = None  # as last told
        self._dtls = Dtls(certificate, self.send, self._dtls_changed)
        self._channels = Channels(
            self._dtls,
            opened=lambda label: self._tell(self._observer.channel_opened, label),
            message=lambda label, data: self._tell(self._observer.message, label, data),
            refused=surroundings.count,
        )

    @property
    def id(self) -> PeerId:
        return self._id

    @property
    def local(self) -> IceCredentials:
        return self._ice.current.local

    @property
    def remote_ufrag(self) -> str | None:
        return self._ice.current.remote_ufrag

    @property
    def state(self) -> PeerState:
        return self._state

    @property
    def route(self) -> Route | None:
        """Which way the client is answered now."""
        return self._ice.selected

    def keys(self) -> SrtpKeys | None:
        return self._dtls.srtp

    def start(self, remote: RemoteParameters) -> None:
        assert self._remote is None, "start() is for once; see restart_ice()"
        if self._state is PeerState.GONE:
            return
        self._remote = remote
        self._state = PeerState.CONNECTING
        self._ice.learn_remote(remote.ufrag, remote.pwd)
        self._may_begin()

    def restart_ice(self, remote: IceCredentials | None = None) -> IceCredentials:
        before = self._ice.ufrags()
        ufrag, pwd = (remote.ufrag, remote.pwd) if remote is not None else (None, "")
        self._ice.restart(self._around.new_credentials(), ufrag, pwd)
        self._around.ufrags_changed(self, before - self._ice.ufrags())
        return self.local

    def set_remote(self, remote: IceCredentials) -> None:
        self._ice.learn_remote(remote.ufrag, remote.pwd)

    def open_channel(
        self, label: str, *, ordered: bool = True, max_retransmits: int | None = None
    ) -> None:
        self._channels.open(label, ordered, max_retransmits)

    def send_message(self, label: str, data: bytes) -> Sent:
        return self._channels.send(label, data)

    def buffered(self, label: str) -> int:
        return self._channels.buffered(label)

    def send(self, datagram: bytes) -> bool:
        """To the client's current address. False: no address yet, or dropped."""
        route = self._ice.selected
        return route is not None and self._send_over(route, datagram)

    def _send_over(self, route: Route, datagram: bytes) -> bool:
        may = self._ice.spend(route, len(datagram))
        refused = route.send(datagram) if may else Ignored.UNPROVED
        if refused is not None:
            self._around.count(refused)
        return refused is None

    def seen_s(self, now: float) -> float:
        return self._ice.silent_s(now)

    def close(self) -> None:
        self.end(Gone.CLOSED)

    # --- from the listener

    def ufrags(self) -> frozenset[str]:
        return self._ice.ufrags()

    def verify(self, binding: Binding) -> Generation | Ignored:
        return self._ice.verify(binding)

    def checked_at(self, route: Route) -> float:
        return self._ice.checked_at(route)

    def checked(
        self, binding: Binding, generation: Generation, route: Route, size: int, now: float
    ) -> Route | None:
        """A verified check came over `route`, which is answered. Returns a route to forget for it."""
        pwd = generation.local.pwd
        before = self._ice.ufrags()
        forgotten = self._ice.accept(route, generation, binding.use_candidate, now)
        if forgotten is not None:
            self._questions.pop(forgotten, None)
        self._ice.received(route, size)
        self._send_over(route, binding.success(route.source, pwd))
        if ended := before - self._ice.ufrags():
            self._around.ufrags_changed(self, ended)
        if route.proved:
            self._ice.prove(route)
        elif not self._ice.is_proved(route):
            self._ask(route)
        self._steer()
        self._may_begin()
        return forgotten

    def _ask(self, route: Route) -> None:
        """Whether the client is where its check seems to come from; again with each check until it says so."""
        generation = self._ice.current
        if generation.remote_ufrag is None:
            return
        theirs = IceCredentials(generation.remote_ufrag, generation.remote_pwd)
        transaction = self._questions.setdefault(route, self._around.new_transaction())
        self._send_over(route, question(theirs, generation.local.ufrag, transaction))

    def answered(self, datagram: bytes, route: Route) -> bool:
        """The client's answer to `_ask`. False: it is none."""
        transaction = self._questions.get(route)
        if transaction is None or not answers(datagram, transaction, self._ice.current.remote_pwd):
            return False
        del self._questions[route]
        self._ice.prove(route)
        self._steer()
        return True

    def forget(self, route: Route) -> None:
        self._ice.forget(route)
        self._questions.pop(route, None)
        self._steer()

    def receive_dtls(self, datagram: bytes, route: Route) -> None:
        self._ice.received(route, len(datagram))
        if self._dtls.state != "new":
            self._dtls.receive(datagram)
        elif len(self._inbox) >= INBOX:
            self._around.count(Ignored.QUEUE_FULL)
        else:
            self._inbox.append(datagram)
            self._may_begin()

    def check_time(self, now: float, consent_s: float, connect_s: float) -> None:
        """Called every second."""
        for route in self._ice.expire(now, consent_s):
            self._questions.pop(route, None)
            self._around.route_lost(route)
        self._steer()
        if self._state is PeerState.CONNECTED and self._ice.silent_s(now) > consent_s:
            self.end(Gone.CONSENT_LOST)
        elif self._state is not PeerState.CONNECTED and now - self._ice.created > connect_s:
            self.end(Gone.NEVER_CAME)

    def end(self, why: Gone) -> None:
        if self._state is PeerState.GONE:
            return
        self._state = PeerState.GONE
        self._steer()
        last = self._ice.selected
        self._around.soon(lambda: self._farewell(last))
        for route in self._ice.routes():
            self._around.route_lost(route)
        self._around.ended(self)
        self._tell(self._observer.gone, why)

    # --- inside

    def _steer(self) -> None:
        """Media goes where the client is answered, once the keys are there and somebody has answered from there."""
        way = self._ice.selected if self._state is PeerState.CONNECTED else None
        if way is not None and not self._ice.is_proved(way):
            way = None
        if way is not self._way:
            self._way = way
            self._around.steer(self, way)

    def _may_begin(self) -> None:
        """DTLS begins with the client's first flight, or ours; as many at a time as the node bears."""
        if self._state is not PeerState.CONNECTING or self._dtls.state != "new":
            return
        assert self._remote is not None
        we_begin = self._remote.setup is Setup.PASSIVE
        if self._ice.selected is None or not (self._inbox or we_begin):
            return
        came, self._inbox = self._inbox, []
        if not self._around.admit_handshake():
            self._around.count(Ignored.TOO_MANY_HANDSHAKES)
        elif self._remote.fingerprints:
            self._dtls.begin(as_client=we_begin, fingerprints=self._remote.fingerprints)
            for datagram in came:
                self._dtls.receive(datagram)
        else:
            self.end(Gone.DTLS_FAILED)

    def _dtls_changed(self) -> None:
        """The handshake is done, or the connection has ended, and not by us."""
        if self._state is PeerState.CONNECTED:
            self.end(Gone.CLOSED_BY_CLIENT)
            return
        if self._state is PeerState.GONE:
            return
        keys, remote = self._dtls.srtp, self._remote
        if keys is None or remote is None or self._dtls.state != "connected":
            self.end(Gone.DTLS_FAILED)
            return
        self._state = PeerState.CONNECTED
        if self._ice.selected is not None:  # the client has read what was sent there
            self._ice.prove(self._ice.selected)
        self._tell(self._observer.connected, keys)
        self._steer()
        self._channels.start(remote.sctp_port, remote.max_message_size)

    def _farewell(self, route: Route | None) -> None:
        """Tell the client, over the route it had: the peer has none any more."""
        self._ice.selected = route
        self._channels.stop()
        self._dtls.stop()
        self._ice.selected = None

    def _tell(self, told: Callable[..., None], *arguments: object) -> None:
        """An observer's mistake must not end other people's calls."""
        try:
            told(self._id, *arguments)
        except Exception:
            logger.exception("observer of a peer failed peer=%s", self._id)
