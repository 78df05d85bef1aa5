"""Connections that never finish asking. A reverse proxy keeps them off; this is for the day on which it does not.

aiohttp bounds the time between two requests, not that of one which never ends.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Seconds until the first request must have come whole, and between an answer and the next one. aiohttp closes idle
#: connections after 75 by itself.
FIRST_S, NEXT_S = 15.0, 90.0
LOOK_S = 0.5


@asynccontextmanager
async def patient(
    app: web.Application, runner: web.AppRunner, slow: Callable[[], None]
) -> AsyncIterator[None]:
    """Until the end of the block, connections of `runner` have this much time. Before its `setup`.

    `slow` is told of each that had to be closed.
    """
    clock = asyncio.get_running_loop().time
    busy: Counter[object] = Counter()
    until: dict[object, float] = {}

    @web.middleware
    async def asked(request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = request.protocol
        busy[connection] += 1
        try:
            return await handler(request)
        finally:
            busy[connection] -= 1
            until[connection] = clock() + NEXT_S

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            now = clock()
            connections = set() if runner.server is None else set(runner.server.connections)
            for gone in (busy.keys() | until.keys()) - connections:
                busy.pop(gone, None)
                until.pop(gone, None)
            for connection in connections:
                late = now > until.setdefault(connection, now + FIRST_S)
                if late and not busy[connection] and connection.transport is not None:
                    slow()
                    connection.transport.abort()

    app.middlewares.insert(0, asked)
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look())
        try:
            yield
        finally:
            looking.cancel()
