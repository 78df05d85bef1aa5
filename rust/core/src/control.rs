//! RTCP that a peer sends: as a publisher about its streams, as a subscriber about what it gets.

use crate::api::{Drop, Kind};
use crate::down::Down;
use crate::outbox::Outbox;
use crate::peer::Peer;
use crate::replay::REPLAY_WINDOW;
use crate::rtcp::{ReportBlock, RtcpItem, SenderReport};
use crate::table::Table;
use crate::timestamps::ClockReading;
use crate::track::Track;

/// Everything that RTCP of a peer can be about.
pub struct Control<'a> {
    pub peer: &'a mut Peer,
    pub tracks: &'a mut Table<Track>,
    pub downs: &'a mut Table<Down>,
    pub outbox: &'a mut Outbox,
    pub now: f64,
}

impl Control<'_> {
    /// Carry out one item. About SSRCs that are not this peer's nothing is done.
    pub fn take_in(&mut self, item: &RtcpItem) {
        match item {
            RtcpItem::SenderReport(report, blocks) => {
                self.clock(report);
                self.reception(blocks);
            }
            RtcpItem::ReceiverReport(blocks) => self.reception(blocks),
            RtcpItem::Bye(ssrcs) => {
                for ssrc in ssrcs {
                    let theirs = self.goodbye(*ssrc);
                    self.count(theirs);
                }
            }
            RtcpItem::KeyframeWish(ssrc) => {
                let theirs = self.keyframe_wish(*ssrc);
                self.count(theirs);
            }
            RtcpItem::Nack(ssrc, numbers) => {
                let down = self.peer.down(*ssrc);
                self.count(down.is_some());
                if let Some(key) = down {
                    self.outbox.stats.nacks_received += numbers.len() as u64;
                    numbers.iter().for_each(|number| self.send_again(*number, key));
                }
            }
            RtcpItem::Arrivals(arrivals) => {
                let peer = &mut *self.peer;
                peer.sending.reported(arrivals, peer.rtt_s, self.now);
            }
            RtcpItem::Remb(bitrate) => {
                let peer = &mut *self.peer;
                peer.heard = true;
                let audio = peer.recent_audio_bps();
                let video = peer.recent_bps() - audio;
                peer.downlink.remb(*bitrate, video, self.now, audio);
            }
        }
    }

    fn clock(&mut self, report: &SenderReport) {
        let Some(route) = self.peer.demux.routes.get(&report.ssrc) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(route.track) else {
            return;
        };
        let Some(stream) = track.stream_mut(route.layer).filter(|stream| stream.ssrc == report.ssrc) else {
            return;
        };
        let clock = ClockReading { ntp: report.ntp, rtp: report.rtp, received_at: self.now };
        stream.clock = Some(clock);
        for key in &stream.takers {
            if let Some(down) = self.downs.get_mut(*key).filter(|down| down.current == Some(route.layer)) {
                down.numbers.clock.report(clock);
            }
        }
        if let Some(stream) = track.stream(route.layer) {
            track.tell_clock(stream, self.outbox);
        }
    }

    fn reception(&mut self, blocks: &[ReportBlock]) {
        let peer = &mut *self.peer;
        for block in blocks {
            let Some(down) = peer.down(block.ssrc).and_then(|key| self.downs.get_mut(key)) else {
                continue;
            };
            peer.heard = true;
            if block.last_sr != 0 {
                peer.report_answered(block.last_sr, block.delay_since_last_sr, self.now);
            }
            let counters = &mut peer.counters;
            counters.lost_down += f64::from(block.fraction_lost) / 256.0;
            counters.reports_down += 1;
            let jitter_s = f64::from(block.jitter) / f64::from(down.clock_rate);
            counters.jitter_s = counters.jitter_s.max(jitter_s);
            let (expected, lost) = down.reported(block);
            let sent_bps = peer.recent_bps();
            peer.downlink.packets_reported(expected, lost, sent_bps, self.now);
        }
    }

    fn count(&mut self, theirs: bool) {
        if !theirs {
            self.outbox.count(Drop::NotTheirs);
        }
    }

    /// Whether the stream was this peer's.
    fn goodbye(&mut self, ssrc: u32) -> bool {
        let Some(route) = self.peer.demux.routes.get(&ssrc).copied() else {
            return false;
        };
        let Some(track) = self.tracks.get_mut(route.track) else {
            return false;
        };
        if track.stream(route.layer).is_some_and(|stream| stream.ssrc == ssrc) {
            track.remove_stream(route.layer, self.downs, self.outbox);
        }
        if !track.spec.ssrcs.iter().any(|pair| pair.0 == ssrc) {
            self.peer.demux.forget(ssrc);
        }
        true
    }

    /// Whether the stream goes to this peer.
    fn keyframe_wish(&mut self, ssrc: u32) -> bool {
        let Some(down) = self.peer.down(ssrc).and_then(|key| self.downs.get(key)) else {
            return false;
        };
        let track = self.tracks.get_mut(down.track);
        let wished = down.target.or(down.current).zip(track);
        if let Some(stream) = wished.and_then(|(layer, track)| track.stream_mut(layer)) {
            stream.want_keyframe();
        }
        true
    }

    fn send_again(&mut self, sequence: u16, key: usize) {
        let Some(down) = self.downs.get_mut(key) else {
            return;
        };
        // SRTP sends nothing again that is further behind: numbers jump where much was lost.
        let oldest = down.following() - REPLAY_WINDOW;
        let sent = down.history.again(sequence, self.now, self.peer.rtt_s);
        let Some(sent) = sent.filter(|sent| sent.number >= oldest) else {
            return;
        };
        if !self.peer.may_resend(down.looks.size(sent), self.now) {
            return;
        }
        let types = &down.spec.payload_types;
        let found = types.iter().find(|(_, each)| each.0 == sent.shape.payload_type());
        let rtx_type = found.map_or(0, |(_, each)| each.1);
        let mut transport = None;
        let (buffer, begin) = self.outbox.begin();
        if rtx_type != 0 && down.spec.rtx_ssrc != 0 {
            if down.spec.extensions.transport_cc != 0 {
                transport = Some(self.peer.sending.outstanding.number());
            }
            let stream = (down.spec.rtx_ssrc, rtx_type, down.numbers.rtx_sequence);
            down.looks.write_rtx(sent, stream, transport.unwrap_or_default() as u16, buffer);
            down.numbers.rtx_sequence = down.numbers.rtx_sequence.wrapping_add(1);
        } else {
            down.looks.write(sent, buffer);
        }
        if self.peer.srtp.protect(buffer, begin).is_err() {
            return;
        }
        if let Some(size) = self.outbox.send(&self.peer.id) {
            self.outbox.stats.retransmitted += 1;
            self.peer.sent(transport, size, self.now, 0);
            if down.kind == Kind::Video {
                self.peer.pictures_went(size, self.now);
            }
        }
    }
}
