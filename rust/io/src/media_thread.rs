//! One thread of media: takes datagrams in, lets its forwarder work, sends what comes out. Everything of a room happens on one thread.

use std::collections::{HashMap, VecDeque};
use std::io::Result;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use sferum_forwarder_core::api::{BadId, Came, Id, Stats};
use sferum_forwarder_core::forwarder::{Forwarder, Held};
use sferum_forwarder_core::outbox::Outbox;

use crate::batch::Batch;
use crate::connection::{Connection, Reading};
use crate::directory::{Directory, Route, Verdict};
use crate::framing::MAX_FRAME;
use crate::ignored::{Counters, Ignored};
use crate::line::{Gone, Taker};
use crate::places::Places;
use crate::runs::{paddings, runs};
use crate::sender::{Sender, Sent};
use crate::sys::{
    Inbox, LONGEST, Poll, Ready, Wake, go_before_others, monotonic, receive_segments, receive_times,
};
use crate::upward::{Datagram, Told, Upward};

/// Seconds between two polls of the forwarder, at most and at least (`media/signal/pump.py`).
const POLL_S: f64 = 0.02;
const REST_S: f64 = 0.002;
/// Messages are taken so many times before something else is done.
const ROUNDS: usize = 4;
/// Datagrams that wait to be sent while a batch is still worked on.
const MOST_UNSENT: usize = 4_096;
/// Datagrams that wait for another thread.
const MOST_HANDED: usize = 4_096;

const UDP: u64 = 0;
const WAKE: u64 = 1;
const FIRST_TCP: u64 = 2;

/// Work for a forwarder, from whoever has the engine.
pub type Command = Box<dyn FnOnce(&mut Forwarder) -> std::result::Result<(), BadId> + Send>;

/// Of another thread's peer.
struct Handed {
    peer: Id,
    datagram: Vec<u8>,
    /// When it came, and when it was taken.
    at: f64,
    now: f64,
    padding: u8,
}

/// Where a thread is reached.
pub struct Mailbox {
    pub poll: Arc<Poll>,
    pub wake: Wake,
    handed: Mutex<VecDeque<Handed>>,
}

impl Mailbox {
    pub fn new() -> Result<Self> {
        Ok(Self { poll: Arc::new(Poll::new()?), wake: Wake::new()?, handed: Mutex::default() })
    }

    /// The oldest goes when the thread does not keep up.
    fn hand(&self, handed: Handed, counters: &Counters) {
        let mut waiting = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST_HANDED {
            waiting.pop_front();
            counters.count(Ignored::QueueFull);
        }
        waiting.push_back(handed);
        if waiting.len() == 1 {
            self.wake.set();
        }
    }

