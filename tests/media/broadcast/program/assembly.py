"""One broadcast put together on real ports, as `media/broadcast/house` does for a node, with an origin of the tests."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from attrs import Factory, define, field

from media.broadcast.cmaf.rhythm import LOW_LATENCY, Rhythm
from media.broadcast.ladder.process import ProcessTranscoder
from media.broadcast.origin import publication as publishing
from media.broadcast.origin.publication import Opening
from media.broadcast.program.calls import LOOK_S, CallProgram, CallTaps
from media.broadcast.program.gallery import MediaGallery
from media.broadcast.program.notices import Notice
from media.broadcast.program.producer import Producer
from media.broadcast.program.running import Running
from media.broadcast.program.scene import Scene
from media.broadcast.program.stage import MediaStage, PlaneTaps
from media.broadcast.whip.egress import Egress
from media.broadcast.whip.endpoints import Doors
from media.broadcast.whip.ids import BroadcastId
from media.broadcast.whip.ingest import Ingest
from media.broadcast.whip.tokens import digest
from media.forwarder.api import Copy
from media.plane.api import Plane
from media.transport.api import Listener
from tests.media.broadcast.program.stagehand import Publication, publication
from tests.media.broadcast.whip.doubles import CONCERT, KEY
from tests.media.world import wall


@define(eq=False)
class Assembly:
    """The key of the broadcast is a pass too. `call`: on air instead of WHIP, once it is set."""

    listener: Listener
    plane: Plane
    clock: Callable[[], float]
    broadcast: BroadcastId = CONCERT
    key: str = KEY
    rhythm: Rhythm = LOW_LATENCY
    coded_always: bool = False
    open_: Callable[[Opening], publishing.Publication] | None = None
    opened: list[Publication] = Factory(list)
    told: list[Notice] = Factory(list)
    call: CallProgram | None = None
    running: Running = field(init=False)
    stage: MediaStage = field(init=False)
    gallery: MediaGallery = field(init=False)
    ingest: Ingest = field(init=False)
    egress: Egress = field(init=False)
    _scene: Scene | None = None
    _begun: asyncio.Event = Factory(asyncio.Event)

    def __attrs_post_init__(self) -> None:
        began_s, wall_s = self.clock(), wall()
        producer = Producer(
            channels=2,
            bit_rate=96_000,
            zero_s=began_s,
            origin_ntp=int(wall_s * 2**32),
            spare_cores=0.5,
            rhythm=self.rhythm,
            coded_always=self.coded_always,
        )
        self.running = Running(
            broadcast=self.broadcast,
            producer=producer,
            open_=self.open_ or self._open,
            make_coder=ProcessTranscoder,
            tell=self.told.append,
            clock=self.clock,
            began_ms=int(wall_s * 1000),
        )
        ports = (self.listener, self.plane, self.clock, 10, lambda: False)
        self.stage = MediaStage(*ports, keys=self._key_of, published=self._published)
        self.gallery = MediaGallery(
            *ports, stage=self.stage, accounts=self._account_of, bits=secrets.randbits
        )
        self.ingest = Ingest(self.stage, lambda: secrets.token_hex(16))
        self.egress = Egress(self.gallery, lambda: secrets.token_hex(16))
        self.stage.ended = self.ingest.gone
        self.gallery.ended = self.egress.gone
        self.plane.hear_media = self._hear

    @property
    def origin(self) -> Publication:
        return self.opened[0]

    def segments(self) -> int:
        """Number of the newest one."""
        return max((part.segment for part, _ in self.origin.parts), default=0) if self.opened else 0

    def app(self) -> web.Application:
        app = web.Application()
        app.add_subapp("/whip", Doors(sessions=self.ingest).app())
        app.add_subapp("/whep", Doors(sessions=self.egress).app())
        return app

    def stop(self) -> None:
        """By its host."""
        self.running.stop()
        self.ingest.close(self.broadcast)
        self.egress.close(self.broadcast)

    async def run(self) -> None:
        """From the first that is shown: sizes are those of who publishes."""
        await self._begun.wait()
        await self.running.run()

    async def look(self) -> None:
        """For ever."""
        while True:
            self.ingest.look()
            if self.call is not None:
                self.show()
            await asyncio.sleep(LOOK_S)

    def show(self) -> None:
        if self.call is not None:
            self.running.show(self.call.look(), CallTaps(self.call.hall))
            self._begun.set()
        elif self._scene is not None:
            self.running.show(self._scene, PlaneTaps(self.plane))
            self._begun.set()
        else:
            self.running.clear()

    def _hear(self, copy: Copy) -> None:
        if copy.track in self.running.tracks:
            self.running.hear(copy)

    def _published(self, broadcast: BroadcastId, scene: Scene | None) -> None:
        self._scene = scene
        self.egress.close(broadcast)
        self.show()

    def _open(self, asked: Opening) -> Publication:
        self.opened.append(publication(asked))
        return self.opened[-1]

    async def _key_of(self, broadcast: BroadcastId) -> bytes | None:
        return digest(self.key) if broadcast == self.broadcast else None

    async def _account_of(self, _broadcast: BroadcastId, token: str) -> str | None:
        return "@ann:s" if token == self.key else None


@asynccontextmanager
async def assembled(listener: Listener, plane: Plane, **more: Any) -> AsyncIterator[Assembly]:
    """It runs; `more` are fields of `Assembly`."""
    made = Assembly(listener, plane, asyncio.get_running_loop().time, **more)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(made.run()), group.create_task(made.look())]
        try:
            yield made
        finally:
            made.stage.close()
            made.gallery.close()
            for task in tasks:
                task.cancel()
