//! One transport: its keys, what it publishes, what it gets.

use std::collections::{HashSet, VecDeque};

use crate::api::Id;
use crate::bandwidth::Downlink;
use crate::demux::{Demux, MOST_SSRCS};
use crate::down::{Down, Numbering};
use crate::feedback::TransportFeedback;
use crate::pacer::Pacer;
use crate::sending::SendSide;
use crate::srtp::SrtpSession;
use crate::table::NumberMap;

/// SSRCs of one peer that SRTP keeps a context for: what can be in use, and as many that its reports have (Firefox and
/// aiortc report in another name about each stream that they get).
const MOST_CONTEXTS: usize = 2 * MOST_SSRCS;
/// SSRCs that a peer can have used up in its life. A screen that is shared again takes six.
const MOST_RETIRED: usize = 20_000;
/// RTCP packets of one peer that are looked at in `RTCP_WINDOW_S`: each may ask about a hundred streams. Chosen by us;
/// feedback every 50 ms and a NACK for each of a hundred losses a second are 120.
const MOST_RTCP: u32 = 5_000;
const RTCP_WINDOW_S: f64 = 1.0;
/// Packets sent again to one peer in `RESEND_WINDOW_S`; whoever asks for more is not mended by it.
const MOST_RESENT: u32 = 200;
const RESEND_WINDOW_S: f64 = 0.1;
/// Of what a link carries, the share that may be packets sent again, and seconds of it at once. A full link loses most
/// of them too, and asks for all of them again.
const RESENT_SHARE: f64 = 0.25;
const RESENT_AT_ONCE_S: f64 = 2.0;
/// SSRCs of down tracks that are gone, whose numbers are remembered; whoever subscribes anew gets a new SSRC.
const MOST_LEFT: usize = 1_024;
/// Sender reports whose answers are waited for.
const MOST_REPORTS: usize = 256;

/// Since the last `Quality` event.
#[derive(Default)]
pub struct LinkCounters {
    pub expected_up: i64,
    pub lost_up: i64,
    pub lost_down: f64, // sum of shares
    pub reports_down: u32,
    pub jitter_s: f64,
}

pub struct Peer {
    pub id: Id,
    pub srtp: SrtpSession,
    pub demux: Demux,
    /// Our SSRC and the key of each down track, oldest first.
    pub downs: Vec<(u32, usize)>,
    left: VecDeque<(u32, Numbering)>, // by SSRC, oldest first
    pub feedback: TransportFeedback,
    pub downlink: Downlink,
    pub sending: SendSide,
    pub pacer: Pacer,
    pub counters: LinkCounters,
    /// What its encoders may use in all; `None`: nobody said.
    pub budget_bps: Option<u64>,
    pub budget_changed: bool,
    /// When the next are to be made; `None` before the first `poll`.
    pub reports_due: Option<f64>,
    pub quality_due: Option<f64>,
    pub heard: bool, // it reported about what it gets
    pub rtt_s: Option<f64>,
    pub sent_bps: i64,
    pub bytes_sent: i64, // since the last reports
    pub audio_bps: i64,  // of those
    pub audio_bytes: i64,
    accepted: HashSet<u32>,        // SSRCs that SRTP has a context for
    accepted_order: VecDeque<u32>, // the same, oldest first
    retired: HashSet<u32>,         // SSRCs whose context is gone
    reports: NumberMap<u32, f64>,  // middle of NTP → when sent
    reports_order: VecDeque<u32>,
    rtcp: u32,
    rtcp_since: f64,
    resent: u32,
    resent_since: f64,
    resend_left: f64, // bytes
    resend_at: f64,
}

impl Peer {
    pub fn new(id: Id, srtp: SrtpSession) -> Self {
        Self {
            id,
            srtp,
            demux: Demux::default(),
            downs: Vec::new(),
            left: VecDeque::new(),
            feedback: TransportFeedback::default(),
            downlink: Downlink::default(),
            sending: SendSide::default(),
            pacer: Pacer::default(),
            counters: LinkCounters::default(),
            budget_bps: None,
            budget_changed: false,
            reports_due: None,
            quality_due: None,
            heard: false,
            rtt_s: None,
            sent_bps: 0,
            bytes_sent: 0,
            audio_bps: 0,
            audio_bytes: 0,
            accepted: HashSet::new(),
            accepted_order: VecDeque::new(),
            retired: HashSet::new(),
            reports: NumberMap::default(),
            reports_order: VecDeque::new(),
            rtcp: 0,
            rtcp_since: f64::NEG_INFINITY,
            resent: 0,
            resent_since: f64::NEG_INFINITY,
            resend_left: 0.0,
            resend_at: f64::NEG_INFINITY,
        }
    }

    /// Reads what sending a packet of ours needs.
    pub fn fetch(&self, ssrc: u32) -> u64 {
        let name = self.id.as_bytes().first().copied().unwrap_or_default();
        self.srtp.newest(ssrc) ^ u64::from(name) ^ self.bytes_sent as u64 ^ self.sending.fetch()
    }

    /// Key of the down track with this SSRC.
    pub fn down(&self, ssrc: u32) -> Option<usize> {
        let found = self.downs.iter().find(|pair| pair.0 == ssrc);
        found.map(|pair| pair.1)
    }

