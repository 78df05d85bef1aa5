//! RTCP (RFC 3550 6, RFC 4585 6, RFC 5104 4.3.1, REMB draft): compound packets to values.
//!
//! What a forwarder has no use for (SDES, APP, XR, other feedback) is checked for its length and left out.

use crate::arrivals::{Arrivals, read_arrivals};
use crate::rtp::{Malformed, u16_at, u32_at};

pub const SR: u8 = 200;
pub const RR: u8 = 201;
pub const SDES: u8 = 202;
const BYE: u8 = 203;
pub const RTPFB: u8 = 205;
pub const PSFB: u8 = 206;
/// Formats of RTPFB.
pub const NACK: u8 = 1;
pub const TWCC: u8 = 15;
/// Formats of PSFB.
pub const PLI: u8 = 1;
const FIR: u8 = 4;
pub const ALFB: u8 = 15;

/// Numbers taken from one NACK packet; more is a flood. RFC 4585's items carry up to 17.
const MOST_NACKED: usize = 256;

/// RFC 3550 6.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    pub ssrc: u32,
    pub fraction_lost: u8, // of 256, since the last report
    pub packets_lost: i32, // 24 bits
    pub highest_sequence: u32,
    pub jitter: u32,
    pub last_sr: u32,
    pub delay_since_last_sr: u32, // 1/65536 s
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport {
    pub ssrc: u32,
    pub ntp: u64, // 32.32 bits
    pub rtp: u32,
    pub packets: u32,
    pub octets: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtcpItem {
    SenderReport(SenderReport, Vec<ReportBlock>),
    ReceiverReport(Vec<ReportBlock>),
    Bye(Vec<u32>),
    /// A PLI, or an entry of a FIR: the same to a forwarder.
    KeyframeWish(u32),
    Nack(u32, Vec<u16>),
    /// draft-alvestrand-rmcat-remb-03 2.2; up to 81 bits.
    Remb(u128),
    Arrivals(Arrivals),
}

/// A compound packet, or a reduced-size one (RFC 5506). `Err`: a length in it does not fit; nothing of it may be used.
pub fn parse_rtcp(data: &[u8]) -> Result<Vec<RtcpItem>, Malformed> {
    let mut items = Vec::new();
    let mut rest = data;
    if data.is_empty() {
        return Err(Malformed);
    }
    while !rest.is_empty() {
        let &[first, kind, high, low] = rest.first_chunk().ok_or(Malformed)?;
        if first >> 6 != 2 {
            return Err(Malformed);
        }
        let size = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        let (packet, after) = rest.split_at_checked(size).ok_or(Malformed)?;
        rest = after;
        let mut body = packet.get(4..).ok_or(Malformed)?;
        if first & 0x20 != 0 {
            let padding = usize::from(*body.last().ok_or(Malformed)?);
            let left = body.len().checked_sub(padding).ok_or(Malformed)?;
            if padding == 0 {
                return Err(Malformed);
            }
            body = body.get(..left).ok_or(Malformed)?;
        }
        read(first & 0x1F, kind, body, &mut items)?;
    }
    Ok(items)
}

fn read(count: u8, kind: u8, body: &[u8], items: &mut Vec<RtcpItem>) -> Result<(), Malformed> {
    let word = |at| u32_at(body, at).ok_or(Malformed);
    match kind {
        SR => {
            let report = SenderReport {
                ssrc: word(0)?,
                ntp: u64::from(word(4)?) << 32 | u64::from(word(8)?),
                rtp: word(12)?,
                packets: word(16)?,
                octets: word(20)?,
            };
            items.push(RtcpItem::SenderReport(report, blocks(body, 24, count)?));
        }
        RR => {
            word(0)?;
            items.push(RtcpItem::ReceiverReport(blocks(body, 4, count)?));
        }
        BYE => {
            let ssrcs = (0..usize::from(count)).map(|place| word(4 * place));
            items.push(RtcpItem::Bye(ssrcs.collect::<Result<_, _>>()?));
        }
        RTPFB | PSFB => {
            let source = word(4)?;
            feedback(kind, count, source, body.get(8..).ok_or(Malformed)?, items)?;
        }
        _ => (),
    }
    Ok(())
}

fn blocks(body: &[u8], start: usize, count: u8) -> Result<Vec<ReportBlock>, Malformed> {
    (0..usize::from(count))
        .map(|place| {
            let word = |offset| u32_at(body, start + 24 * place + offset).ok_or(Malformed);
            let loss = word(4)?;
            Ok(ReportBlock {
                ssrc: word(0)?,
                fraction_lost: (loss >> 24) as u8,
                packets_lost: (loss << 8).cast_signed() >> 8,
                highest_sequence: word(8)?,
                jitter: word(12)?,
                last_sr: word(16)?,
                delay_since_last_sr: word(20)?,
            })
        })
        .collect()
}

/// `fci`: what follows the two SSRCs.
fn feedback(kind: u8, form: u8, source: u32, fci: &[u8], items: &mut Vec<RtcpItem>) -> Result<(), Malformed> {
    match (kind, form) {
        (RTPFB, NACK) => items.push(RtcpItem::Nack(source, nacked(fci))),
        (RTPFB, TWCC) => items.push(RtcpItem::Arrivals(read_arrivals(fci)?)),
        (PSFB, PLI) => items.push(RtcpItem::KeyframeWish(source)),
        (PSFB, FIR) => {
            let entries = fci.chunks_exact(8).filter_map(|entry| u32_at(entry, 0));
            items.extend(entries.map(RtcpItem::KeyframeWish));
        }
        (PSFB, ALFB) => {
            if let Some(body) = fci.strip_prefix(b"REMB") {
                items.push(RtcpItem::Remb(remb(body)?));
            }
        }
        _ => (),
    }
    Ok(())
}

/// RFC 4585 6.2.1: a number, and a mask of the 16 after it.
fn nacked(fci: &[u8]) -> Vec<u16> {
    let mut numbers = Vec::new();
    for item in fci.chunks_exact(4) {
        let (Some(first), Some(mask)) = (u16_at(item, 0), u16_at(item, 2)) else {
            break;
        };
        numbers.push(first);
        let bits = (0..16).filter(|bit| mask >> bit & 1 == 1);
        numbers.extend(bits.map(|bit| first.wrapping_add(bit + 1)));
        if numbers.len() >= MOST_NACKED {
            break;
        }
    }
    numbers.truncate(MOST_NACKED);
    numbers
}

/// `body`: from the number of SSRCs on.
fn remb(body: &[u8]) -> Result<u128, Malformed> {
    let &[count, first, second, third] = body.first_chunk().ok_or(Malformed)?;
    if body.len() < 4 + 4 * usize::from(count) {
        return Err(Malformed);
    }
    let mantissa = u128::from(first & 0x03) << 16 | u128::from(second) << 8 | u128::from(third);
    Ok(mantissa << (first >> 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp_build::{build_nack, build_pli, build_remb, build_rr, build_sr};

    #[test]
    fn what_is_built_is_read() {
        let block = ReportBlock {
            ssrc: 7,
            fraction_lost: 255,
            packets_lost: -2,
            highest_sequence: 9,
            jitter: 1,
            last_sr: 2,
            delay_since_last_sr: 3,
        };
        let report = SenderReport { ssrc: 1, ntp: u64::MAX - 1, rtp: 2, packets: 3, octets: 4 };
        let mut compound = build_sr(&report);
        compound.extend(build_rr(&[block]));
        compound.extend(build_nack(5, &[65_536, 65_537, 65_552, 65_553]));
        compound.extend(build_pli(6));
        compound.extend(build_remb(1 << 40, &[1, 2]));
        assert_eq!(
            parse_rtcp(&compound),
            Ok(vec![
                RtcpItem::SenderReport(report, vec![]),
                RtcpItem::ReceiverReport(vec![block]),
                RtcpItem::Nack(5, vec![0, 1, 16, 17]),
                RtcpItem::KeyframeWish(6),
                RtcpItem::Remb(1 << 40),
            ])
        );
        for size in 0..compound.len() {
            let cut = compound.get(..size).expect("shorter");
            let whole_words = size % 4 == 0 && parse_rtcp(cut).is_ok();
            assert!(whole_words || parse_rtcp(cut) == Err(Malformed));
        }
    }

    #[test]
    fn the_largest_remb_fits() {
        let packet = [0x8F, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 0, 0xFF, 0xFF, 0xFF];
        assert_eq!(parse_rtcp(&packet), Ok(vec![RtcpItem::Remb(0x3FFFF << 63)]));
    }
}
