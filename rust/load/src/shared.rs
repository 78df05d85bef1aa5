//! What the two threads and the commands have in common.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sferum_forwarder_core::srtp::SrtpSession;

use crate::histogram::Histogram;
use crate::publish::Published;
use crate::source::Source;
use crate::taking::{Counts, Subscriber};

/// Nanoseconds since 1970.
pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// A mutex that a panic elsewhere does not close: the process ends with it anyway.
pub struct Held<T>(Mutex<T>);

impl<T> Held<T> {
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Quiet,
    Warm,
    Measured,
    Over,
}

pub struct Wire {
    pub fd: i32,
    pub check: Vec<u8>,
    pub pwd: String,
    /// Transport-wide number of the last packet that was sent before.
    pub sent: u16,
    pub session: Held<SrtpSession>,
    pub subscriber: Held<Subscriber>,
}

/// What all subscribers saw in one window.
#[derive(Default)]
pub struct Seen {
    pub late: Histogram,
    pub unopened: u64,
    pub keyframes_asked: u64,
    pub asked_again: u64,
    pub alerts: u64,
    /// A thread did not get its processor or its priority.
    pub unplaced: bool,
}

pub struct Shared {
    pub wires: Vec<Wire>,
    pub sources: Vec<Held<Source>>,
    pub published: Published,
    pub seen: Held<Seen>,
    /// Segments that were sent together come together (`sys::prepare`).
    pub segmented: bool,
    phase: AtomicU8,
}

impl Shared {
    pub fn new(wires: Vec<Wire>, sources: Vec<Held<Source>>, segmented: bool) -> Self {
        Self {
            wires,
            sources,
            published: Published::default(),
            seen: Held::new(Seen::default()),
            segmented,
            phase: AtomicU8::new(0),
        }
    }

    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Quiet,
            1 => Phase::Warm,
            2 => Phase::Measured,
            _ => Phase::Over,
        }
    }

    pub fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Counts of all subscribers since the last call.
    pub fn counts(&self) -> Counts {
        let mut all = Counts::default();
        for wire in &self.wires {
            let one = wire.subscriber.lock().counts();
            all.received += one.received;
            all.bytes += one.bytes;
            all.lost += one.lost;
            all.lost_on_purpose += one.lost_on_purpose;
            all.repaired += one.repaired;
            all.streams += one.streams;
        }
        all
    }
}