    /// `key` is the one it will have.
    pub fn add_down(&mut self, down: &mut Down, key: usize) {
        let ssrc = down.spec.ssrc;
        let place = self.left.iter().position(|each| each.0 == ssrc);
        if let Some((_, before)) = place.and_then(|place| self.left.remove(place)) {
            down.numbers = before;
        }
        self.downs.push((ssrc, key));
    }

    pub fn remove_down(&mut self, down: Down, key: usize) {
        self.downs.retain(|pair| pair.1 != key);
        self.pacer.forget(key);
        self.left.push_back((down.spec.ssrc, down.left()));
        if self.left.len() > MOST_LEFT
            && let Some((oldest, numbers)) = self.left.pop_front()
        {
            self.srtp.forget_sent(oldest);
            self.srtp.forget_sent(numbers.rtx_ssrc);
        }
    }

    /// What its link carries: by transport-wide feedback where that comes, else by reports and REMB.
    fn estimate_bps(&self) -> i64 {
        if self.sending.is_heard { self.sending.estimate_bps() } else { self.downlink.estimate_bps }
    }

    /// A datagram of so many bytes went out; `number` is its transport-wide one, if it has one.
    pub fn sent(&mut self, number: Option<i64>, size: usize, now: f64, probe: u32) {
        self.bytes_sent += size as i64;
        if let Some(number) = number {
            self.sending.outstanding.sent(number, size, now, probe);
        }
    }

    /// A datagram of pictures, the first time or again.
    pub fn pictures_went(&mut self, size: usize, now: f64) {
        let bitrate_bps = if self.sending.is_heard { self.sending.estimate_bps() } else { 0 };
        self.pacer.went(size, bitrate_bps, now);
    }

    /// What was sent in the last whole second, or already in this one.
    pub fn recent_bps(&self) -> i64 {
        self.sent_bps.max(self.bytes_sent * 8)
    }

    /// Of `recent_bps`.
    pub fn recent_audio_bps(&self) -> i64 {
        self.audio_bps.max(self.audio_bytes * 8)
    }

    /// A peer cannot make us keep any number of SSRCs, nor use one whose replay list is forgotten.
    pub fn may_use(&self, ssrc: u32) -> bool {
        self.accepted.contains(&ssrc) || !self.retired.contains(&ssrc) && self.retired.len() < MOST_RETIRED
    }

    /// An authentic packet came: SRTP has a context for its SSRC now. The oldest that is no track's goes.
    pub fn accepted(&mut self, ssrc: u32) {
        if !self.accepted.insert(ssrc) {
            return;
        }
        self.accepted_order.push_back(ssrc);
        if self.accepted.len() > MOST_CONTEXTS {
            let routes = &self.demux.routes;
            let place = self.accepted_order.iter().position(|each| !routes.contains_key(each));
            if let Some(oldest) = place.and_then(|place| self.accepted_order.remove(place)) {
                self.accepted.remove(&oldest);
                self.retired.insert(oldest);
                self.srtp.forget(oldest);
            }
        }
    }

    /// Authentic RTCP came in this name. Who goes on reporting is not forgotten for others' sake.
    pub fn reported(&mut self, ssrc: u32) {
        if !self.accepted.contains(&ssrc) {
            self.accepted(ssrc);
        } else if self.accepted_order.back() != Some(&ssrc) {
            self.accepted_order.retain(|each| *each != ssrc);
            self.accepted_order.push_back(ssrc);
        }
    }

    /// Whether one more authentic RTCP packet is looked at.
    pub fn may_control(&mut self, now: f64) -> bool {
        if now - self.rtcp_since >= RTCP_WINDOW_S {
            self.rtcp_since = now;
            self.rtcp = 0;
        }
        self.rtcp = self.rtcp.saturating_add(1);
        self.rtcp <= MOST_RTCP
    }

    /// `size`: bytes of a packet that was asked for.
    pub fn may_resend(&mut self, size: usize, now: f64) -> bool {
        let rate = RESENT_SHARE * self.estimate_bps().max(self.sent_bps) as f64 / 8.0;
        let earned = self.resend_left + rate * (now - self.resend_at);
        self.resend_left = earned.min(rate * RESENT_AT_ONCE_S);
        self.resend_at = now;
        if now - self.resent_since >= RESEND_WINDOW_S {
            self.resent_since = now;
            self.resent = 0;
        }
        if self.resent >= MOST_RESENT || self.resend_left < size as f64 {
            return false;
        }
        self.resent += 1;
        self.resend_left -= size as f64;
        true
    }

    pub fn report_sent(&mut self, ntp: u64, now: f64) {
        if self.reports.len() >= MOST_REPORTS
            && let Some(oldest) = self.reports_order.pop_front()
        {
            self.reports.remove(&oldest);
        }
        let middle = (ntp >> 16) as u32;
        if self.reports.insert(middle, now).is_none() {
            self.reports_order.push_back(middle);
        }
    }

    /// RFC 3550 6.4.1: the round trip, from a report of ours that came back.
    pub fn report_answered(&mut self, last_sr: u32, delay: u32, now: f64) {
        let Some(sent) = self.reports.get(&last_sr) else {
            return;
        };
        let rtt = now - sent - f64::from(delay) / 65_536.0;
        if (0.0..10.0).contains(&rtt) {
            self.downlink.round_trip(rtt, now);
            self.rtt_s = Some(self.rtt_s.map_or(rtt, |before| before + (rtt - before) / 8.0));
        }
    }
}
