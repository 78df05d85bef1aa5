//! RTCP that is due: reports every second, feedback, requests for packets and keyframes.

use crate::api::{Event, Kind};
use crate::down::Down;
use crate::outbox::Outbox;
use crate::passing::pass_on;
use crate::peer::Peer;
use crate::rtcp::{ReportBlock, SenderReport};
use crate::rtcp_build::{build_cname, build_nack, build_pli, build_remb, build_rr, build_sr};
use crate::stream::Stream;
use crate::table::Table;
use crate::track::Track;

/// Seconds between reports, LiveKit's too; RFC 3550 6.2 allows it for sessions of our bandwidth.
const REPORTS_S: f64 = 1.0;
/// Seconds between two `Quality` events of a peer, and between times at which they come: those of a hundred come a dozen together, and
/// wake whoever hears them twice a second.
const QUALITY_S: f64 = 3.0;
const QUALITY_STEP_S: f64 = 0.5;
/// Bytes of one RTCP datagram.
const LONGEST: usize = 1_200;
/// Report blocks of one receiver report (RFC 3550 6.4.1: five bits).
const MOST_BLOCKS: usize = 31;

/// Everything that is due towards this peer.
pub fn poll_peer(
    peer: &mut Peer,
    tracks: &mut Table<Track>,
    downs: &mut Table<Down>,
    outbox: &mut Outbox,
    now: f64,
) {
    let mut packets = peer.feedback.poll(now);
    for key in &peer.demux.tracks {
        for stream in tracks.get_mut(*key).into_iter().flat_map(|track| &mut track.streams) {
            requests(stream, peer.rtt_s, outbox, now, &mut packets);
        }
    }
    if peer.budget_changed {
        packets.extend(remb(peer, tracks));
    }
    peer.budget_changed = false;
    if peer.reports_due.is_none_or(|due| now >= due) {
        reports(peer, tracks, downs, now, &mut packets);
        peer.reports_due = Some(now + REPORTS_S);
    }
    send(&packets, peer, outbox);
    pass_on(peer, downs, outbox, now);
    train(peer, downs, outbox, now);
    match peer.quality_due {
        None => peer.quality_due = Some(quality_due(now)),
        Some(due) if now >= due => {
            peer.quality_due = Some(quality_due(now));
            let event = quality(peer);
            outbox.event(event);
        }
        Some(_) => (),
    }
    let measured = peer.sending.is_heard;
    let estimate = if measured {
        // voices have no numbers, and fit as well
        peer.sending.poll(now).map(|estimate| estimate + peer.recent_audio_bps())
    } else if peer.heard {
        peer.downlink.poll(now)
    } else {
        None
    };
    if let Some(bitrate_bps) = estimate {
        let sent_bps = peer.recent_bps();
        outbox.event(Event::Estimate { peer: peer.id.clone(), bitrate_bps, sent_bps, measured });
    }
}

/// Padding that finds out whether there is room for more, on the first RTX stream there is.
fn train(peer: &mut Peer, downs: &mut Table<Down>, outbox: &mut Outbox, now: f64) {
    if peer.sending.prober.wish_bps == 0 {
        return;
    }
    peer.sending.prober.beside_bps = peer.recent_audio_bps();
    let mut keys = peer.downs.iter().map(|pair| pair.1);
    let carrier = keys.find(|key| downs.get(*key).is_some_and(Down::may_pad));
    let Some(carrier) = carrier.and_then(|key| downs.get_mut(key)) else {
        return;
    };
    let Some((train, packets)) = peer.sending.train(now) else {
        return;
    };
    for _ in 0..packets {
        let given = peer.sending.outstanding.number();
        let (buffer, begin) = outbox.begin();
        carrier.padding(given as u16, buffer);
        if peer.srtp.protect(buffer, begin).is_ok()
            && let Some(size) = outbox.send(&peer.id)
        {
            peer.sent(Some(given), size, now, train);
        }
    }
}

/// The earliest time at which something of this peer is due.
pub fn next_wakeup(peer: &Peer, tracks: &Table<Track>) -> Option<f64> {
    let waiting = peer.pacer.next_wakeup();
    let own = [peer.reports_due, peer.quality_due, peer.feedback.next_wakeup(), waiting];
    let streams = streams(peer, tracks).flat_map(|stream| {
        let wanted = stream.keyframes.next_wakeup();
        let keyframe = wanted.filter(|_| stream.is_wanted());
        [stream.missing.next_wakeup(), keyframe]
    });
    own.into_iter().chain(streams).flatten().reduce(f64::min)
}

fn streams<'a>(peer: &'a Peer, tracks: &'a Table<Track>) -> impl Iterator<Item = &'a Stream> {
    let published = peer.demux.tracks.iter().filter_map(|key| tracks.get(*key));
    published.flat_map(|track| &track.streams)
}

