//! Which packets of an SSRC came before, and how often its numbers went round (RFC 3711 3.3), as libsrtp keeps it.

use crate::api::Drop;

/// Packets behind the newest that are still accepted once, or sent again.
pub const REPLAY_WINDOW: i64 = 1_024;
const WINDOW: u64 = REPLAY_WINDOW as u64;
const WORDS: usize = (WINDOW / 64) as usize;
/// RTCP's window in libsrtp.
const RTCP_WINDOW: u32 = 128;

/// The newest index of RTP, 48 bits, from which others are guessed by 16 of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct RtpIndex {
    pub newest: u64,
}

impl RtpIndex {
    /// RFC 3711 3.3.1; in the first half of the first round the counter is 0 whatever comes.
    pub fn guess(&self, sequence: u16) -> u64 {
        let number = u64::from(sequence);
        if self.newest <= 0x8000 {
            return number;
        }
        let (round, newest) = (self.newest >> 16, self.newest & 0xFFFF);
        let round = if newest < 0x8000 {
            if number > newest + 0x8000 { round.wrapping_sub(1) & 0xFFFF_FFFF } else { round }
        } else if newest - 0x8000 > number {
            (round + 1) & 0xFFFF_FFFF
        } else {
            round
        };
        round << 16 | number
    }

    /// A packet with this index goes out, perhaps again. `false`: it is too late for that.
    pub fn send(&mut self, index: u64) -> bool {
        self.newest = self.newest.max(index);
        self.newest - index < WINDOW
    }
}

/// Of RTP that is received.
#[derive(Clone, Debug, Default)]
pub struct RtpReplay {
    newest: u64,
    seen: [u64; WORDS], // bit index % WINDOW
}

impl RtpReplay {
    pub fn guess(&self, sequence: u16) -> u64 {
        RtpIndex { newest: self.newest }.guess(sequence)
    }

    /// Whether a packet with this index may still be taken. `Replayed`: it came; `TooLate`: nobody knows any more.
    pub fn check(&self, index: u64) -> Result<(), Drop> {
        if index > self.newest {
            Ok(())
        } else if self.newest - index >= WINDOW {
            Err(Drop::TooLate)
        } else if self.bit(index) {
            Err(Drop::Replayed)
        } else {
            Ok(())
        }
    }

    pub fn add(&mut self, index: u64) {
        if index > self.newest {
            if index - self.newest >= WINDOW {
                self.seen = [0; WORDS];
            } else {
                for skipped in self.newest + 1..index {
                    self.set(skipped, false);
                }
            }
            self.newest = index;
        }
        self.set(index, true);
    }

    fn bit(&self, index: u64) -> bool {
        let word = self.seen.get((index % WINDOW / 64) as usize);
        word.is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    fn set(&mut self, index: u64, came: bool) {
        if let Some(word) = self.seen.get_mut((index % WINDOW / 64) as usize) {
            let bit = 1 << (index % 64);
            *word = if came { *word | bit } else { *word & !bit };
        }
    }
}

/// Of RTCP: 31-bit indices, which every packet carries.
#[derive(Clone, Debug, Default)]
pub struct RtcpReplay {
    start: u32,
    seen: u128, // bit i: start + i came
}

impl RtcpReplay {
    pub fn check(&self, index: u32) -> Result<(), Drop> {
        let Some(place) = index.checked_sub(self.start) else {
            return Err(Drop::Replayed);
        };
        if place < RTCP_WINDOW && self.seen >> place & 1 == 1 {
            return Err(Drop::Replayed);
        }
        Ok(())
    }

    /// After `check` said that it may come.
    pub fn add(&mut self, index: u32) {
        let Some(place) = index.checked_sub(self.start) else {
            return;
        };
        if place < RTCP_WINDOW {
            self.seen |= 1 << place;
        } else {
            let shift = place - (RTCP_WINDOW - 1);
            self.seen = self.seen.checked_shr(shift).unwrap_or(0) | 1 << (RTCP_WINDOW - 1);
            self.start += shift;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(replay: &mut RtpReplay, sequence: u16) -> Result<u64, Drop> {
        let index = replay.guess(sequence);
        replay.check(index)?;
        replay.add(index);
        Ok(index)
    }

    #[test]
    fn numbers_go_round_and_each_comes_once() {
        let mut replay = RtpReplay::default();
        assert_eq!(take(&mut replay, 65_000), Ok(65_000));
        assert_eq!(take(&mut replay, 65_535), Ok(65_535));
        assert_eq!(take(&mut replay, 3), Ok(65_539));
        assert_eq!(take(&mut replay, 65_534), Ok(65_534));
        assert_eq!(take(&mut replay, 65_534), Err(Drop::Replayed));
        assert_eq!(take(&mut replay, 3), Err(Drop::Replayed));
        assert_eq!(take(&mut replay, 64_000), Err(Drop::TooLate));
        assert_eq!(take(&mut replay, 1_030), Ok(66_566));
        assert_eq!(take(&mut replay, 7), Ok(65_543));
        assert_eq!(take(&mut replay, 6), Err(Drop::TooLate));
    }

    #[test]
    fn rtcp_has_a_window_of_128() {
        let mut replay = RtcpReplay::default();
        for index in [1, 200, 100] {
            assert_eq!(replay.check(index), Ok(()));
            replay.add(index);
            assert_eq!(replay.check(index), Err(Drop::Replayed));
        }
        assert_eq!(replay.check(73), Ok(()));
        assert_eq!(replay.check(72), Err(Drop::Replayed));
        replay.add(0x7FFF_FFFF);
        assert_eq!(replay.check(201), Err(Drop::Replayed));
    }
}
