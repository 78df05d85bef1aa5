"""Publishers of WHIP on this process' ports: their tracks in the forwarder, and who of them is on air."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from attrs import define, field

from media.broadcast.program.ports import Ports, peer_of, room_of
from media.broadcast.program.scene import Scene
from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.publishing import PublisherOffer
from media.forwarder.api import Codec, Kind, Layer, Tap, TrackIn
from media.ids import RoomName, TrackSid
from media.plane.api import Plane
from media.sdp.streams import Incoming

#: `tokens.digest` of a broadcast's key; None: it may not be published now.
KeyOf = Callable[[BroadcastId], Awaitable[bytes | None]]
#: What is on air of a broadcast has changed; None: nobody is on air.
OnAir = Callable[[BroadcastId, Scene | None], None]


def track_of(session: SessionId, kind: Kind) -> TrackSid:
    return TrackSid(f"TR_{session}-{kind.value}")


@define(eq=False)
class PlaneTaps:
    """`running.Tapping` of tracks that are in the plane without a room."""

    plane: Plane

    def tap(self, track: TrackSid, layers: frozenset[Layer]) -> None:
        with suppress(KeyError):  # it ended in this moment
            if layers:
                self.plane.add_tap(Tap(track, layers))
            else:
                self.plane.remove_tap(track)

    def ask_key(self, track: TrackSid, layer: Layer) -> None:
        with suppress(KeyError):
            self.plane.ask_key(track, layer)


@define(eq=False)
class MediaStage(Ports):
    """`whip.stage.Stage`. `published` is told whenever a scene changes: `show` of the broadcast that runs."""

    keys: KeyOf = field(kw_only=True)
    published: OnAir = field(kw_only=True)
    _offers: dict[SessionId, tuple[BroadcastId, PublisherOffer]] = field(factory=dict)
    _on_air: dict[BroadcastId, SessionId] = field(factory=dict)
    _before: dict[BroadcastId, TrackSid] = field(factory=dict)  # picture that was on air last

    async def key_of(self, broadcast: BroadcastId) -> bytes | None:
        return await self.keys(broadcast)

    def publish(self, broadcast: BroadcastId, session: SessionId, offer: PublisherOffer) -> None:
        self._offers[session] = broadcast, offer
        self._peers[session].start(offer.remote)

    def on_air(self, broadcast: BroadcastId, session: SessionId | None) -> None:
        if session is None:
            self._on_air.pop(broadcast, None)
            self._before.pop(broadcast, None)
        else:
            self._on_air[broadcast] = session
        self._tell(broadcast)

    def live(self, broadcast: BroadcastId) -> SessionId | None:
        """Who is on air, with media that flows already."""
        session = self._on_air.get(broadcast)
        return session if session in self._connected else None

    def incoming(self, session: SessionId) -> tuple[Incoming, ...]:
        """What this publisher sends."""
        found = self._offers.get(session)
        return () if found is None else found[1].incoming

    def _tell(self, broadcast: BroadcastId) -> None:
        session = self.live(broadcast)
        if session is not None:
            self.published(broadcast, self._scene(broadcast, session))
        elif broadcast not in self._on_air:
            self.published(broadcast, None)

    def _scene(self, broadcast: BroadcastId, session: SessionId) -> Scene:
        """What was on air may stay until the one that is has a key frame: whoever publishes has the broadcast's key."""
        by_kind = {one.kind: one for one in self.incoming(session)}
        picture = by_kind.get(Kind.VIDEO)
        sound = by_kind.get(Kind.AUDIO)
        before = self._before.get(broadcast)
        shown = None if picture is None else track_of(session, Kind.VIDEO)
        if shown is not None:
            self._before[broadcast] = shown
        return Scene(
            picture=shown,
            publisher=session,
            codec=Codec.H264 if picture is None else next(iter(picture.payload_types.values())),
            layers=frozenset() if picture is None else layers_of(picture),
            voices={} if sound is None else {track_of(session, Kind.AUDIO): session},
            may_stay=frozenset({before} if before is not None and before != shown else ()),
        )

    def _room(self, session: SessionId) -> RoomName:
        return room_of(self._offers[session][0])

    def _wire(self, session: SessionId) -> None:
        broadcast, offer = self._offers[session]
        for one in offer.incoming:
            self.plane.add_track(
                TrackIn(
                    sid=track_of(session, one.kind),
                    peer=peer_of(session),
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
        if self._on_air.get(broadcast) == session:
            self._tell(broadcast)

    def _forget(self, session: SessionId) -> None:
        """`Ingest.gone` follows, and `on_air` from there."""
        self._offers.pop(session, None)


def layers_of(picture: Incoming) -> frozenset[Layer]:
    """Without simulcast there is one."""
    return (
        frozenset(picture.rids.values())
        or frozenset(picture.ssrcs.values())
        or frozenset({Layer.HIGH})
    )
