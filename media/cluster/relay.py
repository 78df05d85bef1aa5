"""A client whose call is on another node is served there, through this one.

Clients know no redirect for a WebSocket, and follow LiveKit's regions only in its own cloud. So this node opens the
same door at the right node and passes messages on; sound and pictures go to the right node directly, whose addresses
are in the answers. A client so keeps one address whatever becomes of a node: the proxy finds it one that lives.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import aiohttp
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from attrs import define, field
from yarl import URL

from media.access.tokens import BadToken, Key, verify
from media.cluster.placement import NodeSign
from media.cluster.registry import Registry
from media.signal.frames import MAX_FRAME
from media.signal.http import PING_S

logger = logging.getLogger(__name__)

#: What belongs to one call: signalling, and what its hosts ask.
OF_A_CALL = ("/livekit/sfu/rtc", "/livekit/host/")
#: Whoever was passed on once is not passed on again: two nodes that disagree must not play ball.
PASSED = "X-Sferum-Passed"
TIMEOUT = aiohttp.ClientTimeout(total=8)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@define(eq=False)
class Relay:
    """`counted`: here, passed, unreachable."""

    registry: Registry
    http: aiohttp.ClientSession
    keys: Sequence[Key] = field(repr=False)
    wall: Callable[[], float]
    counted: Counter[str] = field(factory=Counter)

    def middleware(self) -> Middleware:
        @web.middleware
        async def relay(request: web.Request, handler: Handler) -> web.StreamResponse:
            there = await self._elsewhere(request)
            if there is None:
                return await handler(request)
            try:
                if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
                    return await self._socket(request, there)
                return await self._question(request, there)
            except (aiohttp.ClientError, TimeoutError, OSError):
                self.counted["unreachable"] += 1
                logger.warning("the call's node does not answer node=%s", there.name)
                raise web.HTTPServiceUnavailable from None

        return relay

    async def _elsewhere(self, request: web.Request) -> NodeSign | None:
        """The other node whose call it is; None: ours, or no good token, which the handler refuses."""
        if not request.path.startswith(OF_A_CALL) or PASSED in request.headers:
            return None
        bearer = request.headers.get(hdrs.AUTHORIZATION, "").removeprefix("Bearer ").strip()
        token = request.query.get("access_token") or bearer
        claims = verify(token, self.keys, self.wall())
        if isinstance(claims, BadToken) or not claims.may_join:
            return None
        there = await self.registry.place(claims.room)
        if there.name == self.registry.own().name:
            self.counted["here"] += 1
            return None
        self.counted["passed"] += 1
        return there

    async def _question(self, request: web.Request, there: NodeSign) -> web.StreamResponse:
        async with self.http.request(
            request.method,
            _same(request, there),
            data=await request.read(),
            headers=_headers(request),
            timeout=TIMEOUT,
            allow_redirects=False,
        ) as answer:
            return web.Response(
                status=answer.status, body=await answer.read(), content_type=answer.content_type
            )

    async def _socket(self, request: web.Request, there: NodeSign) -> web.StreamResponse:
        try:
            other = await self.http.ws_connect(
                _same(request, there),
                headers=_headers(request),
                heartbeat=PING_S,
                max_msg_size=MAX_FRAME,
            )
        except aiohttp.WSServerHandshakeError as refused:
            return web.Response(status=refused.status, text="refused by the call's node")
        async with other:
            socket = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=MAX_FRAME)
            await socket.prepare(request)
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(socket, other))
                group.create_task(_copy(other, socket))
        return socket


AnySocket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _copy(source: AnySocket, target: AnySocket) -> None:
    """Until the source closes, or the target is gone; then the other one is closed too."""
    try:
        async for message in source:
            if message.type is aiohttp.WSMsgType.BINARY:
                await target.send_bytes(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                await target.send_str(message.data)
    except (ConnectionError, RuntimeError):
        await source.close()
    await target.close()


def _same(request: web.Request, there: NodeSign) -> URL:
    return URL(there.url + request.raw_path, encoded=True)


def _headers(request: web.Request) -> dict[str, str]:
    kept = (hdrs.AUTHORIZATION, hdrs.CONTENT_TYPE)
    return {PASSED: "1"} | {name: request.headers[name] for name in kept if name in request.headers}
