//! What may be sent over a link, from what its delays and losses say. draft-ietf-rmcat-gcc-02, 5.5 and 6.
//!
//! Up while nothing waits, slowly where the link was full before; down to a little less than what arrives when a queue
//! grows. Nothing is learnt from what is not sent. Where each number is from, `plain/rate.py` says.

use crate::bandwidth::{COLLAPSE, LITTLE_LOSS, MAX_BPS, MUCH_LOSS, START_BPS};
use crate::trendline::Usage;

/// Less is not believed of a link: one small picture goes on, late rather than not at all.
const MIN_BPS: f64 = 100_000.0;
const UP: f64 = 0.08;
const DOWN: f64 = 0.85;
const MOST_OVER: f64 = 1.5;
const MORE_BPS: f64 = 10_000.0;
/// Above so much of what may be sent, what arrives is about that.
const ABOUT: f64 = 0.7;
/// Seconds between two falls beside the round trip: after them it is seen whether one was enough.
const GENTLY_S: f64 = 0.8;
const SETTLE_S: f64 = 0.2;
const WEIGHT: f64 = 0.05;
const VARIANCE: f64 = 0.4;
const VARIANCE_MIN: f64 = 0.4;
const VARIANCE_MAX: f64 = 2.5;
const PICTURES: f64 = 30.0;
const PACKET_BITS: f64 = 9_600.0;
const RESPONSE_S: f64 = 0.06;
/// A queue of so many seconds, beside a slope, is a full link; one of that many lets nothing grow, and when it has not
/// emptied so long after a fall, there is another. The last one hurries; before it a fall is to the half at most.
const QUEUE_S: f64 = 0.05;
pub const LONG_QUEUE_S: f64 = 0.08;
const DRAIN_S: f64 = 2.0;
const ALARM_S: f64 = 0.2;
/// A queue out of which less than so much comes as when it filled gets shorter. One that is as long as it was after
/// `DRAIN_S`, to so many seconds, without losses, is none: the way has become longer (Wi-Fi to mobile), and
/// no fall was right.
const EASED: f64 = 0.8;
const SAME_S: f64 = 0.03;
/// What comes through a full link is what it carries. A fall keeps so much of it: by the rest the queue gets shorter. What was
/// sent before stands in it for a second or two, and every message of that time would ask for another fall.
const KEEPS: f64 = 0.6;
/// Packets over which loss is counted, and seconds between two falls for it.
const LEAST_PACKETS: i64 = 100;
const LOSS_EVERY_S: f64 = 0.5;

/// What came through when the link was full, kbit/s, as far as one number says it.
struct Capacity {
    kbps: Option<f64>,
    variance: f64,
}

impl Capacity {
    /// One more time; one far below the others means that it is another link now.
    fn full(&mut self, through_kbps: f64) {
        let known = self.kbps.filter(|kbps| through_kbps >= kbps - spread(self.variance, *kbps));
        let Some(known) = known else {
            self.kbps = Some(through_kbps);
            self.variance = VARIANCE;
            return;
        };
        let kbps = (1.0 - WEIGHT) * known + WEIGHT * through_kbps;
        let error = kbps - through_kbps;
        let variance = (1.0 - WEIGHT) * self.variance + WEIGHT * error * error / kbps.max(1.0);
        self.variance = variance.clamp(VARIANCE_MIN, VARIANCE_MAX);
        self.kbps = Some(kbps);
    }
}

fn spread(variance: f64, kbps: f64) -> f64 {
    3.0 * (variance * kbps).sqrt()
}

/// Of one subscriber's link. `through_bps` in calls: what arrives (R_hat), `None` before it is known.
pub struct RateControl {
    pub bitrate_bps: f64,
    capacity: Capacity,
    holds: bool, // 5.5's Hold; what is not it is Increase
    updated_at: Option<f64>,
    fell_at: f64,
    expected: i64,
    lost: i64,
    loss_fell_at: f64,
    lossy: bool,             // between 2 and 10 %: nothing grows
    filled_bps: Option<f64>, // what came through at the first fall, while packets wait
    before_bps: f64,         // the rate before that fall
    fell_wait_s: f64,
    since_fall: (i64, i64), // packets, and those of them that were lost
}

