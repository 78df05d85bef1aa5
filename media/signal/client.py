"""One participant between its WebSocket, its connections and the room; lives through resumes.

Requests become events of the room, commands of the room come back as calls. Rights are the room's affair; limits and
well-formedness are ours.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from attrs import define, evolve, field
from livekit.protocol import rtc

from media.access.claims import Claims
from media.access.tokens import mint
from media.forwarder.api import Codec, Quality, SrtpKeys, Want
from media.ids import Identity, ParticipantSid, PeerId, TrackSid
from media.pace import Pace
from media.room import events
from media.room.model import LeaveReason, Track
from media.sdp.api import Section
from media.signal import data, hearing
from media.signal.connection import Connection
from media.signal.frames import Encoded
from media.signal.joining import Joining, Version
from media.signal.negotiation import BadDescription, Negotiation, Surroundings
from media.signal.negotiation_v0 import NegotiationV0
from media.signal.negotiation_v1 import NegotiationV1
from media.signal.services import Services
from media.signal.subscriptions import Subscriptions
from media.signal.tracks import Changes
from media.transport.api import Gone, Sent

logger = logging.getLogger(__name__)

#: Seconds between fresh tokens, LiveKit's; a call may last longer than one token.
TOKEN_S = 300.0
#: Seconds from the join to a connected transport; clients give up after 15.
CONNECT_S = 30.0
#: Data packets at once and a second: a file of 15 kB chunks goes at 7 MB/s, to ten people (`data.RECEIVERS`).
DATA_BURST, DATA_PER_SECOND = 2000, 500
#: Reliable packets that wait for a newcomer's channel.
EARLY = 200
#: AddTrack requests that a join may carry.
MAX_ADD_TRACKS = 8


class Place(Protocol):
    """The room, as its clients speak to it."""

    def handle(self, event: events.Event) -> None: ...

    def identities(self) -> Mapping[ParticipantSid, Identity]: ...

    @property
    def people(self) -> int:
        """Connections, those who wait too."""

    def connected(self, client: Client) -> None: ...

    def group(self, track: TrackSid) -> str:
        """Of whose voices the loudest are heard (`TrackIn.group`)."""

    def subscribed(self, track: TrackSid) -> None:
        """Somebody is sent this track from now on."""

    def published(self, track: TrackSid, codec: Codec, mid: str) -> None:
        """What a track is really sent in, and where. `TrackReady` follows."""


@define(eq=False)
class Client:
    """Attributes:

    claims: the rights of now; what a service changes by Twirp is in them.
    given: the rights as the school's directory gave them last.
    """

    sid: ParticipantSid
    claims: Claims
    joining: Joining
    place: Place
    services: Services
    joined_at: float
    given: Claims = field(init=False)
    negotiation: Negotiation = field(init=False)
    subscriptions: Subscriptions = field(init=False)
    connection: Connection | None = None
    is_connected: bool = False
    token_at: float = field(init=False)
    _pace: Pace = field(factory=lambda: Pace(DATA_BURST, DATA_PER_SECOND))
    _data_opened: bool = False
    _early: deque[bytes] = field(factory=lambda: deque(maxlen=EARLY))
    _links: dict[PeerId, Quality] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        around = Surroundings(
            sid=self.sid,
            listener=self.services.listener,
            observer=self,
            ears=self,
            say=self.tell,
            policy=self.services.policy,
        )
        self.given = self.claims
        self.token_at = self.joined_at
        self.subscriptions = Subscriptions(self.sid, self.services.bits, self.services.looks)
        if self.joining.version is Version.V0:
            self.negotiation = NegotiationV0(around)
        else:
            self.negotiation = NegotiationV1(around, self.joining.offer)

    @property
    def identity(self) -> Identity:
        return self.claims.identity

    # --- to the client

    def tell(self, response: rtc.SignalResponse) -> None:
        self.say(Encoded(response))

    def say(self, response: Encoded) -> None:
        """Lost while the client is away: what it must learn on its return, the room tells it again."""
        if self.connection is not None:
            self.connection.send(response)

    def send_data(self, label: str, packet: bytes) -> None:
        """Reliable packets from before the channel is open wait for it; lossy ones are lost."""
        peer = self.negotiation.data_peer
        sent = Sent.NO_CHANNEL if peer is None else peer.send_message(label, packet)
        if sent is Sent.NO_CHANNEL and label == data.RELIABLE and not self._data_opened:
            self._early.append(packet)
        elif sent is not Sent.QUEUED:
            self.services.wrong[f"data_{sent.value}"] += 1

    def begin(self) -> None:
        """After the welcome: what came with the join, then the first offer or answer."""
        for request in self.joining.add_tracks[:MAX_ADD_TRACKS]:
            hearing.add_track(self, request)
        self.attempt(self.negotiation.begin)
        self.negotiation.flush(self.services.clock())

    def resume(self, connection: Connection, joining: Joining) -> None:
        """The same participant on a new WebSocket; the old one, if it still is, is closed."""
        if self.connection is not None:
            self.connection.close()
        self.connection = connection
        self.place.handle(events.Resumed(self.sid))
        self.negotiation.resumed(self.services.clock())
        if joining.offer is not None:
            self.offered(joining.offer)
        if joining.sync_state is not None:
            hearing.synced(self, joining.sync_state)

    def hear(self, request: rtc.SignalRequest) -> None:
        hearing.hear(self, request)

    def offered(self, offer: rtc.SessionDescription) -> None:
        self.attempt(lambda: self.negotiation.take_offer(offer))
        self.negotiation.flush(self.services.clock())

    def answered(self, answer: rtc.SessionDescription) -> None:
        self.attempt(lambda: self.negotiation.take_answer(answer, self.services.clock()))

    def attempt(self, negotiate: Callable[[], None]) -> None:
        """A description that is none changes nothing: the client's affair."""
        try:
            negotiate()
        except BadDescription as bad:
            self.services.wrong["bad_sdp"] += 1
            logger.info("description ignored participant=%s why=%s", self.sid, bad)

    def close(self) -> None:
        self.negotiation.close()
        if self.connection is not None:
            self.connection.close()

    # --- commands of the room

    def publish(self, track: Track) -> None:
        self.published(self.negotiation.publications.announce(track))

    def stop_publishing(self, track: TrackSid) -> None:
        self.negotiation.publications.withdraw(track)
        self.services.wiring.drop_track(track)

    def start_forwarding(self, track: Track, codec: Codec, want: Want) -> None:
        outgoing = self.subscriptions.start(
            track.sid, track.publisher, track.kind, codec, want, stereo=track.stereo
        )
        self.negotiation.put(outgoing)

    def stop_forwarding(self, track: TrackSid) -> None:
        stopped = self.subscriptions.stop(track)
        if stopped is not None:
            self.services.wiring.drop_down(stopped.id)
            self.negotiation.drop(track)

    def set_want(self, track: TrackSid, want: Want) -> None:
        if (down := self.subscriptions.want(track, want)) is not None:
            self.services.wiring.set_want(down, want)

    def set_wish(self, bitrate_bps: int) -> None:
        self.services.wiring.set_wish(self.negotiation.primary, bitrate_bps)

    # --- time

    def check(self, now: float) -> LeaveReason | None:
        """About once a second. Why the client must begin anew, if it must."""
        if now - self.token_at > TOKEN_S:
            self.token_at = now
            token = mint(self.claims, self.services.keys, self.services.wall())
            self.tell(rtc.SignalResponse(refresh_token=token))
        if self.negotiation.late(now):
            self.services.wrong["answer_missing"] += 1
            return LeaveReason.STATE_MISMATCH
        if not self.is_connected and now - self.joined_at > CONNECT_S:
            return LeaveReason.JOIN_FAILURE
        return None

    def quality(self, quality: Quality) -> events.LinkQuality:
        """The worst of this participant's connections."""
        self._links[quality.peer] = quality
        links = self._links.values()
        rtts = [one.rtt_s for one in links if one.rtt_s is not None]
        return events.LinkQuality(
            of=self.sid,
            lost_up=max(one.lost_up for one in links),
            lost_down=max(one.lost_down for one in links),
            rtt_s=max(rtts) if rtts else None,
            jitter_s=max(one.jitter_s for one in links),
        )

    # --- what the connections say (PeerObserver)

    def connected(self, peer: PeerId, keys: SrtpKeys) -> None:
        self.services.wiring.peer_connected(peer, keys, self.claims.room)
        if peer == self.negotiation.primary and not self.is_connected:
            self.is_connected = True
            self.services.connected(self.services.clock() - self.joined_at)
            self.place.handle(events.Connected(self.sid))
            self.place.connected(self)

    def channel_opened(self, peer: PeerId, label: str) -> None:
        mine = self.negotiation.data_peer
        if label == data.RELIABLE and mine is not None and peer == mine.id:
            self._data_opened = True
            early, self._early = list(self._early), deque()
            for packet in early:
                self.send_data(label, packet)

    def message(self, _peer: PeerId, label: str, message: bytes) -> None:
        packet = data.read_packet(self.sid, label, message)
        cost = 1.0 if packet is None else data.cost_of(packet, self.place.people)
        if not self._pace.allows(self.services.clock(), cost):
            self.services.wrong["data_too_fast"] += 1
        elif packet is None:
            self.services.wrong["data_unknown"] += 1
        else:
            self.place.handle(packet)

    def gone(self, peer: PeerId, why: Gone) -> None:
        self.services.wiring.peer_gone(peer)
        self._links.pop(peer, None)
        if why is Gone.CLOSED:
            return
        logger.info("connection ended participant=%s why=%s", self.sid, why.value)
        if peer != self.negotiation.primary:
            for track in self.negotiation.gone(peer):
                self.place.handle(events.TrackGone(track))
        else:
            by_client = why is Gone.CLOSED_BY_CLIENT
            reason = LeaveReason.CLIENT_INITIATED if by_client else LeaveReason.MEDIA_FAILURE
            self.place.handle(events.Left(self.sid, reason))

    # --- what was negotiated (Ears)

    def published(self, changes: Changes) -> None:
        for gone in changes.gone:
            self.place.handle(events.TrackGone(gone))
        for one in changes.ready:
            group = self.place.group(one.track.sid)
            self.services.wiring.put_track(evolve(one.track, group=group))
            self.place.published(one.track.sid, one.codec, one.track.mid)
            self.place.handle(
                events.TrackReady(one.track.sid, mid=one.track.mid, mime_type=one.codec.value)
            )

    def carried(
        self, peer: PeerId, sections: Iterable[Section], tracks: Mapping[str, TrackSid]
    ) -> None:
        changed = self.subscriptions.negotiated(peer, sections, tracks)
        self.services.wiring.put_downs(
            [(one.down, one.want) for one in changed if one.down is not None]
        )
        for one in changed:
            self.place.subscribed(one.outgoing.sid)
            if one.is_whole:
                self.place.handle(events.TakesWhole(self.sid, one.outgoing.sid))
