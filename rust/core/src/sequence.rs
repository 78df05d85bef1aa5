//! Sequence numbers (RFC 3550 5.1): unrolled once when a packet comes in, renumbered for each subscriber.

use std::collections::VecDeque;

pub const SEQ_MOD: i64 = 1 << 16;
/// A number this far from the newest is not loss or reordering: the sender began anew (RFC 3550 A.1, there 3000).
const RESTART: i64 = 1_000;
/// Numbers behind the newest whose arrival is remembered.
pub const WINDOW: i64 = 1_024;
const WORDS: usize = (WINDOW / 64) as usize;
/// Changes of numbering that a late packet can still be mapped through.
const HISTORY: usize = 128;

/// Signed distance from `older` to `newer` on the 16-bit circle, in [-32768, 32767].
pub fn seq_delta(newer: u16, older: u16) -> i64 {
    i64::from(newer.wrapping_sub(older).cast_signed())
}

/// uint16 numbers to integers that never wrap, and each of them only once.
///
/// `epoch` grows when the sender began anew: numbers of different epochs do not compare.
pub struct Unroller {
    pub highest: i64, // -1 before the first
    pub epoch: i64,
    seen: [u64; WORDS], // bit number % WINDOW
}

impl Default for Unroller {
    fn default() -> Self {
        Self { highest: -1, epoch: 0, seen: [0; WORDS] }
    }
}

impl Unroller {
    /// `None`: it came before, or too long ago to know. A `repaired` packet came by RTX: Chromium probes its link with
    /// old packets; they begin nothing anew.
    pub fn unroll(&mut self, sequence: u16, repaired: bool) -> Option<i64> {
        if self.highest < 0 {
            return Some(self.begin(sequence));
        }
        let delta = seq_delta(sequence, self.highest as u16);
        if repaired && !(-WINDOW < delta && delta <= RESTART) {
            return None;
        }
        if delta > 0 {
            if delta > RESTART {
                return Some(self.begin(sequence));
            }
            for skipped in self.highest + 1..self.highest + delta {
                self.set(skipped, false);
            }
            self.highest += delta;
            self.set(self.highest, true);
            return Some(self.highest);
        }
        if delta <= -WINDOW {
            let anew = delta < -2 * WINDOW;
            return anew.then(|| self.begin(sequence));
        }
        let number = self.highest + delta;
        if self.came(number) {
            return None;
        }
        self.set(number, true);
        Some(number)
    }

    fn begin(&mut self, sequence: u16) -> i64 {
        self.epoch += 1;
        self.highest = i64::from(sequence) + SEQ_MOD; // room below for what is late
        self.seen = [0; WORDS];
        self.set(self.highest, true);
        self.highest
    }

    /// Whether this unrolled number, of the last `WINDOW`, came.
    pub fn came(&self, number: i64) -> bool {
        let word = self.seen.get((number % WINDOW / 64) as usize);
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn set(&mut self, number: i64, came: bool) {
        if let Some(word) = self.seen.get_mut((number % WINDOW / 64) as usize) {
            let bit = 1 << (number % 64);
            *word = if came { *word | bit } else { *word & !bit };
        }
    }
}

/// Renumbers one source's packets for one subscriber: a gapless sequence except where the network lost a packet.
///
/// Numbers are unrolled: they never wrap. Also used for picture ids, where many packets share one.
pub struct SequenceMap {
    pub following: i64, // the number that the next new packet gets
    highest: Option<i64>,
    offset: i64,                   // incoming - outgoing
    changes: VecDeque<(i64, i64)>, // (first incoming number, offset from there on), newest last
}

impl SequenceMap {
    pub fn new(following: i64) -> Self {
        Self { following, highest: None, offset: 0, changes: VecDeque::new() }
    }

    /// Another source starts, with `number`; what it sent before is too late.
    pub fn begin(&mut self, number: i64) {
        self.offset = number - self.following;
        self.highest = Some(number - 1);
        self.changes.clear();
        self.changes.push_back((number, self.offset));
    }

    /// Whether a newer one came before: then its number is taken already.
    pub fn is_late(&self, number: i64) -> bool {
        self.highest.is_some_and(|highest| number <= highest)
    }

    /// Record that `number`, newest of all, will not be forwarded. Nothing is changed for an older one.
    pub fn drop(&mut self, number: i64) {
        match self.highest {
            None => self.begin(number),
            Some(highest) if number <= highest => return,
            Some(highest) => self.following += number - highest - 1,
        }
        self.highest = Some(number);
        self.offset += 1;
        if self.changes.back().is_some_and(|last| last.0 == number) {
            self.changes.pop_back();
        }
        if self.changes.len() >= HISTORY {
            self.changes.pop_front();
        }
        self.changes.push_back((number + 1, self.offset));
    }

    /// The outgoing number; `None` if it was dropped, or is older than we remember.
    pub fn forward(&mut self, number: i64) -> Option<i64> {
        let highest = match self.highest {
            Some(highest) => highest,
            None => {
                self.begin(number);
                number - 1
            }
        };
        if number > highest {
            self.highest = Some(number);
            let out = number - self.offset;
            self.following = out + 1;
            return Some(out);
        }
        self.late(number)
    }

    fn late(&self, number: i64) -> Option<i64> {
        let mut newer: Option<(i64, i64)> = None;
        for &(start, offset) in self.changes.iter().rev() {
            if newer.is_some_and(|newer| number >= newer.0 - (newer.1 - offset)) {
                return None; // in the run that was dropped just before `newer`
            }
            if number >= start {
                return Some(number - offset);
            }
            newer = Some((start, offset));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_unroll_over_the_wrap_and_come_once() {
        let mut unroller = Unroller::default();
        let numbers = [65_534, 65_535, 1, 0, 1].map(|each| unroller.unroll(each, false));
        assert_eq!(numbers, [Some(131_070), Some(131_071), Some(131_073), Some(131_072), None]);
        assert_eq!(unroller.unroll(65_533 - 1024, true), None);
        assert_eq!(unroller.epoch, 1);
        assert_eq!(unroller.unroll(30_000, false), Some(95_536));
        assert_eq!(unroller.epoch, 2);
    }

    #[test]
    fn what_is_dropped_leaves_no_gap_and_what_is_lost_does() {
        let mut map = SequenceMap::new(100);
        assert_eq!(map.forward(7), Some(100));
        map.drop(8);
        assert_eq!(map.forward(9), Some(101));
        assert_eq!(map.forward(11), Some(103));
        assert_eq!(map.forward(10), Some(102));
        assert_eq!(map.forward(8), None);
        assert!(map.is_late(11));
        assert!(!map.is_late(12));
    }
}
