//! One track on its way to one subscriber: which packets go on, and with which numbers.

use std::sync::Arc;

use crate::api::{Codec, DownTrack, Drop, Event, Kind, Layer, Want};
use crate::history::{EXTENDED, History, Looks, PADDED, Sent, Shape, VERSION};
use crate::incoming::{ExtensionWriter, Incoming, Source};
use crate::outbox::Outbox;
use crate::pictures::PictureMap;
use crate::red::primary_block;
use crate::rtcp::ReportBlock;
use crate::rtp::header;
use crate::scalable::{Selection, Verdict};
use crate::sequence::SequenceMap;
use crate::stream::Stream;
use crate::timestamps::TimestampMap;
use crate::vp8::{Descriptor, Written};

/// Packets between two reports; more, and the receiver began to count anew, or an old report was overtaken.
const MOST_REPORTED: u32 = 10_000;
/// Seconds between two words of another layer inside a stream: a publisher can change them with every packet.
const INSIDE_S: f64 = 1.0;

/// How far the numbers of an SSRC are. With the same keys no number may stand for two packets (RFC 3711 9.1).
pub struct Numbering {
    pub sequence: SequenceMap,
    pub clock: TimestampMap,
    pub rtx_sequence: u16,
    pub rtx_ssrc: u32,
    pictures: PictureMap,
}

impl Numbering {
    fn new(spec: &DownTrack, clock_rate: u32) -> Self {
        Self {
            sequence: SequenceMap::new(i64::from(spec.first_sequence)),
            clock: TimestampMap::new(clock_rate, spec.first_timestamp),
            rtx_sequence: spec.first_sequence,
            rtx_ssrc: spec.rtx_ssrc,
            pictures: PictureMap::new(spec.first_picture_id),
        }
    }

    fn fetch(&self) -> u64 {
        self.sequence.following as u64 ^ self.clock.fetch() ^ self.pictures.fetch()
    }
}

pub struct Down {
    pub spec: DownTrack,
    /// Key of its subscriber.
    pub peer: usize,
    /// Key of its track.
    pub track: usize,
    pub want: Want,
    pub kind: Kind,
    pub clock_rate: u32,
    /// Layer of the stream that the subscriber is to get; it begins with that stream's next keyframe.
    pub target: Option<Layer>,
    /// Layer of the stream that it gets until then.
    pub current: Option<Layer>,
    pub packets: u64, // sent, for sender reports
    pub octets: u64,
    pub history: History,
    pub numbers: Numbering,
    pub looks: Looks,
    types: Option<(Codec, (u8, u8))>, // of the codec that came last
    epoch: i64,                       // of the current stream
    temporal: u8,                     // highest temporal layer sent now
    selection: Selection,             // of layers inside the current stream
    inside: Option<Layer>,            // layer that is sent of it
    tells_inside_at: f64,             // not before
    last_picture: Option<u32>,        // incoming timestamp of the picture whose layer was judged last
    told: Option<Layer>,
    reported: Option<ReportBlock>, // the last
    given: i64,                    // numbers that went out
    holes: i64,                    // and that did not, at the last report
}

/// A packet as all subscribers of a stream see it before theirs is made.
pub struct Media<'a> {
    pub packet: Incoming<'a>,
    /// What is kept of it.
    pub source: Arc<Source>,
    /// When it came, none of its stream had come that was sent after it.
    pub latest: bool,
    pub now: f64,
}

impl Down {
    pub fn new(spec: DownTrack, want: Want, peer: usize, track: usize, kind: Kind, clock_rate: u32) -> Self {
        Self {
            peer,
            track,
            want,
            kind,
            clock_rate,
            target: None,
            current: None,
            packets: 0,
            octets: 0,
            history: History::new(kind),
            numbers: Numbering::new(&spec, clock_rate),
            looks: Looks { ssrc: spec.ssrc, extensions: ExtensionWriter::new(spec.extensions, &spec.mid) },
            types: None,
            epoch: 0,
            temporal: 3,
            selection: Selection::new(Layer::High),
            inside: None,
            tells_inside_at: 0.0,
            last_picture: None,
            told: None,
            reported: None,
            given: 0,
            holes: 0,
            spec,
        }
    }

