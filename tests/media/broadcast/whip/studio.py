"""A stage and a gallery on real media ports: peers of the listener, tracks of the forwarder; and an app before them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import Factory, define

from media.broadcast.whip.egress import Egress
from media.broadcast.whip.endpoints import Doors
from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.ingest import Ingest
from media.broadcast.whip.publishing import PublisherOffer
from media.broadcast.whip.tokens import digest
from media.forwarder.api import DownTrack, Event, LayersSeen, SrtpKeys, TrackIn, Want
from media.ids import DownId, ParticipantSid, PeerId, RoomName, TrackSid
from media.sdp.api import Local, Outgoing, SectionKind, Sending
from media.transport.api import Gone, IceCredentials, RemoteParameters
from media.transport.listener import PortListener, listen
from media.transport.peer import ClientPeer
from tests.media.broadcast.whip.doubles import CONCERT, KEY, numbered
from tests.media.planes import plain
from tests.media.transport.world import CERTIFICATE, settings


@define
class Studio:
    """`Stage`, `Gallery` and `PeerObserver`; `ends` is why peers ended. The key of the broadcast is a pass too."""

    listener: PortListener
    whip: Ingest | None = None
    whep: Egress | None = None
    now_on_air: SessionId | None = None
    ends: dict[str, Gone] = Factory(dict)
    seen: set[TrackSid] = Factory(set)
    _peers: dict[SessionId, ClientPeer] = Factory(dict)
    _offers: dict[str, PublisherOffer] = Factory(dict)
    _shown: dict[str, Mapping[TrackSid, tuple[Outgoing, Sending]]] = Factory(dict)
    _ssrcs: itertools.count[int] = Factory(lambda: itertools.count(1000))

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

    def ufrags(self, session: str) -> frozenset[str]:
        """By which the client reaches us now."""
        return self._peers[SessionId(session)].ufrags()

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

    async def account_of(self, broadcast: BroadcastId, token: str) -> str | None:
        return "@ann:s" if token == KEY else None

    def on_show(self, broadcast: BroadcastId) -> tuple[Outgoing, ...]:
        if self.now_on_air is None:
            return ()
        return tuple(
            Outgoing(
                sid=TrackSid(f"{self.now_on_air}-{one.kind.value}"),
                publisher=ParticipantSid(self.now_on_air),
                kind=SectionKind(one.kind.value),
                codec=next(iter(one.payload_types.values())),
                ssrc=next(self._ssrcs),
                rtx_ssrc=next(self._ssrcs) if one.rtx else 0,
                cname="concert",
            )
            for one in self._offers[self.now_on_air].incoming
        )

    def watch(
        self,
        broadcast: BroadcastId,
        session: SessionId,
        remote: RemoteParameters,
        shown: Mapping[TrackSid, tuple[Outgoing, Sending]],
    ) -> None:
        self._shown[session] = shown
        self._peers[session].start(remote)

    # --- told by the listener and the forwarder

    def connected(self, peer: PeerId, keys: SrtpKeys) -> None:
        self.listener.plane.add_peer(peer, keys, RoomName(CONCERT))
        if peer in self._offers:
            self._publish(peer)
        for sid, (track, how) in self._shown.get(peer, {}).items():
            down = DownTrack(
                id=DownId(f"{peer}-{sid}"),
                track=sid,
                peer=peer,
                mid=how.mid,
                ssrc=track.ssrc,
                rtx_ssrc=track.rtx_ssrc,
                payload_types=how.payload_types,
                extensions=how.extensions,
                cname=track.cname,
                first_sequence=1,
                first_timestamp=1,
            )
            self.listener.plane.add_downs([(down, Want())])

    def _publish(self, peer: PeerId) -> None:
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
        if self.whep is not None:
            self.whep.gone(SessionId(peer))

    def hear(self, event: Event) -> None:
        if isinstance(event, LayersSeen) and event.layers:
            self.seen.add(event.track)


@asynccontextmanager
async def on_ports() -> AsyncIterator[tuple[Studio, str]]:
    """A studio, and the address below which are `/whip/concert` and `/whep/concert`."""
    names = numbered()
    async with listen(settings(), CERTIFICATE, plain()) as listener:
        studio = Studio(listener)
        listener.plane.hear = studio.hear
        studio.whip = Ingest(studio, lambda: f"s{next(names)}")
        studio.whep = Egress(studio, lambda: f"w{next(names)}")
        app = web.Application()
        app.add_subapp("/whip", Doors(sessions=studio.whip).app())
        app.add_subapp("/whep", Doors(sessions=studio.whep).app())
        async with TestServer(app) as server:
            yield studio, str(server.make_url("")).rstrip("/")
