//! What was sent to a subscriber lately, to be sent again when it asks (RFC 4585, RFC 4588).

use std::ops::Range;
use std::sync::Arc;

use crate::api::Kind;
use crate::table::NumberMap;

/// Seconds in which the same packet is not sent again, unless the round trip is longer: one NACK may come twice.
const NOT_AGAIN_S: f64 = 0.020;

/// Packets kept of one track. 512 packets are 0.9 s of a screen at 5 Mbit/s, 2.8 s of 720p.
fn slots(kind: Kind) -> usize {
    match kind {
        Kind::Video => 512,
        Kind::Audio => 64,
    }
}

/// The end of a packet: a publisher's bytes, which all subscribers share, or one byte of padding.
#[derive(Clone)]
pub enum Body {
    Shared(Arc<[u8]>, Range<usize>),
    Filler,
}

impl Body {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Shared(bytes, part) => bytes.get(part.clone()).unwrap_or_default(),
            Self::Filler => &[1], // a payload of nothing but padding (RFC 3550 5.1), its length byte included
        }
    }
}

/// `head`: header, extensions (`head_size` bytes so far) and rewritten descriptor.
pub struct Sent {
    pub number: i64, // unrolled as the subscriber sees it
    pub head: Vec<u8>,
    pub head_size: usize,
    pub body: Body,
}

/// A ring of sent packets, which grows to its full size with the first that need it.
pub struct History {
    slots: usize,
    ring: Vec<Option<Sent>>,
    repeated: NumberMap<u64, f64>, // number → when
}

impl History {
    pub fn new(kind: Kind) -> Self {
        Self { slots: slots(kind), ring: Vec::new(), repeated: NumberMap::default() }
    }

    /// An empty buffer for the next head: that of the packet which `put` will push out.
    pub fn head(&mut self, number: i64) -> Vec<u8> {
        let place = self.place(number);
        let old = self.ring.get_mut(place).and_then(Option::take);
        let mut head = old.map(|sent| sent.head).unwrap_or_default();
        head.clear();
        head
    }

    pub fn put(&mut self, sent: Sent) {
        let place = self.place(sent.number);
        if place >= self.ring.len() {
            self.ring.resize_with(self.slots, || None);
        }
        if let Some(slot) = self.ring.get_mut(place) {
            *slot = Some(sent);
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
        number as usize & (self.slots - 1)
    }
}

/// RFC 4588 4: own number, SSRC and type; the original number stands before the payload.
pub fn as_rtx(sent: &Sent, payload_type: u8, sequence: u16, ssrc: u32, into: &mut Vec<u8>) -> Option<()> {
    let [first, second, high, low, t0, t1, t2, t3] = *sent.head.first_chunk::<8>()?;
    into.extend_from_slice(&[first, second & 0x80 | payload_type]);
    into.extend_from_slice(&sequence.to_be_bytes());
    into.extend_from_slice(&[t0, t1, t2, t3]);
    into.extend_from_slice(&ssrc.to_be_bytes());
    into.extend_from_slice(sent.head.get(12..sent.head_size)?);
    into.extend_from_slice(&[high, low]);
    into.extend_from_slice(sent.head.get(sent.head_size..)?);
    into.extend_from_slice(sent.body.bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::header;

    fn sent(number: i64) -> Sent {
        let mut head = header(0x80, true, 96, number as u16, 5, 6).to_vec();
        head.extend_from_slice(b"descriptor");
        Sent { number, head, head_size: 12, body: Body::Shared(Arc::from(&b"a body"[..]), 2..6) }
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
    fn rtx_has_the_original_number_before_the_payload() {
        let mut made = Vec::new();
        as_rtx(&sent(7), 97, 99, 8, &mut made).expect("a whole head");
        let mut expected = header(0x80, true, 97, 99, 5, 8).to_vec();
        expected.extend_from_slice(b"\0\x07descriptorbody");
        assert_eq!(made, expected);
    }
}
