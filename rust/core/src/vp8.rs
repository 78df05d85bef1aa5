//! VP8 in RTP (RFC 7741): what the descriptor tells a forwarder, and the descriptor as a subscriber sees it.
//!
//! The descriptor is in the clear with end-to-end encryption too.

use crate::rtp::Malformed;

pub const PICTURE_ID_MOD: i64 = 1 << 15;

/// RFC 7741 4.2; the fields are explained in `plain/vp8.py`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    pub size: usize,
    pub first: u8,
    pub flags: u8,
    pub picture_id: Option<u16>,
    pub picture_id_bits: u8,
    pub tl0: Option<u8>,
    pub temporal: Option<u8>,
    pub sync: bool,
    pub tail: Option<u8>, // TID/Y/KEYIDX as received
    pub start: bool,
    pub keyframe: bool,
}

impl Descriptor {
    /// This descriptor with other numbers; the picture id always in 15 bits. Only with a picture id.
    pub fn rewritten(&self, picture_id: i64, tl0: u8) -> Written {
        let number = (picture_id & 0x7FFF) as u16 | 0x8000;
        let mut written = Written::default();
        written.push(self.first);
        written.push(self.flags);
        number.to_be_bytes().into_iter().for_each(|byte| written.push(byte));
        if self.tl0.is_some() {
            written.push(tl0);
        }
        if let Some(tail) = self.tail {
            written.push(tail);
        }
        written
    }
}

/// A descriptor's bytes, six at most.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    bytes: [u8; 6],
    size: u8,
}

impl Written {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(usize::from(self.size)) {
            *place = byte;
            self.size += 1;
        }
    }

    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.size)).unwrap_or_default()
    }
}

/// The descriptor at the beginning of a payload.
pub fn parse_descriptor(payload: &[u8]) -> Result<Descriptor, Malformed> {
    let byte = |at: usize| payload.get(at).copied().ok_or(Malformed);
    let mut read = Descriptor { first: byte(0)?, picture_id_bits: 15, ..Descriptor::default() };
    let mut at = 1;
    if read.first & 0x80 != 0 {
        read.flags = byte(1)?;
        at = 2;
        if read.flags & 0x80 != 0 {
            let high = byte(at)?;
            if high & 0x80 != 0 {
                read.picture_id = Some(u16::from_be_bytes([high & 0x7F, byte(at + 1)?]));
                at += 2;
            } else {
                read.picture_id = Some(u16::from(high));
                read.picture_id_bits = 7;
                at += 1;
            }
        }
        if read.flags & 0x40 != 0 {
            read.tl0 = Some(byte(at)?);
            at += 1;
        }
        if read.flags & 0x30 != 0 {
            let tail = byte(at)?;
            read.tail = Some(tail);
            if read.flags & 0x20 != 0 {
                read.temporal = Some(tail >> 6);
                read.sync = tail & 0x20 != 0;
            }
            at += 1;
        }
    }
    read.start = read.first & 0x17 == 0x10;
    // Payload header, RFC 7741 4.3: P, the lowest bit of its first byte, is 0 in a key frame.
    read.keyframe = read.start && byte(at)? & 1 == 0;
    if at > payload.len() {
        return Err(Malformed);
    }
    read.size = at;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_read_and_written_with_other_numbers() {
        let payload = [0x90, 0xE0, 0x81, 0x02, 9, 0x60, 0x10, 1];
        let read = parse_descriptor(&payload).expect("whole");
        assert_eq!((read.picture_id, read.tl0, read.temporal), (Some(0x102), Some(9), Some(1)));
        assert!(read.sync && read.start && read.keyframe);
        assert_eq!(read.size, 6);
        assert_eq!(read.rewritten(3, 4).bytes(), [0x90, 0xE0, 0x80, 3, 4, 0x60]);
        for size in 0..7 {
            assert_eq!(parse_descriptor(payload.get(..size).expect("shorter")), Err(Malformed));
        }
    }
}
