//! What was sent to a subscriber lately, to be sent again when it asks (RFC 4585, RFC 4588).

use std::sync::Arc;

use crate::api::Kind;
use crate::incoming::{ExtensionWriter, Source};
use crate::rtp::header;
use crate::table::NumberMap;

/// Seconds in which the same packet is not sent again, unless the round trip is longer: one NACK may come twice.
const NOT_AGAIN_S: f64 = 0.020;

/// Of a ring that has just begun.
const FIRST_SLOTS: usize = 64;

/// Packets kept of one track. 512 packets are 0.9 s of a screen at 5 Mbit/s, 2.8 s of 720p.
fn slots(kind: Kind) -> usize {
    match kind {
        Kind::Video => 512,
        Kind::Audio => 64,
    }
}

/// A packet to one subscriber, as it is made of what all of them get: 32 bytes, of which a call of a hundred has half a million.
pub struct Sent {
    /// Unrolled, as the subscriber sees it.
    pub number: i64,
    pub timestamp: u32,
    /// The transport-wide number it went with, if it has one.
    pub transport: u16,
    pub shape: Shape,
    pub source: Arc<Source>,
}

/// What of its source a packet carries.
#[derive(Clone, Copy)]
pub struct Shape {
    second: u8,          // marker and payload type, as the header has them
    sizes: u8,           // of the descriptor, and of the padding at the end times 16
    descriptor: [u8; 6], // before the payload
    start: u16,          // of the payload
}

impl Shape {
    /// Where the payload begins of a packet that is one byte of padding: further than any.
    const FILLER: u16 = u16::MAX;

    /// The payload from byte `start` on, behind this descriptor.
    pub fn media(payload_type: u8, marker: bool, start: usize, descriptor: &[u8]) -> Self {
        let second = if marker { payload_type | 0x80 } else { payload_type };
        let start = u16::try_from(start).unwrap_or(Self::FILLER - 1);
        let mut shape = Self { second, sizes: 0, descriptor: [0; 6], start };
        for (place, byte) in shape.descriptor.iter_mut().zip(descriptor) {
            *place = *byte;
            shape.sizes += 1;
        }
        shape
    }

    pub fn filler(payload_type: u8) -> Self {
        Self { second: payload_type, sizes: 0, descriptor: [0; 6], start: Self::FILLER }
    }

    /// With so many bytes of padding at its end, 15 at most; a filler has its own.
    pub fn padded(self, padding: u8) -> Self {
        let padding = if self.is_filler() { 0 } else { padding & 0x0F };
        Self { sizes: self.sizes & 0x0F | padding << 4, ..self }
    }

    pub fn payload_type(self) -> u8 {
        self.second & 0x7F
    }

    fn is_filler(self) -> bool {
        self.start == Self::FILLER
    }

    fn padding(self) -> u8 {
        self.sizes >> 4
    }

    fn descriptor(&self) -> &[u8] {
        self.descriptor.get(..usize::from(self.sizes & 0x0F)).unwrap_or_default()
    }
}

/// A ring of sent packets, which grows with those that need it.
pub struct History {
    slots: usize,
    ring: Vec<Option<Sent>>,
    repeated: NumberMap<u64, f64>, // number → when
}

impl History {
    pub fn new(kind: Kind) -> Self {
        Self { slots: slots(kind), ring: Vec::new(), repeated: NumberMap::default() }
    }

    pub fn put(&mut self, sent: Sent) {
        while self.pushes_out(sent.number) && self.ring.len() < self.slots {
            self.grow();
        }
        let place = self.place(sent.number);
        if let Some(slot) = self.ring.get_mut(place) {
            *slot = Some(sent);
        }
    }

    /// Reads the place of this number.
    pub fn fetch(&self, number: i64) -> u64 {
        let slot = self.ring.get(self.place(number)).and_then(Option::as_ref);
        slot.map_or(0, |sent| u64::from(sent.timestamp))
    }

    /// Whether there is no place for it but another's.
    fn pushes_out(&self, number: i64) -> bool {
        let place = self.ring.get(self.place(number));
        place.is_none_or(|slot| slot.as_ref().is_some_and(|sent| sent.number != number))
    }

    fn grow(&mut self) {
        let size = (2 * self.ring.len()).max(FIRST_SLOTS).min(self.slots);
        let before = std::mem::take(&mut self.ring);
        self.ring.resize_with(size, || None);
        for sent in before.into_iter().flatten() {
            let place = self.place(sent.number);
            if let Some(slot) = self.ring.get_mut(place) {
                *slot = Some(sent);
            }
        }
    }

    /// Out of its place, the packet with this unrolled number.
    pub fn take(&mut self, number: i64) -> Option<Sent> {
        let place = self.place(number);
        self.ring.get_mut(place)?.take_if(|sent| sent.number == number)
    }

    /// The packet with this uint16 number; `None` when it is forgotten, never was, or was repeated just now.
    pub fn again(&mut self, sequence: u16, now: f64, rtt_s: Option<f64>) -> Option<&Sent> {
        let place = self.place(i64::from(sequence));
        let sent = self.ring.get(place)?.as_ref()?;
        if sent.number as u16 != sequence {
            return None;
        }
        let number = sent.number as u64;
        let pause = rtt_s.map_or(NOT_AGAIN_S, |rtt| rtt.max(NOT_AGAIN_S));
        if now - self.repeated.get(&number).copied().unwrap_or(f64::NEG_INFINITY) < pause {
            return None;
        }
        if self.repeated.len() >= self.slots {
            self.repeated.clear();
        }
        self.repeated.insert(number, now);
        Some(sent)
    }

    fn place(&self, number: i64) -> usize {
        number as usize & self.ring.len().saturating_sub(1)
    }
}

