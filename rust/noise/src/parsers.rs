//! What reads bytes before anybody is asked whether they are authentic, and what reads them after.

use sferum_forwarder_core::api::{Codec, Layer, Want};
use sferum_forwarder_core::dependency::{MOST_DIFFS, parse_frame};
use sferum_forwarder_core::keyframe_start::starts_keyframe;
use sferum_forwarder_core::red::primary_block;
use sferum_forwarder_core::rtcp::parse_rtcp;
use sferum_forwarder_core::rtp::{Elements, elements_size, parse_rtp, u16_at, write_elements};
use sferum_forwarder_core::scalable::Selection;
use sferum_forwarder_core::vp8::parse_descriptor;
use sferum_forwarder_io::framing::{Framer, head};
use sferum_forwarder_io::stun::{is_answer, kind_of, ufrag_of};

use crate::bytes::Bytes;

const CODECS: [Codec; 6] = [Codec::Opus, Codec::Red, Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::H264];

/// A packet is no longer than its datagram, and its elements, written again, are read again.
pub fn rtp(data: &[u8]) {
    let Ok(packet) = parse_rtp(data) else {
        return;
    };
    assert!(12 + packet.payload.len() <= data.len());
    let elements: Vec<(u8, &[u8])> = (1..=14).map(|id| (id, packet.elements.get(id))).collect();
    let elements: Vec<(u8, &[u8])> = elements.into_iter().filter(|each| !each.1.is_empty()).collect();
    let mut block = Vec::new();
    write_elements(&elements, &mut block);
    assert_eq!(block.len(), elements_size(&elements));
    if let Some(profile) = u16_at(&block, 0) {
        let read = Elements::read(profile, &block[4..]).expect("we wrote it");
        assert!(elements.iter().all(|(id, value)| read.get(*id) == *value));
    }
}

/// Of a few bytes not any number of things is made.
pub fn rtcp(data: &[u8]) {
    if let Ok(items) = parse_rtcp(data) {
        assert!(items.len() <= data.len() / 4);
    }
}

pub fn vp8(data: &[u8]) {
    if let Ok(picture) = parse_descriptor(data) {
        assert!((1..=data.len()).contains(&picture.size));
        assert!(picture.picture_id.is_none_or(|id| u32::from(id) < 1 << picture.picture_id_bits));
        assert!(picture.temporal.is_none_or(|layer| layer < 4));
    }
}

/// A row of descriptors, each after its length, as one subscriber's selection is given them.
pub fn dependency(data: &[u8]) {
    let (mut rest, mut known, mut selection) = (data, None, Selection::new(Layer::High));
    while let Some((&length, after)) = rest.split_first() {
        let (descriptor, then) = after.split_at(usize::from(length).min(after.len()));
        rest = then;
        let Ok(frame) = parse_frame(descriptor, known.as_deref()) else {
            continue;
        };
        assert!(frame.kind.diffs.len() <= MOST_DIFFS && frame.kind.dtis.len() <= 32);
        let layer = [Layer::Low, Layer::Medium, Layer::High][usize::from(length) % 3];
        let want = Want { layer, temporal: length >> 6, paused: false };
        if let Some(verdict) = selection.judge(&frame, u32::from(length >> 2), &want, length & 2 != 0) {
            assert!(verdict.forward || !verdict.marker);
        }
        known = frame.structure.or(known);
    }
}

/// Where a picture begins, in every codec; the voice in a packet of several.
pub fn codecs(data: &[u8]) {
    for codec in CODECS {
        starts_keyframe(codec, data, true);
        starts_keyframe(codec, data, false);
    }
    if let Ok(start) = primary_block(data) {
        assert!((1..=data.len()).contains(&start));
    }
}

/// Whose check it is, of strangers.
pub fn stun(data: &[u8]) {
    kind_of(data.first().copied().unwrap_or_default());
    is_answer(data);
    if let Ok(ufrag) = ufrag_of(data) {
        assert!(ufrag.is_ascii() && ufrag.len() < data.len());
    }
}

/// A stream is cut into the same packets, however it arrives.
pub fn framing(data: &[u8]) {
    let mut choices = Bytes::new(data);
    let at = usize::from(choices.short());
    let stream = data.get(2..).unwrap_or_default();
    let (first, second) = stream.split_at(at.min(stream.len()));
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    let mut framer = Framer::default();
    let result = framer.feed(stream, |packet| whole.push(packet.to_vec()));
    let mut framer = Framer::default();
    let cut = framer.feed(first, |packet| parts.push(packet.to_vec()));
    let cut = cut.and_then(|()| framer.feed(second, |packet| parts.push(packet.to_vec())));
    assert_eq!((result, &whole), (cut, &parts));
    assert!(whole.iter().all(|packet| head(packet).is_some()));
}
