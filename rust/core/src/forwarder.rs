//! Takes packets in, hands them on: the owner of peers, tracks and subscriptions. The rules are in the other files.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::api::{
    BadId, Came, Copied, DownTrack, Drop, Event, Id, Kind, Layer, Layers, SrtpKeys, Stats, TrackIn, Want,
};
use crate::control::Control;
use crate::down::{Down, Media};
use crate::fan_out::{Ready, fan_out};
use crate::incoming::{Source, look_into};
use crate::loudest::Loudest;
use crate::loudness::LoudnessMeter;
use crate::outbox::Outbox;
use crate::peer::Peer;
use crate::periodic::{next_wakeup, poll_peer};
use crate::rtcp::parse_rtcp;
use crate::rtp::{MAX_PAYLOAD, RtpPacket, parse_rtp, u16_at, u32_at, unwrap_rtx};
use crate::srtp::SrtpSession;
use crate::table::Table;
use crate::track::Track;

/// Seconds between two looks at which layers still carry media.
const LAYERS_S: f64 = 0.1;

/// See `media/forwarder/api.py`, `Forwarder`.
#[derive(Default)]
pub struct Forwarder {
    peers: Table<Peer>,
    tracks: Table<Track>,
    downs: Table<Down>,
    outbox: Outbox,
    loudness: LoudnessMeter,
    loudest: Loudest,
    layers_due: Option<f64>, // None: at once
    datagrams: Vec<Vec<u8>>, // that are being decrypted; kept for their memory
}

type Known = Result<(), BadId>;

fn bad(id: &str) -> BadId {
    BadId(Id::from(id))
}

/// Entries of everything that coming, publishing and subscribing fill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub peers: usize,
    pub tracks: usize,
    pub downs: usize,
    pub voices: usize,
    pub groups: usize,
}

impl Forwarder {
    pub fn held(&self) -> Held {
        Held {
            peers: self.peers.len(),
            tracks: self.tracks.len(),
            downs: self.downs.len(),
            voices: self.loudness.len(),
            groups: self.loudest.len(),
        }
    }

    // --- who and what

    /// `Err`: it is known already.
    pub fn add_peer(&mut self, id: Id, srtp: SrtpSession) -> Known {
        if self.peers.key(&id).is_some() {
            return Err(BadId(id));
        }
        self.peers.insert(id.clone(), Peer::new(id, srtp));
        Ok(())
    }

    /// The session that `add_peer` wants; `None` for keys of the wrong length.
    pub fn session(keys: &SrtpKeys) -> Option<SrtpSession> {
        SrtpSession::new(keys).ok()
    }

    pub fn remove_peer(&mut self, id: &str) -> Known {
        let key = self.peers.key(id).ok_or_else(|| bad(id))?;
        let peer = self.peers.get(key).ok_or_else(|| bad(id))?;
        let published = peer.demux.tracks.iter().filter_map(|key| self.tracks.get(*key));
        let sids: Vec<Id> = published.map(|track| track.spec.sid.clone()).collect();
        for sid in sids {
            self.remove_track(&sid)?;
        }
        let peer = self.peers.get(key).ok_or_else(|| bad(id))?;
        let taken = peer.downs.iter().filter_map(|pair| self.downs.get(pair.1));
        let downs: Vec<Id> = taken.map(|down| down.spec.id.clone()).collect();
        for down in downs {
            self.remove_down(&down)?;
        }
        self.peers.remove(id);
        Ok(())
    }

