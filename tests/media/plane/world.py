"""A lesson on a plane, without ICE and DTLS: whose an address is, and where media goes, is said by the test."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from attrs import Factory, define

from media.forwarder.api import Want
from media.ids import PeerId, RoomName
from media.plane.api import Plane
from media.transport.api import Address, Route
from tests.media.forwarder.ends import End
from tests.media.forwarder.histories import MICROPHONE_IN, TEACHER, microphone_down, pupil, voice
from tests.media.transport.world import eventually, settings

LESSON = RoomName("lesson")


@define
class Heard:
    """A `Control` that remembers."""

    came: list[tuple[Address | Route, bytes]] = Factory(list)
    lost: list[Route] = Factory(list)

    def udp_received(self, address: Address, datagram: bytes, now: float) -> None:
        self.came.append((address, datagram))

    def tcp_received(self, route: Route, datagram: bytes, now: float) -> None:
        self.came.append((route, datagram))

    def tcp_lost(self, route: Route) -> None:
        self.lost.append(route)


@define
class Client:
    """A socket of a participant: what came to it, decrypted or as it is."""

    end: End
    port: socket.socket

    @classmethod
    def of(cls, peer: PeerId, plane: Plane) -> Client:
        port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        port.bind(("127.0.0.1", 0))
        port.connect(("127.0.0.1", plane.udp_port))
        port.setblocking(False)
        return cls(End(peer), port)

    @property
    def address(self) -> Address:
        return tuple(self.port.getsockname())

    def speak(self, number: int) -> None:
        self.port.send(self.end.protect(voice(number).packet))

    def voices(self) -> list[bytes]:
        """Payloads of RTP that have come since the last look."""
        found: list[bytes] = []
        while True:
            try:
                found += self.next()
            except BlockingIOError:
                return found

    def next(self) -> list[bytes]:
        """The payload of the next datagram, if that is RTP."""
        datagram = self.port.recv(2048)
        if 192 <= datagram[1] <= 223:
            return []
        read = self.end.read(datagram)
        assert not isinstance(read, bytes)
        return [read.payload]


@define
class Lesson:
    """A teacher who speaks, and a pupil who is steered to."""

    plane: Plane
    heard: Heard
    teacher: Client
    pupil: Client
    to_pupil: Route
    _spoken: int = 0

    async def says(self, to: Client) -> None:
        """Until it is heard there."""
        heard: list[bytes] = []

        def once_more() -> object:
            self.teacher.speak(self._spoken)
            self._spoken += 1
            heard.extend(to.voices())
            return heard

        await eventually(once_more, "the teacher is heard")

    async def settled(self) -> None:
        """Whatever was sent before has been worked on: the plane does things in order."""
        before = self.plane.stats().packets_in
        sent = 0

        def more() -> bool:
            nonlocal sent
            self.teacher.speak(self._spoken)
            self._spoken += 1
            sent += 1
            return self.plane.stats().packets_in > before + 2

        await eventually(more, "packets are taken in")


@asynccontextmanager
async def opened(make: Callable[[], Plane]) -> AsyncIterator[tuple[Plane, Heard]]:
    plane, heard = make(), Heard()
    await plane.open(settings(), heard)
    try:
        yield plane, heard
    finally:
        plane.close()


@asynccontextmanager
async def lesson(make: Callable[[], Plane]) -> AsyncIterator[Lesson]:
    async with opened(make) as (plane, heard):
        teacher, listener = Client.of(TEACHER, plane), Client.of(pupil(0), plane)
        to_pupil = plane.route_to(listener.address)
        plane.bind(plane.route_to(teacher.address), TEACHER)
        plane.bind(to_pupil, pupil(0))
        for one in (teacher, listener):
            plane.add_peer(one.end.peer, one.end.keys, LESSON)
        plane.add_track(MICROPHONE_IN)
        plane.add_downs([(microphone_down(0), Want())])
        plane.steer(pupil(0), to_pupil)
        try:
            yield Lesson(plane, heard, teacher, listener, to_pupil)
        finally:
            teacher.port.close()
            listener.port.close()
