//! One packet of a publisher, looked into once, for all its subscribers.

use crate::api::{Codec, Drop, Extensions};
use crate::dependency::{Frame, Structure, parse_frame};
use crate::keyframe_start::starts_keyframe;
use crate::rtp::{MAX_PACKET, RtpPacket, elements_size, write_elements};
use crate::vp8::{Descriptor, parse_descriptor};

/// Bytes of a packet beside extensions and payload: header, longest VP8 descriptor, RTX's number.
const BESIDE: usize = 12 + 6 + 2;

pub struct Incoming<'a> {
    pub codec: Codec,
    pub sequence: i64, // unrolled
    pub timestamp: u32,
    pub marker: bool,
    /// Without the VP8 descriptor, which is `descriptor`.
    pub payload: &'a [u8],
    pub descriptor: Option<Descriptor>,
    /// A decoder can begin here.
    pub starts_keyframe: bool,
    pub audio_level: &'a [u8],
    capture_time: &'a [u8],
    dependency_descriptor: &'a [u8],
    /// What that says.
    pub frame: Option<Frame>,
    /// Why there is no payload, when there is none.
    pub why_empty: Drop,
}

/// `ids` are those of the publisher; `codec` is `None` for a payload type that was not negotiated; `structure`: of the
/// stream's last keyframe.
///
/// A packet that cannot be forwarded has no payload left: subscribers must hear of its number all the same.
pub fn look_into<'a>(
    packet: &RtpPacket<'a>,
    sequence: i64,
    codec: Option<Codec>,
    ids: &Extensions,
    new_picture: bool,
    structure: Option<&Structure>,
) -> Incoming<'a> {
    let mut media = Incoming {
        codec: Codec::Opus,
        sequence,
        timestamp: packet.timestamp,
        marker: false,
        payload: &[],
        descriptor: None,
        starts_keyframe: false,
        audio_level: &[],
        capture_time: &[],
        dependency_descriptor: &[],
        frame: None,
        why_empty: Drop::UnknownPayload,
    };
    let Some(codec) = codec else {
        return media;
    };
    let mut payload = packet.payload;
    if codec == Codec::Vp8 && !payload.is_empty() {
        let Ok(descriptor) = parse_descriptor(payload) else {
            return media;
        };
        if descriptor.picture_id.is_some() {
            payload = payload.get(descriptor.size..).unwrap_or_default();
        }
        media.starts_keyframe = descriptor.keyframe;
        media.descriptor = Some(descriptor);
    } else {
        media.starts_keyframe = !payload.is_empty() && starts_keyframe(codec, payload, new_picture);
    }
    media.codec = codec;
    media.marker = packet.marker;
    media.payload = payload;
    media.why_empty = Drop::PaddingOnly;
    let elements = packet.elements;
    // One byte (RFC 6464 3): every subscriber gets it, however long the payload is.
    let level = elements.get(ids.audio_level);
    media.audio_level = level.get(..1).unwrap_or(level);
    media.capture_time = elements.get(ids.abs_capture_time);
    if matches!(codec, Codec::Av1 | Codec::Vp9) {
        let described = elements.get(ids.dependency_descriptor);
        media.dependency_descriptor = described;
        if !described.is_empty() && !payload.is_empty() {
            // Where it says nothing that can be used, the packet goes on as one of a stream without layers.
            media.frame = parse_frame(described, structure).ok();
        }
    }
    media
}

/// What all subscribers of a stream get of a packet; kept as long as one of them may ask for it again.
pub struct Source {
    /// As `Incoming` has it.
    pub payload: Box<[u8]>,
    audio_level: Box<[u8]>,
    capture_time: Box<[u8]>,
    dependency_descriptor: Box<[u8]>,
    /// When it came.
    at: f64,
}

#[cfg(test)]
impl Source {
    pub fn of(payload: &[u8]) -> Self {
        let (audio_level, capture_time, dependency_descriptor) = Default::default();
        Self { payload: payload.into(), audio_level, capture_time, dependency_descriptor, at: 0.0 }
    }
}

impl Source {
    pub fn new(media: &Incoming<'_>, at: f64) -> Self {
        Self {
            payload: media.payload.into(),
            audio_level: media.audio_level.into(),
            capture_time: media.capture_time.into(),
            dependency_descriptor: media.dependency_descriptor.into(),
            at,
        }
    }
}

