"""A light participant's connection, whichever end begins the handshake."""

from __future__ import annotations

import asyncio
import os
from typing import cast

from attrs import define, field

from bench.light_sdp import Candidate, Theirs
from bench.light_wire import Handed, Wire

Address = tuple[str, int]


@define(eq=False)
class Between(asyncio.DatagramProtocol):
    """Passes on what one of two says to the other; who is alone is answered by nobody."""

    _ends: list[Address] = field(factory=list)
    _transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if addr not in self._ends:
            self._ends.append(addr)
        assert self._transport is not None
        for end in self._ends:
            if end != addr:
                self._transport.sendto(data, end)


async def test_the_keys_fit_whichever_end_begins() -> None:
    """Of two wires one begins, as their descriptions say; what one sends with, the other reads with."""
    loop = asyncio.get_running_loop()
    hub, _ = await loop.create_datagram_endpoint(Between, local_addr=("127.0.0.1", 0))
    port = hub.get_extra_info("sockname")[1]
    wires = [Wire(lambda _datagram, _now: None) for _ in range(2)]
    # Who is answered by somebody that begins waits for that.
    wires[0].meet(_described(wires[1], begins=False))
    wires[1].meet(_described(wires[0], begins=True))
    elsewhere, here = Candidate("192.0.2.1", 9), Candidate("127.0.0.1", port)
    for wire in wires:
        wire.reach([elsewhere, here])
    await asyncio.wait_for(asyncio.gather(*(one.connected.wait() for one in wires)), 10)
    first, second = (_handed(one) for one in wires)
    assert first.keys.profile is second.keys.profile
    assert (first.keys.tx_key, first.keys.tx_salt) == (second.keys.rx_key, second.keys.rx_salt)
    assert (first.keys.rx_key, first.keys.rx_salt) == (second.keys.tx_key, second.keys.tx_salt)
    for wire in wires:
        await wire.close(silently=True)
    hub.close()


def _described(wire: Wire, *, begins: bool) -> Theirs:
    ours = wire.ours
    return Theirs(ours.ufrag, ours.pwd, ours.fingerprint, begins)


def _handed(wire: Wire) -> Handed:
    handed = wire.hand_over()
    os.close(handed.fd)
    return handed
