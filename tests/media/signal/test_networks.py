"""Chromium, Firefox and the Python SDK through networks that are not like the tests' own: TCP, IPv6, a relay."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from attrs import evolve, frozen

from media.signal.messages import NodeFacts
from media.transport.api import TransportSettings
from media.turn import Relay
from tests.media.signal.browser import Browsers, browsers, firefoxes
from tests.media.world import World, calls, wall
from tests.support.coturn import coturn

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.integration]


#: Kind of the client's candidate, protocol, the server's address.
Way = tuple[str, ...]


@frozen
class Clients:
    """Browsers that are open for the whole module; each test has a node of its own."""

    chromium: Browsers
    firefox: Browsers

    async def call(self, world: World, *, v1: bool = True, relay: bool = False) -> set[Way]:
        """One of each client joins and publishes; each sees and hears the two others. How the pages did."""
        chromium, firefox = (evolve(one, world=world) for one in (self.chromium, self.firefox))
        python = await world.join("python", v1=v1, relay=relay)
        chrome = await chromium.join("chrome", v1=v1, relay=relay)
        fox = await firefox.join("fox", v1=v1, relay=relay)
        await python.publish_camera()
        await python.publish_tone()
        for page in (chrome, fox):
            await page.page.evaluate("camera(true)")
            await page.page.evaluate("microphone(true)")
        for page, others in ((chrome, ("python", "fox")), (fox, ("python", "chrome"))):
            for other in others:
                await page.sees(other)
                await page.hears(other)
        for other in ("chrome", "fox"):
            await python.sees(other)
        ways = [tuple(way) for page in (chrome, fox) for way in await page.page.evaluate("ways()")]
        for page in (chrome, fox):
            await page.page.evaluate("room.disconnect()")
        return set(ways)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients() -> AsyncIterator[Clients]:
    async with calls() as world, browsers(world) as chromium, firefoxes(world) as firefox:
        yield Clients(chromium, firefox)


@contextmanager
def closed_port() -> Iterator[int]:
    """A UDP port where nobody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("v1", [False, True], ids=["v0", "v1"])
async def test_where_udp_is_shut_everything_comes_over_tcp(clients: Clients, v1: bool) -> None:
    """A school's firewall that swallows UDP: every client calls over the node's TCP port."""
    with closed_port() as nowhere:
        transport = TransportSettings(
            host="127.0.0.1",
            udp_port=0,
            tcp_port=0,
            advertised=("127.0.0.1",),
            advertised_udp_port=nowhere,
        )
        async with calls(transport=transport) as world:
            ways = await clients.call(world, v1=v1)
    assert {way[1] for way in ways} == {"tcp"}


@pytest.mark.parametrize("udp", [True, False], ids=["udp", "tcp"])
async def test_a_node_with_an_ipv6_address_only(clients: Clients, udp: bool) -> None:
    """Candidates, checks and media over IPv6, by UDP and by TCP."""
    with closed_port() as nowhere:
        transport = TransportSettings(
            host="::",
            udp_port=0,
            tcp_port=0,
            advertised=("::1",),
            advertised_udp_port=None if udp else nowhere,
        )
        async with calls(transport=transport) as world:
            ways = await clients.call(world)
    assert {way[1] for way in ways} == {"udp" if udp else "tcp"}
    assert (
        "::1" in {way[2] for way in ways} <= {"::1", ""}
    )  # Chromium hides an address that it learnt


async def test_ipv4_and_ipv6_meet_on_one_node(clients: Clients) -> None:
    """A node on both families takes clients of either."""
    transport = TransportSettings(
        host="::", udp_port=0, tcp_port=0, advertised=("127.0.0.1", "::1")
    )
    async with calls(transport=transport) as world:
        await clients.call(world)


@pytest.mark.parametrize("v1", [False, True], ids=["v0", "v1"])
async def test_everything_through_the_relay(clients: Clients, v1: bool, tmp_path: Path) -> None:
    """Clients that may use nothing but coturn see and hear each other through it."""
    with coturn(tmp_path) as turn:
        urls = tuple(f"turn:127.0.0.1:{turn.port}?transport={one}" for one in ("udp", "tcp"))
        relay = Relay(urls, turn.secret)
        facts = NodeFacts(relays=lambda: (relay.server(wall()),), sif_trailer=b"0123456789abcdef")
        async with calls(facts=facts) as world:
            ways = await clients.call(world, v1=v1, relay=True)
    assert {way[0] for way in ways} == {"relay"}
