"""Sockets and the candidates that tell of them."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

from media.sdp.values import Candidate

#: Bytes; a datagram that fills this was longer. WebRTC sends 1,200 or a little more.
LONGEST = 2048
#: Bytes that the kernel keeps while the loop is busy: 50 ms of 300 Mbit/s.
BUFFER = 2 * 1024 * 1024

#: Seconds for which a datagram can have waited; more than that is the clock, which was set.
MOST_WAITED_S = 2.0
#: Linux' number, where Python has no name: socket(7), of `struct timespec`.
_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)
_TIMESPEC = struct.Struct("@ll")
#: Bytes for `waited_s` to be read from.
TIME_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)

# Priorities of RFC 8445 5.1.2.1: UDP as a host's, TCP below everything that UDP can be.
_UDP_TYPE = 126
_TCP_TYPE = 90


def udp(host: str, port: int) -> socket.socket:
    """One socket for everybody, of both families where `host` is `::`.

    Raises:
        OSError: the port is taken, or the address is not ours.
    """
    return _bound_udp(host, port, shared=False)


def _bound_udp(host: str, port: int, *, shared: bool) -> socket.socket:
    opened = _both_families(host, socket.SOCK_DGRAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened


def receive_times(udp: socket.socket) -> None:
    """The kernel says of each datagram when it came, where it can."""
    with suppress(OSError):
        udp.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)


def waited_s(told: Iterable[tuple[int, int, bytes]], real_ns: int) -> float:
    """How long a datagram lay in the kernel: what `recvmsg` told beside it, and `time.time_ns` when it was taken.

    0 to `MOST_WAITED_S`; 0 where the kernel says nothing.
    """
    for level, kind, data in told:
        if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMPNS) and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            waited_ns: int = real_ns - seconds * 1_000_000_000 - nanoseconds
            return min(max(0.0, waited_ns * 1e-9), MOST_WAITED_S)
    return 0.0


def shared_udp(host: str, port: int, count: int) -> list[socket.socket]:
    """So many sockets of one port; the kernel gives every address to one of them (SO_REUSEPORT).

    Raises:
        OSError: the port is taken, or the address is not ours.
    """
    first = udp(host, port)
    if count == 1:
        return [first]
    port = first.getsockname()[1]
    first.close()  # it has found out that nobody else has the port: whoever shares does not learn it
    opened: list[socket.socket] = []
    try:
        while len(opened) < count:
            opened.append(_bound_udp(host, port, shared=True))
    except OSError:
        for one in opened:
            one.close()
        raise
    return opened


def tcp(host: str, port: int) -> socket.socket:
    """The same for connections, not listening yet: asyncio would make one of IPv6 alone of `::`.

    Raises:
        OSError: the port is taken, or the address is not ours.
    """
    opened = _both_families(host, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened


def _both_families(host: str, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, kind)
    opened.setblocking(False)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    return opened


def candidates(hosts: Iterable[str], udp_port: int, tcp_port: int | None) -> tuple[Candidate, ...]:
    """A host candidate for each address, UDP first, then passive TCP (RFC 6544)."""
    hosts = tuple(hosts)
    over_udp = [
        Candidate(
            foundation=str(number),
            protocol="udp",
            priority=_priority(_UDP_TYPE, number),
            host=host,
            port=udp_port,
        )
        for number, host in enumerate(hosts, 1)
    ]
    if tcp_port is None:
        return tuple(over_udp)
    over_tcp = [
        Candidate(
            foundation=str(number),
            protocol="tcp",
            priority=_priority(_TCP_TYPE, number),
            host=host,
            port=tcp_port,
            tcp_type="passive",
        )
        for number, host in enumerate(hosts, len(hosts) + 1)
    ]
    return (*over_udp, *over_tcp)


def _priority(kind: int, number: int) -> int:
    """RFC 8445 5.1.2.1; the first address first."""
    return (kind << 24) + ((65536 - number) << 8) + 255
