"""RTCP that is due: reports every second, feedback, requests for packets and keyframes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from media.forwarder.api import Estimate, Kind, Quality
from media.forwarder.plain.down import Down
from media.forwarder.plain.outbox import Outbox
from media.forwarder.plain.passing import pass_on
from media.forwarder.plain.peer import LinkCounters, Peer
from media.forwarder.plain.rtcp import ReceiverReport, Remb, ReportBlock, SenderReport
from media.forwarder.plain.rtcp_build import (
    OWN_SSRC,
    build_cname,
    build_nack,
    build_pli,
    build_remb,
    build_rr,
    build_sr,
)
from media.forwarder.plain.stream import Stream

#: Seconds between reports, LiveKit's too; RFC 3550 6.2 allows it for sessions of our bandwidth.
REPORTS_S = 1.0
#: Seconds between two `Quality` events of a peer, and between times at which they come: those of a hundred come a dozen
#: together, and wake whoever hears them twice a second.
QUALITY_S = 3.0
QUALITY_STEP_S = 0.5
#: Bytes of one RTCP datagram.
LONGEST = 1_200
#: Report blocks of one receiver report (RFC 3550 6.4.1: five bits).
MOST_BLOCKS = 31


def poll_peer(peer: Peer, outbox: Outbox, now: float) -> None:
    """Everything that is due towards this peer."""
    packets = peer.feedback.poll(now)
    for stream in streams(peer):
        packets += _requests(stream, peer, outbox, now)
    if peer.budget_changed and peer.budget_bps is not None:
        packets.append(_remb(peer))
    peer.budget_changed = False
    if peer.reports_due is None or now >= peer.reports_due:
        packets += _reports(peer, now)
        peer.reports_due = now + REPORTS_S
    _send(packets, peer, outbox)
    pass_on(peer, outbox, now)
    _train(peer, outbox, now)
    if peer.quality_due is None:
        peer.quality_due = _quality_due(now)
    elif now >= peer.quality_due:
        peer.quality_due = _quality_due(now)
        outbox.event(_quality(peer))
    if peer.sending.is_heard:
        measured, estimate = True, peer.sending.poll(now)
        if estimate is not None:
            estimate += peer.recent_audio_bps  # voices have no numbers, and fit as well
    else:
        measured, estimate = False, peer.downlink.poll(now) if peer.heard else None
    if estimate is not None:
        outbox.event(Estimate(peer.id, estimate, peer.recent_bps, measured))


def _train(peer: Peer, outbox: Outbox, now: float) -> None:
    """Padding that finds out whether there is room for more, on the first RTX stream there is."""
    if not peer.sending.prober.wish_bps:
        return
    peer.sending.prober.beside_bps = peer.recent_audio_bps
    carrier = next((down for down in peer.downs.values() if down.may_pad), None)
    train = None if carrier is None else peer.sending.train(now)
    if carrier is None or train is None:
        return
    number, packets = train
    for _ in range(packets):
        given = peer.sending.outstanding.number()
        datagram = peer.srtp.protect(carrier.padding(given))
        if outbox.send(peer.id, datagram):
            peer.sent(given, len(datagram), now, number)


def next_wakeup(peer: Peer) -> Iterator[float]:
    own = peer.feedback.next_wakeup(), peer.pacer.next_wakeup()
    for due in (peer.reports_due, peer.quality_due, *own):
        if due is not None:
            yield due
    for stream in streams(peer):
        for due in (stream.missing.next_wakeup(), _keyframe_due(stream)):
            if due is not None:
                yield due


def streams(peer: Peer) -> list[Stream]:
    return [stream for track in peer.demux.tracks for stream in track.streams.values()]


def _keyframe_due(stream: Stream) -> float | None:
    return stream.keyframes.next_wakeup() if stream.is_wanted else None


def _requests(stream: Stream, peer: Peer, outbox: Outbox, now: float) -> list[bytes]:
    """NACKs, and a PLI while somebody waits for a keyframe."""
    packets = []
    if not stream.is_wanted:
        stream.missing.clear()  # padding, mostly: whoever begins with it begins with a keyframe
    if stream.missing.count:
        asked = stream.missing.poll(now, peer.rtt_s)
        if asked:
            outbox.nacks_sent += len(asked)
            packets.append(build_nack(stream.ssrc, asked))
    if stream.is_wanted and stream.keyframes.poll(now):
        outbox.plis_sent += 1
        packets.append(build_pli(stream.ssrc))
    return packets


def _reports(peer: Peer, now: float) -> list[bytes]:
    # On a busy node late: what was sent in two seconds is no second's, or a link looks fuller than it is.
    passed = REPORTS_S if peer.reports_due is None else REPORTS_S + now - peer.reports_due
    peer.sent_bps = int(peer.bytes_sent * 8 / passed)
    peer.audio_bps = int(peer.audio_bytes * 8 / passed)
    peer.bytes_sent = peer.audio_bytes = 0
    packets = []
    for down in peer.downs.values():
        packets += _sender_report(down, peer, now)
    blocks = [_block(stream, peer, now) for stream in streams(peer)]
    for at in range(0, len(blocks), MOST_BLOCKS):
        packets.append(build_rr(ReceiverReport(OWN_SSRC, tuple(blocks[at : at + MOST_BLOCKS]))))
    if peer.budget_bps is not None:
        packets.append(_remb(peer))
    return packets


def _sender_report(down: Down, peer: Peer, now: float) -> list[bytes]:
    """In the publisher's own time, so that its sound and its picture stay together at the subscriber."""
    reading = down.clock.reading(now)
    if reading is None or down.current is None or not down.packets:
        return []
    ntp, rtp = reading
    peer.report_sent(ntp, now)
    octets, packets = down.octets & 0xFFFFFFFF, down.packets & 0xFFFFFFFF
    report = SenderReport(down.spec.ssrc, ntp, rtp, packets, octets)
    return [build_sr(report) + build_cname(down.spec.ssrc, down.spec.cname)]


