"""Octets to somebody who may read slowly, or never: they cost nobody else.

Small answers go into the kernel's buffer at once. Large ones are given out piece by piece, each in bounded time. What
is not read is taken back by the kernel (TCP_USER_TIMEOUT), also when the connection is closed already.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from weakref import WeakSet

from aiohttp import hdrs, web

#: Octets that are given to the kernel at once.
PIECE = 65_536
#: Seconds that one piece may take: 4 kB/s is less than the sound alone needs.
PIECE_S = 15.0
#: Connections that have their bound; thousands of requests come on each.
_bounded: WeakSet[asyncio.BaseTransport] = WeakSet()


class Gone(Exception):
    """Nobody reads."""


def bound(request: web.Request) -> None:
    """Before an answer; aiohttp begins none before the last one is nearly sent.

    Raises:
        Gone: the connection has ended.
    """
    transport = request.transport
    if transport is None:
        raise Gone
    if transport in _bounded:
        return
    _bounded.add(transport)
    known = transport.get_extra_info("socket")
    if known is not None and known.family != socket.AF_UNIX:
        known.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(PIECE_S * 1000))


async def send(
    request: web.Request, response: web.StreamResponse, body: Sequence[bytes]
) -> web.StreamResponse:
    """A large answer, of known length."""
    response.content_length = sum(map(len, body))

    async def pieces() -> AsyncIterator[bytes]:
        for one in body:
            view = memoryview(one)
            for at in range(0, len(one), PIECE):
                yield bytes(view[at : at + PIECE])

    return await send_pieces(request, response, pieces())


async def send_pieces(
    request: web.Request, response: web.StreamResponse, pieces: AsyncIterator[bytes]
) -> web.StreamResponse:
    """The same from wherever they come; the response knows its length."""
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        async for piece in pieces:
            try:
                async with asyncio.timeout(PIECE_S):
                    await response.write(piece)
            except TimeoutError:
                if request.transport is not None:
                    request.transport.abort()
                raise Gone from None
    await response.write_eof()
    return response
