//! What a subscriber's link carries, from its transport-wide feedback: the parts of congestion control put together.
//!
//! A subscriber whose sections have no transport-cc is `bandwidth.rs`'s: REMB and receiver reports.

use crate::arrivals::Arrivals;
use crate::delivery::Outstanding;
use crate::probe::Prober;
use crate::rate::{LONG_QUEUE_S, RateControl};
use crate::standing::{StandingQueue, Throughput};
use crate::trendline::{DelayGradient, Usage};

/// A round trip before one is known.
const USUAL_RTT_S: f64 = 0.1;
/// Seconds between two estimates that are told, unless it fell, and the smallest change.
const TOLD_EVERY_S: f64 = 0.3;
const TOLD_CHANGE: f64 = 0.05;

/// Of one subscriber's transport. `rtt_s`: by its receiver reports.
pub struct SendSide {
    pub outstanding: Outstanding,
    pub prober: Prober,
    rate: RateControl,
    gradient: DelayGradient,
    queue: StandingQueue,
    through: Throughput,
    pub is_heard: bool, // feedback has come; while nothing is sent none does
    told_bps: i64,
    told_at: f64,
}

impl Default for SendSide {
    fn default() -> Self {
        Self {
            outstanding: Outstanding::default(),
            prober: Prober::default(),
            rate: RateControl::default(),
            gradient: DelayGradient::default(),
            queue: StandingQueue::default(),
            through: Throughput::default(),
            is_heard: false,
            told_bps: 0,
            told_at: f64::NEG_INFINITY,
        }
    }
}

impl SendSide {
    pub fn estimate_bps(&self) -> i64 {
        self.rate.bitrate_bps as i64
    }

    pub fn fetch(&self) -> u64 {
        self.outstanding.fetch() ^ self.estimate_bps() as u64
    }

    /// One message of the subscriber.
    pub fn reported(&mut self, arrivals: &Arrivals, rtt_s: Option<f64>, now: f64) {
        let (delivered, lost) = self.outstanding.reported(arrivals);
        if delivered.is_empty() && lost == 0 {
            return;
        }
        self.is_heard = true;
        let (mut over, mut media) = (false, false);
        for packet in &delivered {
            self.through.delivered(packet.arrived_at, packet.size);
            if packet.probe != 0 {
                self.prober.delivered(packet);
                self.queue.padding(packet.sent_at, packet.arrived_at);
                continue;
            }
            media = true;
            self.queue.delivered(packet.sent_at, packet.arrived_at, packet.size);
            self.gradient.delivered(packet.sent_at * 1000.0, packet.arrived_at * 1000.0);
            over = over || self.gradient.usage == Usage::Over;
        }
        let usage = if over { Usage::Over } else { self.gradient.usage };
        let mut wait_s = self.queue.judge();
        let through = self.through.bitrate_bps;
        let rate = &mut self.rate;
        let before = rate.bitrate_bps;
        let rtt_s = rtt_s.map_or(USUAL_RTT_S, |rtt| rtt.min(1.0));
        if media && rate.update(usage, wait_s, through, self.queue.busy_bps, rtt_s, now) {
            self.queue.longer_way(); // padding says nothing of delays
            wait_s = 0.0;
        }
        rate.reported(delivered.len() as i64, lost, through, now);
        let found = self.prober.judge(rate.bitrate_bps, self.queue.fastest_s(), now);
        if rate.bitrate_bps < before || media && wait_s > LONG_QUEUE_S {
            self.prober.put_off(now);
        } else if let Some(found) = found {
            rate.probed(found);
        }
    }

    /// A train of padding that is to leave now: its number, and how many packets it has.
    pub fn train(&mut self, now: f64) -> Option<(u32, i64)> {
        if !self.is_heard {
            return None;
        }
        self.prober.poll(self.rate.bitrate_bps, now)
    }

    /// The estimate, when it is time to tell it.
    pub fn poll(&mut self, now: f64) -> Option<i64> {
        if !self.is_heard {
            return None;
        }
        let estimate = self.estimate_bps();
        let change = (estimate - self.told_bps).abs() as f64 / self.told_bps.max(1) as f64;
        let fell = estimate < self.told_bps;
        if change < TOLD_CHANGE || (!fell && now - self.told_at < TOLD_EVERY_S) {
            return None;
        }
        self.told_bps = estimate;
        self.told_at = now;
        Some(estimate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_is_too_narrow_is_noticed() {
        let mut side = SendSide::default();
        assert_eq!((side.poll(1.0), side.train(1.0)), (None, None));
        let mut free_at = 0.0_f64;
        let mut told = Vec::new();
        for number in 0..1_000_u16 {
            let now = f64::from(number) * 0.004; // 2.4 Mbit/s of a link that carries 1
            let packet = side.outstanding.number();
            side.outstanding.sent(packet, 1_200, now, 0);
            free_at = free_at.max(now) + 0.0096;
            let tick = ((free_at + 0.02) * 4_000.0) as i64;
            side.reported(&Arrivals { first: number, count: 1, received: vec![(0, tick)] }, None, free_at);
            told.extend(side.poll(free_at));
        }
        assert!(side.estimate_bps() < 1_000_000, "{told:?}");
        assert!(told.len() > 2);
    }
}
