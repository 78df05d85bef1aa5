//! What one subscriber makes of its packets: loss, losses on purpose, and what it tells the server every 100 ms. Pure.

use std::collections::HashMap;

use sferum_forwarder_core::feedback::TransportFeedback;
use sferum_forwarder_core::rtcp::{ReportBlock, SenderReport};
use sferum_forwarder_core::rtcp_build::{build_nack, build_rr};
use sferum_forwarder_core::rtp::{Elements, u16_at, u32_at};
use sferum_forwarder_core::sequence::seq_delta;

/// Every so many packets one is treated as lost.
pub const LOSES_ONE_IN: u64 = 100;
/// Every so many packets one is decrypted.
pub const OPENS_ONE_IN: u64 = 8;
/// Report blocks of one RR (RFC 3550 6.4.2).
const MOST_BLOCKS: usize = 31;
/// How often a packet is asked for until it comes, as browsers do: LiveKit's server sends none again within 100 ms.
const ASKS: u8 = 3;
/// Seconds between two rounds of feedback of one subscriber.
pub const REPORTS_S: f64 = 0.1;

/// What is in the clear.
#[derive(Debug, PartialEq, Eq)]
pub struct Clear {
    pub payload_type: u8,
    pub sequence: u16,
    pub ssrc: u32,
    pub transport: Option<u16>,
}

/// The header of an SRTP packet; `cc_id`: id of the transport-wide number.
pub fn clear(datagram: &[u8], cc_id: u8) -> Option<Clear> {
    let (first, second) = (*datagram.first()?, *datagram.get(1)?);
    let mut transport = None;
    if first & 0x10 != 0 {
        let at = 12 + 4 * usize::from(first & 0x0F);
        let size = 4 * usize::from(u16_at(datagram, at + 2)?);
        let block = datagram.get(at + 4..at + 4 + size)?;
        let elements = Elements::read(u16_at(datagram, at)?, block).ok()?;
        transport = u16_at(elements.get(cc_id), 0);
    }
    Some(Clear {
        payload_type: second & 0x7F,
        sequence: u16_at(datagram, 2)?,
        ssrc: u32_at(datagram, 8)?,
        transport,
    })
}

/// What happens to a packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    Counted,
    /// To be decrypted, for its stamp.
    ToOpen,
    LostOnPurpose,
    Repair,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub received: u64,
    pub bytes: u64,
    pub lost: u64,
    pub lost_on_purpose: u64,
    pub repaired: u64,
    pub streams: u64,
}

struct Wanted {
    number: i64,
    asked: u8,
}

#[derive(Default)]
struct Stream {
    first: i64,
    highest: i64,
    received: u64,
    reported: (i64, u64), // expected and received at the last report
    told: u64,            // received and not lost on purpose
    sent_report: Option<(u32, f64)>,
    wanted: Vec<Wanted>,
}

impl Stream {
    fn expected(&self) -> i64 {
        if self.received == 0 { 0 } else { self.highest - self.first + 1 }
    }
}

/// All streams of one subscriber. Seconds are any clock's.
pub struct Subscriber {
    cc_id: u8,
    rtx: HashMap<u8, u8>,
    streams: HashMap<u32, Stream>,
    feedback: TransportFeedback,
    taken: u64,
    bytes: u64,
    lost_on_purpose: u64,
    repaired: u64,
    due: f64,
}

impl Subscriber {
    /// `number`: of the subscriber, so that not all lose, decrypt and report at once.
    pub fn new(cc_id: u8, rtx: HashMap<u8, u8>, number: usize) -> Self {
        Self {
            cc_id,
            rtx,
            streams: HashMap::new(),
            feedback: TransportFeedback::default(),
            taken: number as u64 * 7,
            bytes: 0,
            lost_on_purpose: 0,
            repaired: 0,
            due: number as f64 % 10.0 * REPORTS_S / 10.0,
        }
    }

    pub fn take(&mut self, datagram: &[u8], now: f64) -> Option<Taken> {
        let packet = clear(datagram, self.cc_id)?;
        self.bytes += datagram.len() as u64;
        if self.rtx.contains_key(&packet.payload_type) {
            self.arrived(&packet, now);
            return Some(Taken::Repair);
        }
        self.taken += 1;
        let stream = self.streams.entry(packet.ssrc).or_default();
        let number = if stream.received == 0 {
            i64::from(packet.sequence) + (1 << 16)
        } else {
            stream.highest + seq_delta(packet.sequence, stream.highest as u16)
        };
        if stream.received == 0 {
            (stream.first, stream.highest) = (number, number);
        }
        stream.highest = stream.highest.max(number);
        stream.received += 1;
        if self.taken.is_multiple_of(LOSES_ONE_IN) {
            self.lost_on_purpose += 1;
            if self.rtx.values().any(|repaired| *repaired == packet.payload_type) {
                stream.wanted.push(Wanted { number, asked: 0 });
            }
            return Some(Taken::LostOnPurpose);
        }
        stream.told += 1;
        self.arrived(&packet, now);
        Some(if self.taken.is_multiple_of(OPENS_ONE_IN) { Taken::ToOpen } else { Taken::Counted })
    }

