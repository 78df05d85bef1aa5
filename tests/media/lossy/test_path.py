"""The bad network itself: what it says it does, and the same each time."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251 -- seeded
import socket
from itertools import pairwise

from tests.media.lossy.path import Path, stream
from tests.media.lossy.wire import BAD, GOOD, OUT, OVERTAKEN_S, Condition, Wire
from tests.media.world import eventually


def wire(condition: Condition, seed: int = 1) -> Wire:
    return Wire(random.Random(seed).random, condition)  # noqa: S311 -- no secret


def test_the_same_seed_is_the_same_network() -> None:
    """Two wires of one seed do the same to the same packets; another seed does something else."""
    one, same, other = (
        [each.arrivals(1000, n / 100) for n in range(500)]
        for each in (wire(BAD), wire(BAD), wire(BAD, seed=2))
    )
    assert one == same
    assert one != other


def test_a_bad_wire_is_as_bad_as_it_says() -> None:
    """5 % are lost, 1 % come twice, everything is 100 to 110 ms late, and 2 % are overtaken."""
    bad = wire(BAD)
    sent = [(n / 100, bad.arrivals(1000, n / 100)) for n in range(10_000)]
    came = [(at, arrivals) for at, arrivals in sent if arrivals]
    assert 400 < 10_000 - len(came) < 600
    assert bad.lost == 10_000 - len(came)
    assert 50 < sum(len(arrivals) == 2 for _, arrivals in came) < 150
    late = [arrivals[0] - at for at, arrivals in came]
    assert min(late) >= 0.1
    assert max(late) <= 0.11 + OVERTAKEN_S
    overtaken = sum(a[1][0] > b[1][0] for a, b in pairwise(came))
    assert 100 < overtaken < 300


def test_a_narrow_wire_keeps_little_and_loses_the_rest() -> None:
    """Of 800 kbit/s half comes through, 300 ms late once the queue is full."""
    narrow = wire(Condition(bandwidth_bps=400_000, queue_s=0.3))
    sent = [(n / 100, narrow.arrivals(1000, n / 100)) for n in range(1_000)]
    came = [(at, arrivals[0]) for at, arrivals in sent if arrivals]
    assert 490 <= len(came) <= 520
    assert narrow.crowded_out == 1_000 - len(came)
    assert 0.28 < came[-1][1] - came[-1][0] <= 0.32


def test_a_good_wire_and_one_that_is_out() -> None:
    """Nothing happens to a packet, or everything."""
    assert wire(GOOD).arrivals(1000, 5.0) == (5.0,)
    assert wire(OUT).arrivals(1000, 5.0) == ()


async def test_datagrams_take_their_line_and_a_rebind_changes_the_port() -> None:
    """Packets arrive both ways, late; after a rebind the server sees another port and its answers arrive."""
    loop = asyncio.get_running_loop()
    server, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for one in (server, client):
        one.bind(("127.0.0.1", 0))
        one.setblocking(False)
    late = Condition(delay_s=0.02)
    path = Path(lambda _: None, usual=(late, late), node=server.getsockname())
    port = path.open()
    try:
        seen = []
        for _ in range(2):
            began = loop.time()
            client.sendto(b"there", ("127.0.0.1", port))
            _, back = await loop.sock_recvfrom(server, 100)
            server.sendto(b"back", back)
            assert await loop.sock_recv(client, 100) == b"back"
            assert loop.time() - began >= 0.04
            seen.append(back)
            (name,) = path.lines
            assert path.rebind(name) == 1
        assert seen[0] != seen[1]
    finally:
        path.close()
        server.close()
        client.close()


async def test_a_stopped_stream_waits_and_loses_nothing() -> None:
    """While the way is stopped nothing comes; then everything, in order."""
    got = bytearray()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            got.extend(data)
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    host, there = server.sockets[0].getsockname()
    async with stream((host, there)) as (way, port):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(b"one ")
        await eventually(lambda: got == b"one ", "the first word")
        way.flows.clear()
        writer.write(b"two")
        await writer.drain()
        way.flows.set()
        await eventually(lambda: got == b"one two", "the second")
        writer.close()
    server.close()