    /// Or change it: the same sid again replaces what is known.
    pub fn add_track(&mut self, spec: TrackIn) -> Known {
        let publisher = self.peers.key(&spec.peer).ok_or_else(|| bad(&spec.peer))?;
        let peer = self.peers.get_mut(publisher).ok_or_else(|| bad(&spec.peer))?;
        let key = match self.tracks.key(&spec.sid) {
            None => self.tracks.insert(spec.sid.clone(), Track::new(spec)),
            Some(key) => {
                let known = self.tracks.get_mut(key).ok_or_else(|| bad(&spec.sid))?;
                if known.spec.peer != spec.peer {
                    return Err(bad(&spec.peer));
                }
                if known.spec.group != spec.group {
                    self.loudest.gone(&known.spec.group, key);
                }
                known.spec = spec;
                key
            }
        };
        if let Some(track) = self.tracks.get_mut(key) {
            peer.demux.add(key, &track.spec.ssrcs);
            track.retarget(&mut self.downs, &mut self.outbox);
        }
        Ok(())
    }

    /// And its down tracks.
    pub fn remove_track(&mut self, sid: &str) -> Known {
        let key = self.tracks.key(sid).ok_or_else(|| bad(sid))?;
        let track = self.tracks.get(key).ok_or_else(|| bad(sid))?;
        self.loudest.gone(&track.spec.group, key);
        let publisher = self.peers.key(&track.spec.peer);
        let taken = track.downs.iter().filter_map(|key| self.downs.get(*key));
        let downs: Vec<Id> = taken.map(|down| down.spec.id.clone()).collect();
        for down in downs {
            self.remove_down(&down)?;
        }
        if let Some(peer) = publisher.and_then(|key| self.peers.get_mut(key)) {
            peer.demux.remove(key);
        }
        self.loudness.gone(key);
        self.tracks.remove(sid);
        Ok(())
    }

    /// R43: while muted by the server nothing of it is forwarded, whatever the publisher sends.
    pub fn mute_track(&mut self, sid: &str, muted: bool) -> Known {
        let key = self.tracks.key(sid).ok_or_else(|| bad(sid))?;
        let track = self.tracks.get_mut(key).ok_or_else(|| bad(sid))?;
        track.mute(muted, &mut self.downs, &mut self.outbox);
        if muted {
            self.loudness.gone(key);
            self.loudest.gone(&track.spec.group, key);
        }
        Ok(())
    }

    pub fn add_down(&mut self, spec: DownTrack, want: Want) -> Known {
        let track_key = self.tracks.key(&spec.track).ok_or_else(|| bad(&spec.track))?;
        let peer_key = self.peers.key(&spec.peer).ok_or_else(|| bad(&spec.peer))?;
        let track = self.tracks.get_mut(track_key).ok_or_else(|| bad(&spec.track))?;
        let peer = self.peers.get_mut(peer_key).ok_or_else(|| bad(&spec.peer))?;
        if self.downs.key(&spec.id).is_some() || peer.down(spec.ssrc).is_some() {
            return Err(BadId(spec.id));
        }
        let id = spec.id.clone();
        let (kind, clock_rate) = (track.spec.kind, track.spec.clock_rate);
        let down = Down::new(spec, want, peer_key, track_key, kind, clock_rate);
        let key = self.downs.insert(id, down);
        if let Some(down) = self.downs.get_mut(key) {
            peer.add_down(down, key);
            track.add(down, key, &mut self.outbox);
        }
        track.ask_again(&self.downs);
        Ok(())
    }

    pub fn remove_down(&mut self, id: &str) -> Known {
        let key = self.downs.key(id).ok_or_else(|| bad(id))?;
        let down = self.downs.remove(id).ok_or_else(|| bad(id))?;
        if let Some(track) = self.tracks.get_mut(down.track) {
            track.remove(key);
            track.ask_again(&self.downs);
        }
        if let Some(peer) = self.peers.get_mut(down.peer) {
            peer.remove_down(down, key);
        }
        Ok(())
    }

    pub fn set_want(&mut self, id: &str, want: Want) -> Known {
        let key = self.downs.key(id).ok_or_else(|| bad(id))?;
        let down = self.downs.get_mut(key).ok_or_else(|| bad(id))?;
        down.want = want;
        if let Some(track) = self.tracks.get_mut(down.track) {
            track.retarget(&mut self.downs, &mut self.outbox);
        }
        Ok(())
    }

