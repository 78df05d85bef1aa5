//! Which ids there are, and on which thread: a call about an unknown one is refused before it is on its way to the thread.

use std::collections::{HashMap, HashSet};

use sferum_forwarder_core::api::{BadId, Id};

struct Peer {
    thread: usize,
    room: Id,
    tracks: HashSet<Id>,
    downs: HashSet<Id>,
    ssrcs: HashSet<u32>, // of its down tracks
}

struct Track {
    peer: Id,
    downs: HashSet<Id>,
}

struct Down {
    peer: Id,
    track: Id,
    ssrc: u32,
}

#[derive(Default)]
struct Room {
    thread: usize,
    peers: usize,
}

/// The same refusals as the core's. A room stays on its thread as long as somebody is in it.
pub struct Ids {
    peers: HashMap<Id, Peer>,
    tracks: HashMap<Id, Track>,
    downs: HashMap<Id, Down>,
    rooms: HashMap<Id, Room>,
    load: Vec<usize>, // peers of each thread
}

/// The thread that has it.
pub type Found = Result<usize, BadId>;

fn bad(id: &str) -> BadId {
    BadId(Id::from(id))
}

impl Ids {
    pub fn new(threads: usize) -> Self {
        Self {
            peers: HashMap::new(),
            tracks: HashMap::new(),
            downs: HashMap::new(),
            rooms: HashMap::new(),
            load: vec![0; threads],
        }
    }

    /// A new room goes to the thread with the fewest people.
    pub fn add_peer(&mut self, peer: &Id, room: &str) -> Found {
        if self.peers.contains_key(peer) {
            return Err(bad(peer));
        }
        let idle = self.load.iter().enumerate().min_by_key(|each| each.1).map_or(0, |each| each.0);
        let name = Id::from(room);
        let pinned = self.rooms.entry(name.clone()).or_insert(Room { thread: idle, peers: 0 });
        pinned.peers += 1;
        let thread = pinned.thread;
        if let Some(load) = self.load.get_mut(thread) {
            *load += 1;
        }
        let (tracks, downs, ssrcs) = (HashSet::new(), HashSet::new(), HashSet::new());
        self.peers.insert(peer.clone(), Peer { thread, room: name, tracks, downs, ssrcs });
        Ok(thread)
    }

    /// And its tracks and down tracks.
    pub fn remove_peer(&mut self, id: &str) -> Found {
        let peer = self.peers.get(id).ok_or_else(|| bad(id))?;
        let (tracks, downs) = (peer.tracks.clone(), peer.downs.clone());
        for track in tracks {
            self.remove_track(&track)?;
        }
        for down in downs {
            if self.downs.contains_key(&down) {
                self.remove_down(&down)?; // those of its own tracks are gone
            }
        }
        let peer = self.peers.remove(id).ok_or_else(|| bad(id))?;
        if let Some(load) = self.load.get_mut(peer.thread) {
            *load -= 1;
        }
        if let Some(room) = self.rooms.get_mut(&peer.room) {
            room.peers -= 1;
            if room.peers == 0 {
                self.rooms.remove(&peer.room);
            }
        }
        Ok(peer.thread)
    }

    pub fn peer(&self, id: &str) -> Found {
        self.peers.get(id).map(|peer| peer.thread).ok_or_else(|| bad(id))
    }

    /// The same one again is a change.
    pub fn add_track(&mut self, sid: &Id, peer: &Id) -> Found {
        let publisher = self.peers.get_mut(peer).ok_or_else(|| bad(peer))?;
        let new = Track { peer: peer.clone(), downs: HashSet::new() };
        let known = self.tracks.entry(sid.clone()).or_insert(new);
        if known.peer != *peer {
            return Err(bad(peer));
        }
        publisher.tracks.insert(sid.clone());
        Ok(publisher.thread)
    }

    /// And its down tracks.
    pub fn remove_track(&mut self, sid: &str) -> Found {
        let track = self.tracks.get(sid).ok_or_else(|| bad(sid))?;
        for down in track.downs.clone() {
            self.remove_down(&down)?;
        }
        let track = self.tracks.remove(sid).ok_or_else(|| bad(sid))?;
        let peer = self.peers.get_mut(&track.peer).ok_or_else(|| bad(&track.peer))?;
        peer.tracks.remove(sid);
        Ok(peer.thread)
    }