    /// Nothing more of the current stream; whatever comes next begins with a keyframe.
    pub fn stop(&mut self, outbox: &mut Outbox) {
        self.current = None;
        self.tell(outbox);
    }

    /// (expected, lost) since the subscriber's last report about this; nothing of the first one, or of an old one.
    ///
    /// What we did not have to send, lost on the publisher's way to us, is not this link's loss.
    pub fn reported(&mut self, block: &ReportBlock) -> (i64, i64) {
        let before = self.reported.replace(*block);
        let holes = self.numbers.sequence.following - i64::from(self.spec.first_sequence) - self.given;
        let more = holes - self.holes;
        self.holes = holes;
        let Some(before) = before else {
            return (0, 0);
        };
        let expected = block.highest_sequence.wrapping_sub(before.highest_sequence);
        if expected > MOST_REPORTED {
            return (0, 0);
        }
        let expected = i64::from(expected);
        let lost = i64::from(block.packets_lost) - i64::from(before.packets_lost) - more;
        ((expected - more).max(0), lost.min(expected))
    }

    /// What a later one with the same SSRC goes on from.
    pub fn left(mut self) -> Numbering {
        self.numbers.clock.leave();
        self.numbers.rtx_ssrc = self.spec.rtx_ssrc;
        self.numbers
    }

    /// Reads what `forward` will: a word of each part.
    pub fn fetch(&self) -> u64 {
        let parts = [self.packets, self.octets, self.given as u64, self.epoch as u64, self.peer as u64];
        let told = u64::from(self.looks.ssrc) ^ u64::from(self.last_picture.unwrap_or_default());
        parts.iter().fold(told ^ self.numbers.fetch(), |seen, part| seen ^ part)
    }

    /// The number that the next new packet gets.
    pub fn following(&self) -> i64 {
        self.numbers.sequence.following
    }

    /// Say what is sent now, if it changed.
    fn tell(&mut self, outbox: &mut Outbox) {
        let layer = self.current.and(self.inside);
        if layer != self.told {
            self.told = layer;
            outbox.event(Event::Forwarding { down: self.spec.id.clone(), layer });
        }
    }

    /// What the subscriber gets for a packet of `streams[place]`, before encryption; it stands in the history too.
    ///
    /// `key` is this down track's own, in the takers of the streams.
    pub fn forward(
        &mut self,
        key: usize,
        media: &Media<'_>,
        streams: &mut [Stream],
        layer: Layer,
        outbox: &mut Outbox,
    ) -> Result<Sent, Drop> {
        let stream = streams.iter_mut().find(|each| each.layer == layer);
        let stream = stream.ok_or(Drop::OtherLayer)?;
        if self.current != Some(layer) || stream.epoch() != self.epoch {
            let before = self.switch(media, stream)?;
            if let Some(before) = before.filter(|before| *before != layer)
                && let Some(left) = streams.iter_mut().find(|each| each.layer == before)
            {
                left.takers.retain(|each| *each != key);
            }
        }
        let packet = &media.packet;
        let late = self.numbers.sequence.is_late(packet.sequence);
        if packet.payload.is_empty() && packet.descriptor.is_none() {
            return self.leave_out(media, packet.sequence, packet.why_empty, late);
        }
        let (mut types, mut start) = (self.types(packet.codec), 0);
        if types.is_none() && packet.codec == Codec::Red {
            types = self.types(Codec::Opus);
            start = primary_block(packet.payload).unwrap_or(packet.payload.len());
        }
        let size = packet.payload.len() - start.min(packet.payload.len());
        let Some((payload_type, _)) = types.filter(|_| size > 0 || packet.codec != Codec::Red) else {
            return self.leave_out(media, packet.sequence, Drop::UnknownPayload, late);
        };
        let verdict = self.choose(packet, streams, layer, late);
        if self.inside != self.told && media.now >= self.tells_inside_at {
            self.tells_inside_at = media.now + INSIDE_S;
            self.tell(outbox);
        }
        if verdict.is_some_and(|verdict| !verdict.forward) {
            return self.leave_out(media, packet.sequence, Drop::OtherLayer, late);
        }
        let marker = packet.marker || verdict.is_some_and(|verdict| verdict.marker);
        let mut written = Written::default();
        if let Some(picture) = &packet.descriptor {
            if !late {
                self.judge_temporal(picture, packet.timestamp);
            }
            match self.describe(picture, late) {
                Some(descriptor) => written = descriptor,
                None => return self.leave_out(media, packet.sequence, Drop::OtherLayer, late),
            }
        }
        let number = self.numbers.sequence.forward(packet.sequence).ok_or(Drop::TooLate)?;
        let timestamp = if late {
            self.numbers.clock.late(packet.timestamp)
        } else {
            self.numbers.clock.forward(packet.timestamp, media.now)
        };
        self.packets += 1;
        self.given += 1;
        self.octets += (written.bytes().len() + size) as u64;
        let shape = Shape::media(payload_type, marker, start, written.bytes());
        Ok(Sent { number, timestamp, transport: 0, shape, source: media.source.clone() })
    }

