//! What a forwarder has to say: datagrams, events, counters. Bounded; taken by the caller.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::api::{Copied, Drop, Event, Id, Stats};

/// Datagrams between two `clear_output`: a picture of 100 packets to 100 subscribers, twice.
const MOST_DATAGRAMS: usize = 20_000;
/// Events between two `take_events`. A caller that takes none loses the newest.
const MOST_EVENTS: usize = 10_000;
/// Copies between two `take_tapped`: 4 s of a camera in three layers. A caller that takes none loses the oldest.
const MOST_TAPPED: usize = 4_096;
/// Bytes of the buffer that are kept for the next datagrams.
const KEPT: usize = 4 << 20;

/// Datagrams stand one after another in one buffer, where they are written and encrypted.
#[derive(Default)]
pub struct Outbox {
    buffer: Vec<u8>,
    ends: Vec<usize>,        // of each datagram
    whose: Vec<(Id, usize)>, // and how many datagrams there are before the first of this peer's
    events: Vec<Event>,
    tapped: VecDeque<Copied>,
    pub stats: Stats,
    /// Bytes that media packets get at their end; the plain forwarder knows only 0.
    pub padding: u8,
}

impl Outbox {
    pub fn count(&mut self, drop: Drop) {
        if let Some(count) = self.stats.drops.get_mut(drop as usize) {
            *count += 1;
        }
    }

    /// Where the next datagram is written. What is there beyond `end` afterwards is one, if `send` follows.
    pub fn begin(&mut self) -> (&mut Vec<u8>, usize) {
        let end = self.size();
        self.buffer.truncate(end);
        (&mut self.buffer, end)
    }

    /// Its size. `None`: the caller does not keep up, the datagram is dropped.
    pub fn send(&mut self, peer: &Id) -> Option<usize> {
        let end = self.size();
        let size = self.buffer.len() - end;
        if self.ends.len() >= MOST_DATAGRAMS {
            self.buffer.truncate(end);
            self.count(Drop::QueueFull);
            return None;
        }
        // A peer has one name, which all its datagrams share; counting its users for each of them costs more than this look.
        if !self.whose.last().is_some_and(|last| Arc::ptr_eq(&last.0, peer)) {
            self.whose.push((peer.clone(), self.ends.len()));
        }
        self.ends.push(self.buffer.len());
        self.stats.packets_out += 1;
        self.stats.bytes_out += size as u64;
        Some(size)
    }

    pub fn event(&mut self, event: Event) {
        if self.events.len() < MOST_EVENTS {
            self.events.push(event);
        }
    }

    pub fn tap(&mut self, copy: Copied) {
        if matches!(copy, Copied::Media { .. }) {
            self.stats.tapped += 1;
        }
        if self.tapped.len() >= MOST_TAPPED {
            self.tapped.pop_front();
            self.stats.taps_lost += 1;
        }
        self.tapped.push_back(copy);
    }

    pub fn take_tapped(&mut self) -> VecDeque<Copied> {
        std::mem::take(&mut self.tapped)
    }

    /// Bytes that are to be sent.
    pub fn size(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Datagrams that are to be sent.
    pub fn count_output(&self) -> usize {
        self.ends.len()
    }

    /// Everything to be sent, in order.
    pub fn output(&self) -> impl Iterator<Item = (&Id, &[u8])> {
        let until = self.whose.iter().skip(1).map(|next| next.1).chain([self.ends.len()]);
        let mut begin = 0;
        self.whose
            .iter()
            .zip(until)
            .flat_map(|((peer, from), until)| {
                let ends = self.ends.get(*from..until).unwrap_or_default();
                ends.iter().map(move |end| (peer, *end))
            })
            .map(move |(peer, end)| {
                let datagram = self.buffer.get(begin..end).unwrap_or_default();
                begin = end;
                (peer, datagram)
            })
    }

    pub fn clear_output(&mut self) {
        self.whose.clear();
        self.ends.clear();
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_come_out_as_they_were_written_and_no_more_than_fit() {
        let (mut outbox, peer) = (Outbox::default(), Id::from("PC"));
        outbox.begin().0.extend_from_slice(b"one");
        assert_eq!(outbox.send(&peer), Some(3));
        outbox.begin().0.extend_from_slice(b"never sent");
        outbox.begin().0.extend_from_slice(b"three");
        assert_eq!(outbox.send(&peer), Some(5));
        let sent: Vec<&[u8]> = outbox.output().map(|each| each.1).collect();
        assert_eq!(sent, [&b"one"[..], b"three"]);
        for _ in 2..MOST_DATAGRAMS {
            outbox.begin().0.push(0);
            assert!(outbox.send(&peer).is_some());
        }
        outbox.begin().0.push(0);
        assert_eq!(outbox.send(&peer), None);
        assert_eq!(outbox.stats.drops.get(Drop::QueueFull as usize), Some(&1));
        assert_eq!(outbox.stats.packets_out, 20_000);
        outbox.clear_output();
        assert_eq!(outbox.output().count(), 0);
    }
}
