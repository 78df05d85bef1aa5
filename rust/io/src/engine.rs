//! The media engine: sockets in, threads that forward, and calls that return at once.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Error, Result as IoResult};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use sferum_forwarder_core::api::{BadId, Copied, DownTrack, Id, Layer, Layers, Stats, TrackIn, Want};
use sferum_forwarder_core::forwarder::{Forwarder, Held};
use sferum_forwarder_core::srtp::SrtpSession;

use crate::connection::Connection;
use crate::directory::{Directory, Route};
use crate::ids::{Found, Ids};
use crate::line::{Giver, line};
use crate::media_thread::{Command, MediaThread, Shared};
use crate::sender::Sent;
use crate::sys::duplicate;
use crate::upward::{Datagram, Told};

/// Calls that wait for a thread; whoever makes one more waits.
const MOST_COMMANDS: usize = 4_096;
/// Of `add_downs`, after which their thread is woken: it must never wait for a full queue that nobody empties.
const DOWNS_AT_ONCE: usize = 256;

/// Why a call was not carried out.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// The caller's mistake.
    Id(BadId),
    Closed,
    /// Ours; it is told as a fault, too.
    Mistake,
}

impl From<BadId> for Refused {
    fn from(bad: BadId) -> Self {
        Self::Id(bad)
    }
}

pub type Called = Result<(), Refused>;

/// All of it may be called from any thread. Nothing waits, but for `close`, and for a thread with `MOST_COMMANDS` before it.
/// What was called before a datagram was sent to the engine holds when the datagram is looked at.
pub struct Engine {
    shared: Arc<Shared>,
    ids: Mutex<Ids>,
    lines: Mutex<Vec<Giver<Command>>>, // to each thread; empty: closed
    threads: Mutex<Vec<JoinHandle<()>>>,
    connections: AtomicU32, // that were adopted
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Another descriptor of a file that the caller keeps. `Err`: it names nothing.
pub fn descriptor(fd: RawFd) -> IoResult<OwnedFd> {
    duplicate(fd)
}

impl Engine {
    /// One thread for each socket. `segments`: whether the kernel may cut and join datagrams (UDP_SEGMENT, UDP_GRO).
    pub fn new(sockets: Vec<UdpSocket>, segments: bool) -> IoResult<Self> {
        if sockets.is_empty() {
            return Err(Error::other("no socket"));
        }
        let shared = Arc::new(Shared::new(sockets.len())?);
        let engine = Self {
            ids: Mutex::new(Ids::new(sockets.len())),
            lines: Mutex::default(),
            threads: Mutex::default(),
            connections: AtomicU32::new(0),
            shared,
        };
        for (number, socket) in sockets.into_iter().enumerate() {
            let (line, commands) = line(MOST_COMMANDS);
            let thread = MediaThread::new(number, socket, segments, engine.shared.clone(), commands)?;
            let running = Builder::new().name(format!("media-{number}")).spawn(|| thread.run())?;
            locked(&engine.lines).push(line);
            locked(&engine.threads).push(running);
        }
        Ok(engine)
    }

    /// Joins the threads; what waits to be taken can still be taken.
    pub fn close(&self) {
        locked(&self.lines).clear();
        for mailbox in &self.shared.mailboxes {
            mailbox.wake.set();
        }
        for thread in std::mem::take(&mut *locked(&self.threads)) {
            let _never = thread.join(); // it catches its panics
        }
        let mut connections = self.shared.connections.write().unwrap_or_else(PoisonError::into_inner);
        connections.drain().for_each(|(_, connection)| connection.close());
    }

    pub fn is_closed(&self) -> bool {
        locked(&self.lines).is_empty()
    }

    // --- what goes up

    /// Readable while there is something to take.
    pub fn fd(&self) -> RawFd {
        self.shared.upward.fd()
    }

    pub fn take_received(&self, most: usize) -> Vec<Datagram> {
        self.shared.upward.take_datagrams(most)
    }

    pub fn take_told(&self) -> VecDeque<Told> {
        self.shared.upward.take_told()
    }

    pub fn take_tapped(&self, most: usize) -> Vec<Copied> {
        self.shared.upward.take_tapped(most)
    }

    /// By the values of `media.transport.api.Ignored`.
    pub fn ignored(&self) -> Vec<(&'static str, u64)> {
        self.shared.counters.read().map(|(_, name, count)| (name, count)).collect()
    }

