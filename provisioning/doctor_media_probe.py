"""Sockets of `sferum doctor`: asks media ports as a browser does, and the relay as a client behind a strict network."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from provisioning import doctor_stun as stun

#: Seconds for an answer; a question over UDP is put three times.
ANSWER_S, TIMES = 3.0, 3
T = TypeVar("T")


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, _source: object) -> None:
        self.heard.put_nowait(data)


async def asks_media(protocol: str, address: str, port: int, ufrag: str, pwd: str) -> bool:
    """Whether the node answers an ICE check there; over TCP in the frames of RFC 4571."""
    transaction = secrets.token_bytes(12)
    check = stun.ice_check(ufrag, pwd, transaction)
    try:
        if protocol == "udp":
            heard = await _over_udp(address, port, lambda way: way.ask(check))
        else:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection(address, port)
                writer.write(struct.pack("!H", len(check)) + check)
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                heard = await reader.readexactly(length)
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    found = stun.read(heard)
    return found is not None and found[:2] == (stun.BINDING | stun.YES, transaction)


async def asks_relay(url: str, secret: str, now: float) -> str:
    """Take a relay and give it back; what is wrong, "" when nothing. `now`: seconds since 1970."""
    if not secret:
        return "secret_file"
    scheme, _, rest = url.partition(":")
    parts = urlsplit("//" + rest)
    host, port = parts.hostname or "", parts.port or (5349 if scheme == "turns" else 3478)
    over = parse_qs(parts.query).get("transport", ["tcp" if scheme == "turns" else "udp"])[0]
    try:
        if over == "udp":
            return await _over_udp(host, port, lambda way: _allocates(way, secret, now))
        context = ssl.create_default_context() if scheme == "turns" else None
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
        try:
            return await _allocates(_Tcp(reader, writer), secret, now)
        finally:
            writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        return type(error).__name__


class _Udp:
    def __init__(self, transport: asyncio.DatagramTransport, protocol: _Datagrams) -> None:
        self._transport, self._protocol = transport, protocol

    async def ask(self, question: bytes) -> bytes:
        """Raises TimeoutError: nobody answered."""
        for _ in range(TIMES):
            self._transport.sendto(question)
            try:
                async with asyncio.timeout(ANSWER_S / TIMES):
                    return await self._protocol.heard.get()
            except TimeoutError:
                continue
        raise TimeoutError


async def _over_udp(host: str, port: int, work: Callable[[_Udp], Awaitable[T]]) -> T:
    """From one port: a relay belongs to the address that asked."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        _Datagrams, remote_addr=(host, port)
    )
    try:
        return await work(_Udp(transport, protocol))
    finally:
        transport.close()


class _Tcp:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, question: bytes) -> bytes:
        self._writer.write(question)
        async with asyncio.timeout(ANSWER_S):
            head = await self._reader.readexactly(stun.HEADER.size)
            return head + await self._reader.readexactly(stun.HEADER.unpack(head)[1])


async def _allocates(way: _Udp | _Tcp, secret: str, now: float) -> str:
    first = secrets.token_bytes(12)
    found = stun.read(
        await way.ask(stun.message(stun.ALLOCATE, first, [(stun.TRANSPORT, stun.UDP)]))
    )
    if found is None or stun.REALM not in found[2] or stun.NONCE not in found[2]:
        return "no TURN server"
    known = (*stun.relay_name(secret, now), found[2][stun.REALM], found[2][stun.NONCE])
    answer = stun.read(await way.ask(stun.allocation(secrets.token_bytes(12), *known)))
    if answer is None or answer[0] != stun.ALLOCATE | stun.YES:
        return "refused"
    await way.ask(stun.allocation(secrets.token_bytes(12), *known, ends=True))
    return ""
