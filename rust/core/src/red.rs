//! Redundant audio (RFC 2198): the newest block alone, for subscribers whose client takes no RED.

use crate::rtp::Malformed;

/// Where the last block of a RED payload begins: the sound of this packet, without copies of earlier ones.
pub fn primary_block(payload: &[u8]) -> Result<usize, Malformed> {
    let (mut at, mut redundant) = (0, 0);
    // F: another header follows, four bytes in all.
    while let Some(&[first, _, high, low]) = payload.get(at..).and_then(<[u8]>::first_chunk) {
        if first & 0x80 == 0 {
            break;
        }
        redundant += usize::from(high & 0x03) << 8 | usize::from(low);
        at += 4;
    }
    let start = at + 1 + redundant;
    match payload.get(at) {
        Some(last) if last & 0x80 == 0 && start <= payload.len() => Ok(start),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_block_is_the_last() {
        assert_eq!(primary_block(b"\x6Fnew"), Ok(1));
        assert_eq!(primary_block(b"\xEF\0\0\x03\x6Foldnew"), Ok(8));
        for wrong in [&b""[..], b"\xEF\0\0\x03", b"\xEF\0\0\x03\x6Fo", b"\xEF\0"] {
            assert_eq!(primary_block(wrong), Err(Malformed));
        }
    }
}