    /// Of all threads, some milliseconds old.
    pub fn stats(&self) -> (Stats, Sent) {
        let (mut sum, mut sent) = (Stats::default(), Sent::default());
        for thread in &self.shared.figures {
            let thread = locked(thread);
            sum.add(&thread.stats);
            sent.messages += thread.sent.messages;
            sent.datagrams += thread.sent.datagrams;
        }
        sum.taps_lost += self.shared.upward.taps_lost();
        (sum, sent)
    }

    /// Entries of every table that clients can make grow; those of the forwarders are some milliseconds old.
    pub fn held(&self) -> Vec<(&'static str, usize)> {
        let mut sum = Held::default();
        for thread in &self.shared.figures {
            let held = locked(thread).held;
            sum.peers += held.peers;
            sum.tracks += held.tracks;
            sum.downs += held.downs;
            sum.voices += held.voices;
            sum.groups += held.groups;
        }
        let [addresses, placed, ufrags] = self.shared.directory().held();
        let connections = self.shared.connections.read().unwrap_or_else(PoisonError::into_inner).len();
        vec![
            ("peers", sum.peers),
            ("tracks", sum.tracks),
            ("downs", sum.downs),
            ("voices", sum.voices),
            ("groups", sum.groups),
            ("addresses", addresses),
            ("placed", placed),
            ("ufrags", ufrags),
            ("connections", connections),
        ]
    }

    // --- addresses

    /// Media and DTLS from there belong to this peer.
    pub fn bind(&self, route: Route, peer: &str) {
        self.shared.change_directory().bind(route, Id::from(peer));
    }

    pub fn unbind(&self, route: Route) {
        self.shared.change_directory().unbind(route);
    }

    /// Where a peer's media goes from now on.
    pub fn set_route(&self, peer: &str, route: Option<Route>) {
        self.shared.change_directory().set_route(peer, route);
    }

    pub fn add_ufrag(&self, ufrag: &str) {
        self.shared.change_directory().add_ufrag(ufrag.to_owned());
    }

    pub fn remove_ufrag(&self, ufrag: &str) {
        self.shared.change_directory().remove_ufrag(ufrag);
    }

    // --- connections

    /// Its number. The threads take turns.
    pub fn adopt(&self, fd: OwnedFd) -> IoResult<u32> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let turn = number as usize % self.shared.mailboxes.len();
        let mailbox = self.shared.mailboxes.get(turn).ok_or_else(|| Error::other("no thread"))?;
        // Before the thread can be told of it, it must find it; and whoever closes must, or it would stay open.
        let mut connections = self.shared.connections.write().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed() {
            return Err(Error::other("closed"));
        }
        let connection = Connection::new(TcpStream::from(fd), Shared::token(number), mailbox.poll.clone())?;
        connections.insert(number, Arc::new(connection));
        Ok(number)
    }

    /// `false`: it is gone, or the client does not read; the caller counts it.
    pub fn send_tcp(&self, number: u32, packet: &[u8]) -> bool {
        self.shared.connection(number).is_some_and(|connection| connection.send(packet).is_ok())
    }

    pub fn close_tcp(&self, number: u32) {
        self.shared.close_connection(number);
    }

    // --- the forwarder's calls

    fn call(
        &self,
        find: impl FnOnce(&mut Ids) -> Found,
        work: impl FnOnce(&mut Forwarder) -> Result<(), BadId> + Send + 'static,
    ) -> Called {
        self.call_and_place(find, work, |_, _| ())
    }

    /// `place`: what the directory learns by it, and on which thread it is.
    fn call_and_place(
        &self,
        find: impl FnOnce(&mut Ids) -> Found,
        work: impl FnOnce(&mut Forwarder) -> Result<(), BadId> + Send + 'static,
        place: impl FnOnce(&mut Directory, usize),
    ) -> Called {
        let thread = self.hand_over(find, work, place)?;
        self.wake(thread);
        Ok(())
    }

    fn wake(&self, thread: usize) {
        if let Some(mailbox) = self.shared.mailboxes.get(thread) {
            mailbox.wake.set();
        }
    }

    /// To the thread that has it, which looks when it is woken.
    fn hand_over(
        &self,
        find: impl FnOnce(&mut Ids) -> Found,
        work: impl FnOnce(&mut Forwarder) -> Result<(), BadId> + Send + 'static,
        place: impl FnOnce(&mut Directory, usize),
    ) -> Result<usize, Refused> {
        // Until the directory knows: two calls about one thing are carried out in the order in which they were judged.
        let mut ids = locked(&self.ids);
        let lines = locked(&self.lines);
        if lines.is_empty() {
            return Err(Refused::Closed);
        }
        let Ok(found) = catch_unwind(AssertUnwindSafe(|| find(&mut ids))) else {
            self.shared.upward.fault("the engine made a mistake in a call; where, stderr says");
            return Err(Refused::Mistake);
        };
        let thread = found?;
        let line = lines.get(thread).ok_or(Refused::Closed)?;
        line.give(Box::new(work)).map_err(|_| Refused::Closed)?;
        place(&mut self.shared.change_directory(), thread);
        Ok(thread)
    }

