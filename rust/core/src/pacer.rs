//! Pictures towards one subscriber, when more of them come at once than its link takes. See `pacer.py`.

use std::collections::VecDeque;

/// Of the estimate (libwebrtc's kDefaultPaceMultiplier).
const FACTOR: f64 = 2.5;
/// Seconds at that rate that leave at once: at 30 a second one picture of what the link carries takes 13 ms.
const BURST_S: f64 = 0.02;
/// Seconds at that rate that leave together afterwards.
const STEP_S: f64 = 0.005;
/// Seconds in which most of what waits leaves, whatever the estimate is. With half a second a link that became narrow stayed full for
/// so much longer: the last large pictures went into it.
const DRAINED_S: f64 = 0.15;
/// Packets that wait; beyond, the oldest leave. Less than a history keeps.
const MOST: usize = 400;

/// Of one subscriber. Times in seconds.
pub struct Pacer {
    free_at: f64,                           // when what has left is through, at the rate
    waiting: VecDeque<(usize, i64, usize)>, // key of its down track, number, bytes
    bytes: usize,
}

impl Default for Pacer {
    fn default() -> Self {
        Self { free_at: f64::NEG_INFINITY, waiting: VecDeque::new(), bytes: 0 }
    }
}

impl Pacer {
    /// Whether a packet that comes now leaves at once.
    pub fn may_go(&self, now: f64) -> bool {
        self.waiting.is_empty() && self.free_at <= now + BURST_S
    }

    /// A datagram of pictures left. `bitrate_bps`: the estimate; 0: the link is not measured, and nothing waits.
    pub fn went(&mut self, size: usize, bitrate_bps: i64, now: f64) {
        if bitrate_bps <= 0 {
            return;
        }
        let rate = (FACTOR * bitrate_bps as f64).max((self.bytes * 8) as f64 / DRAINED_S);
        self.free_at = self.free_at.max(now) + (size * 8) as f64 / rate;
    }

    /// `number`: unrolled, as the subscriber sees it.
    pub fn hold(&mut self, down: usize, number: i64, size: usize) {
        self.waiting.push_back((down, number, size));
        self.bytes += size;
    }

    pub fn is_full(&self) -> bool {
        self.waiting.len() > MOST
    }

    /// Key of the down track and number of what is to leave now, the oldest first.
    pub fn take(&mut self, now: f64) -> Option<(usize, i64)> {
        if self.free_at > now + STEP_S && !self.is_full() {
            return None;
        }
        let (down, number, size) = self.waiting.pop_front()?;
        self.bytes -= size;
        Some((down, number))
    }

    /// Its down track is gone, and what waits of it.
    pub fn forget(&mut self, down: usize) {
        self.waiting.retain(|each| each.0 != down);
        self.bytes = self.waiting.iter().map(|each| each.2).sum();
    }

    pub fn next_wakeup(&self) -> Option<f64> {
        (!self.waiting.is_empty()).then_some(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_picture_leaves_at_once_and_a_large_one_at_the_rate() {
        let mut pacer = Pacer::default();
        for number in 0..60 {
            if pacer.may_go(1.0) {
                pacer.went(1_300, 1_000_000, 1.0); // 4.16 ms at 2.5 Mbit/s
            } else {
                pacer.hold(7, number, 1_300);
            }
        }
        assert_eq!(pacer.waiting.len(), 55); // 20 ms, and the one that goes beyond them
        assert!(pacer.take(1.015).is_none());
        assert_eq!(pacer.take(1.016), Some((7, 5)));
        pacer.went(1_300, 1_000_000, 1.016);
        assert!(pacer.take(1.016).is_none());
        let due = 1.0208 + DRAINED_S / 54.0; // there are 54 left, at more than 2.5 Mbit/s
        assert!(pacer.next_wakeup().is_some_and(|at| (at - due).abs() < 1e-9));
        pacer.forget(7);
        assert!(pacer.next_wakeup().is_none() && pacer.take(9.0).is_none());
    }

    #[test]
    fn nothing_waits_without_an_estimate_and_no_more_than_400_with_one() {
        let mut pacer = Pacer::default();
        pacer.went(1_000_000, 0, 1.0);
        assert!(pacer.may_go(1.0));
        pacer.went(100_000, 1_000_000, 1.0);
        (0..401).for_each(|number| pacer.hold(1, number, 1_000));
        assert!(pacer.is_full());
        assert_eq!(pacer.take(1.0), Some((1, 0)));
        assert!(pacer.take(1.0).is_none());
    }
}
