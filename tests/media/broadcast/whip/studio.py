"""A stage on real media ports: peers of the listener, tracks of the forwarder; and an app in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import Factory, define

from media.broadcast.whip.endpoints import Doors
from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.ingest import Ingest
from media.broadcast.whip.publishing import PublisherOffer
from media.broadcast.whip.tokens import digest
from media.forwarder.api import Event, LayersSeen, SrtpKeys, TrackIn
from media.ids import PeerId, RoomName, TrackSid
from media.sdp.api import Local
from media.transport.api import Gone, IceCredentials
from media.transport.listener import PortListener, listen
from media.transport.peer import ClientPeer
from tests.media.broadcast.whip.doubles import CONCERT, KEY, numbered
from tests.media.planes import plain
from tests.media.transport.world import CERTIFICATE, settings


@define
class Studio:
    """`Stage` and `PeerObserver`; `ends` is why sessions ended by themselves."""

    listener: PortListener
    whip: Ingest | None = None
    now_on_air: SessionId | None = None
    ends: dict[str, Gone] = Factory(dict)
    seen: set[TrackSid] = Factory(set)
    connected_with: dict[str, int] = Factory(dict)
    _peers: dict[SessionId, ClientPeer] = Factory(dict)
    _offers: dict[str, PublisherOffer] = Factory(dict)

    async def key_of(self, broadcast: BroadcastId) -> bytes | None:
        return digest(KEY) if broadcast == CONCERT else None

    def open(self, session: SessionId) -> Local | None:
        peer = self._peers[session] = self.listener.add_peer(PeerId(session), self)
        return self._local(peer)

    def publish(self, broadcast: BroadcastId, session: SessionId, offer: PublisherOffer) -> None:
        self._offers[session] = offer
        self._peers[session].start(offer.remote)

    def on_air(self, broadcast: BroadcastId, session: SessionId | None) -> None:
        self.now_on_air = session

    def restart(self, session: SessionId, remote: IceCredentials) -> Local | None:
        peer = self._peers[session]
        peer.restart_ice(remote)
        return self._local(peer)

    def silent_s(self, session: SessionId) -> float:
        return self._peers[session].seen_s(self.listener.now())

    def end(self, session: SessionId) -> None:
        self._peers[session].close()

    def _local(self, peer: ClientPeer) -> Local:
        return Local(
            ufrag=peer.local.ufrag,
            pwd=peer.local.pwd,
            fingerprint=self.listener.fingerprint,
            candidates=self.listener.candidates,
        )

    # --- told by the listener and the forwarder

    def connected(self, peer: PeerId, keys: SrtpKeys) -> None:
        self.connected_with[peer] = self.connected_with.get(peer, 0) + 1
        self.listener.plane.add_peer(peer, keys, RoomName(CONCERT))
        for one in self._offers[peer].incoming:
            self.listener.plane.add_track(
                TrackIn(
                    sid=TrackSid(f"{peer}-{one.kind.value}"),
                    peer=peer,
                    kind=one.kind,
                    mid=one.mid,
                    payload_types=one.payload_types,
                    clock_rate=one.clock_rate,
                    rtx=one.rtx,
                    ssrcs=one.ssrcs,
                    rids=one.rids,
                    extensions=one.extensions,
                )
            )

    def channel_opened(self, peer: PeerId, label: str) -> None: ...

    def message(self, peer: PeerId, label: str, data: bytes) -> None: ...

    def gone(self, peer: PeerId, why: Gone) -> None:
        self.ends[peer] = why
        if self.whip is not None:
            self.whip.gone(SessionId(peer))

    def hear(self, event: Event) -> None:
        if isinstance(event, LayersSeen) and event.layers:
            self.seen.add(event.track)


@asynccontextmanager
async def on_ports() -> AsyncIterator[tuple[Studio, str]]:
    """A studio, and the address of its WHIP endpoint."""
    names = numbered()
    async with listen(settings(), CERTIFICATE, plain()) as listener:
        studio = Studio(listener)
        listener.plane.hear = studio.hear
        studio.whip = Ingest(studio, lambda: f"s{next(names)}")
        app = web.Application()
        app.add_subapp("/whip", Doors(sessions=studio.whip).app())
        async with TestServer(app) as server:
            yield studio, str(server.make_url(f"/whip/{CONCERT}"))
