"""A bad network between clients and a node: a relay for its UDP port, and one for its TCP port (WebSockets).

Clients are told the relay's port and never see the node's; the node sees each client's address as one of the relay's,
as behind a NAT. Whose line a datagram takes is learnt from the ufrag of the first check. Runs in the test's loop.
"""

from __future__ import annotations

import asyncio
import heapq
import random  # noqa: TID251 -- seeded: the dice of the network
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

from attrs import Factory, define, field

from media.transport import sockets
from media.transport.binding import ufrag_of
from tests.media.lossy.wire import GOOD, Condition, Wire
from tests.media.world import eventually

Address = tuple[Any, ...]
#: Datagrams taken before the loop does something else; those of a keyframe come at once.
BATCH = 64


@define(eq=False)
class Line:
    """Of one person, over all their connections."""

    up: Wire
    down: Wire

    def set(self, up: Condition, down: Condition) -> None:
        self.up.condition, self.down.condition = up, down


@define(eq=False)
class Flow:
    """One address of a client, and the socket under which the node sees it."""

    client: Address
    outside: socket.socket
    line: Line | None = None


@define(eq=False)
class Path:
    """`whose` tells the name behind a ufrag; whom it does not know has a line without a name.

    Attributes:
        node: where the datagrams go in the end; set once the node is there.
        usual: of lines that begin from now on, up and down.
    """

    whose: Callable[[str], str | None]
    seed: int = 1
    usual: tuple[Condition, Condition] = (GOOD, GOOD)
    node: Address = ("127.0.0.1", 0)
    lines: dict[str, Line] = Factory(dict)
    _inside: socket.socket = field(init=False)
    _flows: dict[Address, Flow] = Factory(dict)
    _due: list[tuple[float, int, socket.socket, bytes, Address]] = Factory(list)
    _numbers: count[int] = Factory(count)
    _timer: asyncio.TimerHandle | None = None
    _loop: asyncio.AbstractEventLoop = Factory(asyncio.get_running_loop)

    def open(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen for clients; the port."""
        self._inside = sockets.udp(host, port)
        self._loop.add_reader(self._inside, self._from_clients)
        return int(self._inside.getsockname()[1])

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for flow in self._flows.values():
            self._shut(flow)
        self._loop.remove_reader(self._inside)
        self._inside.close()

    def line(self, name: str) -> Line:
        """Somebody's, before or after they came."""
        known = self.lines.get(name)
        if known is None:
            up, down = self.usual
            known = self.lines[name] = Line(
                Wire(self._dice(name, "up"), up), Wire(self._dice(name, "down"), down)
            )
        return known

    def _dice(self, name: str, way: str) -> Callable[[], float]:
        return random.Random(f"{self.seed} {name} {way}").random  # noqa: S311 -- no secret

    def rebind(self, name: str) -> int:
        """The NAT gives somebody other ports: the node sees them come from elsewhere. How many changed."""
        line, changed = self.line(name), 0
        for flow in self._flows.values():
            if flow.line is line:
                self._shut(flow)
                flow.outside = self._outside(flow)
                changed += 1
        return changed

    # --- datagrams

    def _from_clients(self) -> None:
        now = self._loop.time()
        for _ in range(BATCH):
            try:
                datagram, client = self._inside.recvfrom(sockets.LONGEST)
            except OSError:
                return
            flow = self._flows.get(client)
            if flow is None:
                flow = self._flows[client] = Flow(client, self._inside)
                flow.outside = self._outside(flow)
            if flow.line is None:
                ufrag = ufrag_of(datagram)
                name = self.whose(ufrag) if isinstance(ufrag, str) else None
                flow.line = self.line(name or f"{client[0]}:{client[1]}")
            self._carry(flow.line.up, flow.outside, datagram, self.node, now)

    def _from_node(self, flow: Flow) -> None:
        now = self._loop.time()
        for _ in range(BATCH):
            try:
                datagram = flow.outside.recv(sockets.LONGEST)
            except OSError:
                return
            if flow.line is not None:
                self._carry(flow.line.down, self._inside, datagram, flow.client, now)

    def _outside(self, flow: Flow) -> socket.socket:
        opened = sockets.udp("127.0.0.1", 0)
        self._loop.add_reader(opened, self._from_node, flow)
        return opened

    def _shut(self, flow: Flow) -> None:
        self._loop.remove_reader(flow.outside)
        flow.outside.close()

    def _carry(
        self, wire: Wire, by: socket.socket, datagram: bytes, to: Address, now: float
    ) -> None:
        for at in wire.arrivals(len(datagram), now):
            if at <= now:
                _send(by, datagram, to)
            else:
                heapq.heappush(self._due, (at, next(self._numbers), by, datagram, to))
        self._wake()

    def _wake(self) -> None:
        if not self._due:
            return
        at = self._due[0][0]
        if self._timer is None or self._timer.cancelled() or self._timer.when() > at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(at, self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._due and self._due[0][0] <= now:
            _, _, by, datagram, to = heapq.heappop(self._due)
            _send(by, datagram, to)
        self._wake()


def _send(by: socket.socket, datagram: bytes, to: Address) -> None:
    with suppress(OSError):  # closed by a rebind meanwhile, or full: lost, as on a network
        by.sendto(datagram, to)


@define(eq=False)
class Stream:
    """The way of WebSockets. While it is stopped everything waits, as TCP waits for a network that is gone."""

    to: tuple[str, int]
    delay_s: float = 0.0
    flows: asyncio.Event = Factory(asyncio.Event)
    open: set[asyncio.StreamWriter] = Factory(set)

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self.to)
        self.open.update((writer, back))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pass_on(reader, back))
            group.create_task(self._pass_on(there, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await asyncio.sleep(self.delay_s)
                await self.flows.wait()
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()
        self.open.discard(writer)

    def cut(self) -> None:
        """Every connection ends, without a word of those who had it."""
        for writer in self.open:
            writer.transport.abort()

    async def end(self) -> None:
        """Wait until nothing is open any more."""
        self.flows.set()
        self.cut()
        await eventually(lambda: not self.open, "connections end")


@asynccontextmanager
async def stream(to: tuple[str, int], delay_s: float = 0.0) -> AsyncIterator[tuple[Stream, int]]:
    """A relay for a TCP port, and its own port."""
    made = Stream(to, delay_s)
    made.flows.set()
    server = await asyncio.start_server(made.meet, "127.0.0.1", 0)
    try:
        yield made, int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await made.end()
