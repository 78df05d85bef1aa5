//! Does a decoder that knows nothing yet understand everything from this packet on?
//!
//! Reads only what is in the clear with end-to-end encryption. VP8 has a file of its own.

use crate::api::Codec;
use crate::rtp::u16_at;

const IDR: u8 = 5; // RFC 6184 5.2, H.264 table 7-1
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Whether a keyframe begins here. Sound can begin anywhere. `new_picture`: the packet before had another timestamp.
pub fn starts_keyframe(codec: Codec, payload: &[u8], new_picture: bool) -> bool {
    match codec {
        Codec::Opus | Codec::Red => true,
        Codec::H264 => h264(payload, new_picture),
        Codec::Vp9 => vp9(payload),
        // RTP payload of AV1, 4.4: N, a new coded video sequence begins.
        Codec::Av1 => payload.first().is_some_and(|first| first & 0x08 != 0),
        Codec::Vp8 => false, // the VP8 descriptor knows
    }
}

/// At the parameter sets (SPS), which come before the picture; or at an IDR picture that has none before it.
fn h264(payload: &[u8], new_picture: bool) -> bool {
    let begins = |kind: u8| kind == SPS || new_picture && kind == IDR;
    match payload.first().map(|first| first & 0x1F) {
        None => false,
        Some(STAP_A) => aggregated(payload, begins),
        // Only the first fragment (S bit) begins something.
        Some(FU_A) => payload.get(1).is_some_and(|byte| byte & 0x80 != 0 && begins(byte & 0x1F)),
        Some(kind) => begins(kind),
    }
}

/// Whether any NAL unit type of a STAP-A (RFC 6184 5.7.1) does, as far as it is whole.
fn aggregated(payload: &[u8], begins: impl Fn(u8) -> bool) -> bool {
    let mut at = 1;
    while let (Some(size), Some(kind)) = (u16_at(payload, at), payload.get(at + 2)) {
        if begins(kind & 0x1F) {
            return true;
        }
        at += 2 + usize::from(size);
    }
    false
}

/// RFC 9628 4.2: B (a frame begins), not P (predicted from others), and the lowest spatial layer.
fn vp9(payload: &[u8]) -> bool {
    let Some(&first) = payload.first() else {
        return false;
    };
    if first & 0x08 == 0 || first & 0x40 != 0 {
        return false;
    }
    if first & 0x20 == 0 {
        return true; // L: no layer indices, one layer
    }
    let mut at = 1;
    if first & 0x80 != 0 {
        // I: picture id, one or two bytes
        at += if payload.get(1).is_some_and(|byte| byte & 0x80 != 0) { 2 } else { 1 };
    }
    payload.get(at).is_some_and(|byte| byte >> 1 & 0x07 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_codec_says_it_in_its_own_way() {
        for (codec, payload, expected) in [
            (Codec::Opus, &b"x"[..], true),
            (Codec::H264, b"\x67", true),
            (Codec::H264, b"\x65", true),
            (Codec::H264, b"\x41", false),
            (Codec::H264, b"\x78\0\x01\x67", true),
            (Codec::H264, b"\x78\0\x01\x41\0\x01\x65", true),
            (Codec::H264, b"\x78\0\x01", false),
            (Codec::H264, b"\x7C\x85", true),
            (Codec::H264, b"\x7C\x05", false),
            (Codec::H264, b"\x7C", false),
            (Codec::Vp9, b"\x08", true),
            (Codec::Vp9, b"\x48", false),
            (Codec::Vp9, b"\xA8\x80\x01\x00", true),
            (Codec::Vp9, b"\xA8\x01\x02", false),
            (Codec::Vp9, b"\xA8", false),
            (Codec::Av1, b"\x08", true),
            (Codec::Av1, b"", false),
        ] {
            assert_eq!(starts_keyframe(codec, payload, true), expected, "{codec:?} {payload:?}");
        }
        assert!(!starts_keyframe(Codec::H264, b"\x65", false));
    }
}
