"""Whoever comes to another node with the link of a broadcast is sent to the one that has it.

Sent, not served through this node as calls are: a broadcast is megabits for each viewer, and its node has an address of
its own for them. Publishers are served through it (`broadcast_relay`). Forms are never sent on: they come from a page
of the right node.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from attrs import define, field

from media.cluster.broadcast_places import BroadcastPlaces, Nowhere
from media.cluster.broadcast_relay import BroadcastRelay, refused
from media.cluster.neighbours import PASSED
from media.cluster.placement import NodeSign

logger = logging.getLogger(__name__)

_ID = "([A-Za-z0-9_-]{1,64})"
#: Pages about one broadcast; what else is in these folders is asked for by pages, which are the right node's.
_PAGES = re.compile(
    rf"/watch/{_ID}|/broadcasts/{_ID}(?:/camera|/floor)?|/live/[^/]{{1,512}}/{_ID}/(?:watch|host|captions)"
)
#: WHIP, WHEP, and their sessions.
_PUBLISHED = re.compile(rf"/wh[ie]p/{_ID}(?:/[A-Za-z0-9_-]{{1,64}})?")
#: The list, which every node with broadcasts has for its own.
LIST = "/broadcasts"
#: Seconds after which a browser asks again for a broadcast whose node is away.
AGAIN_S = 15
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def about(path: str) -> str | None:
    """The broadcast of a page's address; None: it is no such page."""
    found = _PAGES.fullmatch(path)
    return None if found is None else next(filter(None, found.groups()))


def published(path: str) -> str | None:
    """The broadcast of an address of WHIP or WHEP; None: it is no such address."""
    found = _PUBLISHED.fullmatch(path)
    return None if found is None else found[1]


def _away(_: web.Request) -> web.Response:
    return web.Response(status=503, headers=HEADERS)


@define(eq=False)
class BroadcastWay:
    """Attributes:

    lists: this node has broadcasts itself.
    relay: for publishers.
    shared: the address that all nodes have; nobody is sent there, where they would be sent on again.
    away: the page of a broadcast whose node does not live.
    counted: requests about broadcasts of others, by `sent`, `passed`, `away`.
    """

    places: BroadcastPlaces
    lists: bool
    relay: BroadcastRelay
    shared: str = ""
    away: Callable[[web.Request], web.Response] = _away
    counted: Counter[str] = field(factory=Counter)

    def middleware(self) -> Middleware:
        @web.middleware
        async def way(request: web.Request, handler: Handler) -> web.StreamResponse:
            if (
                PASSED in request.headers
            ):  # by another node: `Relay`, which comes first, has looked who says so
                return await handler(request)
            broadcast = published(request.path)
            if broadcast is not None:
                there = await self.places.find(broadcast)
                if there is Nowhere.AWAY:  # not 401: the key may be good
                    self.counted["away"] += 1
                    return refused(503)
                if not isinstance(there, NodeSign):
                    return await handler(request)
                self.counted["passed"] += 1
                return await self.relay.pass_on(request, there)
            if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
                return await handler(request)
            return await self._page(request, handler)

        return way

    async def _page(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        there: NodeSign | Nowhere | None = None
        broadcast = about(request.path)
        if broadcast is not None:
            there = await self.places.find(broadcast)
        elif request.path == LIST and not self.lists:
            there = await self.places.any()
        if there is None or there is Nowhere.HERE:
            return await handler(request)
        if isinstance(there, NodeSign):
            if there.broadcasts != self.shared:
                self.counted["sent"] += 1
                where = there.broadcasts + request.rel_url.raw_path_qs
                return web.Response(status=307, headers={**HEADERS, "Location": where})
            logger.warning("a broadcast's node has no address of its own node=%s", there.name)
        self.counted["away"] += 1
        response = self.away(request)
        response.headers.update({"Retry-After": str(AGAIN_S), "Refresh": str(AGAIN_S)})
        return response
