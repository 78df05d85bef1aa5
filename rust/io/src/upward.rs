//! What waits for whoever has the engine: STUN and DTLS, events, ends of connections. Bounded, and nobody's flood takes another's place.

use std::collections::{HashMap, VecDeque};
use std::io::Result;
use std::os::fd::RawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sferum_forwarder_core::api::{Copied, Event, Id};

use crate::directory::Route;
use crate::ignored::{Counters, Ignored};
use crate::sys::Wake;

/// Datagrams that wait.
const MOST_DATAGRAMS: usize = 4_096;
/// Of them, for one ufrag or peer. A data channel's message of 64 kB comes as 57 DTLS datagrams.
const MOST_REQUESTS: u32 = 64;
const MOST_ANSWERS: u32 = 32;
const MOST_DTLS: u32 = 256;
/// As many as a forwarder keeps.
const MOST_EVENTS: usize = 10_000;
/// Copies of tapped packets that wait: eight seconds of one camera in three layers, 12 MB.
const MOST_TAPPED: usize = 8_192;
/// So many wake Python at once; fewer wait for a thread's next poll, so that it need not wake for every packet.
const TAPPED_AT_ONCE: usize = 64;

/// Whose datagrams are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    Request(String),
    Answer(Id),
    Dtls(Id),
}

impl Whose {
    fn most(&self) -> u32 {
        match self {
            Self::Request(_) => MOST_REQUESTS,
            Self::Answer(_) => MOST_ANSWERS,
            Self::Dtls(_) => MOST_DTLS,
        }
    }
}

pub struct Datagram {
    pub from: Route,
    pub data: Vec<u8>,
    pub now: f64,
}

#[derive(Debug, PartialEq)]
pub enum Told {
    Forwarder(Event),
    /// A connection ended, or was ended for what came over it.
    TcpClosed(u32),
    /// A mistake of ours, the how-manieth.
    Fault(u64, String),
}

#[derive(Default)]
struct Waiting {
    datagrams: VecDeque<(Whose, Datagram)>,
    counts: HashMap<Whose, u32>,
    told: VecDeque<Told>,
    tapped: VecDeque<Copied>,
    taps_lost: u64,
    woken: bool,
    faults: u64,
}

impl Waiting {
    fn pop(&mut self) -> Option<Datagram> {
        let (whose, datagram) = self.datagrams.pop_front()?;
        if let Some(count) = self.counts.get_mut(&whose) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&whose);
            }
        }
        Some(datagram)
    }
}

pub struct Upward {
    waiting: Mutex<Waiting>,
    wake: Wake,
}

impl Upward {
    pub fn new() -> Result<Self> {
        Ok(Self { waiting: Mutex::default(), wake: Wake::new()? })
    }

