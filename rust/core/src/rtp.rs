//! RTP packets (RFC 3550 5.1) and their header extensions (RFC 8285): bytes in, values out, and back.

const ONE_BYTE: u16 = 0xBEDE;
const TWO_BYTE: u16 = 0x1000; // the low four bits are "appbits", ignored

/// Longest RTP packet that we send, bytes before encryption: with SRTP's tag, UDP and IP it fits a path of 1,400.
pub const MAX_PACKET: usize = 1_356;
/// Longest payload that is forwarded.
pub const MAX_PAYLOAD: usize = 1_310;

/// The bytes are not what the RFC says.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

pub fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*bytes))
}

pub fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}

/// Header extension elements, each of them known to be whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Elements<'a> {
    block: &'a [u8],
    two_byte: bool,
}

impl<'a> Elements<'a> {
    /// Other profiles have no elements that we know.
    pub fn read(profile: u16, block: &'a [u8]) -> Result<Self, Malformed> {
        let two_byte = profile & 0xFFF0 == TWO_BYTE;
        if profile != ONE_BYTE && !two_byte {
            return Ok(Self::default());
        }
        let elements = Self { block, two_byte };
        elements.walk(|_, _| ())?;
        Ok(elements)
    }

    /// Of an id that comes twice the last; empty when absent.
    pub fn get(&self, id: u8) -> &'a [u8] {
        let mut found: &[u8] = &[];
        if id != 0 && !self.block.is_empty() {
            let whole = self.walk(|each, value| {
                if each == id {
                    found = value;
                }
            });
            debug_assert!(whole.is_ok());
        }
        found
    }

    fn walk(&self, mut take: impl FnMut(u8, &'a [u8])) -> Result<(), Malformed> {
        let mut rest = self.block;
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            if first == 0 {
                continue; // padding between elements
            }
            let (id, length) = if self.two_byte {
                let (&length, after) = rest.split_first().ok_or(Malformed)?;
                rest = after;
                (first, usize::from(length))
            } else {
                if first >> 4 == 15 {
                    break; // RFC 8285 4.2: stop reading here
                }
                (first >> 4, usize::from(first & 0x0F) + 1)
            };
            let (value, after) = rest.split_at_checked(length).ok_or(Malformed)?;
            rest = after;
            if id != 0 {
                take(id, value);
            }
        }
        Ok(())
    }
}

/// Where the payload of a packet begins that `parse_rtp` took.
fn payload_at(data: &[u8]) -> Option<usize> {
    let first = *data.first()?;
    let at = 12 + 4 * usize::from(first & 0x0F);
    if first & 0x10 == 0 {
        return Some(at);
    }
    Some(at + 4 + 4 * usize::from(u16_at(data, at + 2)?))
}

/// The packet that one of RTX brings again (RFC 4588 4), with the extensions and the padding of that. `data` is what
/// `parse_rtp` took, with more than two bytes of payload; `None` for other bytes.
pub fn unwrap_rtx(data: &[u8], payload_type: u8, ssrc: u32) -> Option<Vec<u8>> {
    let at = payload_at(data)?;
    let second = data.get(1)? & 0x80 | payload_type;
    let (number, ssrc) = (data.get(at..at + 2)?, ssrc.to_be_bytes());
    let pieces = [data.get(..1)?, &[second], number, data.get(4..8)?, &ssrc, data.get(12..at)?];
    let mut plain = pieces.concat();
    plain.extend_from_slice(data.get(at + 2..)?);
    Some(plain)
}

/// One packet, padding removed.
#[derive(Clone, Copy, Debug)]
pub struct RtpPacket<'a> {
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub elements: Elements<'a>,
    pub payload: &'a [u8],
}

pub fn parse_rtp(data: &[u8]) -> Result<RtpPacket<'_>, Malformed> {
    let (header, _) = data.split_first_chunk::<12>().ok_or(Malformed)?;
    let [first, second, ..] = *header;
    if first >> 6 != 2 {
        return Err(Malformed);
    }
    let mut start = 12 + 4 * usize::from(first & 0x0F);
    let mut elements = Elements::default();
    if first & 0x10 != 0 {
        let profile = u16_at(data, start).ok_or(Malformed)?;
        let words = u16_at(data, start + 2).ok_or(Malformed)?;
        let block = start + 4;
        start = block + 4 * usize::from(words);
        elements = Elements::read(profile, data.get(block..start).ok_or(Malformed)?)?;
    }
    let mut payload = data.get(start..).ok_or(Malformed)?;
    if first & 0x20 != 0 {
        let padding = usize::from(*data.last().ok_or(Malformed)?);
        if padding == 0 || padding > payload.len() {
            return Err(Malformed);
        }
        payload = payload.get(..payload.len() - padding).ok_or(Malformed)?;
    }
    Ok(RtpPacket {
        payload_type: second & 0x7F,
        marker: second > 127,
        sequence: u16_at(data, 2).ok_or(Malformed)?,
        timestamp: u32_at(data, 4).ok_or(Malformed)?,
        ssrc: u32_at(data, 8).ok_or(Malformed)?,
        elements,
        payload,
    })
}