    fn take(&self) -> VecDeque<Handed> {
        std::mem::take(&mut *self.handed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Of one thread, told a few times a second.
#[derive(Default)]
pub struct Figures {
    pub stats: Stats,
    pub sent: Sent,
    pub held: Held,
}

/// What all threads and whoever has the engine look at.
pub struct Shared {
    directory: RwLock<Directory>,
    pub connections: RwLock<HashMap<u32, Arc<Connection>>>,
    pub upward: Upward,
    pub counters: Counters,
    pub mailboxes: Vec<Mailbox>,
    pub figures: Vec<Mutex<Figures>>,
}

impl Shared {
    pub fn new(threads: usize) -> Result<Self> {
        Ok(Self {
            directory: RwLock::default(),
            connections: RwLock::default(),
            upward: Upward::new()?,
            counters: Counters::default(),
            mailboxes: (0..threads).map(|_| Mailbox::new()).collect::<Result<_>>()?,
            figures: (0..threads).map(|_| Mutex::default()).collect(),
        })
    }

    pub fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn change_directory(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn connection(&self, number: u32) -> Option<Arc<Connection>> {
        let connections = self.connections.read().unwrap_or_else(PoisonError::into_inner);
        connections.get(&number).cloned()
    }

    /// What epoll is told for a connection.
    pub fn token(number: u32) -> u64 {
        FIRST_TCP + u64::from(number)
    }

    /// Whether there was one.
    pub fn close_connection(&self, number: u32) -> bool {
        let mut connections = self.connections.write().unwrap_or_else(PoisonError::into_inner);
        let closed = connections.remove(&number);
        drop(connections);
        self.change_directory().unbind(Route::Tcp(number));
        closed.inspect(|connection| connection.close()).is_some()
    }
}

pub struct MediaThread {
    inbox: Inbox,
    ready: Vec<Ready>,
    commands: Taker<Command>,
    due: f64,
    work: Work,
}

/// What a datagram passes.
struct Work {
    number: usize,
    forwarder: Forwarder,
    sender: Sender,
    places: Places,
    shared: Arc<Shared>,
}

impl MediaThread {
    /// `number`: its place among the mailboxes.
    pub fn new(
        number: usize,
        socket: UdpSocket,
        segments: bool,
        shared: Arc<Shared>,
        commands: Taker<Command>,
    ) -> Result<Self> {
        socket.set_nonblocking(true)?;
        let mailbox = shared.mailboxes.get(number).ok_or(std::io::ErrorKind::InvalidInput)?;
        mailbox.poll.add(socket.as_raw_fd(), UDP)?;
        mailbox.poll.add(mailbox.wake.fd(), WAKE)?;
        receive_times(&socket);
        let inbox = Inbox::new(segments && receive_segments(&socket));
        let sender = Sender::new(socket, segments);
        let work =
            Work { number, forwarder: Forwarder::default(), sender, places: Places::default(), shared };
        Ok(Self { inbox, ready: Vec::new(), commands, due: f64::NEG_INFINITY, work })
    }

    /// Until there is nobody any more who could give it commands. A mistake of ours costs what was being done: the same
    /// forwarder goes on, mended, because one begun anew would end every call of the thread, and repeat numbers under
    /// the same keys (RFC 3711 9.1).
    pub fn run(mut self) {
        go_before_others();
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.turn())) {
                Ok(true) => (),
                Ok(false) => return self.work.tell_stats(),
                Err(_) => self.work.shared.upward.fault("a media thread met a mistake; where, stderr says"),
            }
        }
    }

    fn turn(&mut self) -> bool {
        self.wait();
        for ready in std::mem::take(&mut self.ready) {
            match ready.token {
                UDP => self.take_udp(),
                WAKE => (), // for commands, and what was handed over
                token => {
                    self.obey();
                    self.work.take_tcp(token, ready);
                }
            }
        }
        self.work.sender.begin();
        let handed = self.work.handed();
        if !self.obey() {
            return false;
        }
        for Handed { peer, datagram, at, now, padding } in handed {
            self.work.receive(&peer, &[Came { datagram: &datagram, at, padding }], now);
        }
        let now = monotonic();
        if now >= self.due {
            guarded(&mut self.work.forwarder, &self.work.shared, |forwarder| forwarder.poll(now));
            let wakeup = self.work.forwarder.next_wakeup().map_or(POLL_S, |wakeup| wakeup - now);
            self.due = now + wakeup.clamp(REST_S, POLL_S);
            self.work.tell_stats();
            self.work.shared.upward.hurry_taps();
        }
        self.work.flush();
        true
    }

    fn wait(&mut self) {
        let Some(mailbox) = self.work.shared.mailboxes.get(self.work.number) else {
            return;
        };
        mailbox.poll.wait((self.due - monotonic()).clamp(0.0, POLL_S), &mut self.ready);
        if self.ready.iter().any(|ready| ready.token == WAKE) {
            mailbox.wake.clear();
        }
    }

    /// Carries out the calls that wait. `false`: the engine is closed.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.take() {
                Ok(Some(command)) => {
                    self.due = self.due.min(monotonic() + REST_S); // a keyframe may be wanted now
                    self.work.obey(command);
                }
                Ok(None) => return true,
                Err(Gone) => return false,
            }
        }
    }

    fn take_udp(&mut self) {
        for _ in 0..ROUNDS {
            let Ok(count) = self.inbox.receive(self.work.sender.socket()) else {
                return; // nothing more, or a message of the network about an old datagram
            };
            let now = monotonic();
            self.work.sender.begin();
            self.obey(); // what was called before these came
            let (mut datagrams, mut times) = (Vec::with_capacity(count), Vec::with_capacity(count));
            for message in (0..count).filter_map(|place| self.inbox.message(place)) {
                if message.data.is_empty() {
                    self.work.shared.counters.count(Ignored::Empty);
                }
                let each = message.data.chunks(message.segment.max(1));
                datagrams.extend(each.map(|datagram| (Route::Udp(message.from), datagram)));
                times.resize(datagrams.len(), now - message.waited);
            }
            let paddings = self.work.paddings(&datagrams);
            let came: Vec<_> = std::iter::zip(&datagrams, times.into_iter().zip(paddings))
                .map(|((from, datagram), (at, padding))| (*from, Came { datagram, at, padding }))
                .collect();
            for run in runs(&datagrams, LONGEST) {
                self.work.take_run(came.get(run).unwrap_or_default(), now);
            }
            self.work.flush();
            if !self.inbox.is_filled_by(count) {
                return; // what has come meanwhile wakes again
            }
        }
    }
}

impl Work {
    fn obey(&mut self, command: Command) {
        let mut refused = false;
        guarded(&mut self.forwarder, &self.shared, |forwarder| refused = command(forwarder).is_err());
        if refused {
            self.shared
                .upward
                .fault("a forwarder knew an id that the engine did not, or the other way round");
        }
    }

    /// Without segments nobody gains by it.
    fn paddings(&self, datagrams: &[(Route, &[u8])]) -> Vec<u8> {
        if self.sender.has_segments() { paddings(datagrams) } else { vec![0; datagrams.len()] }
    }

