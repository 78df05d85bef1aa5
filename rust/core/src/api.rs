//! What a forwarder is told and what comes out: the values of `media/forwarder/api.py`.

use std::sync::Arc;

/// Of a peer, a track or a down track; shared, because every datagram that goes out names its peer.
pub type Id = Arc<str>;

/// A packet of a peer, as it came.
#[derive(Clone, Copy)]
pub struct Came<'a> {
    pub datagram: &'a [u8],
    /// When, by the clock of what it is given with; earlier than that if it has waited for its turn. Publishers are told this
    /// time: how long we were busy says nothing of their link.
    pub at: f64,
    /// Bytes of padding of what it becomes: with one size the kernel can cut several out of one message.
    pub padding: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Audio,
    Video,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    Opus,
    Red,
    Vp8,
    Vp9,
    Av1,
    H264,
}

/// Spatial layers of a simulcast track. Tracks without simulcast have `High` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    Low,
    Medium,
    High,
}

/// A set of layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers(u8);

impl Layers {
    pub fn add(&mut self, layer: Layer) {
        self.0 |= 1 << layer as u8;
    }

    pub fn remove(&mut self, layer: Layer) {
        self.0 &= !(1 << layer as u8);
    }

    pub fn contains(self, layer: Layer) -> bool {
        self.0 & 1 << layer as u8 != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// From the smallest to the largest.
    pub fn iter(self) -> impl Iterator<Item = Layer> {
        [Layer::Low, Layer::Medium, Layer::High].into_iter().filter(move |layer| self.contains(*layer))
    }
}

impl FromIterator<Layer> for Layers {
    fn from_iter<I: IntoIterator<Item = Layer>>(layers: I) -> Self {
        let mut made = Self::default();
        layers.into_iter().for_each(|layer| made.add(layer));
        made
    }
}

/// RFC 5764 4.1.2, RFC 7714 14.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrtpProfile {
    Aes128CmSha1_80,
    AeadAes128Gcm,
    AeadAes256Gcm,
}

/// Both directions of one peer: master key and salt of each.
pub struct SrtpKeys {
    pub profile: SrtpProfile,
    pub rx_key: Vec<u8>,
    pub rx_salt: Vec<u8>,
    pub tx_key: Vec<u8>,
    pub tx_salt: Vec<u8>,
}

/// Ids of RTP header extensions (RFC 8285) in one direction of one media section; 0: not negotiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    pub mid: u8,
    pub rid: u8,
    pub repaired_rid: u8,
    pub audio_level: u8,
    pub transport_cc: u8,
    pub abs_send_time: u8,
    pub dependency_descriptor: u8,
    pub abs_capture_time: u8,
}

/// A published track. Pairs stand in the order of the mappings that they come from.
#[derive(Clone, Debug)]
pub struct TrackIn {
    pub sid: Id,
    pub peer: Id,
    pub kind: Kind,
    pub mid: String,
    pub payload_types: Vec<(u8, Codec)>,
    pub clock_rate: u32,
    pub rtx: Vec<(u8, u8)>,
    pub ssrcs: Vec<(u32, Layer)>,
    pub rids: Vec<(String, Layer)>,
    pub extensions: Extensions,
    /// Voices of one group share three places; "": this one is always forwarded.
    pub group: Id,
}

impl TrackIn {
    pub fn codec(&self, payload_type: u8) -> Option<Codec> {
        find(&self.payload_types, payload_type)
    }

    /// The payload type that this RTX payload type repairs.
    pub fn repairs(&self, payload_type: u8) -> Option<u8> {
        find(&self.rtx, payload_type)
    }
}

fn find<V: Copy>(pairs: &[(u8, V)], key: u8) -> Option<V> {
    pairs.iter().find(|pair| pair.0 == key).map(|pair| pair.1)
}

/// A track on its way to one subscriber: how its packets look there.
#[derive(Clone, Debug)]
pub struct DownTrack {
    pub id: Id,
    pub track: Id,
    pub peer: Id,
    pub mid: String,
    pub ssrc: u32,
    pub rtx_ssrc: u32,
    /// Codec → (PT, RTX PT or 0).
    pub payload_types: Vec<(Codec, (u8, u8))>,
    pub extensions: Extensions,
    pub cname: String,
    pub first_sequence: u16,
    pub first_timestamp: u32,
    pub first_picture_id: u16,
}

