//! A published track: its streams, its subscribers, and who of them is to get which.

use crate::api::{Copied, Drop, Event, Kind, Layer, Layers, TrackIn};
use crate::down::Down;
use crate::incoming::Incoming;
use crate::layers::{choose_layer, live_layers};
use crate::meter::Meter;
use crate::outbox::Outbox;
use crate::scalable::served_by;
use crate::stream::Stream;
use crate::table::Table;

/// Seconds over which the bits of a layer are counted: a keyframe in it weighs little.
const RATES_S: f64 = 2.0;
/// Seconds between two words of other layers inside a stream: a publisher can change them with every packet.
const INSIDE_S: f64 = 1.0;

pub struct Track {
    pub spec: TrackIn,
    /// In the order in which they came; one of each layer at most.
    pub streams: Vec<Stream>,
    /// Keys of its down tracks, oldest first.
    pub downs: Vec<usize>,
    pub muted: bool,
    taps: Layers,
    live: Layers,
    changed: bool,        // the layers inside a stream are others than were told
    tells_inside_at: f64, // not before
    counted_at: Option<f64>,
}

impl Track {
    pub fn new(spec: TrackIn) -> Self {
        Self {
            spec,
            streams: Vec::new(),
            downs: Vec::new(),
            muted: false,
            taps: Layers::default(),
            live: Layers::default(),
            changed: false,
            tells_inside_at: f64::NEG_INFINITY,
            counted_at: None,
        }
    }