    /// Towards a publisher: what its encoder may use in all (REMB).
    pub fn set_budget(&mut self, id: &str, bitrate_bps: u64) -> Known {
        let key = self.peers.key(id).ok_or_else(|| bad(id))?;
        let peer = self.peers.get_mut(key).ok_or_else(|| bad(id))?;
        peer.budget_bps = Some(bitrate_bps);
        peer.budget_changed = true;
        Ok(())
    }

    /// Towards a subscriber: what would be sent were its link wide enough; 0: all of it is.
    pub fn set_wish(&mut self, peer: &str, bitrate_bps: i64) -> Known {
        let key = self.peers.key(peer).ok_or_else(|| bad(peer))?;
        let peer = self.peers.get_mut(key).ok_or_else(|| bad(peer))?;
        peer.sending.prober.wish(bitrate_bps);
        Ok(())
    }

    /// Or change it: there is one for each track.
    pub fn add_tap(&mut self, sid: &str, layers: Layers) -> Known {
        let key = self.tracks.key(sid).ok_or_else(|| bad(sid))?;
        let track = self.tracks.get_mut(key).ok_or_else(|| bad(sid))?;
        track.tap(layers, &mut self.outbox);
        Ok(())
    }

    pub fn remove_tap(&mut self, sid: &str) -> Known {
        self.add_tap(sid, Layers::default())
    }

    /// Of a tapped layer; of another one nothing is asked.
    pub fn ask_key(&mut self, sid: &str, layer: Layer) -> Known {
        let key = self.tracks.key(sid).ok_or_else(|| bad(sid))?;
        let track = self.tracks.get_mut(key).ok_or_else(|| bad(sid))?;
        if let Some(stream) = track.stream_mut(layer).filter(|stream| stream.tapped) {
            stream.want_keyframe();
        }
        Ok(())
    }

    // --- packets

    /// An SRTP or SRTCP packet (RFC 7983: first byte 128..191) of a peer.
    pub fn receive(&mut self, peer: &str, datagram: &[u8], now: f64) {
        self.receive_run(peer, &[Came { datagram, at: now, padding: 0 }], now, &mut |_| ());
    }

