//! Four people who publish to one another: their ends of SRTP, their tracks, and packets as browsers make them.

use sferum_forwarder_core::api::{Codec, DownTrack, Extensions, Id, Kind, Layer, TrackIn, Want};
use sferum_forwarder_core::rtcp_build::packet;
use sferum_forwarder_core::rtp::{header, write_elements};

use crate::bytes::Bytes;

pub const PEOPLE: usize = 4;
/// Ids of header extensions on the way in.
const LEVEL: u8 = 1;
const TIME: u8 = 2;
const CC: u8 = 3;
const MID: u8 = 4;
const DESCRIPTOR: u8 = 6;
const CAPTURE: u8 = 7;
const RID: u8 = 10;
const REPAIRED: u8 = 11;
const LAYERS: [(&str, Layer); 3] = [("q", Layer::Low), ("h", Layer::Medium), ("f", Layer::High)];

pub fn peer(number: usize) -> Id {
    Id::from(format!("PC_{}", number % PEOPLE))
}

/// A microphone, a camera in three layers, a screen in other codecs.
#[derive(Clone, Copy)]
pub struct Source {
    pub mid: usize,
    kind: Kind,
    types: &'static [(u8, Codec)],
    rtx: &'static [(u8, u8)],
    layers: usize,
}

pub const SOURCES: [Source; 3] = [
    Source { mid: 0, kind: Kind::Audio, types: &[(111, Codec::Opus), (63, Codec::Red)], rtx: &[], layers: 0 },
    Source { mid: 1, kind: Kind::Video, types: &[(96, Codec::Vp8)], rtx: &[(97, 96)], layers: 3 },
    Source {
        mid: 2,
        kind: Kind::Video,
        types: &[(98, Codec::Vp9), (45, Codec::Av1), (102, Codec::H264)],
        rtx: &[(99, 98)],
        layers: 0,
    },
];

impl Source {
    pub fn sid(&self, of: usize) -> Id {
        Id::from(format!("TR_{}_{}", of % PEOPLE, self.mid))
    }

    fn ssrc(&self, layer: usize) -> u32 {
        1_000 * (self.mid as u32 + 1) + layer as u32
    }

    /// `how`: whether its SSRCs are named, and whether its voice competes.
    pub fn track(&self, of: usize, how: u8) -> TrackIn {
        let rids = LAYERS.iter().take(self.layers).map(|(rid, layer)| ((*rid).to_owned(), *layer));
        let named = how & 1 != 0 && self.layers == 0;
        TrackIn {
            sid: self.sid(of),
            peer: peer(of),
            kind: self.kind,
            mid: self.mid.to_string(),
            payload_types: self.types.to_vec(),
            clock_rate: if self.kind == Kind::Audio { 48_000 } else { 90_000 },
            rtx: self.rtx.to_vec(),
            ssrcs: if named { vec![(self.ssrc(0), Layer::High)] } else { Vec::new() },
            rids: rids.collect(),
            extensions: Extensions {
                mid: MID,
                rid: RID,
                repaired_rid: REPAIRED,
                audio_level: LEVEL,
                transport_cc: CC,
                abs_send_time: TIME,
                dependency_descriptor: DESCRIPTOR,
                abs_capture_time: CAPTURE,
            },
            group: Id::from(if self.kind == Kind::Audio && how & 2 == 0 { "class" } else { "" }),
        }
    }

    pub fn down_id(&self, of: usize, to: usize) -> Id {
        Id::from(format!("{} {} {}", of % PEOPLE, to % PEOPLE, self.mid))
    }

    pub fn down(&self, of: usize, to: usize, how: u8) -> DownTrack {
        let place = 10 * (of % PEOPLE) as u32 + self.mid as u32;
        let types = [
            (Codec::Vp8, (102, 103)),
            (Codec::Opus, (109, 0)),
            (Codec::Vp9, (110, 112)),
            (Codec::Av1, (113, 0)),
            (Codec::H264, (114, 115)),
            (Codec::Red, (116, 0)),
        ];
        DownTrack {
            id: self.down_id(of, to),
            track: self.sid(of),
            peer: peer(to),
            mid: if how & 2 == 0 { place.to_string() } else { String::new() },
            ssrc: 50_000 + place,
            rtx_ssrc: if how & 4 == 0 { 60_000 + place } else { 0 },
            payload_types: types.into_iter().take(5 + usize::from(how & 1)).collect(),
            extensions: Extensions {
                mid: 3,
                abs_send_time: 7,
                audio_level: how >> 3 & 1,
                abs_capture_time: 9,
                dependency_descriptor: 11,
                ..Extensions::default()
            },
            cname: "name".repeat(usize::from(how >> 4)),
            first_sequence: u16::from(how) * 257,
            first_timestamp: u32::from(how) << 24,
            first_picture_id: u16::from(how) * 128,
        }
    }

    /// Packet `sequence`, with what `choices` says in it.
    pub fn packet(&self, sequence: u16, choices: &mut Bytes<'_>) -> Vec<u8> {
        let (layer, how, level) = (choices.below(3) % self.layers.max(1), choices.byte(), choices.byte());
        let repairs = how & 3 == 3 && !self.rtx.is_empty();
        let types = if repairs { self.rtx[0].0 } else { self.types[choices.below(self.types.len())].0 };
        let payload_type = if how == 77 { 35 } else { types }; // 35: nobody negotiated it
        let ssrc = self.ssrc(layer) + if repairs { 500 } else { 0 };
        let (mid, count) = (self.mid.to_string(), sequence.to_be_bytes());
        let rid = if self.layers > 0 { LAYERS[layer].0.as_bytes() } else { &[] };
        let rid_id = [0, 0, RID, REPAIRED][2 * usize::from(!rid.is_empty()) + usize::from(repairs)];
        let elements: [(u8, &[u8]); 5] = [
            (if how & 4 == 0 { MID } else { 0 }, mid.as_bytes()),
            (rid_id, rid),
            (if self.kind == Kind::Audio { LEVEL } else { 0 }, &[level]),
            (if how & 8 == 0 { CC } else { 0 }, &count),
            (if how & 16 == 0 { 0 } else { DESCRIPTOR }, choices.piece()),
        ];
        let timestamp = u32::from(sequence) * if self.kind == Kind::Audio { 960 } else { 3_000 };
        let mut made = header(0x80, how & 32 == 0, payload_type, sequence, timestamp, ssrc).to_vec();
        write_elements(&elements, &mut made);
        if made.len() > 12 {
            made[0] |= 0x10;
        }
        if repairs {
            made.extend_from_slice(&sequence.wrapping_sub(u16::from(how >> 6)).to_be_bytes());
        }
        match choices.byte() {
            0..=63 if self.layers > 0 => {
                let picture = (sequence | 0x8000).to_be_bytes();
                let key = if level & 1 == 0 { 0x10 } else { 0x11 };
                made.extend([0x90, 0xE0, picture[0], picture[1], sequence as u8, level & 0xE0, key]);
            }
            255 => made.resize(1_290 + usize::from(level), 0),
            _ => (),
        }
        made.extend_from_slice(choices.piece());
        made
    }
}

pub fn want(choices: &mut Bytes<'_>) -> Want {
    let byte = choices.byte();
    Want { layer: LAYERS[usize::from(byte) % 3].1, temporal: byte >> 2 & 3, paused: byte >> 4 == 0 }
}

/// RFC 3550 6.6: this stream is over.
pub fn bye(ssrc: u32) -> Vec<u8> {
    packet(1, 203, &ssrc.to_be_bytes())
}
