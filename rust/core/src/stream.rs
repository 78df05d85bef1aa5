//! One encoding that a publisher sends: an SSRC, a layer of a track.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::api::{Kind, Layer, Layers};
use crate::dependency::Structure;
use crate::down::Down;
use crate::incoming::Incoming;
use crate::keyframes::{KeyframeRequester, min_interval_s};
use crate::meter::Meter;
use crate::nack::MissingPackets;
use crate::reports::ReceptionStatistics;
use crate::scalable::layers_in;
use crate::sequence::{Unroller, WINDOW};
use crate::table::Table;
use crate::timestamps::ClockReading;

/// Pictures whose numbers are remembered: two seconds, and less than half of the ids of seven bits.
const PICTURES: usize = 60;

/// VP8 picture id → number of its first, or last, packet; oldest first.
#[derive(Default)]
struct Pictures(VecDeque<(u16, i64)>);

impl Pictures {
    fn remember(&mut self, picture: u16, number: i64) {
        self.0.retain(|each| each.0 != picture);
        self.0.push_back((picture, number));
        if self.0.len() > PICTURES {
            self.0.pop_front();
        }
    }

    fn number(&self, picture: u16) -> Option<i64> {
        let found = self.0.iter().rev().find(|each| each.0 == picture);
        found.map(|each| each.1)
    }
}

pub struct Stream {
    pub kind: Kind,
    pub layer: Layer,
    pub ssrc: u32,
    /// Keys of the down tracks that get it, or wait for its keyframe.
    pub takers: Vec<usize>,
    /// Copies of its packets are taken.
    pub tapped: bool,
    /// The last sender report.
    pub clock: Option<ClockReading>,
    /// When the last packet with a payload came.
    pub last_media: f64,
    /// Of what subscribers of each of its layers are sent; by `Layer as usize`.
    pub meters: [Meter; 3],
    /// Number of the first packet that was held back, while louder voices have all places.
    pub held_from: Option<i64>,
    /// Of a stream with layers inside (`dependency.rs`), as its last keyframe has it.
    pub structure: Option<Arc<Structure>>,
    /// Bit i: its decode target i can be decoded.
    active: u32,
    /// Numbers of the packets that said so.
    structure_from: i64,
    active_from: i64,
    pub missing: MissingPackets,
    pub statistics: ReceptionStatistics,
    pub keyframes: KeyframeRequester,
    unroller: Unroller,
    last_timestamp: Option<u32>,
    begins: Pictures,
    ends: Pictures,
}

impl Stream {
    pub fn new(kind: Kind, layer: Layer, ssrc: u32, clock_rate: u32) -> Self {
        Self {
            kind,
            layer,
            ssrc,
            takers: Vec::new(),
            tapped: false,
            clock: None,
            last_media: f64::NEG_INFINITY,
            meters: [Meter::default(); 3],
            held_from: None,
            structure: None,
            active: 0,
            structure_from: -1,
            active_from: -1,
            missing: MissingPackets::default(),
            statistics: ReceptionStatistics::new(clock_rate),
            keyframes: KeyframeRequester::new(min_interval_s(layer)),
            unroller: Unroller::default(),
            last_timestamp: None,
            begins: Pictures::default(),
            ends: Pictures::default(),
        }
    }

    /// Grows when the publisher's numbering began anew: subscribers then begin with it anew.
    pub fn epoch(&self) -> i64 {
        self.unroller.epoch
    }

    pub fn highest(&self) -> i64 {
        self.unroller.highest
    }

    /// Whether its packets go anywhere.
    pub fn is_wanted(&self) -> bool {
        self.tapped || !self.takers.is_empty()
    }

    /// What was asked of the publisher may have come with this packet.
    pub fn begins(&mut self, packet: &Incoming<'_>) {
        if packet.starts_keyframe {
            self.keyframes.keyframe_arrived();
        }
    }

    /// A subscriber can begin with this stream only there. Sound needs none.
    pub fn want_keyframe(&mut self) {
        if self.kind == Kind::Video {
            self.keyframes.want();
        }
    }

