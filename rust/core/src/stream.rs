//! One encoding that a publisher sends: an SSRC, a layer of a track.

use crate::api::{Kind, Layer};
use crate::incoming::Incoming;
use crate::keyframes::{KeyframeRequester, min_interval_s};
use crate::nack::MissingPackets;
use crate::reports::ReceptionStatistics;
use crate::sequence::{Unroller, WINDOW};
use crate::timestamps::ClockReading;

pub struct Stream {
    pub kind: Kind,
    pub layer: Layer,
    pub ssrc: u32,
    /// Keys of the down tracks that get it, or wait for its keyframe.
    pub takers: Vec<usize>,
    /// The last sender report.
    pub clock: Option<ClockReading>,
    /// When the last packet with a payload came.
    pub last_media: f64,
    /// Since the last `Rates`.
    pub payload_bytes: u64,
    pub missing: MissingPackets,
    pub statistics: ReceptionStatistics,
    pub keyframes: KeyframeRequester,
    unroller: Unroller,
    last_timestamp: Option<u32>,
    // Number and VP8 picture id of the last packet of a picture, while no other media came since.
    whole: Option<(i64, u16)>,
}

impl Stream {
    pub fn new(kind: Kind, layer: Layer, ssrc: u32, clock_rate: u32) -> Self {
        Self {
            kind,
            layer,
            ssrc,
            takers: Vec::new(),
            clock: None,
            last_media: f64::NEG_INFINITY,
            payload_bytes: 0,
            missing: MissingPackets::default(),
            statistics: ReceptionStatistics::new(clock_rate),
            keyframes: KeyframeRequester::new(min_interval_s(layer)),
            unroller: Unroller::default(),
            last_timestamp: None,
            whole: None,
        }
    }

    /// Grows when the publisher's numbering began anew: subscribers then begin with it anew.
    pub fn epoch(&self) -> i64 {
        self.unroller.epoch
    }

    pub fn highest(&self) -> i64 {
        self.unroller.highest
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
            self.whole = None;
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

    /// Numbers that did not come and carried nothing, as the newest VP8 packet shows: it begins the picture after the
    /// one that was whole. Publishers without RTX (LiveKit's Rust) probe their link with padding in the stream itself,
    /// and never repeat it: a decoder that counts numbers would wait for it until the next keyframe.
    pub fn passed_over(&mut self, media: &Incoming<'_>) -> Vec<i64> {
        let newest = media.descriptor.filter(|_| media.sequence == self.highest());
        let Some((descriptor, picture_id)) = newest.and_then(|each| Some((each, each.picture_id?))) else {
            return Vec::new();
        };
        let whole = self.whole.take();
        self.whole = media.marker.then_some((media.sequence, picture_id));
        let Some((last, before)) = whole.filter(|_| descriptor.start) else {
            return Vec::new();
        };
        let step = (i64::from(picture_id) - i64::from(before)).rem_euclid(1 << descriptor.picture_id_bits);
        if media.sequence - last > WINDOW || step != 1 {
            return Vec::new();
        }
        let padding = (last + 1..media.sequence).filter(|number| !self.unroller.came(*number));
        let padding: Vec<i64> = padding.collect();
        padding.iter().for_each(|number| self.missing.arrived(*number));
        padding
    }

    /// Whether the packet before had another timestamp.
    pub fn is_new_picture(&mut self, timestamp: u32) -> bool {
        self.last_timestamp.replace(timestamp) != Some(timestamp)
    }
}