impl Default for RateControl {
    fn default() -> Self {
        Self {
            bitrate_bps: START_BPS as f64,
            capacity: Capacity { kbps: None, variance: VARIANCE },
            holds: false,
            updated_at: None,
            fell_at: f64::NEG_INFINITY,
            expected: 0,
            lost: 0,
            loss_fell_at: f64::NEG_INFINITY,
            lossy: false,
            filled_bps: None,
            before_bps: 0.0,
            fell_wait_s: 0.0,
            since_fall: (0, 0),
        }
    }
}

impl RateControl {
    /// 5.5, after every message. Whether what looked like a queue is a longer way. `wait_s`: how long packets stand in the queue; `busy_bps`: what comes out of it, which is
    /// more than `through_bps` where little was sent until a moment ago.
    pub fn update(
        &mut self,
        usage: Usage,
        wait_s: f64,
        through_bps: Option<f64>,
        busy_bps: Option<f64>,
        rtt_s: f64,
        now: f64,
    ) -> bool {
        let passed = self.updated_at.map_or(0.0, |at| (now - at).min(1.0));
        self.updated_at = Some(now);
        if wait_s <= LONG_QUEUE_S {
            self.filled_bps = None;
        }
        if usage == Usage::Over && wait_s > QUEUE_S {
            let larger =
                through_bps.map_or(busy_bps, |one| Some(busy_bps.map_or(one, |other| one.max(other))));
            self.fall(wait_s, larger, rtt_s, now);
        } else if wait_s > LONG_QUEUE_S
            && now - self.fell_at >= DRAIN_S
            && let Some(through) = through_bps.filter(|through| *through != 0.0)
        {
            if self.is_longer(wait_s, through) {
                self.probed(self.before_bps);
                return true;
            }
            self.fall(wait_s, Some(through.min(self.bitrate_bps)), rtt_s, now);
        } else if usage != Usage::Normal || wait_s > LONG_QUEUE_S {
            self.holds = true;
        } else if self.holds {
            self.holds = false;
        } else if let Some(through) = through_bps.filter(|_| !self.lossy) {
            self.rise(through, rtt_s, passed);
        }
        false
    }

    /// Less has come through for a while, all of it, and nothing waits shorter or longer.
    fn is_longer(&self, wait_s: f64, through_bps: f64) -> bool {
        let (packets, lost) = self.since_fall;
        self.filled_bps.is_some_and(|filled| through_bps < EASED * filled)
            && (wait_s - self.fell_wait_s).abs() <= SAME_S
            && (lost as f64) < LITTLE_LOSS * packets as f64
    }

    fn rise(&mut self, through_bps: f64, rtt_s: f64, passed: f64) {
        let variance = self.capacity.variance;
        if self.capacity.kbps.is_some_and(|kbps| through_bps / 1000.0 > kbps + spread(variance, kbps)) {
            self.capacity.kbps = None;
        }
        let raised = if self.capacity.kbps.is_none() {
            self.bitrate_bps * (1.0 + UP * passed)
        } else {
            let picture = self.bitrate_bps / PICTURES;
            let packet = picture / (picture / PACKET_BITS).ceil().max(1.0);
            self.bitrate_bps + (packet / (RESPONSE_S + rtt_s)).max(4_000.0) * passed
        };
        let raised = raised.min(MOST_OVER * through_bps + MORE_BPS).min(MAX_BPS as f64);
        self.bitrate_bps = self.bitrate_bps.max(raised);
    }

