"""The product's stage and gallery on real media ports, and an app before them; what they see is kept for the tests."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import Factory, define, field

from media.broadcast.program.gallery import MediaGallery
from media.broadcast.program.ports import session_of
from media.broadcast.program.stage import MediaStage, track_of
from media.broadcast.whip.egress import Egress
from media.broadcast.whip.endpoints import Doors
from media.broadcast.whip.ids import BroadcastId, SessionId
from media.broadcast.whip.ingest import Ingest
from media.broadcast.whip.tokens import digest
from media.forwarder.api import Event, Kind, LayersSeen
from media.ids import PeerId, TrackSid
from media.transport.api import Gone
from media.transport.listener import PortListener, listen
from media.transport.peer import ClientPeer
from tests.media.broadcast.whip.doubles import CONCERT, KEY, numbered
from tests.media.planes import plain
from tests.media.transport.world import CERTIFICATE, settings

#: Connections at once.
MOST = 10


@define(eq=False)
class Stage(MediaStage):
    """`ends`: why peers ended."""

    ends: dict[str, Gone] = field(factory=dict, kw_only=True)

    def gone(self, peer: PeerId, why: Gone) -> None:
        self.ends[session_of(peer)] = why
        MediaStage.gone(self, peer, why)

    def ufrags(self, session: str) -> frozenset[str]:
        """By which the client reaches us now."""
        return cast(ClientPeer, self._peers[SessionId(session)]).ufrags()


@define
class Studio:
    """The key of the broadcast is a pass too. `seen`: tracks whose packets have come."""

    listener: PortListener
    stage: Stage
    whip: Ingest
    whep: Egress
    seen: set[TrackSid] = Factory(set)

    def on_air(self) -> str | None:
        return self.stage.live(CONCERT)

    def arrives(self, session: str) -> bool:
        """Whether its picture does."""
        return track_of(SessionId(session), Kind.VIDEO) in self.seen

    def hear(self, event: Event) -> None:
        if isinstance(event, LayersSeen) and event.layers:
            self.seen.add(event.track)


@asynccontextmanager
async def on_ports() -> AsyncIterator[tuple[Studio, str]]:
    """A studio, and the address below which are `/whip/concert` and `/whep/concert`."""
    names = numbered()
    async with listen(settings(), CERTIFICATE, plain()) as listener:
        ports = (listener, listener.plane, asyncio.get_running_loop().time, MOST, lambda: False)
        stage = Stage(*ports, keys=_key_of, published=lambda *_: None)
        gallery = MediaGallery(*ports, stage=stage, accounts=_account_of, bits=secrets.randbits)
        whip = Ingest(stage, lambda: f"s{next(names)}")
        whep = Egress(gallery, lambda: f"w{next(names)}")
        stage.ended, gallery.ended = whip.gone, whep.gone
        studio = Studio(listener, stage, whip, whep)
        listener.plane.hear = studio.hear
        app = web.Application()
        app.add_subapp("/whip", Doors(sessions=whip).app())
        app.add_subapp("/whep", Doors(sessions=whep).app())
        async with TestServer(app) as server:
            yield studio, str(server.make_url("")).rstrip("/")


async def _key_of(broadcast: BroadcastId) -> bytes | None:
    return digest(KEY) if broadcast == CONCERT else None


async def _account_of(_broadcast: BroadcastId, token: str) -> str | None:
    return "@ann:s" if token == KEY else None