    /// In a room, all of which is on one thread.
    pub fn add_peer(&self, peer: &str, session: SrtpSession, room: &str) -> Called {
        let (id, added) = (Id::from(peer), Id::from(peer));
        self.call_and_place(
            |ids| ids.add_peer(&id, room),
            move |forwarder| forwarder.add_peer(added, session),
            |directory, thread| directory.pin(Id::from(peer), thread),
        )
    }

    /// And its tracks and down tracks; its media goes nowhere, addresses stay bound.
    pub fn remove_peer(&self, peer: &str) -> Called {
        let id = Id::from(peer);
        self.call_and_place(
            |ids| ids.remove_peer(peer),
            move |forwarder| forwarder.remove_peer(&id),
            |directory, _| directory.remove_peer(peer),
        )
    }

    pub fn add_track(&self, track: TrackIn) -> Called {
        let (sid, peer) = (track.sid.clone(), track.peer.clone());
        self.call(|ids| ids.add_track(&sid, &peer), move |forwarder| forwarder.add_track(track))
    }

    pub fn remove_track(&self, sid: &str) -> Called {
        let id = Id::from(sid);
        self.call(|ids| ids.remove_track(sid), move |forwarder| forwarder.remove_track(&id))
    }

    pub fn mute_track(&self, sid: &str, muted: bool) -> Called {
        let id = Id::from(sid);
        self.call(|ids| ids.track(sid), move |forwarder| forwarder.mute_track(&id, muted))
    }

    pub fn add_down(&self, down: DownTrack, want: Want) -> Called {
        let (id, track, peer, ssrc) = (down.id.clone(), down.track.clone(), down.peer.clone(), down.ssrc);
        let find = |ids: &mut Ids| ids.add_down(&id, &track, &peer, ssrc);
        self.call(find, move |forwarder| forwarder.add_down(down, want))
    }

    /// The thread is woken once for all of them. Those before a refused one are carried out.
    pub fn add_downs(&self, downs: Vec<(DownTrack, Want)>) -> Called {
        let mut asleep = BTreeSet::new(); // threads that have something to look at
        let mut result = Ok(());
        for (number, (down, want)) in downs.into_iter().enumerate() {
            let (id, track, peer, ssrc) = (down.id.clone(), down.track.clone(), down.peer.clone(), down.ssrc);
            let find = |ids: &mut Ids| ids.add_down(&id, &track, &peer, ssrc);
            match self.hand_over(find, move |forwarder| forwarder.add_down(down, want), |_, _| ()) {
                Ok(thread) => asleep.insert(thread),
                Err(refused) => {
                    result = Err(refused);
                    break;
                }
            };
            if number % DOWNS_AT_ONCE == DOWNS_AT_ONCE - 1 {
                std::mem::take(&mut asleep).into_iter().for_each(|thread| self.wake(thread));
            }
        }
        asleep.into_iter().for_each(|thread| self.wake(thread));
        result
    }

    pub fn remove_down(&self, down: &str) -> Called {
        let id = Id::from(down);
        self.call(|ids| ids.remove_down(down), move |forwarder| forwarder.remove_down(&id))
    }

    pub fn set_want(&self, down: &str, want: Want) -> Called {
        let id = Id::from(down);
        self.call(|ids| ids.down(down), move |forwarder| forwarder.set_want(&id, want))
    }

    pub fn set_budget(&self, peer: &str, bitrate_bps: u64) -> Called {
        let id = Id::from(peer);
        self.call(|ids| ids.peer(peer), move |forwarder| forwarder.set_budget(&id, bitrate_bps))
    }

    pub fn set_wish(&self, peer: &str, bitrate_bps: i64) -> Called {
        let id = Id::from(peer);
        self.call(|ids| ids.peer(peer), move |forwarder| forwarder.set_wish(&id, bitrate_bps))
    }

    /// Or change it; of no layers: no more.
    pub fn add_tap(&self, sid: &str, layers: Layers) -> Called {
        let id = Id::from(sid);
        self.call(|ids| ids.track(sid), move |forwarder| forwarder.add_tap(&id, layers))
    }

    pub fn ask_key(&self, sid: &str, layer: Layer) -> Called {
        let id = Id::from(sid);
        self.call(|ids| ids.track(sid), move |forwarder| forwarder.ask_key(&id, layer))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
