//! RTCP to bytes; what is parsed is in `rtcp.rs`.

use crate::rtcp::{ALFB, NACK, PLI, PSFB, RR, RTPFB, ReportBlock, SDES, SR, SenderReport};

/// Our own SSRC in what we send as a receiver: libwebrtc's choice too for an end that sends no media.
pub const OWN_SSRC: u32 = 1;

/// One RTCP packet around a body of whole 32-bit words.
pub fn packet(count: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let words = (body.len() / 4) as u16;
    let mut made = Vec::with_capacity(4 + body.len());
    made.extend_from_slice(&[0x80 | count, kind]);
    made.extend_from_slice(&words.to_be_bytes());
    made.extend_from_slice(body);
    made
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

pub fn build_sr(report: &SenderReport) -> Vec<u8> {
    let ntp = [(report.ntp >> 32) as u32, report.ntp as u32];
    let body = [report.ssrc, ntp[0], ntp[1], report.rtp, report.packets, report.octets];
    packet(0, SR, &words(&body))
}

/// At most 31 blocks.
pub fn build_rr(blocks: &[ReportBlock]) -> Vec<u8> {
    let mut body = vec![OWN_SSRC];
    for block in blocks {
        body.extend_from_slice(&[
            block.ssrc,
            u32::from(block.fraction_lost) << 24 | block.packets_lost.cast_unsigned() & 0xFF_FFFF,
            block.highest_sequence,
            block.jitter,
            block.last_sr,
            block.delay_since_last_sr,
        ]);
    }
    packet(blocks.len() as u8, RR, &words(&body))
}

/// SDES with the one item that RFC 3550 demands; `cname` up to 255 bytes.
pub fn build_cname(ssrc: u32, cname: &str) -> Vec<u8> {
    let name = cname.as_bytes();
    let name = name.get(..255).unwrap_or(name);
    let mut chunk = words(&[ssrc]);
    chunk.extend_from_slice(&[1, name.len() as u8]);
    chunk.extend_from_slice(name);
    chunk.resize((chunk.len() + 1).next_multiple_of(4), 0);
    packet(1, SDES, &chunk)
}

pub fn build_pli(ssrc: u32) -> Vec<u8> {
    packet(PLI, PSFB, &words(&[OWN_SSRC, ssrc]))
}

/// `numbers` unrolled, ascending, not empty.
pub fn build_nack(ssrc: u32, numbers: &[i64]) -> Vec<u8> {
    let mut items: Vec<(i64, u16)> = Vec::new();
    for number in numbers {
        match items.last_mut() {
            Some((first, mask)) if (1..=16).contains(&(number - *first)) => {
                *mask |= 1 << (number - *first - 1)
            }
            _ => items.push((*number, 0)),
        }
    }
    let mut body = vec![OWN_SSRC, ssrc];
    let item = |(first, mask): (i64, u16)| u32::from(first as u16) << 16 | u32::from(mask);
    body.extend(items.into_iter().map(item));
    packet(NACK, RTPFB, &words(&body))
}

/// The bitrate is rounded down to 18 bits of mantissa.
pub fn build_remb(bitrate_bps: u64, ssrcs: &[u32]) -> Vec<u8> {
    let exponent = (64 - bitrate_bps.leading_zeros()).saturating_sub(18);
    let mantissa = (bitrate_bps >> exponent) as u32;
    let ssrcs = ssrcs.get(..255).unwrap_or(ssrcs);
    let mut body = vec![
        OWN_SSRC,
        0,
        u32::from_be_bytes(*b"REMB"),
        (ssrcs.len() as u32) << 24 | exponent << 18 | mantissa,
    ];
    body.extend_from_slice(ssrcs);
    packet(ALFB, PSFB, &words(&body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_with_a_zero() {
        assert_eq!(build_cname(1, "ab"), [0x81, 202, 0, 3, 0, 0, 0, 1, 1, 2, b'a', b'b', 0, 0, 0, 0]);
        assert_eq!(build_cname(1, "a"), [0x81, 202, 0, 2, 0, 0, 0, 1, 1, 1, b'a', 0]);
    }

    #[test]
    fn a_remb_has_18_bits_of_mantissa() {
        let made = build_remb(0x7FFFF, &[9]);
        assert_eq!(made.get(12..), Some(&[b'R', b'E', b'M', b'B', 1, 0x07, 0xFF, 0xFF, 0, 0, 0, 9][..]));
    }
}
