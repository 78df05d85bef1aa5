"""Connections of WHIP and WHEP on this process' media ports, by the name of their session."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from attrs import define, field

from media.broadcast.whip.ids import BroadcastId, SessionId
from media.forwarder.api import SrtpKeys
from media.ids import PeerId, RoomName
from media.plane.api import Plane
from media.sdp.api import Local
from media.transport.api import Gone, IceCredentials, Listener, Peer

#: Peers of calls are named by their participants; these are nobody's.
_PREFIX = "broadcast-"


def peer_of(session: SessionId) -> PeerId:
    return PeerId(_PREFIX + session)


def session_of(peer: PeerId) -> SessionId:
    return SessionId(peer.removeprefix(_PREFIX))


def room_of(broadcast: BroadcastId) -> RoomName:
    """Whose media one thread of the plane serves."""
    return RoomName(_PREFIX + broadcast)


@define(eq=False)
class Ports:
    """`whip.stage.Peers`, and the observer of their peers.

    Attributes:
        clock: seconds of the loop.
        most: connections at once; above that a newcomer is turned away.
        drains: whether the node goes down: nobody new.
        ended: told of each peer's end.
    """

    listener: Listener
    plane: Plane
    clock: Callable[[], float]
    most: int
    drains: Callable[[], bool]
    ended: Callable[[SessionId], None] = field(default=lambda _session: None)
    _peers: dict[SessionId, Peer] = field(factory=dict)
    _connected: set[SessionId] = field(factory=set)

    def open(self, session: SessionId) -> Local | None:
        if self.drains() or len(self._peers) >= self.most:
            return None
        peer = self._peers[session] = self.listener.add_peer(peer_of(session), self)
        return self._local(peer.local)

    def restart(self, session: SessionId, remote: IceCredentials) -> Local | None:
        peer = self._peers.get(session)
        return None if peer is None else self._local(peer.restart_ice(remote))

    def silent_s(self, session: SessionId) -> float:
        peer = self._peers.get(session)
        return float("inf") if peer is None else peer.seen_s(self.clock())

    def end(self, session: SessionId) -> None:
        if (peer := self._peers.get(session)) is not None:
            peer.close()

    def close(self) -> None:
        """All of them."""
        for session in list(self._peers):
            self.end(session)

    def __len__(self) -> int:
        return len(self._peers)

    def _local(self, credentials: IceCredentials) -> Local:
        return Local(
            ufrag=credentials.ufrag,
            pwd=credentials.pwd,
            fingerprint=self.listener.fingerprint,
            candidates=self.listener.candidates,
        )

    # --- told by the listener

    def connected(self, peer: PeerId, keys: SrtpKeys) -> None:
        session = session_of(peer)
        self.plane.add_peer(peer, keys, self._room(session))
        self._connected.add(session)
        self._wire(session)

    def channel_opened(self, peer: PeerId, label: str) -> None:
        """There are none."""

    def message(self, peer: PeerId, label: str, data: bytes) -> None:
        """The same."""

    def gone(self, peer: PeerId, why: Gone) -> None:
        session = session_of(peer)
        self._peers.pop(session, None)
        if session in self._connected:
            self._connected.remove(session)
            with suppress(KeyError):
                self.plane.remove_peer(peer)
        self._forget(session)
        self.ended(session)

    # --- of the two sides

    def _room(self, session: SessionId) -> RoomName:
        raise NotImplementedError

    def _wire(self, session: SessionId) -> None:
        """Its keys are there: tracks may go."""
        raise NotImplementedError

    def _forget(self, session: SessionId) -> None:
        """It has ended."""
        raise NotImplementedError
