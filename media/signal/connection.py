"""One WebSocket of one client: requests in, responses out, in order. Resuming is another connection."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMessage, WSMsgType
from attrs import define, field
from livekit.protocol import rtc

from media.pace import Pace
from media.signal.frames import BURST, PER_SECOND, BadFrame, Encoded, Frames
from media.signal.socket import Socket

logger = logging.getLogger(__name__)

#: Bytes that wait for a client that does not read; then it is cut off and comes back with a clean state.
BACKLOG = 20_000_000

#: Bytes of a request that count as one more request: an offer of 490 kB costs 47 ms (measured), so of those one client
#: may send 16 at once and two a second.
FREE_BYTES = 20_000


@define(eq=False)
class Connection:
    """Attributes:

    bytes_in, bytes_out: of frames before compression; what negotiation costs (bench).
    wrong: reasons why requests were dropped or the connection ended, counted.
    _first: what is said before `run`: the welcome, and what a newcomer is told with it. It leaves in one piece.
    """

    socket: Socket
    clock: Callable[[], float]  # seconds, monotonic
    wrong: Counter[str]
    frames: Frames = field(init=False)
    pace: Pace = field(factory=lambda: Pace(BURST, PER_SECOND))
    bytes_in: int = 0
    bytes_out: int = 0
    closed: bool = False
    _first: list[Encoded] = field(factory=list)
    _group: asyncio.TaskGroup | None = None
    _closing: asyncio.Task[bool] | None = None

    def __attrs_post_init__(self) -> None:
        self.frames = Frames(unknown=self.wrong)

    def send(self, response: Encoded) -> None:
        """Hand it to the system, or to a buffer behind it. A client that does not read is cut off."""
        if self.closed:
            return
        if self._group is None:
            self._first.append(response)
        elif self.socket.unsent > BACKLOG:
            self.wrong["slow_reader"] += 1
            self.closed = True
            self.socket.abort()
        else:
            self.socket.push(self._frame(response))

    def _frame(self, response: Encoded) -> bytes:
        frame, size = self.frames.write(response, deflated=self.socket.deflates)
        self.bytes_out += size
        return frame

    def close(self) -> None:
        """After everything that was sent."""
        if not self.closed:
            self.closed = True
            self._close()

    def _close(self) -> None:
        if self._group is not None:
            self._closing = self._group.create_task(self.socket.close())

    async def run(self, hear: Callable[[rtc.SignalRequest], None]) -> None:
        """Until either side closes. `hear` is called with every request and does not wait."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self.socket.push(b"".join(map(self._frame, self._first)))
            self._first.clear()
            if self.closed:
                self._close()
            try:
                await self._read(hear)
            finally:
                self.closed = True
                if self._closing is not None:
                    self._closing.cancel()

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
