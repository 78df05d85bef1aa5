"""The WebSocket of one client, for frames that are made once and sent to many.

aiohttp deflates each message for each client anew, as its compressor remembers what that client was sent before. Here
no message refers to an earlier one, which a server may decide alone (`server_no_context_takeover`, RFC 7692 7.1.1.1):
a hundred people who are told the same are sent the same bytes, and 270 kB of memory for each of them are saved.
"""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

from media.signal.frames import MAX_FRAME

#: Seconds between WebSocket pings; half of it without a pong closes the socket. LiveKit's.
PING_S = 10.0
#: Seconds a client has to close its side, after it was told to leave.
CLOSE_S = 5.0
#: Bits of deflate's window, as frames are made with it. A client that cannot take them is sent plain ones.
WINDOW_BITS = 15
_ALONE = "server_no_context_takeover"


class Socket(web.WebSocketResponse):
    """Reads, pings and closes as aiohttp does it. Nothing may be sent by `send_bytes` and its like."""

    _way: asyncio.Transport | None = None

    def __init__(self) -> None:
        super().__init__(heartbeat=PING_S, max_msg_size=MAX_FRAME, compress=True, timeout=CLOSE_S)

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter:
        writer = await super().prepare(request)
        self._way = request.transport
        return writer

    @property
    def deflates(self) -> bool:
        """Whether the client takes deflated frames."""
        return self.compress == WINDOW_BITS

    @property
    def unsent(self) -> int:
        """Bytes that wait because the client does not read."""
        return 0 if self._way is None else self._way.get_write_buffer_size()

    def push(self, frames: bytes) -> None:
        """Whole frames (`media.signal.frames.framed`); lost when the connection is closing."""
        if self._way is not None and not self.closed and not self._way.is_closing():
            self._way.write(frames)

    def abort(self) -> None:
        """At once, and what is unsent stays unsent."""
        if self._way is not None:
            self._way.abort()


async def tell_alone(_request: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare`: where deflate was agreed on, the client is told that messages stand alone."""
    if not isinstance(response, Socket):
        return
    agreed = response.headers.get(hdrs.SEC_WEBSOCKET_EXTENSIONS, "")
    if agreed and _ALONE not in agreed:
        response.headers[hdrs.SEC_WEBSOCKET_EXTENSIONS] = f"{agreed}; {_ALONE}"
