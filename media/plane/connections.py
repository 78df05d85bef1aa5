"""TCP connections of the native plane: accepted here, read and written by the engine."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable

from attrs import define, field

from media.ids import PeerId
from media.plane.api import Control
from media.plane.engine import Engine
from media.transport import routes as limits
from media.transport.api import Address, Ignored

#: Connections accepted before the loop does something else, and the kernel's queue of those that wait.
BATCH, BACKLOG = 16, 100
#: Seconds until the next try where the process has no files left.
PAUSE_S = 1.0


@define(eq=False)
class EngineRoute:
    """`media.transport.api.Route` over an adopted connection."""

    number: int
    source: tuple[str, int] = field(repr=False)
    _engine: Engine
    _ended: Callable[[EngineRoute], None]
    owner: PeerId | None = None
    proved = True
    is_open: bool = True

    def send(self, datagram: bytes) -> Ignored | None:
        if not self.is_open:
            return Ignored.SEND_BLOCKED
        return None if self._engine.send_tcp(self.number, datagram) else Ignored.TCP_SLOW

    def close(self) -> None:
        if self.is_open:
            self._engine.close_tcp(self.number)
            self._ended(self)


@define(eq=False)
class Connections:
    """`routes` by the engine's numbers. `refused`: what ended before it was anybody's."""

    _engine: Engine
    _most: int
    _control: Control
    routes: dict[int, EngineRoute] = field(factory=dict)
    refused: Counter[Ignored] = field(factory=Counter)
    _port: socket.socket | None = None
    _pause: asyncio.TimerHandle | None = None
    _patience: dict[int, asyncio.TimerHandle] = field(factory=dict)

    def listen(self, port: socket.socket) -> None:
        port.listen(BACKLOG)
        self._port = port
        self._resume()

    def close(self) -> None:
        """No newcomers, and an end for those who are there."""
        if self._pause is not None:
            self._pause.cancel()
        if self._port is not None:
            asyncio.get_running_loop().remove_reader(self._port)
            self._port.close()
        for route in list(self.routes.values()):
            route.close()

    @property
    def port(self) -> int | None:
        return None if self._port is None else int(self._port.getsockname()[1])

    def lost(self, number: int) -> None:
        """The engine says that it has ended."""
        route = self.routes.get(number)
        if route is not None:
            self._ended(route)
            if route.owner is not None:
                self._control.tcp_lost(route)

    def _resume(self) -> None:
        if self._port is not None:
            asyncio.get_running_loop().add_reader(self._port, self._acceptable)

    def _acceptable(self) -> None:
        assert self._port is not None
        for _ in range(BATCH):
            try:
                connection, address = self._port.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no files left: it would be tried again at once, for ever
                loop = asyncio.get_running_loop()
                loop.remove_reader(self._port)
                self._pause = loop.call_later(PAUSE_S, self._resume)
                return
            with connection:
                self._adopt(connection, address)

    def _adopt(self, connection: socket.socket, address: Address) -> None:
        if len(self.routes) >= self._most:
            self.refused[Ignored.TCP_FULL] += 1
            return
        try:
            number = self._engine.adopt_tcp(connection.fileno())
        except OSError:  # it is gone already, or there is no file for it
            return
        host, port, *_ = address
        route = EngineRoute(number, (str(host), int(port)), self._engine, self._ended)
        self.routes[number] = route
        loop = asyncio.get_running_loop()
        self._patience[number] = loop.call_later(limits.TCP_PATIENCE_S, self._doubt, route)

    def _doubt(self, route: EngineRoute) -> None:
        if route.owner is None:
            self.refused[Ignored.TCP_SILENT] += 1
            route.close()

    def _ended(self, route: EngineRoute) -> None:
        route.is_open = False
        self.routes.pop(route.number, None)
        if (patience := self._patience.pop(route.number, None)) is not None:
            patience.cancel()
