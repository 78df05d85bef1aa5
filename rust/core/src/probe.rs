//! Trains of padding that find out whether more would come through, where pictures wait for room.
//!
//! A train leaves at once; how far apart its packets arrive says what the narrowest place on the way carries. It is
//! short: on a link that is exactly full it stands in the queue for a tenth of a second.

use crate::delivery::Delivery;

/// Of what is known, how much more a train tries, and seconds of that rate that it is long.
const TRIES: f64 = 2.0;
const LENGTH_S: f64 = 0.05;
/// Bytes of one packet: a header, extensions, 255 of padding and SRTP's tag.
const PACKET_BYTES: f64 = 295.0;
/// Packets of a train, at least and at most.
const LEAST: i64 = 8;
const MOST: i64 = 60;
/// Of its packets, the share that must arrive for it to say anything.
const ENOUGH: f64 = 0.8;
/// Seconds until the next: after one that found more, and after one that did not, which doubles up to the last.
const SOON_S: f64 = 0.4;
const AGAIN_S: f64 = 3.0;
const LONGEST_S: f64 = 6.0;
/// Seconds after which a train that was not told of is given up.
const GIVEN_UP_S: f64 = 1.5;
/// What counts as more; and of what it measured, what is believed.
const MORE: f64 = 1.1;
const BELIEVED: f64 = 0.95;

/// Of one subscriber's link.
pub struct Prober {
    pub wish_bps: i64,   // what would be sent were there room; 0: everything is sent
    pub beside_bps: i64, // of voices, which have no numbers: a train measures their place too
    train: u32,          // the last one's number
    packets: i64,        // of it
    bitrate_bps: f64,    // that it tries
    arrived: Vec<(f64, i64)>,
    sent_at: Option<f64>, // None: nobody is waited for
    pause_s: f64,
    next_at: f64,
}

impl Default for Prober {
    fn default() -> Self {
        Self {
            wish_bps: 0,
            beside_bps: 0,
            train: 0,
            packets: 0,
            bitrate_bps: 0.0,
            arrived: Vec::new(),
            sent_at: None,
            pause_s: AGAIN_S,
            next_at: f64::NEG_INFINITY,
        }
    }
}

impl Prober {
    /// A room has other pictures than before: what it would take to send them all.
    pub fn wish(&mut self, bitrate_bps: i64) {
        self.wish_bps = bitrate_bps;
    }

    /// The number of a train that is to leave now, and how many packets it has.
    pub fn poll(&mut self, estimate_bps: f64, now: f64) -> Option<(u32, i64)> {
        if self.sent_at.is_some_and(|at| now - at > GIVEN_UP_S) {
            self.ended(false, now);
        }
        if self.wish_bps as f64 <= estimate_bps || self.sent_at.is_some() || now < self.next_at {
            return None;
        }
        self.bitrate_bps = (TRIES * estimate_bps).min(MORE * self.wish_bps as f64);
        let packets = (self.bitrate_bps * LENGTH_S / (8.0 * PACKET_BYTES)) as i64;
        self.packets = packets.clamp(LEAST, MOST);
        self.train = self.train.wrapping_add(1);
        self.sent_at = Some(now);
        self.arrived.clear();
        Some((self.train, self.packets))
    }

    /// A packet of a train.
    pub fn delivered(&mut self, packet: &Delivery) {
        if packet.probe == self.train && self.sent_at.is_some() {
            self.arrived.push((packet.arrived_at, packet.size));
        }
    }

    /// After every message: what the train found, once enough of it is there; `None`: nothing new, or no more.
    ///
    /// `fastest_s`: what the fastest packet took lately, by both clocks. Packets that a busy computer takes in at once
    /// arrived without a distance: what the last one took says how long the train was on its way, at most.
    pub fn judge(&mut self, estimate_bps: f64, fastest_s: f64, now: f64) -> Option<f64> {
        let sent_at = self.sent_at?;
        let &(begin, begin_size) = self.arrived.first()?;
        if (self.arrived.len() as f64) < self.packets as f64 * ENOUGH {
            return None;
        }
        let (mut first, mut last, mut size) = (begin, begin, 0);
        for (arrived_at, each) in &self.arrived {
            first = first.min(*arrived_at);
            last = last.max(*arrived_at);
            size += each;
        }
        size -= begin_size; // what came first has waited for nobody
        let took = (last - first).max(last - sent_at - fastest_s);
        let through = if took > 0.0 { BELIEVED * size as f64 * 8.0 / took } else { self.bitrate_bps };
        let found = (through - self.beside_bps as f64).min(self.bitrate_bps);
        let more = found > MORE * estimate_bps;
        self.ended(more, now);
        more.then_some(found)
    }

    /// The link is full or loses much: no train for a while.
    pub fn put_off(&mut self, now: f64) {
        self.next_at = self.next_at.max(now + AGAIN_S);
    }

    fn ended(&mut self, found: bool, now: f64) {
        self.sent_at = None;
        if found {
            self.pause_s = AGAIN_S;
            self.next_at = now + SOON_S;
        } else {
            self.next_at = now + self.pause_s;
            self.pause_s = (2.0 * self.pause_s).min(LONGEST_S);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_train_says_what_it_measured() {
        let mut prober = Prober::default();
        assert_eq!(prober.poll(500_000.0, 1.0), None);
        prober.wish(5_000_000);
        let (train, packets) = prober.poll(500_000.0, 4.0).expect("a train");
        assert_eq!(packets, 21);
        assert_eq!(prober.poll(500_000.0, 4.1), None);
        for number in 0..packets {
            assert!(number > packets / 2 || prober.judge(500_000.0, 5.0, 4.2).is_none());
            let arrived_at = 9.0 + number as f64 * 295.0 * 8.0 / 600_000.0;
            prober.delivered(&Delivery { sent_at: 4.0, arrived_at, size: 295, probe: train });
        }
        assert_eq!(prober.judge(500_000.0, 5.0, 4.3).map(f64::round), Some(570_000.0));
        assert_eq!(prober.poll(570_000.0, 4.5), None);
        assert!(prober.poll(570_000.0, 4.8).is_some());
        assert_eq!(prober.poll(570_000.0, 7.0), None);
        assert_eq!(prober.poll(5_000_000.0, 60.0), None);
    }

    #[test]
    fn a_train_that_is_taken_in_at_once_has_been_on_its_way() {
        let mut prober = Prober::default();
        prober.wish(5_000_000);
        let (train, packets) = prober.poll(500_000.0, 4.0).expect("a train");
        for _ in 0..packets {
            prober.delivered(&Delivery { sent_at: 4.0, arrived_at: 9.2, size: 295, probe: train });
        }
        assert_eq!(prober.judge(500_000.0, 5.0, 4.3), None);
    }
}
