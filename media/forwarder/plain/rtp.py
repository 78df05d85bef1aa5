"""RTP packets (RFC 3550 5.1) and their header extensions (RFC 8285): bytes in, values out, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from struct import Struct

from attrs import frozen

HEADER = Struct("!BBHII")  # V P X CC, M PT, sequence number, timestamp, SSRC
_EXTENSION = Struct("!HH")

ONE_BYTE = 0xBEDE
TWO_BYTE = 0x1000  # the low four bits are "appbits", ignored

#: Longest RTP packet that we send, bytes before encryption: pylibsrtp's limit, and with SRTP's tag, UDP and IP it fits
#: a path of 1,400.
MAX_PACKET = 1_356
#: Longest payload that is forwarded. Browsers' packets are 1,200 in all, aiortc's payloads 1,302; a header with the
#: few extensions that every packet has, and RTX's two bytes, still fit beside it.
MAX_PAYLOAD = 1_310


class Malformed(ValueError):
    """The bytes are not what the RFC says. The message is stable."""


@frozen(eq=False)
class RtpPacket:
    """One packet, padding removed."""

    payload_type: int
    marker: bool
    sequence: int  # uint16, as received
    timestamp: int  # uint32
    ssrc: int
    elements: Mapping[int, bytes]  # header extension elements by id
    payload: bytes


def parse_rtp(data: bytes) -> RtpPacket:
    """The decrypted packet.

    Raises:
        Malformed: not RTP version 2, or a length in it points past its end.
    """
    size = len(data)
    if size < 12:
        raise Malformed("shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise Malformed("not RTP version 2")
    start = 12 + 4 * (first & 0x0F)
    elements: Mapping[int, bytes] = _NOTHING
    if first & 0x10:
        if size < start + 4:
            raise Malformed("header extension is cut off")
        profile, words = _EXTENSION.unpack_from(data, start)
        block = start + 4
        start = block + 4 * words
        if start > size:
            raise Malformed("header extension is cut off")
        elements = read_elements(profile, data[block:start])
    elif start > size:
        raise Malformed("CSRC list is cut off")
    if first & 0x20:
        padding = data[-1]
        if padding == 0 or start + padding > size:
            raise Malformed("padding is longer than the packet")
        size -= padding
    return RtpPacket(
        second & 0x7F, second > 127, sequence, timestamp, ssrc, elements, data[start:size]
    )


def payload_at(data: bytes) -> int:
    """Where the payload of a packet begins that `parse_rtp` took."""
    at = 12 + 4 * (data[0] & 0x0F)
    return at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4], "big") if data[0] & 0x10 else at


def unwrap_rtx(data: bytes, payload_type: int, ssrc: int) -> bytes:
    """The packet that one of RTX brings again (RFC 4588 4), with the extensions and the padding of that.

    `data` is what `parse_rtp` took, with more than two bytes of payload.
    """
    at = payload_at(data)
    second = bytes((data[1] & 0x80 | payload_type,))
    head = data[:1] + second + data[at : at + 2] + data[4:8] + ssrc.to_bytes(4, "big")
    return head + data[12:at] + data[at + 2 :]


_NOTHING: Mapping[int, bytes] = {}


def read_elements(profile: int, block: bytes) -> dict[int, bytes]:
    """Extension elements by id; of an id that comes twice the last. Other profiles have none that we know.

    Raises:
        Malformed: an element is longer than the block.
    """
    elements: dict[int, bytes] = {}
    two_byte = profile & 0xFFF0 == TWO_BYTE
    if profile != ONE_BYTE and not two_byte:
        return elements
    at, size = 0, len(block)
    while at < size:
        first = block[at]
        if first == 0:  # padding between elements
            at += 1
            continue
        if two_byte:
            if at + 2 > size:
                raise Malformed("extension element is cut off")
            id_, length = first, block[at + 1]
            at += 2
        else:
            id_, length = first >> 4, (first & 0x0F) + 1
            if id_ == 15:  # RFC 8285 4.2: stop reading here
                break
            at += 1
        if at + length > size:
            raise Malformed("extension element is cut off")
        if id_:
            elements[id_] = block[at : at + length]
        at += length
    return elements


def write_elements(elements: Iterable[tuple[int, bytes]]) -> bytes:
    """The extension block with its header and padding; empty without elements.

    One-byte elements when all fit (1 to 16 bytes), else two-byte ones, as `extmap-allow-mixed` lets us.
    """
    known = [(id_, value) for id_, value in elements if id_]
    if not known:
        return b""
    if all(0 < len(value) <= 16 for _, value in known):
        body = b"".join(bytes((id_ << 4 | len(value) - 1,)) + value for id_, value in known)
        profile = ONE_BYTE
    else:
        body = b"".join(bytes((id_, len(value))) + value for id_, value in known)
        profile = TWO_BYTE
    body += bytes(-len(body) % 4)
    return _EXTENSION.pack(profile, len(body) // 4) + body


def write_header(
    *, marker: bool, payload_type: int, sequence: int, timestamp: int, ssrc: int, extensions: bytes
) -> bytes:
    """Header without padding and CSRCs; `extensions` as `write_elements` makes them."""
    return (
        HEADER.pack(
            0x90 if extensions else 0x80,
            payload_type | 0x80 if marker else payload_type,
            sequence & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            ssrc,
        )
        + extensions
    )