    pub fn stream(&self, layer: Layer) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.layer == layer)
    }

    pub fn stream_mut(&mut self, layer: Layer) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.layer == layer)
    }

    /// Make sure that this layer's stream has this SSRC; the SSRC that it had before, when the publisher changed it.
    pub fn meet(
        &mut self,
        layer: Layer,
        ssrc: u32,
        downs: &mut Table<Down>,
        outbox: &mut Outbox,
    ) -> Option<u32> {
        let mut stream = Stream::new(self.spec.kind, layer, ssrc, self.spec.clock_rate);
        let replaced = match self.stream_mut(layer) {
            Some(known) if known.ssrc == ssrc => return None,
            Some(known) => {
                stream.last_media = known.last_media;
                let before = known.ssrc;
                *known = stream;
                self.forget(layer, downs, outbox);
                Some(before)
            }
            None => {
                self.streams.push(stream);
                None
            }
        };
        self.retarget(downs, outbox);
        replaced
    }

    /// The publisher said goodbye to it.
    pub fn remove_stream(&mut self, layer: Layer, downs: &mut Table<Down>, outbox: &mut Outbox) {
        self.streams.retain(|stream| stream.layer != layer);
        self.forget(layer, downs, outbox);
        self.live.remove(layer);
        self.tell_layers(outbox);
        self.retarget(downs, outbox);
    }

    fn forget(&self, layer: Layer, downs: &mut Table<Down>, outbox: &mut Outbox) {
        for key in &self.downs {
            let Some(down) = downs.get_mut(*key) else {
                continue;
            };
            if down.target == Some(layer) {
                down.target = None;
            }
            if down.current == Some(layer) {
                down.stop(outbox);
            }
        }
    }

    /// A packet with a payload of `size` bytes came.
    pub fn media_arrived(
        &mut self,
        layer: Layer,
        media: &Incoming<'_>,
        size: usize,
        now: f64,
        downs: &mut Table<Down>,
        outbox: &mut Outbox,
    ) {
        let mut changed = false;
        if let Some(stream) = self.stream_mut(layer) {
            stream.last_media = now;
            changed = stream.described(media);
            let inside = media.frame.as_ref().zip(stream.structure.as_ref());
            let served = inside.map_or_else(
                || std::iter::once(layer).collect(),
                |(frame, structure)| served_by(frame, structure, layer),
            );
            for each in served.iter() {
                if let Some(meter) = stream.meters.get_mut(each as usize) {
                    meter.count(size, now);
                }
            }
        }
        self.changed |= changed;
        if !self.live.contains(layer) {
            self.refresh(now, downs, outbox);
        }
    }

    /// Which layers carry media; call it ten times a second.
    pub fn refresh(&mut self, now: f64, downs: &mut Table<Down>, outbox: &mut Outbox) {
        let last_media = self.streams.iter().map(|stream| (stream.layer, stream.last_media));
        let live = live_layers(last_media, now);
        let carriers = live != self.live;
        self.live = live;
        if carriers || (self.changed && now >= self.tells_inside_at) {
            self.changed = false;
            self.tells_inside_at = now + INSIDE_S;
            self.tell_layers(outbox);
            self.retarget(downs, outbox);
        }
        self.tell_rates(now, outbox);
    }

    fn tell_rates(&mut self, now: f64, outbox: &mut Outbox) {
        let since = self.counted_at;
        if self.spec.kind != Kind::Video || since.is_some_and(|since| now - since < RATES_S) {
            return;
        }
        self.counted_at = Some(now);
        let mut layers = Vec::new();
        let meters = self.streams.iter().flat_map(|stream| &stream.meters);
        let newest = meters.map(Meter::last).fold(f64::NEG_INFINITY, f64::max);
        for stream in &mut self.streams {
            for (layer, meter) in [Layer::Low, Layer::Medium, Layer::High].into_iter().zip(&mut stream.meters)
            {
                if let Some(rate) = meter.take(since, newest, now) {
                    layers.retain(|each: &(Layer, i64)| each.0 != layer);
                    layers.push((layer, rate));
                }
            }
        }
        if !layers.is_empty() {
            let track = self.spec.sid.clone();
            outbox.event(Event::Rates { track, layers });
        }
    }

    fn tell_layers(&self, outbox: &mut Outbox) {
        if self.spec.kind == Kind::Video {
            let live = self.streams.iter().filter(|stream| self.live.contains(stream.layer));
            let layers = live.flat_map(|stream| stream.layers().iter()).collect();
            outbox.event(Event::LayersSeen { track: self.spec.sid.clone(), layers });
        }
    }

    pub fn mute(&mut self, muted: bool, downs: &mut Table<Down>, outbox: &mut Outbox) {
        if muted == self.muted {
            return;
        }
        self.muted = muted;
        for key in &self.downs {
            if let Some(down) = downs.get_mut(*key) {
                down.stop(outbox);
            }
        }
        self.retarget(downs, outbox);
    }

    /// The others get what they got: with a hundred of them that is not looked at again. `ask_again` must follow.
    pub fn add(&mut self, down: &mut Down, key: usize, outbox: &mut Outbox) {
        self.downs.push(key);
        self.aim(down, self.carriers(), outbox);
        let target = down.target.and_then(|layer| self.stream_mut(layer));
        if let Some(stream) = target {
            stream.takers.push(key);
        }
    }

    /// `ask_again` must follow.
    pub fn remove(&mut self, key: usize) {
        self.downs.retain(|each| *each != key);
        for stream in &mut self.streams {
            stream.takers.retain(|each| *each != key);
        }
    }

    /// Whoever still waits for a keyframe is in need of one, as after `retarget`.
    pub fn ask_again(&mut self, downs: &Table<Down>) {
        for stream in &mut self.streams {
            let waits = |down: &Down| down.target == Some(stream.layer) && down.current != down.target;
            if stream.takers.iter().filter_map(|key| downs.get(*key)).any(waits) {
                stream.want_keyframe();
            }
        }
    }

    /// Choose again for every subscriber; what they wait for is asked of the publisher.
    pub fn retarget(&mut self, downs: &mut Table<Down>, outbox: &mut Outbox) {
        let keys = std::mem::take(&mut self.downs);
        let carriers = self.carriers();
        for stream in &mut self.streams {
            stream.takers.clear();
        }
        for key in &keys {
            let Some(down) = downs.get_mut(*key) else {
                continue;
            };
            self.aim(down, carriers, outbox);
            for stream in &mut self.streams {
                if [down.current, down.target].contains(&Some(stream.layer)) {
                    stream.takers.push(*key);
                }
            }
        }
        self.downs = keys;
        self.aim_taps(outbox);
    }

    /// Copies of these are taken from now on, and of no others.
    pub fn tap(&mut self, layers: Layers, outbox: &mut Outbox) {
        self.taps = layers;
        self.aim_taps(outbox);
    }

    fn aim_taps(&mut self, outbox: &mut Outbox) {
        let (taps, muted) = (self.taps, self.muted);
        let mut begun = Layers::default();
        for stream in &mut self.streams {
            let tapped = !muted && taps.contains(stream.layer);
            if tapped && !stream.tapped {
                stream.want_keyframe();
                begun.add(stream.layer);
            }
            stream.tapped = tapped;
        }
        if !begun.is_empty() {
            let new = self.streams.iter().filter(|stream| begun.contains(stream.layer));
            new.for_each(|stream| self.tell_clock(stream, outbox));
        }
    }

    /// Who takes copies needs it to bring sound and picture together.
    pub fn tell_clock(&self, stream: &Stream, outbox: &mut Outbox) {
        if let Some(clock) = stream.clock.filter(|_| stream.tapped) {
            let (track, layer, ntp, rtp, at) =
                (self.spec.sid.clone(), stream.layer, clock.ntp, clock.rtp, clock.received_at);
            outbox.tap(Copied::Clock { track, layer, ntp, rtp, at });
        }
    }

    /// Layer of the stream that has each layer, by `Layer as usize`. VP9 and AV1 may have several in one, whatever else
    /// was announced.
    ///
    /// All silent: a camera that is off. What was sent goes on when it comes back, without a keyframe.
    fn carriers(&self) -> [Option<Layer>; 3] {
        let all = || self.streams.iter().map(|stream| stream.layer).collect();
        let live = if self.live.is_empty() { all() } else { self.live };
        let mut carriers = [None; 3];
        for stream in live.iter().filter_map(|layer| self.stream(layer)) {
            let inside = stream.layers();
            for (layer, carrier) in [Layer::Low, Layer::Medium, Layer::High].into_iter().zip(&mut carriers) {
                if inside.contains(layer) && *carrier != Some(layer) {
                    *carrier = Some(stream.layer);
                }
            }
        }
        carriers
    }

    fn aim(&mut self, down: &mut Down, carriers: [Option<Layer>; 3], outbox: &mut Outbox) {
        if down.want.paused || self.muted {
            down.target = None;
            down.stop(outbox);
            return;
        }
        let layers = [Layer::Low, Layer::Medium, Layer::High].into_iter().zip(carriers);
        let candidates = layers.filter(|(_, carrier)| carrier.is_some()).map(|(layer, _)| layer).collect();
        let by_rid = self.spec.rids.iter().map(|pair| pair.1);
        let declared = by_rid.chain(self.spec.ssrcs.iter().map(|pair| pair.1)).collect();
        let chosen = choose_layer(down.want.layer, declared, candidates);
        down.target = chosen.and_then(|layer| *carriers.get(layer as usize)?);
        let Some(layer) = down.target else {
            if !self.live.is_empty() {
                down.stop(outbox); // only larger layers than it may be sent
            }
            return;
        };
        if down.target != down.current
            && let Some(stream) = self.stream_mut(layer)
        {
            stream.want_keyframe();
        }
    }

    /// Why a packet of a stream without takers goes nowhere.
    pub fn why_nobody(&self, downs: &Table<Down>) -> Drop {
        let mut wants = self.downs.iter().filter_map(|key| downs.get(*key)).map(|down| down.want);
        if self.downs.is_empty() {
            Drop::NoSubscriber
        } else if wants.all(|want| want.paused) {
            Drop::Paused
        } else {
            Drop::OtherLayer
        }
    }
}
