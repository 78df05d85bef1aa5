//! How long packets wait in the queue of a link, and how much comes through it: what the last second really was.
//!
//! A slope of delays alone takes a computer that stumbles for a queue that grows. Packets that waited are later than the
//! fastest ones of the last seconds; after a stumble the next packet is on time again.

use std::collections::VecDeque;

/// Seconds of arrivals of which the least delayed counts, with the packet before them; and how many at least. A computer
/// that stood still for longer takes in at its end what came meanwhile: the packet before says that nothing waited.
const RECENT_S: f64 = 0.15;
const LEAST: usize = 5;
/// Packets of that time at most, and of `THROUGH_S`: three times what 20 Mbit/s are. A subscriber's clock that stands
/// still, or goes back, makes nobody keep more.
const MOST_RECENT: usize = 1_024;
const MOST_THROUGH: usize = 4_096;
/// Seconds for which the fastest packet is remembered, at least; at most twice that.
const FASTEST_KEPT_S: f64 = 5.0;
/// Seconds of arrivals that throughput is counted over, and at least, in the beginning.
const THROUGH_S: f64 = 0.5;
const THROUGH_LEAST_S: f64 = 0.15;

/// Of one subscriber's link.
pub struct StandingQueue {
    wait_s: f64,
    /// Bits a second that came out of the queue in the last moment. While something stands in it that is what the link
    /// carries, however little was sent before.
    pub busy_bps: Option<f64>,
    recent: VecDeque<(f64, f64, i64)>, // arrived, way, bytes
    fastest: f64,
    fastest_before: f64,
    since: f64,
    newest: f64, // arrival
}

impl Default for StandingQueue {
    fn default() -> Self {
        Self {
            wait_s: 0.0,
            busy_bps: None,
            recent: VecDeque::new(),
            fastest: f64::INFINITY,
            fastest_before: f64::INFINITY,
            since: f64::NEG_INFINITY,
            newest: f64::NEG_INFINITY,
        }
    }
}

impl StandingQueue {
    /// One packet more. The clocks of both ends differ by any constant.
    pub fn delivered(&mut self, sent_at: f64, arrived_at: f64, size: i64) {
        let way = arrived_at - sent_at;
        self.remember(way, arrived_at);
        self.recent.push_back((arrived_at, way, size));
        let is_old = |packet: &(f64, f64, i64)| packet.0 < arrived_at - RECENT_S;
        while self.recent.len() > LEAST
            && (self.recent.len() > MOST_RECENT || self.recent.get(1).is_some_and(is_old))
        {
            self.recent.pop_front();
        }
    }

    /// A packet of a train, which stands behind its own: only the first can be the fastest.
    pub fn padding(&mut self, sent_at: f64, arrived_at: f64) {
        self.remember(arrived_at - sent_at, arrived_at);
    }

    /// Of a silence before this packet nothing is remembered: the way may be another one now.
    fn remember(&mut self, way: f64, arrived_at: f64) {
        let silence_s = arrived_at - self.newest;
        if arrived_at - self.since > FASTEST_KEPT_S {
            self.fastest_before = if silence_s <= FASTEST_KEPT_S { self.fastest } else { way };
            self.fastest = way;
            self.since = arrived_at;
        }
        self.fastest = self.fastest.min(way);
        self.newest = arrived_at;
    }

    /// What the fastest packet of the last seconds took, by both clocks.
    pub fn fastest_s(&self) -> f64 {
        self.fastest.min(self.fastest_before)
    }

    /// Seconds that packets wait now: by the one of the last moment that waited least.
    pub fn judge(&mut self) -> f64 {
        let (mut least, mut total) = (f64::INFINITY, 0);
        for (_, way, size) in &self.recent {
            least = least.min(*way);
            total += size;
        }
        if self.recent.len() >= LEAST
            && let (Some(first), Some(last)) = (self.recent.front(), self.recent.back())
        {
            self.wait_s = least - self.fastest_s();
            let took = last.0 - first.0;
            self.busy_bps = (took > 0.0).then(|| ((total - first.2) * 8) as f64 / took);
        }
        self.wait_s
    }

    /// What packets take now is what the fastest take.
    pub fn longer_way(&mut self) {
        self.fastest = self.fastest_s() + self.wait_s;
        self.fastest_before = self.fastest;
        self.wait_s = 0.0;
    }
}

/// Bits a second that arrive, of the last `THROUGH_S` (draft-ietf-rmcat-gcc-02, 5.5: R_hat).
#[derive(Default)]
pub struct Throughput {
    pub bitrate_bps: Option<f64>,
    arrived: VecDeque<(f64, i64)>,
    bytes: i64,
    began: Option<f64>,
}

impl Throughput {
    /// One packet more, of any kind.
    pub fn delivered(&mut self, arrived_at: f64, size: i64) {
        let slept = self.arrived.back().is_some_and(|newest| (arrived_at - newest.0).abs() > 3.0);
        let began = match self.began {
            Some(began) if !slept => began,
            _ => {
                self.arrived.clear();
                self.bytes = 0;
                self.began = Some(arrived_at);
                arrived_at
            }
        };
        self.arrived.push_back((arrived_at, size));
        self.bytes += size;
        while let Some(oldest) = self.arrived.front()
            && (oldest.0 <= arrived_at - THROUGH_S || self.arrived.len() > MOST_THROUGH)
        {
            self.bytes -= oldest.1;
            self.arrived.pop_front();
        }
        let span = (arrived_at - began).min(THROUGH_S);
        if span >= THROUGH_LEAST_S {
            self.bitrate_bps = Some((self.bytes * 8) as f64 / span);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stumble_is_no_queue() {
        let mut queue = StandingQueue::default();
        for number in 0..200 {
            let now = f64::from(number) * 0.01;
            let late = if now >= 1.0 { (0.3 - (now - 1.0)).max(0.0) } else { 0.0 };
            queue.delivered(now, now + 50.0 + late, 100);
            assert!(queue.judge() < 0.001 || (1.0..1.5).contains(&now));
        }
    }

    #[test]
    fn a_clock_that_stands_still_keeps_no_more() {
        let (mut queue, mut through) = (StandingQueue::default(), Throughput::default());
        for number in 0..10_000 {
            queue.delivered(-f64::from(number), 5.0, 100);
            through.delivered(5.0, 100);
        }
        assert_eq!((queue.recent.len(), through.arrived.len()), (MOST_RECENT, MOST_THROUGH));
        assert_eq!(through.bytes, 409_600);
    }

    #[test]
    fn half_a_second_is_counted() {
        let mut through = Throughput::default();
        for number in 0..100 {
            through.delivered(f64::from(number) * 0.01, 125);
        }
        assert_eq!(through.bitrate_bps.map(f64::round), Some(100_000.0));
    }
}