    /// `number`: of the original packet, as a decrypted repair begins (RFC 4588 4). Which stream's is not looked for:
    /// few are missing at a time.
    pub fn repaired(&mut self, number: u16) {
        for stream in self.streams.values_mut() {
            if let Some(at) = stream.wanted.iter().position(|one| one.number as u16 == number) {
                stream.wanted.swap_remove(at);
                self.repaired += 1;
                return;
            }
        }
    }

    fn arrived(&mut self, packet: &Clear, now: f64) {
        if let Some(transport) = packet.transport {
            self.feedback.arrived(transport, packet.ssrc, now);
        }
    }

    pub fn hear(&mut self, report: &SenderReport, now: f64) {
        if let Some(stream) = self.streams.get_mut(&report.ssrc) {
            stream.sent_report = Some(((report.ntp >> 16) as u32, now));
        }
    }

    /// One compound packet, when it is time: reports of all streams, transport-wide feedback, what is missing.
    pub fn reports(&mut self, now: f64) -> Option<Vec<u8>> {
        if now < self.due {
            return None;
        }
        self.due = if self.due + REPORTS_S < now { now + REPORTS_S } else { self.due + REPORTS_S };
        if self.streams.is_empty() {
            return None;
        }
        let blocks: Vec<_> =
            self.streams.iter_mut().take(MOST_BLOCKS).map(|(ssrc, s)| block(*ssrc, s, now)).collect();
        let mut made = build_rr(&blocks);
        // The builder has a clock of its own; ours says that it is time.
        made.extend(self.feedback.poll(now + REPORTS_S).into_iter().flatten());
        for (ssrc, stream) in &mut self.streams {
            stream.wanted.retain(|one| one.asked < ASKS);
            if !stream.wanted.is_empty() {
                stream.wanted.sort_unstable_by_key(|one| one.number);
                stream.wanted.iter_mut().for_each(|one| one.asked += 1);
                let numbers: Vec<_> = stream.wanted.iter().map(|one| one.number).collect();
                made.extend(build_nack(*ssrc, &numbers));
            }
        }
        Some(made)
    }

    /// Everything since the last call.
    pub fn counts(&mut self) -> Counts {
        let mut found = Counts {
            bytes: std::mem::take(&mut self.bytes),
            lost_on_purpose: std::mem::take(&mut self.lost_on_purpose),
            repaired: std::mem::take(&mut self.repaired),
            ..Counts::default()
        };
        for stream in self.streams.values_mut().filter(|stream| stream.received > 0) {
            found.received += stream.received;
            found.lost += u64::try_from(stream.expected()).unwrap_or(0).saturating_sub(stream.received);
            found.streams += 1;
            let kept = stream.sent_report;
            *stream = Stream { sent_report: kept, ..Stream::default() };
        }
        found
    }
}

fn block(ssrc: u32, stream: &mut Stream, now: f64) -> ReportBlock {
    let (expected, told) = (stream.expected(), stream.told);
    let new = (expected - stream.reported.0, told.saturating_sub(stream.reported.1));
    stream.reported = (expected, told);
    let missing = new.0.saturating_sub_unsigned(new.1).max(0);
    let (last_sr, heard) = stream.sent_report.unwrap_or((0, now));
    ReportBlock {
        ssrc,
        fraction_lost: if new.0 > 0 { (missing * 256 / new.0).min(255) as u8 } else { 0 },
        packets_lost: expected.saturating_sub_unsigned(told).clamp(0, 0x7F_FFFF) as i32,
        highest_sequence: stream.highest as u32,
        jitter: 0,
        last_sr,
        delay_since_last_sr: ((now - heard) * 65_536.0) as u32,
    }
}

#[cfg(test)]
mod tests {
    use sferum_forwarder_core::rtcp::{RtcpItem, parse_rtcp};
    use sferum_forwarder_core::rtp::{header, write_elements};

    use super::*;

    fn packet(payload_type: u8, sequence: u16, ssrc: u32, transport: u16) -> Vec<u8> {
        let mut made = header(0x90, false, payload_type, sequence, 0, ssrc).to_vec();
        write_elements(&[(3, &transport.to_be_bytes())], &mut made);
        made.extend_from_slice(b"sealed");
        made
    }