    /// Readable while something waits.
    pub fn fd(&self) -> RawFd {
        self.wake.fd()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn datagram(&self, whose: Whose, datagram: Datagram, counters: &Counters) {
        let mut waiting = self.lock();
        if waiting.counts.get(&whose).is_some_and(|count| *count >= whose.most()) {
            counters.count(Ignored::QueueFull);
            return;
        }
        if waiting.datagrams.len() >= MOST_DATAGRAMS {
            waiting.pop();
            counters.count(Ignored::QueueFull);
        }
        *waiting.counts.entry(whose.clone()).or_default() += 1;
        waiting.datagrams.push_back((whose, datagram));
        self.wake(&mut waiting);
    }

    /// Whoever takes none loses the oldest.
    pub fn tell(&self, told: impl IntoIterator<Item = Told>) {
        let mut waiting = self.lock();
        waiting.told.extend(told);
        while waiting.told.len() > MOST_EVENTS {
            waiting.told.pop_front();
        }
        if !waiting.told.is_empty() {
            self.wake(&mut waiting);
        }
    }

    /// Whoever takes none loses the oldest.
    pub fn tap(&self, copies: VecDeque<Copied>) {
        let mut waiting = self.lock();
        waiting.tapped.extend(copies);
        let over = waiting.tapped.len().saturating_sub(MOST_TAPPED);
        waiting.tapped.drain(..over);
        waiting.taps_lost += over as u64;
        if waiting.tapped.len() >= TAPPED_AT_ONCE {
            self.wake(&mut waiting);
        }
    }

    /// Time for those that are few, too.
    pub fn hurry_taps(&self) {
        let mut waiting = self.lock();
        if !waiting.tapped.is_empty() {
            self.wake(&mut waiting);
        }
    }

    pub fn taps_lost(&self) -> u64 {
        self.lock().taps_lost
    }

    pub fn fault(&self, what: &str) {
        let mut waiting = self.lock();
        waiting.faults += 1;
        // The 1st, 2nd, 4th, 8th…: a packet that finds a mistake can come a thousand times a second.
        if waiting.faults.is_power_of_two() {
            let told = Told::Fault(waiting.faults, what.to_owned());
            drop(waiting);
            self.tell([told]);
        }
    }

    fn wake(&self, waiting: &mut Waiting) {
        if !waiting.woken {
            waiting.woken = true;
            self.wake.set();
        }
    }

    /// Oldest first.
    pub fn take_datagrams(&self, most: usize) -> Vec<Datagram> {
        let mut waiting = self.lock();
        let taken = std::iter::from_fn(|| waiting.pop()).take(most).collect();
        self.sleep(&mut waiting);
        taken
    }

    pub fn take_told(&self) -> VecDeque<Told> {
        let mut waiting = self.lock();
        let taken = std::mem::take(&mut waiting.told);
        self.sleep(&mut waiting);
        taken
    }

    /// Oldest first.
    pub fn take_tapped(&self, most: usize) -> Vec<Copied> {
        let mut waiting = self.lock();
        let some = most.min(waiting.tapped.len());
        let taken = waiting.tapped.drain(..some).collect();
        self.sleep(&mut waiting);
        taken
    }

    fn sleep(&self, waiting: &mut Waiting) {
        let nothing = waiting.datagrams.is_empty() && waiting.told.is_empty() && waiting.tapped.is_empty();
        if waiting.woken && nothing {
            waiting.woken = false;
            self.wake.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use sferum_forwarder_core::api::Layer;

    use super::*;

    fn put(upward: &Upward, whose: &Whose, number: u32, counters: &Counters) {
        let datagram = Datagram { from: Route::Tcp(number), data: Vec::new(), now: 0.0 };
        upward.datagram(whose.clone(), datagram, counters);
    }

    #[test]
    fn a_flood_for_one_ufrag_takes_nobody_else_s_place() {
        let (upward, counters) = (Upward::new().expect("an eventfd"), Counters::default());
        let flood = Whose::Request("theirs".to_owned());
        for number in 0..10_000 {
            put(&upward, &flood, number, &counters);
        }
        put(&upward, &Whose::Request("ours".to_owned()), 99_999, &counters);
        assert_eq!(counters.read().last(), Some((Ignored::QueueFull, "queue_full", 10_000 - 64)));
        let taken = upward.take_datagrams(1_000);
        assert_eq!(taken.len(), 65);
        assert_eq!(taken.last().map(|each| each.from), Some(Route::Tcp(99_999)));
        put(&upward, &flood, 1, &counters); // there is room for it again
        assert_eq!(upward.take_datagrams(1_000).len(), 1);
    }

    #[test]
    fn the_oldest_goes_when_all_is_full() {
        let (upward, counters) = (Upward::new().expect("an eventfd"), Counters::default());
        for number in 0..5_000 {
            put(&upward, &Whose::Dtls(Id::from(number.to_string())), number, &counters);
        }
        let taken = upward.take_datagrams(10_000);
        assert_eq!(taken.len(), MOST_DATAGRAMS);
        assert_eq!(taken.first().map(|each| each.from), Some(Route::Tcp(5_000 - 4_096)));
    }

    #[test]
    fn copies_are_bounded_and_few_of_them_wake_nobody_until_it_is_time() {
        let upward = Upward::new().expect("an eventfd");
        let copies = |range: std::ops::Range<u32>| {
            let clock =
                |rtp| Copied::Clock { track: Id::from("TR"), layer: Layer::Low, ntp: 0, rtp, at: 0.0 };
            range.map(clock).collect::<VecDeque<_>>()
        };
        upward.tap(copies(0..63));
        assert!(!upward.lock().woken);
        upward.hurry_taps();
        assert!(upward.lock().woken);
        assert_eq!(upward.take_tapped(60).len(), 60);
        assert!(upward.lock().woken);
        assert_eq!(upward.take_tapped(60).len(), 3);
        assert!(!upward.lock().woken);
        upward.hurry_taps();
        assert!(!upward.lock().woken);
        upward.tap(copies(0..10_000));
        assert!(upward.lock().woken);
        let taken = upward.take_tapped(usize::MAX);
        assert_eq!(VecDeque::from(taken), copies(10_000 - 8_192..10_000));
        assert_eq!(upward.taps_lost(), 10_000 - 8_192);
    }

    #[test]
    fn mistakes_are_told_less_and_less_often_and_events_are_bounded() {
        let upward = Upward::new().expect("an eventfd");
        (0..9).for_each(|_| upward.fault("it broke"));
        let times: Vec<_> = upward
            .take_told()
            .into_iter()
            .map(|told| if let Told::Fault(times, _) = told { times } else { 0 })
            .collect();
        assert_eq!(times, [1, 2, 4, 8]);
        upward.tell((0..20_000).map(Told::TcpClosed));
        let told = upward.take_told();
        assert_eq!((told.len(), told.front()), (MOST_EVENTS, Some(&Told::TcpClosed(10_000))));
    }
}
