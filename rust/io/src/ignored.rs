//! Why a datagram went no further before it came to a forwarder: names of `media.transport.api.Ignored`, a counter each.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    TooLong,
    Empty,
    NotOurs,
    Stranger,
    StunMalformed,
    UnknownUfrag,
    Early,
    NotARequest,
    Unasked,
    QueueFull,
    SendBlocked,
    TcpMalformed,
    TcpSlow,
}

impl Ignored {
    /// In the order of their declaration.
    pub const ALL: [(Self, &'static str); 13] = [
        (Self::TooLong, "too_long"),
        (Self::Empty, "empty"),
        (Self::NotOurs, "not_ours"),
        (Self::Stranger, "stranger"),
        (Self::StunMalformed, "stun_malformed"),
        (Self::UnknownUfrag, "unknown_ufrag"),
        (Self::Early, "early"),
        (Self::NotARequest, "not_a_request"),
        (Self::Unasked, "unasked"),
        (Self::QueueFull, "queue_full"),
        (Self::SendBlocked, "send_blocked"),
        (Self::TcpMalformed, "tcp_malformed"),
        (Self::TcpSlow, "tcp_slow"),
    ];
}

/// Counted by every thread.
#[derive(Default)]
pub struct Counters([AtomicU64; 13]);

impl Counters {
    pub fn count(&self, ignored: Ignored) {
        self.add(ignored, 1);
    }

    pub fn add(&self, ignored: Ignored, times: usize) {
        if let Some(counter) = self.0.get(ignored as usize) {
            counter.fetch_add(times as u64, Ordering::Relaxed);
        }
    }

    /// What was counted at all.
    pub fn read(&self) -> impl Iterator<Item = (Ignored, &'static str, u64)> {
        let pairs = Ignored::ALL.iter().zip(&self.0);
        let counted = pairs.map(|((which, name), counter)| (*which, *name, counter.load(Ordering::Relaxed)));
        counted.filter(|each| each.2 > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_counter_and_name() {
        let counters = Counters::default();
        for (place, (which, _)) in Ignored::ALL.iter().enumerate() {
            assert_eq!(*which as usize, place);
            counters.add(*which, place);
        }
        assert_eq!(counters.read().count(), 12); // nothing was counted for the first
        assert_eq!(counters.read().last(), Some((Ignored::TcpSlow, "tcp_slow", 12)));
    }
}
