//! A repeatable choice of inputs, for tests without libFuzzer: seeds that are changed here and there, and pure noise.

/// xorshift64*: the same seed, the same row.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.roll() as usize % end.max(1)
    }

    pub fn noise(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.roll() as u8).collect()
    }

    /// Bits turned, bytes that numbers like best to be, pieces cut out, doubled or put in.
    pub fn changed(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut made = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(made.len());
            match (self.below(6), made.get_mut(at)) {
                (0 | 1, Some(byte)) => *byte ^= 1 << (self.roll() & 7),
                (2, Some(byte)) => *byte = [0, 1, 0x7F, 0x80, 0xFE, 0xFF][self.below(6)],
                (3, _) => made.truncate(at),
                (4, Some(_)) => {
                    let piece = made[at..].to_vec();
                    made.extend(piece);
                    made.truncate(4_096);
                }
                _ => {
                    let noise = self.noise(9);
                    made.splice(at..at, noise);
                }
            }
        }
        made
    }
}
