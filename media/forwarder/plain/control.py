"""RTCP that a peer sends: as a publisher about its streams, as a subscriber about what it gets."""

from __future__ import annotations

from typing import assert_never

from media.forwarder.api import Drop, Kind
from media.forwarder.plain.arrivals import Arrivals
from media.forwarder.plain.down import Down
from media.forwarder.plain.history import as_rtx
from media.forwarder.plain.incoming import numbered
from media.forwarder.plain.outbox import Outbox
from media.forwarder.plain.peer import Peer
from media.forwarder.plain.rtcp import (
    Bye,
    KeyframeWish,
    Nack,
    ReceiverReport,
    Remb,
    ReportBlock,
    RtcpItem,
    SenderReport,
)
from media.forwarder.plain.timestamps import ClockReading


def take_in(item: RtcpItem, peer: Peer, outbox: Outbox, now: float) -> None:
    """Carry out one item. About SSRCs that are not this peer's nothing is done."""
    match item:
        case SenderReport():
            _clock(item, peer, now)
            _reception(item.blocks, peer, now)
        case ReceiverReport():
            _reception(item.blocks, peer, now)
        case Bye(ssrcs):
            for ssrc in ssrcs:
                _count(_goodbye(ssrc, peer), outbox)
        case KeyframeWish(ssrc):
            _count(_wish(ssrc, peer), outbox)
        case Nack():
            _count(_nack(item, peer, outbox, now), outbox)
        case Remb(bitrate):
            peer.heard = True
            audio_bps = peer.recent_audio_bps
            peer.downlink.remb(bitrate, peer.recent_bps - audio_bps, now, audio_bps)
        case Arrivals():
            peer.sending.reported(item, peer.rtt_s, now)
        case _:
            assert_never(item)


def _clock(report: SenderReport, peer: Peer, now: float) -> None:
    route = peer.demux.routes.get(report.ssrc)
    stream = route and route.track.streams.get(route.layer)
    if not route or not stream or stream.ssrc != report.ssrc:
        return
    stream.clock = ClockReading(report.ntp, report.rtp, now)
    for down in stream.takers:
        if down.current is stream:
            down.clock.report(stream.clock)
    route.track.tell_clock(stream)


def _reception(blocks: tuple[ReportBlock, ...], peer: Peer, now: float) -> None:
    ours = [(block, peer.downs[block.ssrc]) for block in blocks if block.ssrc in peer.downs]
    if not ours:
        return
    counters = peer.counters
    for block, down in ours:
        if block.last_sr:
            peer.report_answered(block.last_sr, block.delay_since_last_sr, now)
        counters.lost_down += block.fraction_lost / 256
        counters.reports_down += 1
        counters.jitter_s = max(counters.jitter_s, block.jitter / down.clock_rate)
        peer.downlink.packets_reported(*down.reported(block), peer.recent_bps, now)
    peer.heard = True


def _count(theirs: bool, outbox: Outbox) -> None:
    if not theirs:
        outbox.drops[Drop.NOT_THEIRS] += 1


def _wish(ssrc: int, peer: Peer) -> bool:
    """Whether the stream goes to this peer."""
    down = peer.downs.get(ssrc)
    stream = down and (down.target or down.current)
    if stream:
        stream.want_keyframe()
    return down is not None


def _nack(nack: Nack, peer: Peer, outbox: Outbox, now: float) -> bool:
    """Whether the stream goes to this peer."""
    down = peer.downs.get(nack.ssrc)
    if down is None:
        return False
    outbox.nacks_received += len(nack.sequences)
    for seq in nack.sequences:
        _send_again(seq, down, peer, outbox, now)
    return True


def _goodbye(ssrc: int, peer: Peer) -> bool:
    """Whether the stream was this peer's."""
    route = peer.demux.routes.get(ssrc)
    if route is None:
        return False
    stream = route.track.streams.get(route.layer)
    if stream is not None and stream.ssrc == ssrc:
        route.track.remove_stream(route.layer)
    if ssrc not in route.track.spec.ssrcs:
        peer.demux.forget(ssrc)
    return True


def _send_again(seq: int, down: Down, peer: Peer, outbox: Outbox, now: float) -> None:
    sent = down.again(seq, now, peer.rtt_s)
    if sent is None:
        return
    _, head, body, head_size = sent
    if not peer.may_resend(len(head) + len(body), now):
        return
    rtx_type = next(
        (rtx for pt, rtx in down.spec.payload_types.values() if pt == head[1] & 0x7F), 0
    )
    number = None
    if rtx_type and down.spec.rtx_ssrc:
        block = None
        if down.sending is not None:
            number = down.sending.outstanding.number()
            block = numbered(head[12:head_size], number)
        plain = as_rtx(
            sent,
            payload_type=rtx_type,
            sequence=down.rtx_sequence,
            ssrc=down.spec.rtx_ssrc,
            block=block,
        )
        down.rtx_sequence += 1
    else:
        plain = head + body
    datagram = peer.srtp.protect(plain)
    if outbox.send(peer.id, datagram):
        outbox.retransmitted += 1
        peer.sent(number, len(datagram), now)
        if down.kind is Kind.VIDEO:
            peer.pictures_went(len(datagram), now)