    /// Packets of a peer that came together, those of one picture at best: they go to one subscriber after another, all of them
    /// to each.
    ///
    /// `spill` may take what is to be sent out of the outbox while there is more to come; it is called now and then.
    pub fn receive_run(
        &mut self,
        peer: &str,
        run: &[Came<'_>],
        now: f64,
        spill: &mut dyn FnMut(&mut Outbox),
    ) {
        let key = self.peers.key(peer);
        let mut opened = std::mem::take(&mut self.datagrams);
        opened.resize_with(run.len().max(opened.len()), Vec::new);
        let mut ready = Vec::with_capacity(run.len());
        for (came, data) in run.iter().zip(&mut opened) {
            self.outbox.stats.packets_in += 1;
            self.outbox.stats.bytes_in += came.datagram.len() as u64;
            match self.take_in(key, came, data, now) {
                Ok(taken) => ready.extend(taken),
                Err(drop) => self.outbox.count(drop),
            }
        }
        let Self { peers, tracks, downs, outbox, .. } = self;
        for together in ready.chunk_by(Ready::goes_with) {
            fan_out(together, peers, tracks, downs, outbox, spill);
        }
        self.datagrams = opened;
    }

    /// `Some`: it goes on to others. `opened`: memory for the packet without SRTP.
    fn take_in<'a>(
        &mut self,
        key: Option<usize>,
        came: &Came<'_>,
        opened: &'a mut Vec<u8>,
        now: f64,
    ) -> Result<Option<Ready<'a>>, Drop> {
        let key = key.ok_or(Drop::UnknownPeer)?;
        let datagram = came.datagram;
        let [128..=191, second, ..] = datagram else {
            return Err(Drop::NotRtp);
        };
        if datagram.len() < 12 {
            return Err(Drop::NotRtp);
        }
        opened.clear();
        opened.extend_from_slice(datagram);
        // RFC 5761 4
        if (192..=223).contains(second) {
            self.receive_rtcp(key, opened, now)?;
            return Ok(None);
        }
        self.receive_rtp(key, opened, came, now)
    }

    fn receive_rtcp(&mut self, key: usize, data: &mut Vec<u8>, now: f64) -> Result<(), Drop> {
        let peer = self.peers.get_mut(key).ok_or(Drop::UnknownPeer)?;
        let ssrc = u32_at(data, 4).ok_or(Drop::RtcpMalformed)?;
        if !peer.may_use(ssrc) {
            return Err(Drop::UnknownSsrc);
        }
        peer.srtp.unprotect_rtcp(data)?;
        peer.reported(ssrc);
        if !peer.may_control(now) {
            return Err(Drop::TooOften);
        }
        let items = parse_rtcp(data).map_err(|_| Drop::RtcpMalformed)?;
        let mut control =
            Control { peer, tracks: &mut self.tracks, downs: &mut self.downs, outbox: &mut self.outbox, now };
        items.iter().for_each(|item| control.take_in(item));
        Ok(())
    }

    fn receive_rtp<'a>(
        &mut self,
        key: usize,
        data: &'a mut Vec<u8>,
        came: &Came<'_>,
        now: f64,
    ) -> Result<Option<Ready<'a>>, Drop> {
        let peer = self.peers.get_mut(key).ok_or(Drop::UnknownPeer)?;
        let ssrc = u32_at(data, 8).ok_or(Drop::NotRtp)?;
        if !peer.may_use(ssrc) {
            return Err(Drop::UnknownSsrc);
        }
        peer.srtp.unprotect(data)?;
        peer.accepted(ssrc);
        let data: &'a [u8] = data;
        let mut packet = parse_rtp(data).map_err(|_| Drop::NotRtp)?;
        if packet.payload.len() > MAX_PAYLOAD {
            return Err(Drop::TooLong);
        }
        if let Some(number) = peer.demux.transport_cc(&packet, &self.tracks) {
            peer.feedback.arrived(number, ssrc, came.at);
        }
        let route = peer.demux.route(&packet, &self.tracks)?;
        let track = self.tracks.get_mut(route.track).ok_or(Drop::UnknownSsrc)?;
        let repairs = track.spec.repairs(packet.payload_type);
        if let Some(payload_type) = repairs {
            if packet.payload.len() <= 2 {
                return Err(Drop::PaddingOnly); // Chromium probes the link with these
            }
            // RFC 4588 4: the packet that an RTX packet brings again.
            packet.ssrc = track.stream(route.layer).ok_or(Drop::UnknownSsrc)?.ssrc;
            packet.payload_type = payload_type;
            packet.sequence = u16_at(packet.payload, 0).ok_or(Drop::PaddingOnly)?;
            packet.payload = packet.payload.get(2..).ok_or(Drop::PaddingOnly)?;
        } else if let Some(replaced) = track.meet(route.layer, ssrc, &mut self.downs, &mut self.outbox) {
            peer.demux.forget(replaced);
        }
        let ready = self.judge(route.track, route.layer, &packet, now, repairs.is_some());
        let ready = ready.map(|ready| Ready { padding: came.padding, ..ready });
        let Self { tracks, outbox, .. } = self;
        let track = tracks.get(route.track).ok_or(Drop::UnknownSsrc)?;
        let tapped = track.stream(route.layer).filter(|stream| stream.tapped);
        let Some(stream) = tapped.filter(|_| ready.as_ref().err() != Some(&Drop::Replayed)) else {
            return ready.map(Some);
        };
        let plain = match repairs {
            None => Some(data.to_vec()),
            Some(_) => unwrap_rtx(data, packet.payload_type, stream.ssrc),
        };
        let (layer, codec) = (stream.layer, track.spec.codec(packet.payload_type));
        if let Some(packet) = plain {
            outbox.tap(Copied::Media { track: track.spec.sid.clone(), layer, codec, packet, at: now });
        }
        if stream.takers.is_empty() { Ok(None) } else { ready.map(Some) }
    }

    /// Whether a packet goes on to those who take its stream, and with what.
    fn judge<'a>(
        &mut self,
        key: usize,
        layer: Layer,
        packet: &RtpPacket<'a>,
        now: f64,
        repaired: bool,
    ) -> Result<Ready<'a>, Drop> {
        let Self { tracks, downs, outbox, loudness, loudest, .. } = self;
        let track = tracks.get_mut(key).ok_or(Drop::UnknownSsrc)?;
        let codec = track.spec.codec(packet.payload_type);
        let ids = track.spec.extensions;
        let stream = track.stream_mut(layer).ok_or(Drop::UnknownSsrc)?;
        let number = stream.arrived(packet.sequence, packet.timestamp, now, repaired);
        let number = number.ok_or(Drop::Replayed)?;
        let new_picture = stream.is_new_picture(packet.timestamp);
        let size = packet.payload.len();
        let packet = look_into(packet, number, codec, &ids, new_picture, stream.structure.as_deref());
        if !packet.payload.is_empty() {
            track.media_arrived(layer, &packet, size, now, downs, outbox);
        }
        if track.muted {
            return Err(Drop::Muted);
        }
        if track.spec.kind == Kind::Audio {
            loudness.heard(key, &track.spec.sid, packet.audio_level, now);
        }
        let stream = track.stream_mut(layer).ok_or(Drop::UnknownSsrc)?;
        // A late packet belongs to what went before, or was held back.
        let (held_from, latest) = (stream.held_from, packet.sequence == stream.highest());
        let why_not = if stream.takers.is_empty() {
            Some(if packet.payload.is_empty() { packet.why_empty } else { track.why_nobody(downs) })
        } else {
            let goes_on = if latest {
                loudest.heard(&track.spec.group, key, packet.audio_level, now)
            } else {
                held_from.is_none_or(|held| packet.sequence < held)
            };
            (!goes_on).then_some(Drop::Quieter)
        };
        let stream = track.stream_mut(layer).ok_or(Drop::UnknownSsrc)?;
        if let Some(why_not) = why_not {
            if why_not == Drop::Quieter {
                stream.held_from = held_from.or(Some(packet.sequence));
            }
            stream.begins(&packet);
            return Err(why_not);
        }
        if latest {
            stream.go_on_from(packet.sequence, downs);
        }
        let passed_over = stream.passed_over(&packet);
        let source = Arc::new(Source::new(&packet, now));
        let media = Media { packet, source, latest, now };
        Ok(Ready { track: key, layer, media, passed_over, padding: 0 })
    }

    // --- time

    /// Timed work: feedback, reports, keyframe requests. Call at `next_wakeup`, or every 20 ms.
    pub fn poll(&mut self, now: f64) {
        let Self { peers, tracks, downs, outbox, .. } = self;
        if self.layers_due.is_none_or(|due| now >= due) {
            self.layers_due = Some(now + LAYERS_S);
            for key in tracks.keys().to_vec() {
                if let Some(track) = tracks.get_mut(key) {
                    track.refresh(now, downs, outbox);
                }
            }
        }
        for key in peers.keys().to_vec() {
            if let Some(peer) = peers.get_mut(key) {
                poll_peer(peer, tracks, downs, outbox, now);
            }
        }
        if let Some(levels) = self.loudness.poll(now)
            && !levels.is_empty()
        {
            outbox.event(Event::Loudness { levels });
        }
    }

    /// `None` without peers; else never later than the next look at the layers.
    pub fn next_wakeup(&self) -> Option<f64> {
        if self.peers.is_empty() {
            return None;
        }
        let peers = self.peers.keys().iter().filter_map(|key| self.peers.get(*key));
        let due = peers.filter_map(|peer| next_wakeup(peer, &self.tracks));
        let layers = self.layers_due.unwrap_or(f64::NEG_INFINITY);
        let others = self.loudness.next_wakeup().into_iter().chain(due);
        Some(others.fold(layers, f64::min))
    }

    /// After a panic in a call: what had been taken out of its place to be worked on is put together again.
    pub fn mend(&mut self) {
        let Self { tracks, downs, outbox, .. } = self;
        outbox.padding = 0;
        for key in tracks.keys().to_vec() {
            let Some(track) = tracks.get_mut(key) else {
                continue;
            };
            let of_it = |each: &&usize| downs.get(**each).is_some_and(|down| down.track == key);
            track.downs = downs.keys().iter().filter(of_it).copied().collect();
            track.retarget(downs, outbox);
        }
    }

    // --- results

    /// What waits to be sent, for `spill` to take.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Everything to be sent, in order.
    pub fn output(&self) -> impl Iterator<Item = (&Id, &[u8])> {
        self.outbox.output()
    }

    pub fn clear_output(&mut self) {
        self.outbox.clear_output();
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        self.outbox.take_events()
    }

    /// The oldest first.
    pub fn take_tapped(&mut self) -> VecDeque<Copied> {
        self.outbox.take_tapped()
    }

    pub fn stats(&self) -> &Stats {
        &self.outbox.stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Codec, Extensions, SrtpProfile};

    fn lesson() -> Forwarder {
        let mut forwarder = Forwarder::default();
        for peer in ["teacher", "pupil"] {
            let (key, salt) = (vec![1; 16], vec![1; 12]);
            let profile = SrtpProfile::AeadAes128Gcm;
            let (rx_key, rx_salt, tx_key, tx_salt) = (key.clone(), salt.clone(), key, salt);
            let session = Forwarder::session(&SrtpKeys { profile, rx_key, rx_salt, tx_key, tx_salt });
            forwarder.add_peer(Id::from(peer), session.expect("keys of the right size")).expect("new");
        }
        let track = TrackIn {
            sid: Id::from("camera"),
            peer: Id::from("teacher"),
            kind: Kind::Video,
            mid: "0".to_owned(),
            payload_types: vec![(96, Codec::Vp8)],
            clock_rate: 90_000,
            rtx: Vec::new(),
            ssrcs: vec![(7, Layer::High)],
            rids: Vec::new(),
            extensions: Extensions::default(),
            group: Id::from(""),
        };
        forwarder.add_track(track).expect("new");
        let down = DownTrack {
            id: Id::from("down"),
            track: Id::from("camera"),
            peer: Id::from("pupil"),
            mid: "1".to_owned(),
            ssrc: 9,
            rtx_ssrc: 0,
            payload_types: vec![(Codec::Vp8, (96, 0))],
            extensions: Extensions::default(),
            cname: "node".to_owned(),
            first_sequence: 1,
            first_timestamp: 0,
            first_picture_id: 0,
        };
        forwarder.add_down(down, Want { layer: Layer::High, temporal: 3, paused: false }).expect("new");
        forwarder
    }

    #[test]
    fn what_a_panic_left_in_pieces_is_put_together() {
        let mut forwarder = lesson();
        let Forwarder { tracks, downs, outbox, .. } = &mut forwarder;
        let track = tracks.get_mut(0).expect("the camera");
        track.meet(Layer::High, 7, downs, outbox);
        assert_eq!(track.stream(Layer::High).map(|stream| stream.takers.len()), Some(1));
        track.downs.clear(); // as after a panic in `retarget`, and in `hand_on`
        if let Some(stream) = track.stream_mut(Layer::High) {
            stream.takers.clear();
        }
        forwarder.outbox.padding = 3;
        forwarder.mend();
        let track = forwarder.tracks.get(0).expect("the camera");
        assert_eq!(track.downs, [0]);
        assert_eq!(track.stream(Layer::High).map(|stream| stream.takers.len()), Some(1));
        assert_eq!(forwarder.outbox.padding, 0);
    }
}
