"""WHIP, WHEP and what runs, put together on one node's ports::

studio = open_studio(Surroundings(…))
app.add_subapp("/whip", studio.whip.app()); app.add_subapp("/whep", studio.whep.app())
group.create_task(studio.run())
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from attrs import frozen

from media.broadcast.ladder.process import ProcessTranscoder
from media.broadcast.origin.publication import Opening, Publication
from media.broadcast.program.airing import Airing, Tell
from media.broadcast.program.gallery import AccountOf, MediaGallery
from media.broadcast.program.running import MakeCoder
from media.broadcast.program.scene import Scene
from media.broadcast.program.stage import KeyOf, MediaStage, PlaneTaps
from media.broadcast.whip.egress import Egress
from media.broadcast.whip.endpoints import Doors
from media.broadcast.whip.ids import BroadcastId
from media.broadcast.whip.ingest import Ingest
from media.broadcast.whip.links import IceServer
from media.plane.api import Plane
from media.transport.api import Listener
from serving.addresses import LOOPBACK, Network

#: Seconds between two looks at publishers that may have fallen silent.
LOOK_S = 1.0
#: Publishers on the ports of a node at once, spares too; and viewers without delay.
MOST_PUBLISHERS, MOST_VIEWERS = 32, 500


@frozen(kw_only=True)
class Surroundings:
    """What the process gives.

    Attributes:
        keys, accounts: of the register and of passes.
        open_: of the origin.
        bits: n random bits.
        drains: the node goes down: nobody new.
        spare_cores: that each broadcast may take for coding pictures.
        most: broadcasts at once.
    """

    listener: Listener
    plane: Plane
    keys: KeyOf
    accounts: AccountOf
    open_: Callable[[Opening], Publication]
    tell: Tell
    clock: Callable[[], float]
    wall: Callable[[], float]
    bits: Callable[[int], int]
    drains: Callable[[], bool] = lambda: False
    ice_servers: Callable[[], tuple[IceServer, ...]] = tuple
    trusted: tuple[Network, ...] = LOOPBACK
    make_coder: MakeCoder = ProcessTranscoder
    spare_cores: float = 0.5
    most: int = 8


@frozen(kw_only=True)
class Studio:
    """Attributes:

    whip, whep: their HTTP; `counted` of each is for the figures.
    """

    stage: MediaStage
    gallery: MediaGallery
    ingest: Ingest
    egress: Egress
    airing: Airing
    whip: Doors
    whep: Doors

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.airing.run())
            while True:
                await asyncio.sleep(LOOK_S)
                self.ingest.look()

    def stop(self, broadcast: BroadcastId) -> None:
        """It is over: publishers and viewers are sent away, what is left is written."""
        self.airing.stop(broadcast)
        self.ingest.close(broadcast)
        self.egress.close(broadcast)

    def close(self) -> None:
        """The process ends."""
        self.stage.close()
        self.gallery.close()


def open_studio(given: Surroundings) -> Studio:
    airing = Airing(
        publishers=PlaneTaps(given.plane),
        open_=given.open_,
        make_coder=given.make_coder,
        tell=given.tell,
        clock=given.clock,
        wall=given.wall,
        most=given.most,
        spare_cores=given.spare_cores,
    )
    ports = (given.listener, given.plane, given.clock)
    stage = MediaStage(
        *ports, MOST_PUBLISHERS, given.drains, keys=given.keys, published=airing.published
    )
    gallery = MediaGallery(
        *ports, MOST_VIEWERS, given.drains, stage=stage, accounts=given.accounts, bits=given.bits
    )
    ingest = Ingest(stage, partial(_name, given.bits))
    egress = Egress(gallery, partial(_name, given.bits))

    def published(broadcast: BroadcastId, scene: Scene | None) -> None:
        """Viewers without delay come again: the tracks that they were shown are others now."""
        airing.published(broadcast, scene)
        egress.close(broadcast)

    stage.published = published
    stage.ended = ingest.gone
    gallery.ended = egress.gone
    given.plane.hear_media = airing.hear
    return Studio(
        stage=stage,
        gallery=gallery,
        ingest=ingest,
        egress=egress,
        airing=airing,
        whip=Doors(sessions=ingest, ice_servers=given.ice_servers, trusted=given.trusted),
        whep=Doors(sessions=egress, ice_servers=given.ice_servers, trusted=given.trusted),
    )


def _name(bits: Callable[[int], int]) -> str:
    """Of a session: 128 random bits."""
    return f"{bits(128):032x}"
