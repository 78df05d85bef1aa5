//! Transport-wide feedback to a publisher: which of its packets came, and when.
//!
//! draft-holmer-rmcat-transport-wide-cc-extensions-01. Without it (or a REMB) Chromium sends its smallest layer only.

use std::collections::BTreeMap;

use crate::rtcp::{RTPFB, TWCC};
use crate::rtcp_build::{OWN_SSRC, packet};
use crate::sequence::{SEQ_MOD, seq_delta};

/// Seconds between two messages; browsers' own end sends every 50 to 250 ms.
const INTERVAL_S: f64 = 0.1;
/// Seconds for which an arrival is remembered, to be told again beside a late packet.
const REMEMBER_S: f64 = 0.5;
/// Numbers in one message: about 300 bytes of symbols and 1,000 of times at worst.
const MOST_NUMBERS: i64 = 400;
/// Arrivals kept, and so the most that is told at once.
const MOST_KEPT: usize = 4_000;
/// Ticks of 250 µs in a second.
const TICK: f64 = 4_000.0;
/// Two arrivals further apart than this stand in two messages (ticks).
const WIDEST: i64 = 0x7FFF;

const NOT_RECEIVED: u16 = 0;
const SMALL: u16 = 1;
const LARGE: u16 = 2;

/// Of one publisher's transport, over all its streams.
#[derive(Default)]
pub struct TransportFeedback {
    arrivals: BTreeMap<i64, i64>, // unrolled number → tick
    highest: Option<i64>,
    start: Option<i64>, // first number of the next message
    due: Option<f64>,
    count: u8, // of messages
    ssrc: u32, // of any of the publisher's streams
}

impl TransportFeedback {
    /// A packet with this transport-wide number came.
    pub fn arrived(&mut self, sequence: u16, ssrc: u32, now: f64) {
        let highest = self.highest.unwrap_or(i64::from(sequence) + SEQ_MOD);
        let number = highest + seq_delta(sequence, highest as u16);
        self.highest = Some(highest.max(number));
        if self.arrivals.contains_key(&number) || self.arrivals.len() >= MOST_KEPT {
            return;
        }
        self.arrivals.insert(number, (now * TICK) as i64);
        self.start = Some(self.start.map_or(number, |start| start.min(number)));
        self.ssrc = ssrc;
        if self.due.is_none() {
            self.due = Some(now + INTERVAL_S);
        }
    }

    pub fn next_wakeup(&self) -> Option<f64> {
        self.due
    }

    /// Messages that are due now.
    pub fn poll(&mut self, now: f64) -> Vec<Vec<u8>> {
        if self.due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.due = None;
        let start = self.start.unwrap_or(i64::MIN);
        let told: Vec<(i64, i64)> = self.arrivals.range(start..).map(|(n, t)| (*n, *t)).collect();
        let mut messages = Vec::new();
        let mut chunk: Vec<(i64, i64)> = Vec::new();
        for arrival in told {
            let is_full = chunk.first().is_some_and(|first| arrival.0 - first.0 >= MOST_NUMBERS)
                || chunk.last().is_some_and(|last| (arrival.1 - last.1).abs() > WIDEST);
            if is_full {
                messages.extend(self.message(&chunk));
                chunk.clear();
            }
            chunk.push(arrival);
        }
        messages.extend(self.message(&chunk));
        self.start = self.highest.map(|highest| highest + 1);
        let oldest = ((now - REMEMBER_S) * TICK) as i64;
        self.arrivals.retain(|_, tick| *tick >= oldest);
        messages
    }

    /// `None` without arrivals.
    fn message(&mut self, arrivals: &[(i64, i64)]) -> Option<Vec<u8>> {
        let (&(first, begun), &(last, _)) = (arrivals.first()?, arrivals.last()?);
        let reference = begun.div_euclid(256); // units of 64 ms
        let mut symbols = vec![NOT_RECEIVED; (last - first + 1) as usize];
        let (mut times, mut before) = (Vec::new(), reference * 256);
        for (number, tick) in arrivals {
            let delta = tick - before;
            before = *tick;
            let symbol = if (0..=0xFF).contains(&delta) {
                times.push(delta as u8);
                SMALL
            } else {
                times.extend_from_slice(&(delta as u16).to_be_bytes());
                LARGE
            };
            if let Some(place) = symbols.get_mut((number - first) as usize) {
                *place = symbol;
            }
        }
        let mut body = Vec::new();
        body.extend_from_slice(&OWN_SSRC.to_be_bytes());
        body.extend_from_slice(&self.ssrc.to_be_bytes());
        body.extend_from_slice(&(first as u16).to_be_bytes());
        body.extend_from_slice(&(symbols.len() as u16).to_be_bytes());
        body.extend(reference.to_be_bytes().into_iter().skip(5)); // 24 bits
        body.push(self.count);
        pack_symbols(&symbols, &mut body);
        body.extend_from_slice(&times);
        body.resize(body.len().next_multiple_of(4), 0);
        self.count = self.count.wrapping_add(1);
        Some(packet(TWCC, RTPFB, &body))
    }
}

/// Status chunks, 3.1.3: runs from seven equal ones on, else vectors of seven two-bit symbols.
fn pack_symbols(symbols: &[u16], into: &mut Vec<u8>) {
    let mut rest = symbols;
    while let Some(&symbol) = rest.first() {
        let run = rest.iter().take_while(|each| **each == symbol).count();
        let (chunk, used) = if run >= 7 {
            (symbol << 13 | run as u16, run)
        } else {
            let seven = rest.iter().take(7).zip([12, 10, 8, 6, 4, 2, 0]);
            let chunk = seven.fold(0xC000, |chunk, (each, place)| chunk | each << place);
            (chunk, 7)
        };
        into.extend_from_slice(&chunk.to_be_bytes());
        rest = rest.get(used..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_came_and_when() {
        let mut feedback = TransportFeedback::default();
        for (sequence, now) in [(65_535, 1.0), (1, 1.25), (0, 1.0)] {
            feedback.arrived(sequence, 7, now);
        }
        assert_eq!(feedback.next_wakeup(), Some(1.1));
        assert!(feedback.poll(1.05).is_empty());
        let expected = [
            [0x8F, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 7, 0xFF, 0xFF],
            [0, 3, 0, 0, 15, 0, 0xD6, 0x00, 160, 0, 0x03, 0xE8, 0, 0],
        ];
        assert_eq!(feedback.poll(1.3), [expected.concat()]);
        assert!(feedback.poll(1.4).is_empty());
    }

    #[test]
    fn equal_symbols_are_a_run() {
        let mut made = Vec::new();
        pack_symbols(&[1; 9], &mut made);
        pack_symbols(&[1, 0, 2], &mut made);
        assert_eq!(made, [0x20, 9, 0xD2, 0x00]);
    }
}
