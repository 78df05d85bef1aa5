"""RTCP to bytes; what is parsed is in `rtcp.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct

from media.forwarder.plain.rtcp import (
    ALFB,
    BLOCK,
    BYE,
    HEADER,
    NACK,
    PLI,
    PSFB,
    RR,
    RTPFB,
    SDES,
    SENDER,
    SR,
    ReceiverReport,
    Remb,
    ReportBlock,
    SenderReport,
)

#: Our own SSRC in what we send as a receiver: libwebrtc's choice too for an end that sends no media.
OWN_SSRC = 1

_FEEDBACK = Struct("!II")  # sender, media source


def packet(count: int, kind: int, body: bytes) -> bytes:
    """One RTCP packet around a body of whole 32-bit words."""
    return HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def build_sr(report: SenderReport) -> bytes:
    sender = SENDER.pack(report.ssrc, report.ntp, report.rtp, report.packets, report.octets)
    return packet(len(report.blocks), SR, sender + _build_blocks(report.blocks))


def build_rr(report: ReceiverReport) -> bytes:
    """At most 31 blocks."""
    blocks = _build_blocks(report.blocks)
    return packet(len(report.blocks), RR, report.ssrc.to_bytes(4, "big") + blocks)


def _build_blocks(blocks: Iterable[ReportBlock]) -> bytes:
    return b"".join(
        BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | block.packets_lost & 0xFFFFFF,
            block.highest_sequence,
            block.jitter,
            block.last_sr,
            block.delay_since_last_sr,
        )
        for block in blocks
    )


def build_cname(ssrc: int, cname: str) -> bytes:
    """SDES with the one item that RFC 3550 demands; `cname` up to 255 bytes."""
    name = cname.encode()[:255]
    chunk = ssrc.to_bytes(4, "big") + bytes((1, len(name))) + name
    return packet(1, SDES, chunk + bytes(4 - len(chunk) % 4))


def build_bye(ssrc: int) -> bytes:
    return packet(1, BYE, ssrc.to_bytes(4, "big"))


def build_pli(ssrc: int) -> bytes:
    return packet(PLI, PSFB, _FEEDBACK.pack(OWN_SSRC, ssrc))


def build_nack(ssrc: int, sequences: Sequence[int]) -> bytes:
    """`sequences` unrolled, ascending, not empty."""
    items: list[tuple[int, int]] = []
    for seq in sequences:
        if items and 0 < seq - items[-1][0] <= 16:
            first, mask = items[-1]
            items[-1] = (first, mask | 1 << (seq - first - 1))
        else:
            items.append((seq, 0))
    fci = b"".join(((first & 0xFFFF) << 16 | mask).to_bytes(4, "big") for first, mask in items)
    return packet(NACK, RTPFB, _FEEDBACK.pack(OWN_SSRC, ssrc) + fci)


def build_remb(remb: Remb) -> bytes:
    """The bitrate is rounded down to 18 bits of mantissa."""
    exponent = max(0, remb.bitrate_bps.bit_length() - 18)
    mantissa = remb.bitrate_bps >> exponent
    ssrcs = remb.ssrcs[:255]
    head = b"REMB" + bytes((len(ssrcs), exponent << 2 | mantissa >> 16))
    head += (mantissa & 0xFFFF).to_bytes(2, "big")
    words = b"".join(ssrc.to_bytes(4, "big") for ssrc in ssrcs)
    return packet(ALFB, PSFB, _FEEDBACK.pack(OWN_SSRC, 0) + head + words)
