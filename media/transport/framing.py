"""Packets on a TCP connection: two bytes of length before each (RFC 4571). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import Factory, define

#: Bytes. Clients send what would fit an Ethernet frame; whoever announces more speaks something else.
MAX_FRAME = 2048


class BadFrame(ValueError):
    """The stream cannot be read any further."""


@define
class Framer:
    """Cuts a stream into packets; holds at most one incomplete frame."""

    _rest: bytes = Factory(bytes)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Packets that are complete now, to be taken all. Empty ones are left out.

        Raises:
            BadFrame: longer than `MAX_FRAME`, after the packets before it; close the connection.
        """
        data = self._rest + data
        at = 0
        while len(data) - at >= 2:
            size = (data[at] << 8) | data[at + 1]
            if size > MAX_FRAME:
                raise BadFrame(f"a frame of {size} bytes, above {MAX_FRAME}")
            if len(data) - at - 2 < size:
                break
            at += 2 + size
            if size:
                yield data[at - size : at]
        self._rest = data[at:]


def frame(packet: bytes) -> bytes:
    return len(packet).to_bytes(2, "big") + packet
