//! Whose packet is this? By SSRC, as RFC 8843 9.2 has it: from the SDP, or learnt from mid and rid.

use crate::api::{Drop, Layer};
use crate::rtp::RtpPacket;
use crate::table::{NumberMap, Table};
use crate::track::Track;

/// SSRCs of one peer: 40 tracks of three layers with RTX. More is an attack.
pub const MOST_SSRCS: usize = 256;

/// `track` is its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    pub track: usize,
    pub layer: Layer,
}

/// Of one peer.
#[derive(Default)]
pub struct Demux {
    pub routes: NumberMap<u32, Route>,
    /// Keys of what the peer publishes, oldest first.
    pub tracks: Vec<usize>,
}

impl Demux {
    /// Or take in its changed description.
    pub fn add(&mut self, key: usize, ssrcs: &[(u32, Layer)]) {
        if !self.tracks.contains(&key) {
            self.tracks.push(key);
        }
        for (ssrc, layer) in ssrcs {
            if self.routes.len() < MOST_SSRCS {
                let route = Route { track: key, layer: *layer };
                self.routes.insert(*ssrc, route);
            }
        }
    }

    pub fn remove(&mut self, key: usize) {
        self.tracks.retain(|each| *each != key);
        self.routes.retain(|_, route| route.track != key);
    }

    pub fn forget(&mut self, ssrc: u32) {
        self.routes.remove(&ssrc);
    }

    fn known<'a>(&'a self, tracks: &'a Table<Track>) -> impl Iterator<Item = (usize, &'a Track)> + 'a {
        self.tracks.iter().filter_map(|key| Some((*key, tracks.get(*key)?)))
    }

    /// The transport-wide number; ids are the same in all sections of a transport (RFC 8843 9.1).
    pub fn transport_cc(&self, packet: &RtpPacket<'_>, tracks: &Table<Track>) -> Option<u16> {
        let mut ids = self.known(tracks).map(|(_, track)| track.spec.extensions.transport_cc);
        let id = ids.find(|id| *id != 0)?;
        let element: &[u8; 2] = packet.elements.get(id).try_into().ok()?;
        Some(u16::from_be_bytes(*element))
    }

    pub fn route(&mut self, packet: &RtpPacket<'_>, tracks: &Table<Track>) -> Result<Route, Drop> {
        if let Some(route) = self.routes.get(&packet.ssrc) {
            return Ok(*route);
        }
        let route = self.learn(packet, tracks)?;
        if self.routes.len() >= MOST_SSRCS {
            return Err(Drop::UnknownSsrc);
        }
        self.routes.insert(packet.ssrc, route);
        Ok(route)
    }

    fn learn(&self, packet: &RtpPacket<'_>, tracks: &Table<Track>) -> Result<Route, Drop> {
        let (key, track) = self.track(packet, tracks).ok_or(Drop::UnknownSsrc)?;
        let spec = &track.spec;
        let is_rtx = spec.repairs(packet.payload_type).is_some();
        if !is_rtx && spec.codec(packet.payload_type).is_none() {
            return Err(Drop::UnknownPayload);
        }
        if spec.rids.is_empty() {
            let first = spec.ssrcs.first().map_or(Layer::High, |pair| pair.1);
            if spec.ssrcs.iter().any(|pair| pair.1 != first) {
                // Layers are told apart by SSRC only, and this one was not named.
                return Err(Drop::UnknownSsrc);
            }
            return Ok(Route { track: key, layer: first });
        }
        let ids = &spec.extensions;
        let rid = packet.elements.get(if is_rtx { ids.repaired_rid } else { ids.rid });
        let found = spec.rids.iter().find(|pair| is_text(rid, &pair.0));
        let layer = found.ok_or(Drop::UnknownSsrc)?.1;
        Ok(Route { track: key, layer })
    }

    fn track<'a>(&'a self, packet: &RtpPacket<'_>, tracks: &'a Table<Track>) -> Option<(usize, &'a Track)> {
        for (_, track) in self.known(tracks) {
            let mid = packet.elements.get(track.spec.extensions.mid);
            if !mid.is_empty() {
                return self.known(tracks).find(|(_, each)| is_text(mid, &each.spec.mid));
            }
        }
        // No mid in the packet: by payload type, when that names one track only.
        let kind = packet.payload_type;
        let fits = |spec: &crate::api::TrackIn| spec.codec(kind).is_some() || spec.repairs(kind).is_some();
        let mut fitting = self.known(tracks).filter(|(_, track)| fits(&track.spec));
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    }
}

/// A mid or rid. They are ASCII (RFC 8852 3.3), what is not never fits one.
fn is_text(element: &[u8], text: &str) -> bool {
    element.iter().copied().map(char::from).eq(text.chars())
}
