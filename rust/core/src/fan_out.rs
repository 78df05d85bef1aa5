//! Packets of one stream to everybody who takes it: all of them to one subscriber, then to the next.
//!
//! So a subscriber's keys, numbers and history are in the processor's caches for all packets of a picture but its first, and what is
//! sent stands together. A hundred subscribers' are more than the caches hold.

use crate::api::Layer;
use crate::down::{Down, Media};
use crate::outbox::Outbox;
use crate::passing::{pass_on, pass_or_hold};
use crate::peer::Peer;
use crate::table::Table;
use crate::track::Track;

/// Bytes to be sent, at which they are offered to be taken: what is written and read again right away stays in the caches.
const SPILL: usize = 64_000;

/// Subscribers whose state is fetched together.
const AT_ONCE: usize = 8;

/// A packet that goes on.
pub struct Ready<'a> {
    /// Key of its track.
    pub track: usize,
    pub layer: Layer,
    pub media: Media<'a>,
    /// Numbers before it that carried nothing.
    pub passed_over: Vec<i64>,
    /// Bytes at the end of what it becomes.
    pub padding: u8,
}

impl Ready<'_> {
    /// Whether what follows goes to the same subscribers, none of whom asks for a keyframe with this one that comes with that.
    pub fn goes_with(&self, following: &Self) -> bool {
        let begins = following.media.packet.starts_keyframe;
        (self.track, self.layer) == (following.track, following.layer) && !begins
    }
}

/// `together`: of one stream, in the order in which they came.
pub fn fan_out(
    together: &[Ready<'_>],
    peers: &mut Table<Peer>,
    tracks: &mut Table<Track>,
    downs: &mut Table<Down>,
    outbox: &mut Outbox,
    spill: &mut dyn FnMut(&mut Outbox),
) {
    let Some((key, layer)) = together.first().map(|ready| (ready.track, ready.layer)) else {
        return;
    };
    let Some(track) = tracks.get_mut(key) else {
        return;
    };
    // Nobody who takes these packets leaves this stream by them: the list does not change meanwhile.
    let Some(stream) = track.stream_mut(layer) else {
        return;
    };
    together.iter().for_each(|ready| stream.begins(&ready.media.packet));
    let takers = std::mem::take(&mut stream.takers);
    for (at, taker) in takers.iter().enumerate() {
        if at.is_multiple_of(AT_ONCE) {
            fetch(takers.get(at..).unwrap_or_default(), downs, peers);
        }
        let Some(peer) = downs.get(*taker).map(|down| down.peer).and_then(|key| peers.get_mut(key)) else {
            continue;
        };
        for ready in together {
            outbox.padding = ready.padding;
            if give(ready, *taker, peer, track, downs, outbox) {
                pass_on(peer, downs, outbox, ready.media.now);
            }
        }
        if outbox.size() >= SPILL {
            spill(outbox);
        }
    }
    outbox.padding = 0;
    if let Some(stream) = track.stream_mut(layer) {
        stream.takers = takers;
    }
}

/// Looks at what is needed of the next subscribers: one wait for memory instead of one for each, several times.
fn fetch(takers: &[usize], downs: &Table<Down>, peers: &Table<Peer>) {
    let next = || takers.iter().take(AT_ONCE).filter_map(|taker| downs.get(*taker));
    let mut seen = next().fold(0, |seen, down| seen ^ down.fetch());
    for down in next() {
        seen ^= down.history.fetch(down.following());
        seen ^= peers.get(down.peer).map_or(0, |peer| peer.fetch(down.looks.ssrc));
    }
    std::hint::black_box(seen);
}

/// One packet to one subscriber. Whether too much waits by now: `pass_on` follows.
fn give(
    ready: &Ready<'_>,
    taker: usize,
    peer: &mut Peer,
    track: &mut Track,
    downs: &mut Table<Down>,
    outbox: &mut Outbox,
) -> bool {
    let Some(down) = downs.get_mut(taker) else {
        return false;
    };
    let (media, now, mut full) = (&ready.media, ready.media.now, false);
    if !ready.passed_over.is_empty()
        && let Some(stream) = track.stream(ready.layer)
    {
        for filler in down.fill(&ready.passed_over, media, stream) {
            full |= pass_or_hold(filler, down, taker, peer, outbox, now);
        }
    }
    match down.forward(taker, media, &mut track.streams, ready.layer, outbox) {
        Ok(sent) => full |= pass_or_hold(sent, down, taker, peer, outbox, now),
        Err(drop) => outbox.count(drop),
    }
    full
}
