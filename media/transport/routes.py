"""Ways back to a client: an address of the UDP socket, or a TCP connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from attrs import define, field

from media.ids import PeerId
from media.transport.api import Address, Ignored
from media.transport.framing import BadFrame, Framer, frame

#: Bytes that may wait for a client behind TCP: a second of video. More is late anyway and is dropped.
TCP_BACKLOG = 256 * 1024
#: Seconds until a new connection must have brought a valid check.
TCP_PATIENCE_S = 10.0


@define(eq=False)
class UdpRoute:
    _socket: socket.socket
    address: Address = field(repr=False)
    owner: PeerId | None = None
    proved = False

    @property
    def source(self) -> tuple[str, int]:
        return str(self.address[0]), int(self.address[1])

    def send(self, datagram: bytes) -> Ignored | None:
        try:
            self._socket.sendto(datagram, self.address)
        except OSError:  # the buffer is full, or there is no way (any more)
            return Ignored.SEND_BLOCKED
        return None

    def close(self) -> None:
        """An address is no connection."""


class TcpRoute(asyncio.Protocol):
    """A connection that a client made to the TCP port. Told packets go to `received`, its end to `lost`."""

    proved = True

    def __init__(
        self,
        received: Callable[[TcpRoute, bytes], None],
        opened: Callable[[TcpRoute], bool],
        lost: Callable[[TcpRoute], None],
        refused: Callable[[Ignored], None],
    ) -> None:
        self._received = received
        self._opened = opened
        self._lost = lost
        self._refused = refused
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._impatience: asyncio.TimerHandle | None = None
        self.owner: PeerId | None = None

    @property
    def source(self) -> tuple[str, int]:
        assert self._transport is not None, "not before the connection is made"
        host, port, *_ = self._transport.get_extra_info("peername")
        return str(host), int(port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._opened(self):
            self._refused(Ignored.TCP_FULL)
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._impatience = loop.call_later(TCP_PATIENCE_S, self._lose_patience)

    def data_received(self, data: bytes) -> None:
        try:
            for packet in self._framer.feed(data):
                self._received(self, packet)
        except BadFrame:
            self._refused(Ignored.TCP_MALFORMED)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
        self._lost(self)

    def send(self, datagram: bytes) -> Ignored | None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return Ignored.SEND_BLOCKED
        if transport.get_write_buffer_size() > TCP_BACKLOG:
            return Ignored.TCP_SLOW
        transport.write(frame(datagram))
        return None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _lose_patience(self) -> None:
        if self.owner is None:
            self._refused(Ignored.TCP_SILENT)
            self.close()