/// What all packets to a subscriber of one track have in common.
pub struct Looks {
    pub ssrc: u32,
    pub extensions: ExtensionWriter,
}

/// Version 2, and with P or X (RFC 3550 5.1).
pub const VERSION: u8 = 0x80;
pub const PADDED: u8 = 0x20;
pub const EXTENDED: u8 = 0x10;

impl Looks {
    /// The packet, the same each time: under one number there is one only (RFC 3711 9.1).
    pub fn write(&self, sent: &Sent, into: &mut Vec<u8>) {
        let padding = sent.shape.padding();
        let stream = (self.ssrc, sent.shape.payload_type(), sent.number as u16);
        self.head(sent, stream, padding, sent.transport, into);
        sent.write_body(into);
        if padding > 0 {
            into.resize(into.len() + usize::from(padding) - 1, 0);
            into.push(padding);
        }
    }

    /// RFC 4588 4: own number, SSRC and type; the original number stands before the payload. `stream`: SSRC, payload type and number of
    /// the RTX stream. Without padding.
    pub fn write_rtx(&self, sent: &Sent, stream: (u32, u8, u16), transport: u16, into: &mut Vec<u8>) {
        self.head(sent, stream, 0, transport, into);
        into.extend_from_slice(&(sent.number as u16).to_be_bytes());
        sent.write_body(into);
    }

    fn head(
        &self,
        sent: &Sent,
        (ssrc, payload_type, number): (u32, u8, u16),
        padding: u8,
        transport: u16,
        into: &mut Vec<u8>,
    ) {
        let begin = into.len();
        let padded = if padding > 0 || sent.shape.is_filler() { PADDED } else { 0 };
        let marker = sent.shape.second & 0x80 != 0;
        let header = header(VERSION | padded, marker, payload_type, number, sent.timestamp, ssrc);
        into.extend_from_slice(&header);
        self.extensions.write(&sent.source, transport, into);
        if into.len() > begin + header.len()
            && let Some(first) = into.get_mut(begin)
        {
            *first |= EXTENDED;
        }
    }

    /// Bytes of the packet without padding at its end.
    pub fn size(&self, sent: &Sent) -> usize {
        12 + self.extensions.size(&sent.source) + sent.shape.descriptor().len() + sent.body().len()
    }
}

impl Sent {
    fn write_body(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.shape.descriptor());
        into.extend_from_slice(self.body());
    }

    fn body(&self) -> &[u8] {
        if self.shape.is_filler() {
            return &[1]; // a payload of nothing but padding (RFC 3550 5.1), its length byte included
        }
        self.source.payload.get(usize::from(self.shape.start)..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Extensions;

    fn source() -> Arc<Source> {
        Arc::new(Source::of(b"a body"))
    }

    fn sent(number: i64) -> Sent {
        let shape = Shape::media(96, true, 2, b"word");
        Sent { number, timestamp: 5, transport: 0, shape, source: source() }
    }

    fn looks() -> Looks {
        Looks { ssrc: 6, extensions: ExtensionWriter::new(Extensions::default(), "") }
    }

    #[test]
    fn half_a_million_of_them_are_small() {
        assert_eq!(size_of::<Option<Sent>>(), 32);
    }

    #[test]
    fn a_packet_is_repeated_once_in_20_ms_while_it_is_kept() {
        let mut history = History::new(Kind::Audio);
        assert!(history.again(0, 0.0, None).is_none());
        history.put(sent(65_540));
        assert!(history.again(4, 1.0, None).is_some());
        assert!(history.again(4, 1.01, None).is_none());
        assert!(history.again(4, 1.03, None).is_some());
        assert!(history.again(68, 1.0, None).is_none());
        assert!(history.again(4, 1.1, Some(0.1)).is_none());
        history.put(sent(65_604));
        assert!(history.again(4, 2.0, None).is_none());
        assert!(history.again(68, 2.0, None).is_some());
    }

    #[test]
    fn the_ring_grows_with_what_is_sent_and_keeps_the_last_512() {
        let mut history = History::new(Kind::Video);
        for number in 7..7 + 64 {
            history.put(sent(number));
        }
        assert_eq!(history.ring.len(), 64);
        for number in 7 + 64..2_000 {
            history.put(sent(number));
        }
        assert_eq!(history.ring.len(), 512);
        let kept = (0..2_000).filter(|number| history.again(*number, 1.0, None).is_some());
        assert!(kept.eq(2_000 - 512..2_000));
    }

    #[test]
    fn what_is_sent_again_without_rtx_is_the_same_packet() {
        let padded = Sent { shape: sent(7).shape.padded(3), ..sent(7) };
        let mut made = Vec::new();
        looks().write(&padded, &mut made);
        let mut expected = header(0xA0, true, 96, 7, 5, 6).to_vec();
        expected.extend_from_slice(b"wordbody\0\0\x03");
        assert_eq!(made, expected);
        assert_eq!(looks().size(&padded), expected.len() - 3);
        let filler = Sent { shape: Shape::filler(96).padded(3), ..sent(7) };
        made.clear();
        looks().write(&filler, &mut made);
        let mut expected = header(0xA0, false, 96, 7, 5, 6).to_vec();
        expected.push(1);
        assert_eq!(made, expected);
    }

    #[test]
    fn rtx_has_the_original_number_before_the_payload() {
        let padded = Sent { shape: sent(7).shape.padded(3), ..sent(7) };
        let mut made = Vec::new();
        looks().write_rtx(&padded, (8, 97, 99), 0, &mut made);
        let mut expected = header(0x80, true, 97, 99, 5, 8).to_vec();
        expected.extend_from_slice(b"\0\x07wordbody");
        assert_eq!(made, expected);
    }
}