/// The extension block with its header and padding, at the end of `into`; nothing without elements.
///
/// One-byte elements when all fit (1 to 16 bytes), else two-byte ones, as `extmap-allow-mixed` lets us.
pub fn write_elements(elements: &[(u8, &[u8])], into: &mut Vec<u8>) {
    let known = || elements.iter().filter(|element| element.0 != 0);
    if known().next().is_none() {
        return;
    }
    let one_byte = known().all(|(_, value)| (1..=16).contains(&value.len()));
    let profile = if one_byte { ONE_BYTE } else { TWO_BYTE };
    into.extend_from_slice(&profile.to_be_bytes());
    let length_at = into.len();
    into.extend_from_slice(&[0, 0]);
    for (id, value) in known() {
        let length = value.len() as u8; // elements come from packets or are short: at most 255 bytes
        if one_byte {
            into.push(id << 4 | length.wrapping_sub(1));
        } else {
            into.extend_from_slice(&[*id, length]);
        }
        into.extend_from_slice(value);
    }
    while !(into.len() - length_at - 2).is_multiple_of(4) {
        into.push(0);
    }
    let words = ((into.len() - length_at - 2) / 4) as u16;
    if let Some(place) = into.get_mut(length_at..length_at + 2) {
        place.copy_from_slice(&words.to_be_bytes());
    }
}

/// Bytes that `write_elements` adds.
pub fn elements_size(elements: &[(u8, &[u8])]) -> usize {
    let known = || elements.iter().filter(|element| element.0 != 0);
    if known().next().is_none() {
        return 0;
    }
    let one_byte = known().all(|(_, value)| (1..=16).contains(&value.len()));
    let each = if one_byte { 1 } else { 2 };
    let body: usize = known().map(|(_, value)| each + value.len()).sum();
    4 + body.next_multiple_of(4)
}

/// The first twelve bytes of a packet without CSRCs.
pub fn header(
    first: u8,
    marker: bool,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
) -> [u8; 12] {
    let second = if marker { payload_type | 0x80 } else { payload_type };
    let mut made = [0; 12];
    let sequence = sequence.to_be_bytes();
    let timestamp = timestamp.to_be_bytes();
    let ssrc = ssrc.to_be_bytes();
    let bytes = [first, second].into_iter().chain(sequence).chain(timestamp).chain(ssrc);
    for (place, byte) in made.iter_mut().zip(bytes) {
        *place = byte;
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_with_its_extensions_and_without_its_padding() {
        let mut data = header(0xB0, true, 96, 7, 8, 9).to_vec();
        write_elements(&[(4, b"1"), (10, b"q"), (0, b"left out")], &mut data);
        data.extend_from_slice(b"payload\0\0\x03");
        let packet = parse_rtp(&data).expect("well-formed");
        assert_eq!(packet.payload, b"payload");
        assert_eq!((packet.payload_type, packet.marker), (96, true));
        assert_eq!((packet.sequence, packet.timestamp, packet.ssrc), (7, 8, 9));
        assert_eq!(packet.elements.get(4), b"1");
        assert_eq!(packet.elements.get(10), b"q");
        assert_eq!(packet.elements.get(5), b"");
    }

    #[test]
    fn long_elements_are_written_in_two_byte_form() {
        let mut block = Vec::new();
        let elements: [(u8, &[u8]); 2] = [(1, &[7; 17]), (2, b"x")];
        write_elements(&elements, &mut block);
        assert_eq!(block.len(), elements_size(&elements));
        assert_eq!(block.get(..4), Some(&[0x10, 0, 0, 6][..]));
        let read = Elements::read(0x1000, block.get(4..).expect("a body")).expect("well-formed");
        assert_eq!(read.get(1), [7; 17]);
        assert_eq!(read.get(2), b"x");
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let mut data = header(0x90, false, 96, 1, 2, 3).to_vec();
        write_elements(&[(4, b"mid")], &mut data);
        for size in 0..data.len() {
            assert!(parse_rtp(data.get(..size).expect("shorter")).is_err(), "{size}");
        }
        assert!(parse_rtp(&header(0x40, false, 96, 1, 2, 3)).is_err());
        assert!(parse_rtp(&header(0xA0, false, 96, 1, 2, 0)).is_err());
    }
}
