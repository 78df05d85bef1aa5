"""A client whose call is on another node is served there, through this one; so are services that ask about a call.

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
from google.protobuf import json_format
from livekit.protocol import room as livekit_room
from yarl import URL

from media.access.requests import Home
from media.access.tokens import Key
from media.cluster.belonging import Belongs, How, belongs
from media.cluster.neighbours import PASSED, is_node, passed_by
from media.cluster.placement import NodeSign
from media.cluster.registry import Registry
from media.signal import twirp
from media.signal.frames import MAX_FRAME
from media.signal.socket import PING_S

logger = logging.getLogger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=8)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@define(eq=False)
class Relay:
    """Attributes:

    home: our own homeserver, as clients know it.
    counted: requests, by `here`, `passed`, `unreachable`, `forged`.
    """

    registry: Registry
    http: aiohttp.ClientSession
    keys: Sequence[Key] = field(repr=False)
    wall: Callable[[], float]
    home: Home
    counted: Counter[str] = field(factory=Counter)

    def middleware(self) -> Middleware:
        @web.middleware
        async def relay(request: web.Request, handler: Handler) -> web.StreamResponse:
            about = None
            if (passed := request.headers.get(PASSED)) is None:
                about = await belongs(request, self.keys, self.wall(), self.home)
            elif not is_node(passed, self.keys, self.wall()):
                self.counted["forged"] += 1
                raise web.HTTPForbidden
            if about is None:
                return await handler(request)
            if about.how is How.EVERY:
                return await self._all_rooms(request, await handler(request))
            for last in (False, True):
                there = await self._elsewhere(about)
                if there is None:
                    return await handler(request)
                try:
                    return await self._pass_on(request, there)
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    self.counted["unreachable"] += 1
                    logger.warning("the call's node does not answer node=%s", there.name)
                    if last or not _nobody_listens(error):
                        break
                    await self.registry.refused(there)
            raise web.HTTPServiceUnavailable

        return relay

    async def _elsewhere(self, about: Belongs) -> NodeSign | None:
        """The other node whose call it is; None: ours, or nobody's."""
        enters = about.how is How.ENTER
        there = await (
            self.registry.place(about.room) if enters else self.registry.find(about.room)
        )
        if there is None or there.name == self.registry.own().name:
            self.counted["here"] += 1
            return None
        self.counted["passed"] += 1
        return there

    async def _all_rooms(
        self, request: web.Request, ours: web.StreamResponse
    ) -> web.StreamResponse:
        """ListRooms: our answer, and the calls of every other node that answers."""
        if ours.status != 200 or not isinstance(ours, web.Response):
            return ours
        asked = await twirp.read(livekit_room.ListRoomsRequest(), request)
        nodes = await self.registry.others()
        answers = await asyncio.gather(
            *(self.registry.neighbours.rooms(node, asked.names) for node in nodes)
        )
        all_ = livekit_room.ListRoomsResponse()
        body = bytes(ours.body) if isinstance(ours.body, bytes | bytearray) else b""
        as_json = request.content_type == twirp.JSON
        if as_json:
            json_format.Parse(body, all_)
        else:
            all_.ParseFromString(body)
        for rooms in answers:
            if rooms is None:
                self.counted["unreachable"] += 1
            else:
                all_.rooms.extend(rooms)
        if as_json:
            text = json_format.MessageToJson(all_, indent=None)
            return web.Response(text=text, content_type=twirp.JSON)
        return web.Response(body=all_.SerializeToString(), content_type=twirp.PROTOBUF)

    async def _pass_on(self, request: web.Request, there: NodeSign) -> web.StreamResponse:
        if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            return await self._socket(request, there)
        return await self._question(request, there)

    async def _question(self, request: web.Request, there: NodeSign) -> web.StreamResponse:
        async with self.http.request(
            request.method,
            _same(request, there),
            data=await request.read(),
            headers=self._headers(request),
            timeout=TIMEOUT,
            allow_redirects=False,
        ) as answer:
            headers = {
                name: value
                for name, value in answer.headers.items()
                if name.lower().startswith("access-control-") or name == hdrs.RETRY_AFTER
            }
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                content_type=answer.content_type,
                headers=headers,
            )

    async def _socket(self, request: web.Request, there: NodeSign) -> web.StreamResponse:
        try:
            other = await self.http.ws_connect(
                _same(request, there),
                headers=self._headers(request),
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

    def _headers(self, request: web.Request) -> dict[str, str]:
        kept = {
            name: request.headers[name]
            for name in (hdrs.AUTHORIZATION, hdrs.CONTENT_TYPE)
            if name in request.headers
        }
        return {PASSED: passed_by(self.keys, self.wall())} | kept


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


def _nobody_listens(error: Exception) -> bool:
    """The other machine is there and the program is not: no need to wait until its sign of life is over."""
    return isinstance(error, aiohttp.ClientConnectorError) and isinstance(
        error.os_error, ConnectionRefusedError
    )


def _same(request: web.Request, there: NodeSign) -> URL:
    return URL(there.url + request.raw_path, encoded=True)