def _block(stream: Stream, peer: Peer, now: float) -> ReportBlock:
    interval = stream.statistics.interval()
    counters = peer.counters
    counters.expected_up += interval[0]
    counters.lost_up += interval[1]
    counters.jitter_s = max(counters.jitter_s, stream.statistics.jitter_s)
    return stream.statistics.block(stream.ssrc, interval, stream.clock, now)


def _remb(peer: Peer) -> bytes:
    assert peer.budget_bps is not None
    ssrcs = {
        ssrc
        for track in peer.demux.tracks
        if track.spec.kind is Kind.VIDEO
        for ssrc in (*track.spec.ssrcs, *(stream.ssrc for stream in track.streams.values()))
    }
    return build_remb(Remb(peer.budget_bps, tuple(sorted(ssrcs))))


def _quality_due(now: float) -> float:
    """The next."""
    return math.floor((now + QUALITY_S) / QUALITY_STEP_S) * QUALITY_STEP_S


def _quality(peer: Peer) -> Quality:
    counters, peer.counters = peer.counters, LinkCounters()
    return Quality(
        peer=peer.id,
        lost_up=counters.lost_up / counters.expected_up if counters.expected_up > 0 else 0.0,
        lost_down=counters.lost_down / counters.reports_down if counters.reports_down else 0.0,
        rtt_s=peer.rtt_s,
        jitter_s=counters.jitter_s,
    )


def _send(packets: Iterable[bytes], peer: Peer, outbox: Outbox) -> None:
    """In as few datagrams as they fit."""
    compound = b""
    for packet in packets:
        if compound and len(compound) + len(packet) > LONGEST:
            outbox.send(peer.id, peer.srtp.protect_rtcp(compound))
            compound = b""
        compound += packet
    if compound:
        outbox.send(peer.id, peer.srtp.protect_rtcp(compound))
