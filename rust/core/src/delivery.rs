//! What was sent to one subscriber under transport-wide numbers, and what became of it.
//!
//! A number that a message passes over is not lost yet: what comes late is told in the next message, which begins
//! there. It is lost when a later message begins behind it.

use std::collections::VecDeque;

use crate::arrivals::Arrivals;
use crate::sequence::seq_delta;

/// Packets that may wait for an answer: 20 Mbit/s for two seconds.
const MOST_OUTSTANDING: usize = 4_096;
const TICK_S: f64 = 0.000_25;

/// A packet that arrived. `sent_at` by our clock, `arrived_at` by the subscriber's, both in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delivery {
    pub sent_at: f64,
    pub arrived_at: f64,
    pub size: i64,  // bytes of the datagram
    pub probe: u32, // the train it belonged to, 0 for media
}

struct Waiting {
    number: i64,
    sent_at: f64,
    size: i64,
    probe: u32,
    missing: bool, // passed over by a message
    told: bool,    // it arrived; the place alone is left
}

/// Of one subscriber's transport, over all tracks and their RTX.
#[derive(Default)]
pub struct Outstanding {
    following: i64, // the next number, unrolled
    sent: VecDeque<Waiting>,
    waiting: usize, // of `sent`, those that are not told
    passed: i64,    // below it, all of them are passed over
}

impl Outstanding {
    pub fn fetch(&self) -> u64 {
        self.sent.back().map_or(0, |last| last.number as u64)
    }

    /// The next packet's, unrolled; what is written is its low 16 bits.
    pub fn number(&mut self) -> i64 {
        self.following += 1;
        self.following - 1
    }

    /// It went out. Numbers of what did not are never asked after.
    pub fn sent(&mut self, number: i64, size: usize, now: f64, probe: u32) {
        let size = size as i64;
        self.sent.push_back(Waiting { number, sent_at: now, size, probe, missing: false, told: false });
        self.waiting += 1;
        while self.waiting > MOST_OUTSTANDING {
            self.forget();
        }
    }

    /// The oldest; whether it is lost.
    fn forget(&mut self) -> bool {
        let Some(oldest) = self.sent.pop_front() else {
            return false;
        };
        if !oldest.told {
            self.waiting -= 1;
        }
        oldest.missing && !oldest.told
    }

    /// What arrived, in the order in which it was sent, and how many are lost for good.
    pub fn reported(&mut self, arrivals: &Arrivals) -> (Vec<Delivery>, i64) {
        let first = self.following + seq_delta(arrivals.first, self.following as u16);
        let mut lost = 0;
        while self.sent.front().is_some_and(|packet| packet.number < first) {
            lost += i64::from(self.forget());
        }
        let mut delivered = Vec::with_capacity(arrivals.received.len());
        for (place, tick) in &arrivals.received {
            let number = first + i64::from(*place);
            let at = self.sent.partition_point(|packet| packet.number < number);
            let packet = self.sent.get_mut(at).filter(|packet| packet.number == number && !packet.told);
            if let Some(packet) = packet {
                packet.told = true;
                self.waiting -= 1;
                delivered.push(Delivery {
                    sent_at: packet.sent_at,
                    arrived_at: *tick as f64 * TICK_S,
                    size: packet.size,
                    probe: packet.probe,
                });
            }
        }
        // Each is looked at once, whatever messages say of it afterwards: a datagram has forty of them.
        let behind = (first + i64::from(arrivals.count)).min(self.following);
        let at = self.sent.partition_point(|packet| packet.number < first.max(self.passed));
        self.sent.range_mut(at..).take_while(|packet| packet.number < behind).for_each(|packet| {
            packet.missing = true;
        });
        self.passed = self.passed.max(behind);
        (delivered, lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(first: u16, count: u16, received: &[(u16, i64)]) -> Arrivals {
        Arrivals { first, count, received: received.to_vec() }
    }

    #[test]
    fn late_is_not_lost() {
        let mut sent = Outstanding { following: 65_535, ..Outstanding::default() };
        for _ in 0..6 {
            let number = sent.number();
            sent.sent(number, 100, 1.0, 0);
        }
        let (delivered, lost) = sent.reported(&arrivals(65_535, 4, &[(0, 0), (3, 8)]));
        assert_eq!((delivered.len(), lost), (2, 0));
        let (delivered, lost) = sent.reported(&arrivals(0, 4, &[(0, 9), (3, 9)]));
        assert_eq!((delivered.len(), lost), (2, 0));
        let (delivered, lost) = sent.reported(&arrivals(4, 1, &[(0, 12)]));
        assert_eq!(delivered, [Delivery { sent_at: 1.0, arrived_at: 0.003, size: 100, probe: 0 }]);
        assert_eq!(lost, 1);
        assert_eq!(sent.reported(&arrivals(4, 1, &[(0, 12)])), (vec![], 0));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut sent = Outstanding::default();
        for _ in 0..MOST_OUTSTANDING + 5 {
            let number = sent.number();
            sent.sent(number, 100, 1.0, 0);
        }
        assert_eq!(sent.sent.len(), MOST_OUTSTANDING);
    }
}
