//! How many bits a second one subscriber's link carries: from what it reports (RR, REMB). Simple, and bounded.
//!
//! Nothing of this is believed at once; why, `plain/bandwidth.py` says. The loss rule is that of Google's congestion
//! control (draft-ietf-rmcat-gcc-02, 6); above 20 %, which no radio link loses for long, down to what came through.

use std::collections::VecDeque;

/// Where it begins: enough for a 720p camera, so that a good link is not kept waiting.
pub const START_BPS: i64 = 2_500_000;
const MIN_BPS: i64 = 100_000;
pub const MAX_BPS: i64 = 20_000_000;
/// A REMB below this share of what we send may say that the link is full; above, only that we sent no more.
const FULL: f64 = 1.1;
/// Below this share it says so by itself.
const FAR_BELOW: f64 = 0.5;
/// Packets over which loss is counted. So many lost ones are enough by themselves.
const LEAST_PACKETS: i64 = 100;
const ENOUGH_LOST: i64 = 20;
pub const LITTLE_LOSS: f64 = 0.02;
pub const MUCH_LOSS: f64 = 0.10;
pub const COLLAPSE: f64 = 0.20;
/// Seconds that a sign of a full link stays fresh: two reports.
const FRESH_S: f64 = 2.0;
/// Seconds by which a round trip is longer than it once was: packets wait in a queue. A fall shortens what waits in a
/// queue by half of it at least; else the client has moved, from Wi-Fi to mobile.
const QUEUE_S: f64 = 0.1;
/// Round trips of which the shortest counts, and seconds for which the shortest of all is remembered.
const ROUND_TRIPS: usize = 3;
const SHORTEST_KEPT_S: f64 = 60.0;
/// Seconds after a fall until the next: a smaller layer begins (a keyframe), the queue empties, a report comes.
const SETTLE_S: f64 = 1.5;
/// Seconds between two estimates, unless it fell.
const TOLD_EVERY_S: f64 = 1.0;
/// A change smaller than this is not told.
const TOLD_CHANGE: f64 = 0.05;

/// Of one subscriber. `sent_bps` in calls: what was really sent to it lately.
pub struct Downlink {
    pub estimate_bps: i64,
    raised_at: f64,
    fell_at: f64,
    told_bps: i64,
    told_at: f64,
    expected: i64, // packets of the window
    lost: i64,
    crowded_at: f64,
    last_remb: Option<u128>,
    round_trips: VecDeque<f64>,
    shortest: Option<(f64, f64)>, // round trip, when
    waited_s: Option<f64>,        // round trip as it fell, until it is known whether that shortened it
}

impl Default for Downlink {
    fn default() -> Self {
        Self {
            estimate_bps: START_BPS,
            raised_at: f64::NEG_INFINITY,
            fell_at: f64::NEG_INFINITY,
            told_bps: 0,
            told_at: f64::NEG_INFINITY,
            expected: 0,
            lost: 0,
            crowded_at: f64::NEG_INFINITY,
            last_remb: None,
            round_trips: VecDeque::new(),
            shortest: None,
            waited_s: None,
        }
    }
}

impl Downlink {
    /// Of one stream, since its last report. Windows that are too small wait for more.
    pub fn packets_reported(&mut self, expected: i64, lost: i64, sent_bps: i64, now: f64) {
        if now - self.fell_at < SETTLE_S {
            self.expected = 0;
            self.lost = 0;
            return;
        }
        self.expected += expected;
        self.lost += lost;
        if self.expected >= LEAST_PACKETS || self.lost >= ENOUGH_LOST {
            let share = (self.lost.max(0) as f64 / self.expected.max(1) as f64).min(1.0);
            self.expected = 0;
            self.lost = 0;
            self.loss_reported(share, sent_bps, now);
        }
    }

    /// `lost`: share 0..1, of enough packets.
    fn loss_reported(&mut self, lost: f64, sent_bps: i64, now: f64) {
        if lost > MUCH_LOSS {
            self.crowded_at = now;
            let less = if lost > COLLAPSE { lost } else { lost / 2.0 };
            self.fall((sent_bps as f64 * (1.0 - less)) as i64, now);
        } else if !self.is_crowded(now) {
            let through = (sent_bps as f64 * (1.0 - lost)) as i64;
            self.estimate_bps = self.estimate_bps.max(through.min(MAX_BPS));
            if lost < LITTLE_LOSS && now - self.raised_at >= 1.0 {
                self.estimate_bps = MAX_BPS.min((self.estimate_bps as f64 * 1.08) as i64);
                self.raised_at = now;
            }
        }
    }