    /// The unrolled number of a packet; `None` for one that came before, or far too late.
    ///
    /// A `repaired` one came by RTX, which is no sign of the link's delay or loss.
    pub fn arrived(&mut self, sequence: u16, timestamp: u32, now: f64, repaired: bool) -> Option<i64> {
        let (before, epoch) = (self.unroller.highest, self.unroller.epoch);
        let number = self.unroller.unroll(sequence, repaired)?;
        if self.unroller.epoch != epoch {
            self.statistics.restart();
            self.missing.clear();
            self.begins.0.clear();
            self.ends.0.clear();
            self.held_from = None;
            self.structure = None;
            (self.structure_from, self.active_from) = (-1, -1);
        } else if number > before + 1 {
            if !self.missing.gap(before + 1, number, now) {
                self.want_keyframe();
            }
        } else if number < before {
            self.missing.arrived(number);
        }
        if !repaired {
            self.statistics.arrived(number, timestamp, now);
        }
        Some(number)
    }

    /// After every packet: whether other layers can be chosen from than before.
    ///
    /// A keyframe's first packet that comes late counts, if no later one has said otherwise.
    pub fn described(&mut self, media: &Incoming<'_>) -> bool {
        let Some((frame, active)) = media.frame.as_ref().and_then(|frame| Some((frame, frame.active?)))
        else {
            return false;
        };
        let (before, number) = (self.layers(), media.sequence);
        if let Some(structure) = frame.structure.as_ref().filter(|_| number > self.structure_from) {
            (self.structure, self.structure_from) = (Some(structure.clone()), number);
        }
        if number > self.active_from {
            (self.active, self.active_from) = (active, number);
        }
        self.layers() != before
    }

    /// What can be chosen from.
    pub fn layers(&self) -> Layers {
        let structure = self.structure.as_deref();
        let inside = structure.map(|structure| layers_in(structure, self.active, self.layer));
        inside.unwrap_or_else(|| std::iter::once(self.layer).collect())
    }

    /// Numbers that did not come and carried nothing: between the end of a VP8 picture and the beginning of the next.
    ///
    /// Publishers without RTX (LiveKit's Rust) probe their link with padding in the stream itself, and never repeat it:
    /// a decoder that counts numbers would wait for it until the next keyframe.
    pub fn passed_over(&mut self, media: &Incoming<'_>) -> Vec<i64> {
        let Some((descriptor, picture)) = media.descriptor.and_then(|each| Some((each, each.picture_id?)))
        else {
            return Vec::new();
        };
        let neighbour =
            |step: i64| (i64::from(picture) + step).rem_euclid(1 << descriptor.picture_id_bits) as u16;
        let mut padding = Vec::new();
        if descriptor.start {
            self.begins.remember(picture, media.sequence);
            padding.extend(self.between(self.ends.number(neighbour(-1)), Some(media.sequence)));
        }
        if media.marker {
            self.ends.remember(picture, media.sequence);
            padding.extend(self.between(Some(media.sequence), self.begins.number(neighbour(1))));
        }
        padding.iter().for_each(|number| self.missing.arrived(*number));
        padding
    }

    fn between(&self, end: Option<i64>, begin: Option<i64>) -> Vec<i64> {
        let Some((end, begin)) = end.zip(begin).filter(|(end, begin)| (2..WINDOW).contains(&(begin - end)))
        else {
            return Vec::new();
        };
        let first = (end + 1).max(self.highest() - WINDOW + 1);
        (first..begin).filter(|number| !self.unroller.came(*number)).collect()
    }

    /// It is loud enough again: for subscribers it was silent, and nothing is missing.
    pub fn go_on_from(&mut self, number: i64, downs: &mut Table<Down>) {
        if self.held_from.take().is_none() {
            return;
        }
        for key in &self.takers {
            if let Some(down) = downs.get_mut(*key) {
                down.skip_to(number, self);
            }
        }
    }

    /// Whether the packet before had another timestamp.
    pub fn is_new_picture(&mut self, timestamp: u32) -> bool {
        self.last_timestamp.replace(timestamp) != Some(timestamp)
    }
}