    fn fall(&mut self, wait_s: f64, through_bps: Option<f64>, rtt_s: f64, now: f64) {
        self.holds = true;
        let through = through_bps.unwrap_or(self.bitrate_bps);
        let about = through > ABOUT * self.bitrate_bps;
        let gently = about && wait_s < ALARM_S;
        let settles = if gently { GENTLY_S } else { SETTLE_S };
        if now - self.fell_at < settles + rtt_s {
            return;
        }
        self.capacity.full(through / 1000.0);
        if self.filled_bps.is_none() {
            self.filled_bps = Some(through);
            self.before_bps = self.bitrate_bps;
        }
        self.fell_wait_s = wait_s;
        self.since_fall = (0, 0);
        let mut lower = DOWN * if about { self.bitrate_bps } else { through };
        if wait_s < ALARM_S {
            lower = lower.max(self.bitrate_bps / 2.0);
        }
        lower = lower.max(KEEPS * through);
        if lower < self.bitrate_bps {
            self.bitrate_bps = lower.max(MIN_BPS);
        }
        self.fell_at = now;
    }

    /// 6: packets of one message. Above a fifth, which no radio link loses for long, down to what came through.
    pub fn reported(&mut self, received: i64, lost: i64, through_bps: Option<f64>, now: f64) {
        self.since_fall.0 += received + lost;
        self.since_fall.1 += lost;
        self.expected += received + lost;
        self.lost += lost;
        if self.expected < LEAST_PACKETS {
            return;
        }
        let share = self.lost as f64 / self.expected as f64;
        self.expected = 0;
        self.lost = 0;
        self.lossy = share >= LITTLE_LOSS;
        if share <= MUCH_LOSS || now - self.fell_at.max(self.loss_fell_at) < LOSS_EVERY_S {
            return;
        }
        let mut lower = self.bitrate_bps * (1.0 - share / 2.0);
        if let Some(through) = through_bps.filter(|_| share > COLLAPSE) {
            lower = lower.min(through);
        }
        lower = lower.max(self.bitrate_bps.min(KEEPS * through_bps.unwrap_or(0.0)));
        self.bitrate_bps = lower.max(MIN_BPS);
        self.loss_fell_at = now;
    }

    /// A train of packets came through at this rate, or others did until the way became longer.
    pub fn probed(&mut self, bitrate_bps: f64) {
        if bitrate_bps > self.bitrate_bps {
            self.bitrate_bps = bitrate_bps.min(MAX_BPS as f64);
            self.capacity.kbps = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_lowers_it_and_rest_raises_it() {
        let mut rate = RateControl::default();
        rate.update(Usage::Over, 0.1, Some(1_000_000.0), None, 0.1, 1.0);
        assert_eq!(rate.bitrate_bps, 1_250_000.0);
        rate.update(Usage::Over, 0.3, Some(500_000.0), Some(1_000_000.0), 0.1, 3.0);
        rate.update(Usage::Over, 0.3, Some(500_000.0), Some(850_000.0), 0.1, 5.0);
        rate.bitrate_bps = 850_000.0;
        rate.update(Usage::Over, 0.01, Some(1_000_000.0), None, 0.1, 5.0);
        assert_eq!(rate.bitrate_bps, 850_000.0);
        for second in 6..20 {
            rate.update(Usage::Normal, 0.0, Some(850_000.0), None, 0.1, f64::from(second));
        }
        assert!(rate.bitrate_bps > 1_200_000.0 && rate.bitrate_bps <= 1.5 * 850_000.0 + 10_000.0);
    }

    #[test]
    fn loss_lowers_it_and_little_of_it_only_stops_it() {
        let mut rate = RateControl { bitrate_bps: 1_000_000.0, ..RateControl::default() };
        rate.reported(95, 5, Some(900_000.0), 1.0);
        rate.update(Usage::Normal, 0.0, Some(900_000.0), None, 0.1, 1.0);
        rate.update(Usage::Normal, 0.0, Some(900_000.0), None, 0.1, 2.0);
        assert_eq!(rate.bitrate_bps, 1_000_000.0);
        rate.reported(84, 16, Some(900_000.0), 3.0);
        assert_eq!(rate.bitrate_bps.round(), 920_000.0);
        rate.reported(60, 40, Some(500_000.0), 4.0);
        assert_eq!(rate.bitrate_bps, 500_000.0);
    }
}