    fn subscriber() -> Subscriber {
        Subscriber::new(3, HashMap::from([(97, 96)]), 0)
    }

    #[test]
    fn the_header_is_read_without_a_key_and_padding_is_not_looked_for() {
        let mut datagram = packet(96, 5, 9, 77);
        datagram[0] |= 0x20;
        let read = Clear { payload_type: 96, sequence: 5, ssrc: 9, transport: Some(77) };
        assert_eq!(clear(&datagram, 3), Some(read));
        assert_eq!(clear(&datagram, 4).map(|one| one.transport), Some(None));
        assert_eq!(clear(&datagram[..14], 3), None);
        assert_eq!(clear(&[], 3), None);
    }

    #[test]
    fn gaps_are_losses_across_the_end_of_the_numbers() {
        let mut subscriber = subscriber();
        for sequence in [65_534, 65_535, 1, 3, 2] {
            subscriber.take(&packet(96, sequence, 9, 0), 0.0);
        }
        let counts = subscriber.counts();
        assert_eq!((counts.received, counts.lost, counts.streams), (5, 1, 1));
        assert_eq!(subscriber.counts(), Counts::default());
    }

    #[test]
    fn one_in_a_hundred_is_lost_on_purpose_and_asked_for_and_one_in_eight_opened() {
        let mut subscriber = subscriber();
        let taken: Vec<_> = (0..200).filter_map(|n| subscriber.take(&packet(96, n, 9, n), 0.0)).collect();
        let of = |what: Taken| taken.iter().filter(|one| **one == what).count();
        assert_eq!((of(Taken::LostOnPurpose), of(Taken::ToOpen)), (2, 24));
        let items = parse_rtcp(&subscriber.reports(0.2).expect("due")).expect("RTCP");
        let RtcpItem::ReceiverReport(blocks) = &items[0] else { panic!("{items:?}") };
        assert_eq!((blocks[0].packets_lost, blocks[0].fraction_lost), (2, 2));
        assert_eq!(items.last(), Some(&RtcpItem::Nack(9, vec![99, 199])));
    }

    #[test]
    fn what_is_missing_is_asked_for_three_times_or_until_it_comes() {
        let mut subscriber = subscriber();
        for n in 0..200 {
            subscriber.take(&packet(96, n, 9, n), 0.0);
        }
        let asked = |subscriber: &mut Subscriber, now| {
            let items = parse_rtcp(&subscriber.reports(now).expect("due")).expect("RTCP");
            items
                .into_iter()
                .find_map(|one| if let RtcpItem::Nack(_, numbers) = one { Some(numbers) } else { None })
        };
        assert_eq!(asked(&mut subscriber, 0.2), Some(vec![99, 199]));
        subscriber.repaired(99);
        subscriber.repaired(99);
        assert_eq!(asked(&mut subscriber, 0.4), Some(vec![199]));
        assert_eq!(asked(&mut subscriber, 0.6), Some(vec![199]));
        assert_eq!(asked(&mut subscriber, 0.8), None);
        subscriber.repaired(199);
        assert_eq!(subscriber.counts().repaired, 1);
    }

    #[test]
    fn voices_are_not_asked_for_again_and_repairs_are_no_media() {
        let mut subscriber = subscriber();
        for n in 0..100 {
            subscriber.take(&packet(111, n, 9, n), 0.0);
        }
        assert_eq!(subscriber.take(&packet(97, 1, 10, 100), 0.0), Some(Taken::Repair));
        let items = parse_rtcp(&subscriber.reports(0.2).expect("due")).expect("RTCP");
        assert!(!items.iter().any(|one| matches!(one, RtcpItem::Nack(..))));
        let counts = subscriber.counts();
        assert_eq!((counts.received, counts.lost_on_purpose, counts.repaired), (100, 1, 0));
    }

    #[test]
    fn reports_come_every_hundred_milliseconds_and_say_when_the_sender_s_came() {
        let mut subscriber = subscriber();
        subscriber.take(&packet(96, 1, 9, 1), 1.0);
        let report = SenderReport { ssrc: 9, ntp: 0x1234_5678_9ABC_DEF0, rtp: 0, packets: 0, octets: 0 };
        subscriber.hear(&report, 1.0);
        let items = parse_rtcp(&subscriber.reports(1.5).expect("due")).expect("RTCP");
        let RtcpItem::ReceiverReport(blocks) = &items[0] else { panic!("{items:?}") };
        assert_eq!((blocks[0].last_sr, blocks[0].delay_since_last_sr), (0x5678_9ABC, 32_768));
        assert!(subscriber.reports(1.55).is_none());
        assert!(subscriber.reports(1.61).is_some());
    }
}
