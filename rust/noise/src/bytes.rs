//! Decisions out of bytes: the same bytes, the same decisions. After the end everything is 0.

pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// Below `end`, which is at most 256.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    pub fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub fn word(&mut self) -> u32 {
        u32::from(self.short()) << 16 | u32::from(self.short())
    }

    /// Few, now and then many.
    pub fn piece(&mut self) -> &'a [u8] {
        match usize::from(self.byte()) {
            many @ 248.. => self.take(30 * (many - 247)),
            few => self.take(few % 12),
        }
    }

    /// So many, or as many as there are.
    pub fn take(&mut self, size: usize) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(size.min(self.0.len()));
        self.0 = rest;
        piece
    }
}
