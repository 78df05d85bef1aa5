"""One WebSocket of one client: requests in, responses out, in order. Resuming is another connection."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from attrs import define, field
from livekit.protocol import rtc

from media.signal.frames import BadFrame, Encoded, Frames, Pace

logger = logging.getLogger(__name__)

#: Responses that wait for a client that does not read; then it is cut off and comes back with a clean state.
QUEUE = 2000

#: Bytes of a request that count as one more request: an offer of 490 kB costs 47 ms (measured), so of those one client
#: may send 16 at once and two a second.
FREE_BYTES = 20_000


@define(eq=False)
class Connection:
    """Attributes:

    bytes_in, bytes_out: of frames before compression; what negotiation costs (bench).
    wrong: reasons why requests were dropped or the connection ended, counted.
    """

    socket: web.WebSocketResponse
    clock: Callable[[], float]  # seconds, monotonic
    wrong: Counter[str]
    frames: Frames = field(init=False)
    pace: Pace = field(factory=Pace)
    bytes_in: int = 0
    bytes_out: int = 0
    closed: bool = False
    _out: asyncio.Queue[Encoded | None] = field(factory=lambda: asyncio.Queue(QUEUE))

    def __attrs_post_init__(self) -> None:
        self.frames = Frames(unknown=self.wrong)

    def send(self, response: Encoded) -> None:
        """Queue it. A client that does not read is cut off."""
        if self.closed:
            return
        try:
            self._out.put_nowait(response)
        except asyncio.QueueFull:
            self.wrong["slow_reader"] += 1
            self._cut()

    def close(self) -> None:
        """After everything that is queued."""
        if not self.closed:
            self.closed = True
            if self._out.full():
                self._cut()
            else:
                self._out.put_nowait(None)

    def _cut(self) -> None:
        self.closed = True
        while not self._out.empty():
            self._out.get_nowait()
        self._out.put_nowait(None)

    async def run(self, hear: Callable[[rtc.SignalRequest], None]) -> None:
        """Until either side closes. `hear` is called with every request and does not wait."""
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(self._write())
            try:
                await self._read(hear)
            finally:
                self.closed = True
                writing.cancel()

    async def _read(self, hear: Callable[[rtc.SignalRequest], None]) -> None:
        async for message in self.socket:
            if (
                message.type is WSMsgType.ERROR
            ):  # too long, or no WebSocket's frame: it is closed already
                self.wrong["bad_frame"] += 1
                return
            if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                return
            if not self._take(message, hear):
                await self.socket.close(code=WSCloseCode.POLICY_VIOLATION)
                return
            await asyncio.sleep(0)  # frames that are there already would be read without a pause

    def _take(self, message: WSMessage, hear: Callable[[rtc.SignalRequest], None]) -> bool:
        """False: the connection must end."""
        self.bytes_in += len(message.data)
        if not self.pace.allows(self.clock(), cost=1 + len(message.data) / FREE_BYTES):
            self.wrong["too_fast"] += 1
            return False
        try:
            request = self.frames.read(message.data)
        except BadFrame as bad:
            self.wrong["bad_frame"] += 1
            logger.info("signalling ended: bad frame reason=%s", bad)
            return False
        if request is None:
            return True
        if not self.pace.allows(self.clock(), cost=self.frames.cost(request)):
            self.wrong["too_fast"] += 1
            return False
        if not self.closed:
            hear(request)
        return True

    async def _write(self) -> None:
        while (response := await self._out.get()) is not None:
            frame = self.frames.write(response)
            self.bytes_out += len(frame)
            try:
                if isinstance(frame, str):
                    await self.socket.send_str(frame)
                else:
                    await self.socket.send_bytes(frame)
            except ConnectionError:  # aiohttp: the client is gone; the reader ends by itself
                return
        await self.socket.close()