    fn types(&mut self, codec: Codec) -> Option<(u8, u8)> {
        if self.types.is_none_or(|known| known.0 != codec) {
            self.types = Some((codec, self.spec.types(codec)?));
        }
        self.types.map(|known| known.1)
    }

    /// A packet that was to be sent later is not: its number stays a hole, and is none of the link's losses.
    pub fn withdrawn(&mut self) {
        self.given -= 1;
    }

    /// Nothing of `stream` before `number` comes any more. Time goes on meanwhile, as in a pause of its speaker.
    pub fn skip_to(&mut self, number: i64, stream: &Stream) {
        if self.current == Some(stream.layer) && stream.epoch() == self.epoch {
            self.numbers.sequence.begin(number);
        }
    }

    /// Of the first codec that has one.
    fn rtx_type(&self) -> u8 {
        self.spec.payload_types.iter().map(|(_, each)| each.1).find(|rtx| *rtx != 0).unwrap_or(0)
    }

    /// Whether transport-wide numbers are written.
    pub fn is_numbered(&self) -> bool {
        self.spec.extensions.transport_cc != 0
    }

    /// Whether `padding` makes packets whose arrival is told.
    pub fn may_pad(&self) -> bool {
        self.is_numbered() && self.spec.rtx_ssrc != 0 && self.rtx_type() != 0
    }

    /// A packet of a train (`probe.rs`): 255 bytes of padding on the RTX stream, in nobody's way.
    pub fn padding(&mut self, transport: u16, into: &mut Vec<u8>) {
        into.extend_from_slice(&header(
            VERSION | EXTENDED | PADDED,
            false,
            self.rtx_type(),
            self.numbers.rtx_sequence,
            self.spec.first_timestamp,
            self.spec.rtx_ssrc,
        ));
        self.looks.extensions.write_bare(transport, into);
        into.extend_from_slice(&[0; 254]);
        into.push(255);
        self.numbers.rtx_sequence = self.numbers.rtx_sequence.wrapping_add(1);
    }

    /// Close the gaps of numbers that carried nothing: padding where the subscriber's number is taken already. Each
    /// packet must be `put` into the history.
    pub fn fill(&mut self, passed_over: &[i64], media: &Media<'_>, stream: &Stream) -> Vec<Sent> {
        if self.current != Some(stream.layer) || stream.epoch() != self.epoch {
            return Vec::new();
        }
        let mut filled = Vec::new();
        for number in passed_over {
            let late = self.numbers.sequence.is_late(*number);
            filled.extend(self.leave_out(media, *number, Drop::PaddingOnly, late));
        }
        filled
    }

