"""A sender of malformed datagrams, as many a second as it is told: `-m tests.media.hostile.flood PORT SECONDS RATE`.

The kernel cuts each message into datagrams (UDP_SEGMENT, Linux 4.18): a process of Python makes 50,000 a second.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from random import Random  # noqa: TID251 -- seeded: the same flood in every run

#: <netinet/udp.h>; Python has no name for it.
UDP_SEGMENT = 103
#: Datagrams of one message, and their sizes.
SEGMENTS, SIZES = 60, (20, 45, 150, 260)
#: First bytes: STUN's, DTLS's, RTP's, RTCP's, nobody's.
FIRSTS = (
    b"\x00\x01",
    b"\x00\x01\x00\x08\x21\x12\xa4\x42",
    b"\x16\xfe\xfd",
    b"\x80\x6f",
    b"\x81\xc9",
    b"\x05",
)


def messages() -> list[tuple[bytes, int]]:
    """Each with the size of its datagrams."""
    chance = Random(20261128)  # noqa: S311 -- tests
    made = []
    for number in range(96):
        size = SIZES[number % len(SIZES)]
        parts = [
            (FIRSTS[(number + part) % len(FIRSTS)] + chance.randbytes(size))[:size]
            for part in range(SEGMENTS)
        ]
        made.append((b"".join(parts), size))
    return made


async def flood(port: int, seconds: float, rate: int) -> int:
    """From sixteen addresses; how many were sent."""
    sockets = []
    for number in range(16):
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((f"127.0.3.{number + 1}", 0))
        opened.connect(("127.0.0.1", port))
        sockets.append(opened)
    clock, made, sent, turn = asyncio.get_running_loop().time, messages(), 0, 0
    began = clock()
    while (passed := clock() - began) < seconds:
        while sent < rate * passed:
            data, size = made[turn % len(made)]
            cut = [(socket.IPPROTO_UDP, UDP_SEGMENT, size.to_bytes(2, sys.byteorder))]
            sockets[turn % len(sockets)].sendmsg([data], cut)
            sent += SEGMENTS
            turn += 1
        await asyncio.sleep(0.001)
    return sent


if __name__ == "__main__":
    print(asyncio.run(flood(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
