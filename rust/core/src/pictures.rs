//! VP8's picture numbers for one subscriber: no gap for pictures of a temporal layer that it does not get.
//!
//! Chromium waits for every picture id that it misses on a lower temporal layer; a gap we made would freeze it.

use crate::sequence::SequenceMap;
use crate::vp8::{Descriptor, PICTURE_ID_MOD, Written};

pub struct PictureMap {
    first: u16, // where the subscriber's picture ids begin, 0..32767
    ids: SequenceMap,
    newest: Option<i64>, // incoming, unrolled
    tl0_offset: u8,
    tl0_newest: Option<u8>, // outgoing
}

impl PictureMap {
    pub fn new(first: u16) -> Self {
        Self { first, ids: SequenceMap::new(i64::from(first)), newest: None, tl0_offset: 0, tl0_newest: None }
    }

    pub fn fetch(&self) -> u64 {
        self.ids.following as u64 ^ u64::from(self.tl0_offset)
    }

    /// Another source starts with this keyframe.
    pub fn begin(&mut self, descriptor: &Descriptor) {
        let Some(picture_id) = descriptor.picture_id else {
            return;
        };
        let newest = i64::from(picture_id) + PICTURE_ID_MOD;
        self.newest = Some(newest);
        self.ids.begin(newest);
        if let Some(tl0) = descriptor.tl0 {
            let following = match self.tl0_newest {
                None => self.first as u8,
                Some(newest) => newest.wrapping_add(1),
            };
            self.tl0_offset = following.wrapping_sub(tl0);
        }
    }

    /// This picture is not forwarded.
    pub fn drop(&mut self, descriptor: &Descriptor) {
        if let Some(picture_id) = descriptor.picture_id {
            let number = self.unroll(picture_id, descriptor.picture_id_bits);
            self.ids.drop(number);
        }
    }

    /// The descriptor for the subscriber; `None` when its picture was dropped, or is forgotten.
    pub fn forward(&mut self, descriptor: &Descriptor) -> Option<Written> {
        let Some(picture_id) = descriptor.picture_id else {
            return Some(Written::default());
        };
        let number = self.unroll(picture_id, descriptor.picture_id_bits);
        let out = self.ids.forward(number)?;
        let mut tl0 = 0;
        if let Some(received) = descriptor.tl0 {
            tl0 = received.wrapping_add(self.tl0_offset);
            if self.tl0_newest.is_none_or(|newest| tl0.wrapping_sub(newest) < 128) {
                self.tl0_newest = Some(tl0);
            }
        }
        Some(descriptor.rewritten(out, tl0))
    }

    fn unroll(&mut self, picture_id: u16, bits: u8) -> i64 {
        let number = i64::from(picture_id);
        let modulus = 1_i64 << bits;
        let Some(newest) = self.newest else {
            self.newest = Some(number + PICTURE_ID_MOD);
            return number + PICTURE_ID_MOD;
        };
        let delta = (number - newest).rem_euclid(modulus);
        if delta >= modulus / 2 {
            return newest + delta - modulus;
        }
        self.newest = Some(newest + delta);
        newest + delta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(number: u16, tl0: u8) -> Descriptor {
        Descriptor {
            first: 0x90,
            flags: 0xC0,
            picture_id: Some(number),
            picture_id_bits: 15,
            tl0: Some(tl0),
            ..Descriptor::default()
        }
    }

    #[test]
    fn a_picture_that_is_left_out_leaves_no_gap() {
        let mut map = PictureMap::new(500);
        map.begin(&picture(0x7FFF, 3));
        let mut out = |descriptor| map.forward(&descriptor).map(|each| each.bytes().to_vec());
        assert_eq!(out(picture(0x7FFF, 3)), Some(vec![0x90, 0xC0, 0x81, 0xF4, 0xF4]));
        map.drop(&picture(0, 3));
        let mut out = |descriptor| map.forward(&descriptor).map(|each| each.bytes().to_vec());
        assert_eq!(out(picture(1, 4)), Some(vec![0x90, 0xC0, 0x81, 0xF5, 0xF5]));
        assert_eq!(out(picture(0, 3)), None);
    }
}
