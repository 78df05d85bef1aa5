//! What well-formed inputs look like, for each target: libFuzzer's first corpus, and what `dice.rs` changes.

use sferum_forwarder_core::rtcp::SenderReport;
use sferum_forwarder_core::rtcp_build::{build_cname, build_nack, build_pli, build_remb, build_sr};
use sferum_forwarder_core::rtp::{header, write_elements};

use crate::bytes::Bytes;
use crate::class::{SOURCES, bye};
use crate::dice::Dice;

/// Of the target by this name.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "rtp" => packets(),
        "rtcp" => control(),
        "vp8" | "codecs" => payloads(),
        "dependency" => descriptors(),
        "stun" => checks(),
        "framing" => vec![
            b"\0\x05\0\x03one\0\0\0\x05three".to_vec(),
            b"\0\x01\x08\x01long".to_vec(),
            [&[0, 9, 8, 0][..], &[7; 2_048]].concat(),
        ],
        "sealed" => [packets(), control()].concat().iter().map(|each| as_sealed(each)).collect(),
        _ => (0..24).map(|seed| day(&mut Dice::new(seed * 77))).collect(),
    }
}

fn packets() -> Vec<Vec<u8>> {
    let mut dice = Dice::new(1);
    let mut made = Vec::new();
    for source in SOURCES {
        for number in 0..8 {
            made.push(source.packet(65_520 + number, &mut Bytes::new(&dice.noise(60))));
        }
    }
    let mut two_byte = header(0xB0, true, 96, 7, 8, 9).to_vec();
    write_elements(&[(1, &[7; 17]), (2, b"x")], &mut two_byte);
    two_byte.extend_from_slice(b"payload\0\0\x03");
    made.push(two_byte);
    made
}

fn control() -> Vec<Vec<u8>> {
    let report = SenderReport { ssrc: 1_001, ntp: 0xE900_0001_0000_0000, rtp: 7, packets: 8, octets: 9 };
    vec![
        [build_sr(&report), build_cname(1_001, "somebody")].concat(),
        build_nack(50_011, &[1, 2, 17, 300]),
        build_pli(50_011),
        build_remb(1_700_000, &[50_011, 50_012]),
        bye(1_001),
        [&[0x81, 201, 0, 7, 0, 0, 0, 1][..], &[5; 24]].concat(),
        [&[0x8F, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2][..], &[0, 1, 0, 3, 0, 0, 9, 1, 0x20, 3, 4, 0]].concat(),
        [&[0x84, 206, 0, 4, 0, 0, 0, 1][..], &[0; 8], &[7, 0, 0, 0]].concat(),
    ]
}

fn payloads() -> Vec<Vec<u8>> {
    vec![
        vec![0x90, 0xE0, 0x81, 2, 3, 0x40, 0x10, 1, 2],
        vec![0x90, 0x80, 0x11, 0x10],
        vec![0x10, 0x11],
        vec![0x7C, 0x85, 1, 2],                // H.264 FU-A of an IDR
        vec![0x78, 0, 2, 0x67, 1, 0, 1, 0x65], // and a STAP-A
        vec![0x8B, 0x81, 2, 0, 1, 0x10],       // VP9
        vec![0x18, 0x0A, 1, 2],                // AV1
        vec![0xEF, 0, 0, 2, 0x6F, 1, 2, 3],    // RED
    ]
}

/// A keyframe of three sizes, and frames that follow: `tests/media/forwarder/descriptors.py`.
fn descriptors() -> Vec<Vec<u8>> {
    let keyframe: [u8; 38] = [
        0xFC, 0xFF, 0xFA, 0xC7, 0x82, 0x22, 0x3A, 0xA0, 0x28, 0x80, 0x82, 0x49, 0x04, 0x90, 0x49, 0xAC, 0,
        0x0C, 0x84, 0x44, 0x44, 0xC8, 0x84, 0x48, 0x4E, 0x02, 0x7E, 0x01, 0x66, 0x04, 0xFE, 0x02, 0xCE, 0x09,
        0xFE, 0x05, 0x9F, 0x40,
    ];
    let after = [
        3, 0xFE, 0xFF, 0xFB, 3, 0xC0, 0xFF, 0xFC, 3, 0xFD, 0xFF, 0xFD, 3, 0xFF, 0xFF, 0xFE, 3, 0xC1, 0xFF,
        0xFF,
    ];
    let own = [9, 0xFE, 0, 0, 0x3F, 0x28, 0x62, 0x56, 0x64, 0];
    vec![[&[38][..], &keyframe, &after].concat(), [&[38][..], &keyframe, &own, &after].concat()]
}

fn checks() -> Vec<Vec<u8>> {
    let mut request = vec![0, 1, 0, 24, 0x21, 0x12, 0xA4, 0x42];
    request.extend([7; 12]);
    request.extend([0, 0x24, 0, 3, 1, 2, 3, 0, 0, 6, 0, 9]);
    request.extend(b"ours:them\0\0\0");
    let mut answer = vec![1, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
    answer.extend([7; 12]);
    vec![request, answer, vec![22, 254, 253], vec![0x80; 12]]
}

fn as_sealed(packet: &[u8]) -> Vec<u8> {
    let mut made = vec![packet.len() as u8, 3];
    for how in [1, 0, 3] {
        made.extend([how, 1, 7, 5, packet.len().min(255) as u8]);
        made.extend(&packet[..packet.len().min(255)]);
    }
    made
}

/// Mostly media, as steps of `history.rs` are written.
fn day(dice: &mut Dice) -> Vec<u8> {
    let mut made = vec![dice.roll() as u8];
    for _ in 0..200 {
        let what = if dice.below(3) > 0 { dice.below(140) } else { dice.below(256) };
        made.extend([4 + dice.below(2) as u8, what as u8]);
        made.extend((0..14).map(|_| dice.roll() as u8));
    }
    made
}
