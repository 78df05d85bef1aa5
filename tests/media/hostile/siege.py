"""A real call whose datagrams pass through the test's hands, its figures, and how long its server's loop was busy."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from attrs import Factory, define
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from media.metrics import CallFigures, Look
from media.plane.api import Plane
from media.transport.api import TransportSettings
from tests.media.world import Guest, World, calls, eventually

#: Seconds that the loop may be busy with one thing, on a machine whose two cores are busy too.
LONGEST_BUSY_S = 3.0
#: Bytes by which this process may grow: guests, attackers and server are in it.
MOST_GROWTH = 250 * 1024 * 1024


class Way(asyncio.DatagramProtocol):
    """Between the guests and the node; each guest has a socket of its own towards the node."""

    def __init__(self) -> None:
        self.seen: deque[tuple[Any, bytes]] = deque(maxlen=5_000)
        self.node = ("127.0.0.1", 0)
        self._door: asyncio.DatagramTransport | None = None
        self._onwards: dict[Any, socket.socket] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._door = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.seen.append((addr, data))
        self.forward(data, addr)

    def forward(self, data: bytes, guest: Any) -> None:
        """As if the guest sent it: the node sees the guest's own address."""
        out = self._onwards.get(guest)
        if out is None:
            out = self._onwards[guest] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            out.setblocking(False)
            out.connect(self.node)
            asyncio.get_running_loop().add_reader(out, self._back, out, guest)
        try:
            out.send(data)
        except OSError:  # as networks lose
            return

    def _back(self, out: socket.socket, guest: Any) -> None:
        assert self._door is not None
        for _ in range(64):
            try:
                self._door.sendto(out.recv(4096), guest)
            except OSError:
                return

    def captured(self, wanted: Callable[[bytes], bool]) -> list[tuple[Any, bytes]]:
        return [(guest, data) for guest, data in self.seen if wanted(data)]

    def close(self) -> None:
        for out in self._onwards.values():
            asyncio.get_running_loop().remove_reader(out)
            out.close()
        if self._door is not None:
            self._door.close()


def is_stun_request(data: bytes) -> bool:
    return data[:2] == b"\x00\x01"


def is_dtls(data: bytes) -> bool:
    return 20 <= data[0] <= 63


def is_rtcp(data: bytes) -> bool:
    return 128 <= data[0] <= 191 and 192 <= data[1] <= 223


def is_rtp(data: bytes) -> bool:
    return 128 <= data[0] <= 191 and not is_rtcp(data)


@define
class Siege:
    """`anna` is seen by `boris`, whatever others do."""

    world: World
    way: Way
    anna: Guest
    boris: Guest
    longest_busy_s: float = 0.0
    before: int = 0
    attacks: list[str] = Factory(list)

    def figure(self, family: str, why: str) -> float:
        """Of `/metrics`."""
        return figures(self.world).get((f"sferum_media_{family}_total", why), 0.0)

    async def withstands(
        self,
        name: str,
        attack: Callable[[], Awaitable[object]],
        *counted: tuple[str, str],
    ) -> None:
        """The attack is counted under each of these (family, reason); pictures still come, and nothing stands still."""
        before = {one: self.figure(*one) for one in counted}
        self.longest_busy_s = 0.0
        await attack()
        for one, count in before.items():
            await eventually(
                lambda one=one, count=count: self.figure(*one) > count,  # type: ignore[misc]
                f"{name} is counted as {one}; {self.world.node.services.wrong}",
                30,
            )
        await self.boris.sees("anna", 3)
        busy, grown = self.longest_busy_s, memory() - self.before
        assert busy < LONGEST_BUSY_S, f"{name}: the loop was busy for {busy:.1f} s"
        assert grown < MOST_GROWTH, f"{name}: {grown} bytes more"
        assert self.world.node.services.plane.faults == 0, f"{name}: the forwarder met a bug"
        assert self.world.node.services.listener._faults == 0, f"{name}: a packet met a bug"  # type: ignore[attr-defined]
        assert not self.world.node.services.wrong["bug"], f"{name}: a room met a bug"
        assert {"reconnecting", "disconnected"}.isdisjoint(self.boris.happened), name

    async def watch(self) -> None:
        """For ever: how late a pause of 20 ms ends."""
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            await asyncio.sleep(0.02)
            self.longest_busy_s = max(self.longest_busy_s, clock() - began - 0.02)


def memory() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def figures(world: World) -> dict[tuple[str, str], float]:
    """What `/metrics` says, by name and the one label."""
    services, halls = world.node.services, list(world.node.halls.values())
    registry = CollectorRegistry()
    registry.register(
        CallFigures(
            lambda: Look(
                rooms=len(halls),
                participants=sum(len(hall.clients) for hall in halls),
                tracks=sum(len(hall.tracks) for hall in halls),
                peers=services.listener.peers,
                forwarder=services.plane.stats(),
                ignored=services.listener.ignored(),
                tokens={},
                leaves={},
                wrong=services.wrong,
                hooks={},
                draining=False,
            )
        )
    )
    text = generate_latest(registry).decode()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@asynccontextmanager
async def siege(plane: Plane | None = None) -> AsyncIterator[Siege]:
    """Anna's camera and voice reach Boris. `plane`: another one than the usual."""
    way = Way()
    door, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: way, local_addr=("127.0.0.1", 0)
    )
    transport = TransportSettings(
        host="127.0.0.1",
        udp_port=0,
        tcp_port=0,
        advertised=("127.0.0.1",),
        advertised_udp_port=door.get_extra_info("sockname")[1],
    )
    try:
        async with calls(transport=transport, plane=plane) as world:
            way.node = ("127.0.0.1", world.node.services.listener.udp_port)  # type: ignore[attr-defined]
            anna, boris = await world.join("anna"), await world.join("boris")
            await anna.publish_camera(320, 180, simulcast=False)
            await anna.publish_tone()
            await boris.sees("anna")
            await boris.hears("anna")
            besieged = Siege(world, way, anna, boris, before=memory())
            watching = asyncio.ensure_future(besieged.watch())
            try:
                yield besieged
            finally:
                watching.cancel()
    finally:
        way.close()