    /// One measurement. Sending less empties a queue; where it does not, the way itself is longer than it was.
    pub fn round_trip(&mut self, rtt_s: f64, now: f64) {
        if self.waited_s.is_some() && now - self.fell_at < SETTLE_S {
            return;
        }
        let (shortest, at) = self.shortest.unwrap_or((f64::INFINITY, now));
        let mut shortest = if rtt_s <= shortest || now - at > SHORTEST_KEPT_S {
            self.shortest = Some((rtt_s, now));
            rtt_s
        } else {
            shortest
        };
        if self.round_trips.len() >= ROUND_TRIPS {
            self.round_trips.pop_front();
        }
        self.round_trips.push_back(rtt_s);
        if self.round_trips.len() < ROUND_TRIPS {
            return;
        }
        let least = self.least_round_trip();
        if let Some(waited_s) = self.waited_s.take()
            && least > waited_s - QUEUE_S / 2.0
        {
            self.shortest = Some((least, now));
            shortest = least;
        }
        if least - shortest > QUEUE_S {
            self.crowded_at = now;
        }
    }

    fn least_round_trip(&self) -> f64 {
        self.round_trips.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// `sent_bps`: of what the REMB is about. libwebrtc leaves voices out of it: `beside_bps`, which fit as well.
    pub fn remb(&mut self, bitrate_bps: u128, sent_bps: i64, now: f64, beside_bps: i64) {
        let before = self.last_remb.replace(bitrate_bps);
        if before.is_none_or(|before| bitrate_bps >= before) || now - self.fell_at < SETTLE_S {
            return;
        }
        let full = if self.is_crowded(now) { FULL } else { FAR_BELOW };
        if (bitrate_bps as f64) < full * sent_bps as f64 {
            let bitrate = i64::try_from(bitrate_bps).unwrap_or(MAX_BPS);
            self.fall(bitrate.saturating_add(beside_bps), now);
        }
    }

    fn is_crowded(&self, now: f64) -> bool {
        now - self.crowded_at < FRESH_S
    }

    fn fall(&mut self, bitrate_bps: i64, now: f64) {
        if bitrate_bps < self.estimate_bps {
            self.estimate_bps = bitrate_bps.max(MIN_BPS);
            self.fell_at = now;
            let least = self.least_round_trip();
            if let Some((shortest, _)) = self.shortest
                && self.round_trips.len() == ROUND_TRIPS
                && least - shortest > QUEUE_S
            {
                self.waited_s = Some(least);
                self.round_trips.clear();
            }
        }
    }

    /// The estimate, when it is time to tell it.
    pub fn poll(&mut self, now: f64) -> Option<i64> {
        let change = (self.estimate_bps - self.told_bps).abs() as f64 / self.told_bps.max(1) as f64;
        let fell = self.estimate_bps < self.told_bps;
        if change < TOLD_CHANGE || (!fell && now - self.told_at < TOLD_EVERY_S) {
            return None;
        }
        self.told_bps = self.estimate_bps;
        self.told_at = now;
        Some(self.estimate_bps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_lowers_it_and_a_good_link_raises_it() {
        let mut link = Downlink::default();
        assert_eq!(link.poll(0.0), Some(2_500_000));
        assert_eq!(link.poll(5.0), None);
        link.packets_reported(99, 19, 0, 5.0);
        assert_eq!(link.estimate_bps, 2_500_000);
        let mut link = Downlink { told_bps: 2_500_000, told_at: 0.0, ..Downlink::default() };
        link.packets_reported(1_000, 0, 0, 5.1);
        assert_eq!(link.poll(5.5), Some(2_700_000));
        link.packets_reported(100, 15, 1_000_000, 5.6);
        assert_eq!(link.poll(5.6), Some(925_000));
        link.packets_reported(100, 50, 900_000, 7.0);
        link.packets_reported(100, 50, 900_000, 7.2);
        assert_eq!(link.poll(7.2), Some(450_000));
    }

    #[test]
    fn a_way_that_became_longer_is_no_full_link() {
        let mut link = Downlink::default();
        [0.05, 0.25, 0.25, 0.25].iter().for_each(|rtt| link.round_trip(*rtt, 1.0));
        link.remb(450_000, 500_000, 1.0, 0);
        link.remb(440_000, 500_000, 1.1, 0);
        assert_eq!(link.estimate_bps, 440_000);
        [2.0, 3.0, 4.0, 5.0, 6.0].iter().for_each(|now| link.round_trip(0.25, *now));
        link.remb(430_000, 430_000, 7.0, 0);
        assert_eq!(link.estimate_bps, 440_000);
    }

    #[test]
    fn a_remb_counts_when_it_fell_far_or_packets_wait() {
        let mut link = Downlink::default();
        link.remb(1 << 80, 1_000_000, 0.0, 0);
        link.remb(600_000, 1_000_000, 1.0, 0);
        assert_eq!(link.estimate_bps, 2_500_000);
        [0.05, 0.2, 0.2, 0.2].iter().for_each(|rtt| link.round_trip(*rtt, 1.0));
        link.remb(599_000, 1_000_000, 1.5, 30_000);
        assert_eq!(link.estimate_bps, 629_000);
        link.remb(100_000, 1_000_000, 9.0, 0);
        assert_eq!(link.estimate_bps, 100_000);
    }
}
