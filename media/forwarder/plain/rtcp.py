"""RTCP (RFC 3550 6, RFC 4585 6, RFC 5104 4.3.1, REMB draft): compound packets to values.

What a forwarder has no use for (SDES, APP, XR, other feedback) is checked for its length and left out.
"""

from __future__ import annotations

from struct import Struct

from attrs import frozen

from media.forwarder.plain.arrivals import Arrivals, read_arrivals
from media.forwarder.plain.rtp import Malformed

SR, RR, SDES, BYE, APP, RTPFB, PSFB = 200, 201, 202, 203, 204, 205, 206
NACK, TWCC = 1, 15  # formats of RTPFB
PLI, FIR, ALFB = 1, 4, 15  # formats of PSFB

#: Numbers taken from one NACK packet; more is a flood. RFC 4585's items carry up to 17.
MOST_NACKED = 256

HEADER = Struct("!BBH")
SENDER = Struct("!IQIII")  # SSRC, NTP, RTP, packets, octets
BLOCK = Struct("!IIIIII")


@frozen
class ReportBlock:
    """RFC 3550 6.4.1."""

    ssrc: int
    fraction_lost: int  # of 256, since the last report
    packets_lost: int  # signed
    highest_sequence: int  # extended
    jitter: int  # RTP units
    last_sr: int  # middle 32 bits of NTP
    delay_since_last_sr: int  # 1/65536 s


@frozen
class SenderReport:
    ssrc: int
    ntp: int  # 32.32 bits
    rtp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@frozen
class ReceiverReport:
    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@frozen
class Bye:
    ssrcs: tuple[int, ...]


@frozen
class KeyframeWish:
    """A PLI, or an entry of a FIR: the same to a forwarder."""

    ssrc: int


@frozen
class Nack:
    ssrc: int
    sequences: tuple[int, ...]  # uint16


@frozen
class Remb:
    """draft-alvestrand-rmcat-remb-03 2.2."""

    bitrate_bps: int
    ssrcs: tuple[int, ...] = ()


RtcpItem = SenderReport | ReceiverReport | Bye | KeyframeWish | Nack | Remb | Arrivals


def parse_rtcp(data: bytes) -> list[RtcpItem]:
    """A compound packet, or a reduced-size one (RFC 5506).

    Raises:
        Malformed: a length in it does not fit; nothing of it may be used then.
    """
    items: list[RtcpItem] = []
    at = 0
    while at < len(data):
        if at + 4 > len(data):
            raise Malformed("shorter than an RTCP header")
        first, kind, words = HEADER.unpack_from(data, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2:
            raise Malformed("not RTCP version 2")
        if end > len(data):
            raise Malformed("RTCP packet is cut off")
        body = data[at + 4 : end]
        if first & 0x20:
            if not body or body[-1] == 0 or body[-1] > len(body):
                raise Malformed("padding is longer than the packet")
            body = body[: -body[-1]]
        items += _packet(first & 0x1F, kind, body)
        at = end
    if not data:
        raise Malformed("shorter than an RTCP header")
    return items


def _packet(count: int, kind: int, body: bytes) -> list[RtcpItem]:
    match kind:
        case 200:
            if len(body) < 24:
                raise Malformed("sender report is cut off")
            ssrc, ntp, rtp, packets, octets = SENDER.unpack_from(body)
            return [SenderReport(ssrc, ntp, rtp, packets, octets, _blocks(body, 24, count))]
        case 201:
            if len(body) < 4:
                raise Malformed("receiver report is cut off")
            return [ReceiverReport(int.from_bytes(body[:4], "big"), _blocks(body, 4, count))]
        case 203:
            if len(body) < 4 * count:
                raise Malformed("BYE is cut off")
            return [Bye(_words(body, 0, count))]
        case 205 | 206:
            if len(body) < 8:
                raise Malformed("feedback is cut off")
            return _feedback(kind, count, body)
        case _:
            return []


def _blocks(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...]:
    if len(body) < start + 24 * count:
        raise Malformed("report block is cut off")
    blocks = []
    for at in range(start, start + 24 * count, 24):
        ssrc, loss, highest, jitter, last, delay = BLOCK.unpack_from(body, at)
        lost = loss & 0xFFFFFF
        signed = lost - (1 << 24) if lost & 0x800000 else lost
        blocks.append(ReportBlock(ssrc, loss >> 24, signed, highest, jitter, last, delay))
    return tuple(blocks)


def _feedback(kind: int, form: int, body: bytes) -> list[RtcpItem]:
    source = int.from_bytes(body[4:8], "big")
    if kind == RTPFB:
        if form == TWCC:
            return [read_arrivals(body[8:])]
        return [Nack(source, _nacked(body[8:]))] if form == NACK else []
    if form == PLI:
        return [KeyframeWish(source)]
    if form == FIR:
        return [
            KeyframeWish(int.from_bytes(body[at : at + 4], "big"))
            for at in range(8, len(body) - 7, 8)
        ]
    if form == ALFB and body[8:12] == b"REMB":
        return [_remb(body)]
    return []


def _nacked(items: bytes) -> tuple[int, ...]:
    """RFC 4585 6.2.1: a number, and a mask of the 16 after it."""
    numbers: list[int] = []
    for at in range(0, len(items) - 3, 4):
        first = int.from_bytes(items[at : at + 2], "big")
        mask = int.from_bytes(items[at + 2 : at + 4], "big")
        numbers.append(first)
        numbers += [(first + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
        if len(numbers) >= MOST_NACKED:
            break
    return tuple(numbers[:MOST_NACKED])


def _remb(body: bytes) -> Remb:
    if len(body) < 16 or len(body) < 16 + 4 * body[12]:
        raise Malformed("REMB is cut off")
    exponent = body[13] >> 2
    mantissa = (body[13] & 0x03) << 16 | body[14] << 8 | body[15]
    return Remb(mantissa << exponent, _words(body, 16, body[12]))


def _words(body: bytes, start: int, count: int) -> tuple[int, ...]:
    return tuple(
        int.from_bytes(body[at : at + 4], "big") for at in range(start, start + 4 * count, 4)
    )