/// NACKs, and a PLI while somebody waits for a keyframe.
fn requests(
    stream: &mut Stream,
    rtt_s: Option<f64>,
    outbox: &mut Outbox,
    now: f64,
    packets: &mut Vec<Vec<u8>>,
) {
    if !stream.is_wanted() {
        stream.missing.clear(); // padding, mostly: whoever begins with it begins with a keyframe
    }
    if !stream.missing.is_empty() {
        let asked = stream.missing.poll(now, rtt_s);
        if !asked.is_empty() {
            outbox.stats.nacks_sent += asked.len() as u64;
            packets.push(build_nack(stream.ssrc, &asked));
        }
    }
    if stream.is_wanted() && stream.keyframes.poll(now) {
        outbox.stats.plis_sent += 1;
        packets.push(build_pli(stream.ssrc));
    }
}

fn reports(
    peer: &mut Peer,
    tracks: &mut Table<Track>,
    downs: &Table<Down>,
    now: f64,
    packets: &mut Vec<Vec<u8>>,
) {
    // On a busy node late: what was sent in two seconds is no second's, or a link looks fuller than it is.
    let passed = peer.reports_due.map_or(REPORTS_S, |due| REPORTS_S + now - due);
    peer.sent_bps = ((peer.bytes_sent * 8) as f64 / passed) as i64;
    peer.audio_bps = ((peer.audio_bytes * 8) as f64 / passed) as i64;
    peer.bytes_sent = 0;
    peer.audio_bytes = 0;
    for place in 0..peer.downs.len() {
        let down = peer.downs.get(place).and_then(|pair| downs.get(pair.1));
        packets.extend(down.and_then(|down| sender_report(down, peer, now)));
    }
    let mut blocks: Vec<ReportBlock> = Vec::new();
    for key in &peer.demux.tracks {
        for stream in tracks.get_mut(*key).into_iter().flat_map(|track| &mut track.streams) {
            let interval = stream.statistics.interval();
            let counters = &mut peer.counters;
            counters.expected_up += interval.0;
            counters.lost_up += interval.1;
            counters.jitter_s = counters.jitter_s.max(stream.statistics.jitter_s());
            blocks.push(stream.statistics.block(stream.ssrc, interval, stream.clock, now));
        }
    }
    packets.extend(blocks.chunks(MOST_BLOCKS).map(build_rr));
    packets.extend(remb(peer, tracks));
}

/// In the publisher's own time, so that its sound and its picture stay together at the subscriber.
fn sender_report(down: &Down, peer: &mut Peer, now: f64) -> Option<Vec<u8>> {
    let (ntp, rtp) = down.numbers.clock.reading(now)?;
    if down.current.is_none() || down.packets == 0 {
        return None;
    }
    peer.report_sent(ntp, now);
    let mut packet = build_sr(&SenderReport {
        ssrc: down.spec.ssrc,
        ntp,
        rtp,
        packets: down.packets as u32,
        octets: down.octets as u32,
    });
    packet.extend(build_cname(down.spec.ssrc, &down.spec.cname));
    Some(packet)
}

/// `None` while nobody said what its encoders may use.
fn remb(peer: &Peer, tracks: &Table<Track>) -> Option<Vec<u8>> {
    let bitrate_bps = peer.budget_bps?;
    let published = peer.demux.tracks.iter().filter_map(|key| tracks.get(*key));
    let mut ssrcs: Vec<u32> = Vec::new();
    for track in published.filter(|track| track.spec.kind == Kind::Video) {
        ssrcs.extend(track.spec.ssrcs.iter().map(|pair| pair.0));
        ssrcs.extend(track.streams.iter().map(|stream| stream.ssrc));
    }
    ssrcs.sort_unstable();
    ssrcs.dedup();
    Some(build_remb(bitrate_bps, &ssrcs))
}

/// The next.
fn quality_due(now: f64) -> f64 {
    ((now + QUALITY_S) / QUALITY_STEP_S).floor() * QUALITY_STEP_S
}

fn quality(peer: &mut Peer) -> Event {
    let counters = std::mem::take(&mut peer.counters);
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    Event::Quality {
        peer: peer.id.clone(),
        lost_up: share(counters.lost_up as f64, counters.expected_up as f64),
        lost_down: share(counters.lost_down, f64::from(counters.reports_down)),
        rtt_s: peer.rtt_s,
        jitter_s: counters.jitter_s,
    }
}

/// In as few datagrams as they fit.
fn send(packets: &[Vec<u8>], peer: &mut Peer, outbox: &mut Outbox) {
    let mut rest = packets;
    while !rest.is_empty() {
        let (buffer, begin) = outbox.begin();
        let mut taken = 0;
        for packet in rest {
            if taken > 0 && buffer.len() - begin + packet.len() > LONGEST {
                break;
            }
            buffer.extend_from_slice(packet);
            taken += 1;
        }
        if peer.srtp.protect_rtcp(buffer, begin).is_ok() {
            outbox.send(&peer.id);
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
}