    /// Of one picture: the first says whose they are. Another thread's go one by one.
    fn take_run(&mut self, run: &[(Route, Came<'_>)], now: f64) {
        let verdict = match run {
            [(from, first), _, ..] => Some(self.shared.directory().judge(first.datagram, *from, LONGEST)),
            _ => None,
        };
        match verdict {
            Some(Ok(Verdict::Media(peer, thread))) if thread == self.number => {
                let run: Vec<_> = run.iter().map(|(_, came)| *came).collect();
                self.receive(&peer, &run, now);
            }
            _ => run.iter().for_each(|(from, came)| self.take_in(*came, *from, now, LONGEST)),
        }
    }

    fn take_in(&mut self, came: Came<'_>, from: Route, now: f64, longest: usize) {
        let Came { datagram, at, padding } = came;
        let verdict = self.shared.directory().judge(datagram, from, longest);
        match verdict {
            Ok(Verdict::Media(peer, thread)) if thread == self.number => self.receive(&peer, &[came], now),
            Ok(Verdict::Media(peer, thread)) => {
                if let Some(mailbox) = self.shared.mailboxes.get(thread) {
                    let handed = Handed { peer, datagram: datagram.to_vec(), at, now, padding };
                    mailbox.hand(handed, &self.shared.counters);
                }
            }
            Ok(Verdict::Upward(whose)) => {
                let datagram = Datagram { from, data: datagram.to_vec(), now };
                self.shared.upward.datagram(whose, datagram, &self.shared.counters);
            }
            Err(ignored) => self.shared.counters.count(ignored),
        }
    }

    /// What comes of it is sent while the next subscriber's is not made yet.
    fn receive(&mut self, peer: &str, run: &[Came<'_>], now: f64) {
        let Self { sender, places, shared, .. } = self;
        let mut spilled = |outbox: &mut Outbox| deliver(outbox, sender, places, shared);
        guarded(&mut self.forwarder, shared, |forwarder| forwarder.receive_run(peer, run, now, &mut spilled));
        if self.forwarder.outbox().count_output() > MOST_UNSENT {
            self.flush();
        }
    }

    fn handed(&self) -> VecDeque<Handed> {
        self.shared.mailboxes.get(self.number).map(Mailbox::take).unwrap_or_default()
    }

    fn take_tcp(&mut self, token: u64, ready: Ready) {
        let Some(number) = token.checked_sub(FIRST_TCP).and_then(|number| u32::try_from(number).ok()) else {
            return;
        };
        let Some(connection) = self.shared.connection(number) else {
            return; // closed meanwhile
        };
        if ready.writable {
            connection.writable();
        }
        if !ready.readable {
            return;
        }
        let now = monotonic();
        let reading = connection.read(|datagram| {
            let came = Came { datagram, at: now, padding: 0 };
            self.take_in(came, Route::Tcp(number), now, MAX_FRAME + 1);
        });
        if reading == Reading::GoesOn {
            return;
        }
        if reading == Reading::Malformed {
            self.shared.counters.count(Ignored::TcpMalformed);
        }
        if self.shared.close_connection(number) {
            self.shared.upward.tell([Told::TcpClosed(number)]);
        }
    }

    /// Events and copies go up, datagrams go out.
    fn flush(&mut self) {
        let events = self.forwarder.take_events();
        if !events.is_empty() {
            self.shared.upward.tell(events.into_iter().map(Told::Forwarder));
        }
        let tapped = self.forwarder.take_tapped();
        if !tapped.is_empty() {
            self.shared.upward.tap(tapped);
        }
        deliver(self.forwarder.outbox(), &mut self.sender, &mut self.places, &self.shared);
    }

    fn tell_stats(&self) {
        if let Some(figures) = self.shared.figures.get(self.number) {
            let (stats, held) = (self.forwarder.stats().clone(), self.forwarder.held());
            let now = Figures { stats, sent: self.sender.sent, held };
            *figures.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
    }
}

fn guarded(forwarder: &mut Forwarder, shared: &Shared, work: impl FnOnce(&mut Forwarder)) {
    let done = catch_unwind(AssertUnwindSafe(|| work(forwarder)));
    if done.is_err() {
        shared.upward.fault("the native forwarder made a mistake; where, stderr says");
        if catch_unwind(AssertUnwindSafe(|| forwarder.mend())).is_err() {
            shared.upward.fault("the native forwarder could not be mended; where, stderr says");
        }
    }
}

/// Datagrams go out to where their peers are.
fn deliver(outbox: &mut Outbox, sender: &mut Sender, places: &mut Places, shared: &Shared) {
    let batch = Batch::new(outbox.output(), outbox.count_output());
    if batch.peers.is_empty() {
        return;
    }
    let directory = shared.directory();
    let routes: Vec<_> = batch.peers.iter().map(|(peer, _)| places.route(peer, &directory)).collect();
    drop(directory);
    let mut over_udp = Vec::with_capacity(routes.len());
    for (route, (_, range)) in routes.into_iter().zip(&batch.peers) {
        match route {
            Some(Route::Udp(to)) => over_udp.push((to, batch.of(range))),
            Some(Route::Tcp(number)) => {
                let Some(connection) = shared.connection(number) else {
                    continue;
                };
                for part in batch.of(range) {
                    if let Err(ignored) = connection.send(part) {
                        shared.counters.count(ignored);
                    }
                }
            }
            None => (), // no address (yet)
        }
    }
    sender.send(&over_udp, &shared.counters);
    outbox.clear_output();
}