/// Header extensions as a subscriber with these ids and this mid gets them.
pub struct ExtensionWriter {
    ids: Extensions,
    mid: [u8; 16],
    mid_size: usize,
}

impl ExtensionWriter {
    pub fn new(ids: Extensions, mid: &str) -> Self {
        let mut writer = Self { ids, mid: [0; 16], mid_size: 0 };
        for (place, byte) in writer.mid.iter_mut().zip(mid.bytes()) {
            *place = byte;
            writer.mid_size += 1;
        }
        if writer.mid_size == 0 {
            writer.ids.mid = 0;
        }
        writer
    }

    fn mid(&self) -> &[u8] {
        self.mid.get(..self.mid_size).unwrap_or_default()
    }

    /// Of a packet that carries nothing of a publisher: whose it is, and its transport-wide number.
    pub fn write_bare(&self, transport: u16, into: &mut Vec<u8>) {
        write_elements(
            &[(self.ids.transport_cc, &transport.to_be_bytes()), (self.ids.mid, self.mid())],
            into,
        );
    }

    /// Appends the block.
    pub fn write(&self, source: &Source, transport: u16, into: &mut Vec<u8>) {
        self.with(source, transport, |elements| write_elements(elements, into));
    }

    /// Bytes that `write` adds.
    pub fn size(&self, source: &Source) -> usize {
        self.with(source, 0, elements_size)
    }

    /// Where all of them would make the packet too long, only what is needed.
    fn with<T>(&self, source: &Source, transport: u16, work: impl FnOnce(&[(u8, &[u8])]) -> T) -> T {
        let ids = &self.ids;
        let (number, time) = (transport.to_be_bytes(), send_time(source.at));
        let id_unless_empty = |id: u8, value: &[u8]| if value.is_empty() { 0 } else { id };
        let elements: [(u8, &[u8]); 6] = [
            (ids.transport_cc, &number),
            (ids.mid, self.mid()),
            (id_unless_empty(ids.audio_level, &source.audio_level), &source.audio_level),
            (ids.abs_send_time, &time),
            (id_unless_empty(ids.abs_capture_time, &source.capture_time), &source.capture_time),
            (
                id_unless_empty(ids.dependency_descriptor, &source.dependency_descriptor),
                &source.dependency_descriptor,
            ),
        ];
        let (needed, others) = elements.split_at(4);
        let has_others = others.iter().any(|element| element.0 != 0);
        let fits = !has_others || elements_size(&elements) + source.payload.len() <= MAX_PACKET - BESIDE;
        work(if fits && has_others { &elements } else { needed })
    }
}

/// abs-send-time: seconds in 6.18 bits of fixed point; subscribers estimate their link from it.
fn send_time(now: f64) -> [u8; 3] {
    let [.., high, middle, low] = ((now * 262_144.0) as i64).to_be_bytes();
    [high, middle, low]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::{header, parse_rtp};

    #[test]
    fn a_subscriber_gets_its_own_ids_and_what_fits() {
        let ids = Extensions { mid: 3, abs_send_time: 7, abs_capture_time: 9, ..Extensions::default() };
        let mut data = header(0x90, true, 45, 1, 2, 3).to_vec();
        write_elements(&[(5, &[8; 16])], &mut data);
        data.push(0);
        let published = Extensions { abs_capture_time: 5, ..Extensions::default() };
        let packet = parse_rtp(&data).expect("well-formed");
        let mut media = look_into(&packet, 1, Some(Codec::Av1), &published, true, None);
        let writer = ExtensionWriter::new(ids, "mid");
        let mut block = Vec::new();
        writer.write(&Source::new(&media, 64.5), 0, &mut block);
        assert_eq!(block.get(..12), Some(&[0xBE, 0xDE, 0, 7, 0x32, b'm', b'i', b'd', 0x72, 2, 0, 0][..]));
        assert_eq!(block.len(), writer.size(&Source::new(&media, 64.5)));
        let long = [0; 1_310];
        media.payload = &long;
        block.clear();
        writer.write(&Source::new(&media, 64.5), 0, &mut block);
        assert_eq!(block.len(), 12);
    }
}
