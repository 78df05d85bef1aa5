"""The stage of this node: WHIP and WHEP on its media ports, calls as programs, and the broadcasts that run."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from attrs import define, field
from prometheus_client.registry import Collector

from media.broadcast.cmaf.rhythm import LOW_LATENCY, USUAL
from media.broadcast.desk.shown import Speaker, Unable
from media.broadcast.hls.captions import Unsayable
from media.broadcast.hls.multivariant import Captions
from media.broadcast.house import showing, speaking
from media.broadcast.house.admitting import Publishers
from media.broadcast.house.board import OF_ORIGIN, Board
from media.broadcast.house.halls import Halls
from media.broadcast.house.names import Names
from media.broadcast.house.onair import OnAir
from media.broadcast.house.signing import Signing
from media.broadcast.house.staging import OnStage
from media.broadcast.ladder.process import ProcessTranscoder
from media.broadcast.origin.origin import Origin
from media.broadcast.origin.publication import Opening, Publication, Told
from media.broadcast.pages.asking import BadLine
from media.broadcast.pages.shown import Said
from media.broadcast.passes import Pass
from media.broadcast.program.figures import ProgramFigures
from media.broadcast.program.gallery import MediaGallery
from media.broadcast.program.producer import Producer
from media.broadcast.program.running import Running
from media.broadcast.program.scene import Scene
from media.broadcast.program.stage import MediaStage, PlaneTaps
from media.broadcast.register.opening import Register
from media.broadcast.register.values import Broadcast
from media.broadcast.whip.egress import Egress
from media.broadcast.whip.endpoints import Doors
from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.ingest import Ingest
from media.broadcast.whip.links import IceServer
from media.forwarder.api import Copy
from media.ids import TrackSid
from media.signal.node import Node
from serving.addresses import Network

logger = logging.getLogger(__name__)

#: Seconds between two looks at calls (R48), and at publishers.
CALLS_S, PUBLISHERS_S = 0.25, 1.0
#: Connections of WHIP and of WHEP at once.
MOST_PUBLISHERS, MOST_VIEWERS = 200, 1_000
#: Bits a second of the sound, in stereo.
CHANNELS, SOUND_BPS = 2, 96_000
#: Of the machine's cores, what broadcasts may take for coding pictures: the calls come first.
SHARE_FOR_CODING = 0.25
#: Seconds from 1900, where NTP begins, to 1970.
NTP_EPOCH_S = 2_208_988_800
_BAD_LINES: Mapping[Unsayable, BadLine] = {
    Unsayable.EMPTY: BadLine.EMPTY,
    Unsayable.TOO_LONG: BadLine.LONG,
    Unsayable.TOO_FAST: BadLine.FAST,
}
#: Bits of a session's name: it is a secret of its publisher.
NAME_BITS = 128


@define(eq=False, kw_only=True)
class MediaStudio:
    """`Studio` of `media.broadcast.around`; made by `open_studio`.

    Attributes:
        follows: whether a broadcast shows another school's: then it has no stage here.
    """

    node: Node
    register: Register
    origin: Origin
    signing: Signing
    people: Names
    group: asyncio.TaskGroup
    ice_servers: Callable[[], tuple[IceServer, ...]] = tuple
    trusted: tuple[Network, ...]
    follows: Callable[[BroadcastId], bool] = field(default=lambda _: False, init=False)
    halls: Halls = field(init=False)
    stage: MediaStage = field(init=False)
    gallery: MediaGallery = field(init=False)
    ingest: Ingest = field(init=False)
    egress: Egress = field(init=False)
    publishers: Doors = field(init=False)
    viewers: Doors = field(init=False)
    _on_air: dict[BroadcastId, OnAir] = field(factory=dict, init=False)
    _scenes: dict[BroadcastId, Scene] = field(factory=dict, init=False)
    _heard_by: dict[TrackSid, Running] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        services = self.node.services
        self.halls = Halls(self.node, self.people)
        self.stage = MediaStage(
            services.listener,
            services.plane,
            services.clock,
            MOST_PUBLISHERS,
            lambda: self.node.draining,
            keys=self._key_of,
            published=self._published,
        )
        self.gallery = MediaGallery(
            services.listener,
            services.plane,
            services.clock,
            MOST_VIEWERS,
            lambda: self.node.draining,
            stage=self.stage,
            accounts=self._account_of,
            bits=services.bits,
        )
        self.ingest = Ingest(self.stage, self._name)
        self.egress = Egress(self.gallery, self._name)
        self.stage.ended = self.ingest.gone
        self.gallery.ended = self.egress.gone
        self.publishers = Doors(
            sessions=Publishers(self.ingest, self._may_publish),
            ice_servers=self.ice_servers,
            trusted=self.trusted,
        )
        self.viewers = Doors(
            sessions=self.egress, ice_servers=self.ice_servers, trusted=self.trusted
        )
        services.plane.hear_media = self.hear

    # --- Staging

    async def begin(self, broadcast: Broadcast) -> bool:
        one = broadcast.id
        if one not in self._on_air:
            services = self.node.services
            self._on_air[one] = OnAir(
                broadcast=broadcast,
                make=self._make,
                group=self.group,
                taps=PlaneTaps(services.plane),
                clock=services.clock,
                again=self.origin.get(one) is not None,
            )
            self._on_air[one].publish(self._scenes.get(one))
        return True

    def end(self, broadcast: BroadcastId) -> None:
        found = self._on_air.pop(broadcast, None)
        if found is not None:
            found.end()
            if found.running is None:  # nobody ever published, or it was so before this process
                self.origin.end(broadcast)
        self.ingest.close(broadcast)
        self.egress.close(broadcast)
        self._scenes.pop(broadcast, None)

    def seen(self, broadcast: BroadcastId) -> OnStage:
        publishers = len(list(self.ingest.sessions.of(broadcast)))
        found = self._on_air.get(broadcast)
        if found is None:
            return OnStage(publishers=publishers)
        return found.seen(publishers)

    async def speakers(self, broadcast: Broadcast) -> Sequence[Speaker]:
        return await self.halls.speakers(broadcast)

    def show(self, broadcast: Broadcast, account: str, speaker: str) -> Unable | None:
        found = self._on_air.get(broadcast.id)
        if found is None:
            return Unable.GONE
        if not speaker:
            found.leave_call()
            return None
        hall, choice = self.halls.of(broadcast), speaking.choice_of(speaker)
        if hall is None or choice is None:
            return Unable.NO_CALL
        why = found.choose(hall, choice)
        logger.info(
            "a host chose who is shown broadcast=%s by=%s refused=%s",
            broadcast.id,
            account,
            None if why is None else why.value,
        )
        return None if why is None else speaking.UNABLE[why]

    async def names(self, accounts: Collection[str]) -> Mapping[str, str]:
        return await self.people.of(accounts)

    def calls(self, broadcast: Broadcast) -> bool:
        found, hall = self._on_air.get(broadcast.id), self.halls.of(broadcast)
        return found is not None and found.from_call and hall is not None and bool(hall.clients)

    def caption(self, broadcast: Broadcast) -> None:
        live = self.origin.get(broadcast.id)
        if live is not None:
            live.of.captions = Captions()

    def captioned(self, broadcast: BroadcastId) -> bool:
        live = self.origin.get(broadcast)
        return live is not None and live.of.captions is not None

    def type(self, broadcast: BroadcastId, line: str) -> BadLine | None:
        live = self.origin.get(broadcast)
        if live is None or live.over is not None:
            return BadLine.NOT_NOW
        bad = live.say(line)
        return None if bad is None else _BAD_LINES[bad]

    def post(self, broadcast: BroadcastId, said: Said) -> None:
        live = self.origin.get(broadcast)
        if live is not None:
            live.post(showing.event(said))

    def takes_lines(self, broadcast: BroadcastId) -> bool:
        live = self.origin.get(broadcast)
        return live is None or live.of.events.takes

    def repeat(self, broadcast: BroadcastId, lines: Sequence[Said]) -> None:
        live = self.origin.get(broadcast)
        if live is not None:
            live.of.events.take_up(map(showing.event, lines))

    # --- told by others

    def told(self, told: Told) -> None:
        """By the origin."""
        notice = OF_ORIGIN.get(told.fault)
        logger.warning(
            "the origin has a fault broadcast=%s why=%s", told.broadcast, told.fault.value
        )
        found = self._on_air.get(BroadcastId(told.broadcast))
        if notice is not None and found is not None:
            found.board.say(notice, self.node.services.clock())

    def lost(self, broadcast: BroadcastId, account: str) -> None:
        """Somebody may no longer watch: what they were given opens nothing, what runs ends (R27)."""
        self.signing.revoked.account(broadcast, account, self.node.services.wall())
        self.egress.revoke(account)

    def hear(self, copy: Copy) -> None:
        """Of the plane: for the broadcast that tapped this track."""
        running = self._heard_by.get(copy.track)
        if running is None or copy.track not in running.tracks:
            running = self._find(copy.track)
            if running is None:
                return
            self._heard_by[copy.track] = running
        running.hear(copy)

    def figures(self) -> Sequence[Collector]:
        return (ProgramFigures(self._runs, self.stage, self.gallery),)

    def _runs(self) -> list[Running]:
        return [one.running for one in self._on_air.values() if one.running is not None]

    async def run(self) -> None:
        """Until cancelled: look at publishers and calls."""
        looked = 0.0
        clock = self.node.services.clock
        while True:
            await asyncio.sleep(CALLS_S)
            try:
                for one in list(self._on_air.values()):
                    one.look()
                if clock() - looked >= PUBLISHERS_S:
                    looked = clock()
                    self.ingest.look()
                    self._forget_tracks()
            except Exception:  # one broadcast's bug is not every broadcast's end
                logger.exception("the studio met a bug")

    def close(self) -> None:
        """The process stops."""
        for one in self._on_air.values():
            one.cancel()
        self.stage.close()
        self.gallery.close()

    # --- inside

    def _make(self, broadcast: Broadcast, from_call: bool, board: Board) -> Running:
        services = self.node.services
        clock, wall = services.clock(), services.wall()
        restored = self.origin.get(broadcast.id)
        cores = os.cpu_count() or 1
        producer = Producer(
            channels=CHANNELS,
            bit_rate=SOUND_BPS,
            zero_s=clock,
            origin_ntp=int((wall + NTP_EPOCH_S) * 2**32),
            spare_cores=cores * SHARE_FOR_CODING,
            rhythm=LOW_LATENCY if broadcast.low_latency else USUAL,
            promised=() if restored is None else restored.opening.variants,
            coded_always=from_call,
        )
        return Running(
            broadcast=broadcast.id,
            producer=producer,
            open_=self._open,
            make_coder=ProcessTranscoder,
            tell=lambda notice: board.say(notice, services.clock()),
            clock=services.clock,
            began_ms=int(wall * 1000),
            recorded=broadcast.recorded,
        )

    def _open(self, opening: Opening) -> Publication:
        one = self.register.book.get(BroadcastId(opening.broadcast))
        return self.origin.open(showing.captioned(opening, one))

    def _published(self, broadcast: BroadcastId, scene: Scene | None) -> None:
        before = self._scenes.pop(broadcast, None)
        if scene is not None:
            self._scenes[broadcast] = scene
        if before is not None and (scene is None or scene.publisher != before.publisher):
            self.egress.close(broadcast)  # viewers of WHEP come again for the others' tracks
        found = self._on_air.get(broadcast)
        if found is not None:
            found.publish(scene)

    async def _key_of(self, broadcast: BroadcastId) -> bytes | None:
        one = self.register.book.get(broadcast)
        if one is None or not one.publishable or self.follows(broadcast):
            return None
        return one.key_digest

    def _may_publish(self, broadcast: BroadcastId, token: str) -> bool:
        one = self.register.book.get(broadcast)
        if one is None or not one.publishable or self.follows(broadcast):
            return False
        return self.signing.may_publish(broadcast, token, self.node.services.wall())

    async def _account_of(self, broadcast: BroadcastId, token: str) -> str | None:
        given = self.signing.look(broadcast, token, self.node.services.wall())
        if not isinstance(given, Pass):
            return None
        allowed = await self.register.watchers.may_watch(given.account, broadcast)
        return given.account if allowed else None

    def _find(self, track: TrackSid) -> Running | None:
        return next(
            (
                one.running
                for one in self._on_air.values()
                if one.running is not None and track in one.running.tracks
            ),
            None,
        )

    def _forget_tracks(self) -> None:
        """Those that nobody taps any more."""
        for track in [one for one, of in self._heard_by.items() if one not in of.tracks]:
            del self._heard_by[track]

    def _name(self) -> SessionId:
        return SessionId(f"{self.node.services.bits(NAME_BITS):032x}")


@asynccontextmanager
async def open_studio(
    node: Node,
    register: Register,
    origin: Origin,
    signing: Signing,
    names: Names,
    ice_servers: Callable[[], tuple[IceServer, ...]],
    trusted: tuple[Network, ...],
) -> AsyncIterator[MediaStudio]:
    """At the end nothing of it runs; what was on air goes on in another process."""
    async with asyncio.TaskGroup() as group:
        studio = MediaStudio(
            node=node,
            register=register,
            origin=origin,
            signing=signing,
            people=names,
            group=group,
            ice_servers=ice_servers,
            trusted=trusted,
        )
        looking = group.create_task(studio.run())
        try:
            yield studio
        finally:
            looking.cancel()
            studio.close()
