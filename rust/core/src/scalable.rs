//! Which frames of a stream with layers inside (SVC) one subscriber gets.
//!
//! A decode target is chosen where a picture begins: the best that is wanted, can be decoded, and whose chain misses
//! nothing that we left out. Sizes that need each other only at keyframes (L3T3_KEY) begin there, smaller ones too:
//! until then what is sent goes on, as with simulcast.
//!
//! What the publisher's way lost is not judged here: it is asked for, and may still come; a receiver that waits in vain
//! asks for a keyframe itself. Frames that cannot be read (the first packet of their keyframe is missing) go on whole.

use std::sync::Arc;

use crate::api::{Layer, Layers, Want};
use crate::dependency::{Frame, Structure};

/// Frames whose fate is remembered, more than a second: the bits of `sent`. What lies before them is taken as sent.
const REMEMBERED: u32 = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub forward: bool,
    /// The last packet that the subscriber gets of this picture.
    pub marker: bool,
    /// What is sent now; `None`: nothing can be decoded.
    pub layer: Option<Layer>,
    /// Pictures of another size are wanted, and cannot begin here.
    pub needs_keyframe: bool,
}

/// Of one subscriber, from a keyframe of one stream on.
pub struct Selection {
    highest: Layer, // of the stream
    structure: Option<Arc<Structure>>,
    active: u32,
    active_back: u32, // so many frames before the newest one said it
    target: Option<usize>,
    sent_as: Option<(u8, Layer)>, // spatial layer of the target, and what it is called
    newest: Option<u16>,
    timestamp: Option<u32>,
    needs_keyframe: bool,
    intact: u32, // bit i: of chain i nothing was left out
    // Bit n: the frame that is n before the newest.
    sent: u128,
    left_out: u128,
}

impl Selection {
    pub fn new(highest: Layer) -> Self {
        Self {
            highest,
            structure: None,
            active: 0,
            active_back: 0,
            target: None,
            sent_as: None,
            newest: None,
            timestamp: None,
            needs_keyframe: false,
            intact: 0,
            sent: 0,
            left_out: 0,
        }
    }

    /// What becomes of a packet; `None` before the first structure, or where it has no chains. `late`: a packet with a
    /// higher number came before.
    pub fn judge(&mut self, frame: &Frame, timestamp: u32, want: &Want, late: bool) -> Option<Verdict> {
        let back = self.arrived(frame, late);
        if self.structure.as_ref()?.protected_by.is_empty() {
            return None;
        }
        if let Some(active) = frame.active.filter(|_| back <= self.active_back) {
            (self.active, self.active_back) = (active, back);
        }
        if back >= REMEMBERED {
            return Some(self.verdict(frame, false));
        }
        let bit = 1_u128 << back;
        if (self.sent | self.left_out) & bit == 0 {
            if back == 0 {
                self.follow_chains(frame);
                if self.timestamp != Some(timestamp) {
                    self.timestamp = Some(timestamp);
                    self.choose(want);
                }
            }
            if self.belongs(frame, back) {
                self.sent |= bit;
            } else {
                self.left_out |= bit;
            }
        }
        Some(self.verdict(frame, self.sent & bit != 0))
    }

    /// How many frames before the newest one it is.
    ///
    /// A keyframe whose number is an old one, but which is not late, comes of an encoder that counts anew.
    fn arrived(&mut self, frame: &Frame, late: bool) -> u32 {
        let delta = self.newest.map(|newest| frame.number.wrapping_sub(newest));
        let old = delta.is_some_and(|delta| delta >= 0x8000);
        if let Some(structure) = frame.structure.as_ref().filter(|_| delta != Some(0) && !(old && late)) {
            *self = Self {
                structure: Some(structure.clone()),
                active: self.active,
                sent_as: self.sent_as,
                newest: Some(frame.number),
                needs_keyframe: self.needs_keyframe,
                ..Self::new(self.highest)
            };
            return 0;
        }
        let delta = delta.unwrap_or_default();
        if old {
            return u32::from(delta.wrapping_neg());
        }
        self.newest = self.newest.map(|newest| newest.wrapping_add(delta));
        self.active_back = self.active_back.saturating_add(u32::from(delta));
        self.sent = self.sent.checked_shl(u32::from(delta)).unwrap_or_default();
        self.left_out = self.left_out.checked_shl(u32::from(delta)).unwrap_or_default();
        0
    }

