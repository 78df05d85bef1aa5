//! Which packets of a publisher are missing, and when to ask for them again (RFC 4585 6.2.1).

use std::collections::BTreeMap;

/// Seconds a packet may be overtaken before it counts as missing: reordering on radio links stays below this.
const REORDERING_S: f64 = 0.020;
/// Seconds after each of the first two requests for a packet, twice as many after each of the next two, and so on. A
/// known longer round trip counts instead.
const RETRY_S: f64 = 0.050;
const ATTEMPTS: u32 = 8;
/// Seconds after which nobody's jitter buffer waits for it any more.
const GIVE_UP_S: f64 = 1.0;
/// More missing than this is an outage: a keyframe mends it cheaper.
const MOST_MISSING: i64 = 250;

struct Missing {
    since: f64,
    next_request: f64,
    attempts: u32,
}

/// Of one stream. Numbers are unrolled.
#[derive(Default)]
pub struct MissingPackets {
    missing: BTreeMap<i64, Missing>,
}

impl MissingPackets {
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }

    /// Numbers first..end were skipped. False: too many are missing, all are given up.
    pub fn gap(&mut self, first: i64, end: i64, now: f64) -> bool {
        if end - first + self.missing.len() as i64 > MOST_MISSING {
            self.missing.clear();
            return false;
        }
        for number in first..end {
            let missing = Missing { since: now, next_request: now + REORDERING_S, attempts: 0 };
            self.missing.insert(number, missing);
        }
        true
    }

    pub fn arrived(&mut self, number: i64) {
        self.missing.remove(&number);
    }

    pub fn clear(&mut self) {
        self.missing.clear();
    }

    /// Numbers to ask for now, ascending.
    pub fn poll(&mut self, now: f64, rtt_s: Option<f64>) -> Vec<i64> {
        let mut asked = Vec::new();
        self.missing.retain(|number, missing| {
            if missing.attempts >= ATTEMPTS || now - missing.since > GIVE_UP_S {
                return false;
            }
            if now >= missing.next_request {
                missing.attempts += 1;
                let pause = RETRY_S * f64::from(missing.attempts.div_ceil(2));
                missing.next_request = now + pause.max(rtt_s.unwrap_or(0.0));
                asked.push(*number);
            }
            true
        });
        asked
    }

    pub fn next_wakeup(&self) -> Option<f64> {
        self.missing.values().map(|missing| missing.next_request).reduce(f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_packet_is_asked_for_until_it_comes_or_nobody_waits() {
        let mut missing = MissingPackets::default();
        assert!(missing.gap(5, 8, 0.0));
        missing.arrived(6);
        assert_eq!(missing.poll(0.01, None), []);
        assert_eq!(missing.poll(0.02, Some(0.1)), [5, 7]);
        assert_eq!(missing.next_wakeup(), Some(0.02 + 0.1));
        assert_eq!(missing.poll(0.13, None), [5, 7]);
        assert_eq!(missing.poll(1.01, None), []);
        assert!(missing.is_empty());
        assert!(!missing.gap(0, 251, 2.0));
    }
}
