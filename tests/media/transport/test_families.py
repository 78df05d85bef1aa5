"""A node on `::` is reached over IPv4 and IPv6, by UDP and by TCP."""

from __future__ import annotations

import asyncio

import pytest

from tests.media.transport.world import CERTIFICATE, joined, listen, settings

pytestmark = pytest.mark.usefixtures("planes")


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_a_client_of_ipv4_connects_to_a_node_on_both_families(tcp: bool) -> None:
    """Whoever has IPv4 alone is connected."""
    async with listen(settings(host="::", advertised=("127.0.0.1", "::1")), CERTIFICATE) as node:
        client, _ = await joined(node, tcp=tcp)
        await client.close()


async def test_the_tcp_port_answers_on_both_families() -> None:
    """One port for everyone: asyncio's own `::` would be IPv6 alone."""
    async with listen(settings(host="::", advertised=("127.0.0.1", "::1")), CERTIFICATE) as node:
        for host in ("127.0.0.1", "::1"):
            _, writer = await asyncio.open_connection(host, node.tcp_port)
            writer.close()
            await writer.wait_closed()