    fn was_left_out(&self, back: u32) -> bool {
        self.left_out.checked_shr(back).is_some_and(|bits| bits & 1 == 1)
    }

    fn follow_chains(&mut self, frame: &Frame) {
        for (chain, &diff) in frame.kind.chain_diffs.iter().enumerate() {
            let bit = 1_u32 << chain;
            if diff == 0 {
                if self.refers_to_sent(frame, 0) {
                    self.intact |= bit;
                }
            } else if self.was_left_out(u32::from(diff)) {
                self.intact &= !bit;
            }
        }
    }

    /// Where a picture begins. Where nothing is so small, the smallest that there is.
    fn choose(&mut self, want: &Want) {
        let Some(structure) = &self.structure else {
            return;
        };
        let top = top(structure);
        let limit = top.saturating_sub((self.highest as u8).saturating_sub(want.layer as u8));
        let active =
            || structure.targets.iter().zip(0..).filter(|(_, target)| self.active >> target & 1 == 1);
        let is_small = |layers: &(u8, u8)| layers.0 <= limit && layers.1 <= want.temporal;
        let smallest = active().min().filter(|_| !active().any(|(layers, _)| is_small(layers)));
        let wanted = || active().filter(|each| is_small(each.0) || smallest == Some(*each));
        // The first of those that are equal.
        let can = wanted().filter(|each| self.can(structure, each.1));
        let best = can.reduce(|best, each| if each.0 > best.0 { each } else { best });
        let largest = wanted().map(|(layers, _)| layers.0).max();
        self.needs_keyframe = largest > best.map(|(layers, _)| layers.0);
        let before = self.target.filter(|target| self.can(structure, *target));
        self.target = best.map(|(_, target)| target).or(before);
        let target = self.target.and_then(|target| structure.targets.get(target));
        self.sent_as = target.map(|layers| (layers.0, layer(top.saturating_sub(layers.0), self.highest)));
    }

    fn can(&self, structure: &Structure, target: usize) -> bool {
        let chain = structure.protected_by.get(target);
        self.active >> target & 1 == 1 && chain.is_some_and(|chain| self.intact >> chain & 1 == 1)
    }

    fn belongs(&self, frame: &Frame, back: u32) -> bool {
        let dti = self.target.and_then(|target| frame.kind.dtis.get(target));
        dti.is_some_and(|dti| *dti != 0) && self.refers_to_sent(frame, back)
    }

    fn refers_to_sent(&self, frame: &Frame, back: u32) -> bool {
        !frame.kind.diffs.iter().any(|diff| self.was_left_out(back + u32::from(*diff)))
    }

    fn verdict(&self, frame: &Frame, forward: bool) -> Verdict {
        Verdict {
            forward,
            marker: forward
                && frame.end
                && self.sent_as.is_some_and(|(spatial, _)| spatial == frame.kind.spatial),
            layer: self.sent_as.map(|(_, layer)| layer),
            needs_keyframe: self.needs_keyframe,
        }
    }
}

/// What can be chosen from; `highest` is the layer of the stream.
pub fn layers_in(structure: &Structure, active: u32, highest: Layer) -> Layers {
    let targets = structure.targets.iter().enumerate();
    inside(structure, highest, targets.filter(|(at, _)| active >> at & 1 == 1).map(|(_, each)| each.0))
}

/// The layers whose subscribers get this frame.
pub fn served_by(frame: &Frame, structure: &Structure, highest: Layer) -> Layers {
    let targets = structure.targets.iter().zip(frame.kind.dtis.iter());
    inside(structure, highest, targets.filter(|(_, dti)| **dti != 0).map(|(each, _)| each.0))
}

fn inside(structure: &Structure, highest: Layer, spatial: impl Iterator<Item = u8>) -> Layers {
    if structure.protected_by.is_empty() {
        return std::iter::once(highest).collect();
    }
    let top = top(structure);
    spatial.map(|each| layer(top.saturating_sub(each), highest)).collect()
}

/// The highest spatial layer of all.
fn top(structure: &Structure) -> u8 {
    structure.targets.iter().map(|layers| layers.0).max().unwrap_or_default()
}

/// Which of the three layers of a track it is: the largest size is that of its stream, HIGH without simulcast.
fn layer(below: u8, highest: Layer) -> Layer {
    match (highest as u8).saturating_sub(below) {
        0 => Layer::Low,
        1 => Layer::Medium,
        _ => Layer::High,
    }
}
