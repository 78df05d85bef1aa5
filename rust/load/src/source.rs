//! A published stream: packets as a browser makes them, with the time of sending at the end of each payload. Pure.

use std::sync::atomic::{AtomicBool, Ordering};

use sferum_forwarder_core::rtcp::SenderReport;
use sferum_forwarder_core::rtcp_build::build_sr;
use sferum_forwarder_core::rtp::{header, write_elements};

use crate::plan::{Kind, StreamPlan};
use crate::stamp;

/// RFC 6464: voice at -30 dBov.
const LEVEL: u8 = 0x80 | 30;
/// Seconds from 1900 (NTP) to 1970.
const NTP_EPOCH_S: u64 = 2_208_988_800;

pub struct Source {
    pub plan: StreamPlan,
    /// A keyframe was asked for (PLI, FIR).
    pub key_wanted: AtomicBool,
    sequence: u16,
    timestamp: u32,
    picture: u16,
    packets: u32,
    octets: u32,
}

impl Source {
    pub fn new(plan: StreamPlan) -> Self {
        Self {
            key_wanted: AtomicBool::new(true),
            sequence: plan.sequence.wrapping_add(1),
            timestamp: plan.timestamp,
            picture: plan.picture,
            packets: 0,
            octets: 0,
            plan,
        }
    }

    /// One burst, unencrypted: 20 ms of sound, or a picture. `transport`: the wire's next transport-wide number;
    /// `now_ns`: since 1970.
    pub fn burst(&mut self, transport: &mut u16, now_ns: u64) -> Vec<Vec<u8>> {
        let key = self.plan.kind == Kind::Video && self.key_wanted.swap(false, Ordering::Relaxed);
        let rate = if self.plan.kind == Kind::Video { 90_000 } else { 48_000 };
        self.timestamp = self.timestamp.wrapping_add((self.plan.period_us * rate / 1_000_000) as u32);
        self.picture = (self.picture + 1) & 0x7FFF;
        let last = self.plan.packets - 1;
        (0..=last).map(|number| self.packet(number == 0, number == last, key, transport, now_ns)).collect()
    }

    fn packet(&mut self, start: bool, last: bool, key: bool, transport: &mut u16, now_ns: u64) -> Vec<u8> {
        let plan = &self.plan;
        let marker = last && plan.kind == Kind::Video;
        let first = 0x90; // version 2, with an extension
        let mut made = Vec::with_capacity(plan.size + 64);
        made.extend_from_slice(&header(
            first,
            marker,
            plan.payload_type,
            self.sequence,
            self.timestamp,
            plan.ssrc,
        ));
        self.sequence = self.sequence.wrapping_add(1);
        *transport = transport.wrapping_add(1);
        let level: &[u8] = if plan.kind == Kind::Audio { &[LEVEL] } else { &[] };
        let level_id = if level.is_empty() { 0 } else { plan.level_id };
        write_elements(
            &[(plan.mid_id, plan.mid.as_bytes()), (plan.cc_id, &transport.to_be_bytes()), (level_id, level)],
            &mut made,
        );
        if made.len() == 12 {
            made[0] = 0x80; // nothing was negotiated
        }
        let begun = made.len();
        if plan.kind == Kind::Video {
            let [high, low] = (0x8000 | self.picture).to_be_bytes();
            // RFC 7741 4.2: extended, picture id, tl0, temporal layer 0; then the payload header's P bit.
            made.extend_from_slice(&[if start { 0x90 } else { 0x80 }, 0xE0, high, low, low, 0]);
            made.push(if key { 0x10 } else { 0x11 });
        }
        made.resize((begun + plan.size).max(made.len() + stamp::SIZE), b'.');
        stamp::write(&mut made, now_ns);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add((made.len() - begun) as u32);
        made
    }

    pub fn report(&self, now_ns: u64) -> Vec<u8> {
        let (seconds, rest) = (now_ns / 1_000_000_000 + NTP_EPOCH_S, now_ns % 1_000_000_000);
        build_sr(&SenderReport {
            ssrc: self.plan.ssrc,
            ntp: (seconds << 32) | ((rest << 32) / 1_000_000_000),
            rtp: self.timestamp,
            packets: self.packets,
            octets: self.octets,
        })
    }
}

#[cfg(test)]
mod tests {
    use sferum_forwarder_core::rtp::parse_rtp;

    use super::*;

    fn plan(kind: Kind) -> StreamPlan {
        StreamPlan {
            kind,
            wire: 0,
            ssrc: 9,
            payload_type: 96,
            mid: "2".to_owned(),
            mid_id: 4,
            cc_id: 3,
            level_id: 1,
            period_us: 20_000,
            offset_us: 0,
            packets: 2,
            size: 100,
            sequence: 0,
            timestamp: 0,
            picture: 0,
        }
    }

    #[test]
    fn a_picture_has_its_marker_at_the_end_and_is_a_keyframe_when_asked_for() {
        let mut source = Source::new(plan(Kind::Video));
        let mut transport = 7;
        let first = source.burst(&mut transport, 5);
        let read: Vec<_> = first.iter().map(|one| parse_rtp(one).expect("RTP")).collect();
        assert_eq!(
            read.iter().map(|one| (one.sequence, one.marker)).collect::<Vec<_>>(),
            [(1, false), (2, true)]
        );
        assert_eq!(read[0].payload.len(), 100);
        assert_eq!((read[0].payload[0], read[0].payload[6]), (0x90, 0x10));
        assert_eq!((read[0].elements.get(4), read[1].elements.get(3)), (&b"2"[..], &[0, 9][..]));
        assert_eq!(stamp::read(read[1].payload), Some(5));
        let second = source.burst(&mut transport, 6);
        let read = parse_rtp(&second[0]).expect("RTP");
        assert_eq!((read.payload[6], read.timestamp), (0x11, 3_600));
    }

    #[test]
    fn what_was_sent_before_is_gone_on_with() {
        let begun =
            StreamPlan { sequence: 0xFFFF, timestamp: 0xFFFF_FFFF, picture: 0x7FFF, ..plan(Kind::Video) };
        let read = Source::new(begun).burst(&mut 0, 5);
        let read = parse_rtp(&read[0]).expect("RTP");
        assert_eq!((read.sequence, read.timestamp, &read.payload[2..4]), (0, 1_799, &[0x80, 0][..]));
    }

    #[test]
    fn a_voice_has_its_level_and_no_descriptor() {
        let mut source = Source::new(plan(Kind::Audio));
        let made = source.burst(&mut 0, 5);
        let read = parse_rtp(&made[0]).expect("RTP");
        assert_eq!((read.elements.get(1), read.timestamp, read.payload[0]), (&[LEVEL][..], 960, b'.'));
    }

    #[test]
    fn without_extensions_the_header_says_so() {
        let bare = StreamPlan { mid_id: 0, cc_id: 0, level_id: 0, ..plan(Kind::Audio) };
        let made = Source::new(bare).burst(&mut 0, 5);
        assert_eq!(parse_rtp(&made[0]).expect("RTP").payload.len(), 100);
    }
}