    /// Begin with another stream, if a decoder can begin with this packet. The layer that was sent before.
    fn switch(&mut self, media: &Media<'_>, stream: &mut Stream) -> Result<Option<Layer>, Drop> {
        let packet = &media.packet;
        if self.target != Some(stream.layer) {
            return Err(Drop::OtherLayer);
        }
        if packet.payload.is_empty() {
            return Err(packet.why_empty);
        }
        if !packet.starts_keyframe {
            stream.want_keyframe();
            return Err(Drop::NotAKeyframe);
        }
        if !media.latest {
            return Err(Drop::TooLate); // what followed it was not forwarded
        }
        self.numbers.sequence.begin(packet.sequence);
        self.numbers.clock.begin(packet.timestamp, media.now, stream.clock);
        if let Some(picture) = &packet.descriptor {
            self.numbers.pictures.begin(picture);
        }
        self.temporal = self.want.temporal;
        self.epoch = stream.epoch();
        self.selection = Selection::new(stream.layer);
        self.inside = Some(stream.layer);
        let before = self.current.replace(stream.layer);
        if before != self.current {
            self.tells_inside_at = media.now;
        }
        Ok(before)
    }

    /// Of layers inside a stream; `None` where there are none, or the subscriber could not read what is left.
    fn choose(
        &mut self,
        packet: &Incoming<'_>,
        streams: &mut [Stream],
        layer: Layer,
        late: bool,
    ) -> Option<Verdict> {
        let read = self.spec.extensions.dependency_descriptor != 0;
        let frame = packet.frame.as_ref().filter(|_| read)?;
        let verdict = self.selection.judge(frame, packet.timestamp, &self.want, late)?;
        if verdict.needs_keyframe
            && let Some(stream) = streams.iter_mut().find(|each| each.layer == layer)
        {
            stream.want_keyframe();
        }
        self.inside = verdict.layer;
        Some(verdict)
    }

    /// Which temporal layers go on changes only where a picture begins.
    ///
    /// Less at once. More, one layer at a time, at a picture of that layer which needs the base layer only (Y).
    fn judge_temporal(&mut self, picture: &Descriptor, timestamp: u32) {
        if self.last_picture == Some(timestamp) {
            return;
        }
        self.last_picture = Some(timestamp);
        let wanted = self.want.temporal;
        if wanted < self.temporal || picture.keyframe {
            self.temporal = wanted;
        } else if wanted > self.temporal && picture.sync && picture.temporal == Some(self.temporal + 1) {
            self.temporal += 1;
        }
    }

    /// The VP8 descriptor as the subscriber sees it; `None` for a picture that it does not get.
    fn describe(&mut self, picture: &Descriptor, late: bool) -> Option<Written> {
        if !late && picture.temporal.is_some_and(|temporal| temporal > self.temporal) {
            self.numbers.pictures.drop(picture);
            return None;
        }
        self.numbers.pictures.forward(picture)
    }

    /// Drop on purpose without leaving a gap.
    ///
    /// A late packet's number was given away already: the subscriber gets a packet of padding in its place, or it
    /// would ask for it again and again.
    fn leave_out(&mut self, media: &Media<'_>, sequence: i64, why: Drop, late: bool) -> Result<Sent, Drop> {
        if !late {
            self.numbers.sequence.drop(sequence);
            return Err(why);
        }
        let number = self.numbers.sequence.forward(sequence).ok_or(Drop::TooLate)?;
        let &(_, (payload_type, _)) = self.spec.payload_types.first().ok_or(Drop::TooLate)?;
        let timestamp = self.numbers.clock.late(media.packet.timestamp);
        self.given += 1;
        let shape = Shape::filler(payload_type);
        Ok(Sent { number, timestamp, transport: 0, shape, source: media.source.clone() })
    }
}