impl DownTrack {
    pub fn types(&self, codec: Codec) -> Option<(u8, u8)> {
        let found = self.payload_types.iter().find(|pair| pair.0 == codec);
        found.map(|pair| pair.1)
    }
}

/// What a subscriber wants of a track right now.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    pub layer: Layer,
    pub temporal: u8,
    pub paused: bool,
}

/// Why a packet went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    UnknownPeer,
    NotRtp,
    TooLong,
    Replayed,
    Forged,
    UnknownSsrc,
    UnknownPayload,
    PaddingOnly,
    OtherLayer,
    NotAKeyframe,
    Paused,
    Muted,
    TooLate,
    QueueFull,
    RtcpMalformed,
    NotTheirs,
    NoSubscriber,
    Quieter,
    TooOften,
}

impl Drop {
    /// In the order of their declaration, with the words of `api.py`.
    pub const ALL: [(Self, &'static str); 19] = [
        (Self::UnknownPeer, "unknown_peer"),
        (Self::NotRtp, "not_rtp"),
        (Self::TooLong, "too_long"),
        (Self::Replayed, "replayed"),
        (Self::Forged, "forged"),
        (Self::UnknownSsrc, "unknown_ssrc"),
        (Self::UnknownPayload, "unknown_payload"),
        (Self::PaddingOnly, "padding_only"),
        (Self::OtherLayer, "other_layer"),
        (Self::NotAKeyframe, "not_a_keyframe"),
        (Self::Paused, "paused"),
        (Self::Muted, "muted"),
        (Self::TooLate, "too_late"),
        (Self::QueueFull, "queue_full"),
        (Self::RtcpMalformed, "rtcp_malformed"),
        (Self::NotTheirs, "not_theirs"),
        (Self::NoSubscriber, "no_subscriber"),
        (Self::Quieter, "quieter"),
        (Self::TooOften, "too_often"),
    ];
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    LayersSeen { track: Id, layers: Layers },
    Rates { track: Id, layers: Vec<(Layer, i64)> },
    Forwarding { down: Id, layer: Option<Layer> },
    Loudness { levels: Vec<(Id, f64)> },
    Quality { peer: Id, lost_up: f64, lost_down: f64, rtt_s: Option<f64>, jitter_s: f64 },
    Estimate { peer: Id, bitrate_bps: i64, sent_bps: i64, measured: bool },
}

/// What comes of a tapped track.
#[derive(Clone, Debug, PartialEq)]
pub enum Copied {
    /// RTP in the clear, what RTX brought unwrapped; no codec: only its number counts.
    Media { track: Id, layer: Layer, codec: Option<Codec>, packet: Vec<u8>, at: f64 },
    /// A sender report of the layer, and when it came.
    Clock { track: Id, layer: Layer, ntp: u64, rtp: u32, at: f64 },
}

/// Counters since the start; `drops` in the order of `Drop::ALL`.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub packets_in: u64,
    pub packets_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub drops: [u64; 19],
    pub plis_sent: u64,
    pub nacks_sent: u64,
    pub nacks_received: u64,
    pub retransmitted: u64,
    pub tapped: u64,
    pub taps_lost: u64,
}

impl Stats {
    /// Of another forwarder.
    pub fn add(&mut self, other: &Self) {
        let ours = [
            &mut self.packets_in,
            &mut self.packets_out,
            &mut self.bytes_in,
            &mut self.bytes_out,
            &mut self.plis_sent,
            &mut self.nacks_sent,
            &mut self.nacks_received,
            &mut self.retransmitted,
            &mut self.tapped,
            &mut self.taps_lost,
        ];
        let theirs = [
            other.packets_in,
            other.packets_out,
            other.bytes_in,
            other.bytes_out,
            other.plis_sent,
            other.nacks_sent,
            other.nacks_received,
            other.retransmitted,
            other.tapped,
            other.taps_lost,
        ];
        let drops = self.drops.iter_mut().zip(other.drops);
        for (count, more) in ours.into_iter().zip(theirs).chain(drops) {
            *count += more;
        }
    }
}

/// An id in a call that names nothing, or one that is taken. The caller's mistake, never a peer's.
#[derive(Debug, PartialEq, Eq)]
pub struct BadId(pub Id);