    pub fn track(&self, sid: &str) -> Found {
        let track = self.tracks.get(sid).ok_or_else(|| bad(sid))?;
        self.peer(&track.peer)
    }

    /// The track must be in the peer's room.
    pub fn add_down(&mut self, id: &Id, track: &Id, peer: &Id, ssrc: u32) -> Found {
        let taken = self.tracks.get(track).ok_or_else(|| bad(track))?;
        let publisher = self.peers.get(&taken.peer).ok_or_else(|| bad(&taken.peer))?;
        let room = publisher.room.clone();
        let subscriber = self.peers.get_mut(peer).ok_or_else(|| bad(peer))?;
        if self.downs.contains_key(id) || subscriber.room != room || !subscriber.ssrcs.insert(ssrc) {
            return Err(bad(id));
        }
        subscriber.downs.insert(id.clone());
        if let Some(taken) = self.tracks.get_mut(track) {
            taken.downs.insert(id.clone());
        }
        self.downs.insert(id.clone(), Down { peer: peer.clone(), track: track.clone(), ssrc });
        Ok(subscriber.thread)
    }

    pub fn remove_down(&mut self, id: &str) -> Found {
        let down = self.downs.remove(id).ok_or_else(|| bad(id))?;
        if let Some(track) = self.tracks.get_mut(&down.track) {
            track.downs.remove(id);
        }
        let peer = self.peers.get_mut(&down.peer).ok_or_else(|| bad(&down.peer))?;
        peer.downs.remove(id);
        peer.ssrcs.remove(&down.ssrc);
        Ok(peer.thread)
    }

    pub fn down(&self, id: &str) -> Found {
        let down = self.downs.get(id).ok_or_else(|| bad(id))?;
        self.peer(&down.peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Id {
        Id::from(name)
    }

    #[test]
    fn rooms_are_spread_over_the_threads_and_stay_there() {
        let mut ids = Ids::new(2);
        assert_eq!(ids.add_peer(&id("a"), "first"), Ok(0));
        assert_eq!(ids.add_peer(&id("b"), "second"), Ok(1));
        assert_eq!(ids.add_peer(&id("c"), "first"), Ok(0));
        assert_eq!(ids.add_peer(&id("d"), "first"), Ok(0));
        assert_eq!(ids.add_peer(&id("e"), "third"), Ok(1));
        assert_eq!(ids.add_peer(&id("e"), "third"), Err(bad("e")));
        for peer in ["a", "c", "d"] {
            assert_eq!(ids.remove_peer(peer), Ok(0));
        }
        assert_eq!(ids.add_peer(&id("f"), "second"), Ok(1));
        assert_eq!(ids.rooms.len(), 2);
    }

    #[test]
    fn whoever_goes_takes_what_is_theirs() {
        let mut ids = Ids::new(1);
        for peer in ["teacher", "pupil"] {
            ids.add_peer(&id(peer), "lesson").expect("new");
        }
        ids.add_track(&id("camera"), &id("teacher")).expect("new");
        ids.add_track(&id("camera"), &id("teacher")).expect("changed");
        assert_eq!(ids.add_track(&id("camera"), &id("pupil")), Err(bad("pupil")));
        let add =
            |ids: &mut Ids, down: &str, ssrc| ids.add_down(&id(down), &id("camera"), &id("pupil"), ssrc);
        assert_eq!(add(&mut ids, "one", 7), Ok(0));
        assert_eq!(add(&mut ids, "one", 8), Err(bad("one")));
        assert_eq!(add(&mut ids, "two", 7), Err(bad("two")));
        assert_eq!(ids.remove_peer("teacher"), Ok(0));
        assert!(ids.tracks.is_empty() && ids.downs.is_empty());
        assert_eq!(ids.down("one"), Err(bad("one")));
        assert_eq!(ids.track("camera"), Err(bad("camera")));
        ids.add_peer(&id("teacher"), "lesson").expect("again");
        ids.add_track(&id("camera"), &id("teacher")).expect("again");
        assert_eq!(add(&mut ids, "one", 7), Ok(0));
        assert_eq!(ids.remove_down("one"), Ok(0));
        assert_eq!(ids.remove_down("one"), Err(bad("one")));
        ids.add_peer(&id("stranger"), "elsewhere").expect("new");
        let elsewhere = ids.add_down(&id("three"), &id("camera"), &id("stranger"), 9);
        assert_eq!(elsewhere, Err(bad("three")));
    }
}
