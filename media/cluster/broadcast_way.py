"""Whoever comes to another node with the link of a broadcast is sent to the one that has it.

Sent, not served through this node as calls are: a broadcast is megabits for each viewer, and its node has an address of
its own for them. Only pages are sent on: what players and publishers ask for comes from a page of the right node.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from attrs import define, field

from media.cluster.broadcast_places import BroadcastPlaces, Nowhere
from media.cluster.placement import NodeSign

_ID = "([A-Za-z0-9_-]{1,64})"
#: Pages about one broadcast; others of these folders are asked for by pages.
_PAGES = re.compile(
    rf"/watch/{_ID}|/broadcasts/{_ID}(?:/camera|/floor)?|/live/[^/]{{1,512}}/{_ID}/(?:watch|host|captions)"
)
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


@define(eq=False)
class BroadcastWay:
    """Attributes:

    lists: this node has broadcasts itself.
    counted: pages that were asked for, by `sent`, `away`.
    """

    places: BroadcastPlaces
    lists: bool
    counted: Counter[str] = field(factory=Counter)

    def middleware(self) -> Middleware:
        @web.middleware
        async def way(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
                return await handler(request)
            there: NodeSign | Nowhere | None = None
            broadcast = about(request.path)
            if broadcast is not None:
                there = await self.places.find(broadcast)
            elif request.path == LIST and not self.lists:
                there = await self.places.any()
            if there is Nowhere.AWAY:
                self.counted["away"] += 1
                again = {"Retry-After": str(AGAIN_S), "Refresh": str(AGAIN_S)}
                return web.Response(status=503, headers={**HEADERS, **again})
            if not isinstance(there, NodeSign):
                return await handler(request)
            self.counted["sent"] += 1
            where = there.broadcasts + request.rel_url.raw_path_qs
            return web.Response(status=307, headers={**HEADERS, "Location": where})

        return way
