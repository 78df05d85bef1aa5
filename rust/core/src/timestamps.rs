//! RTP time for one subscriber, continuous when its picture changes to another layer; sender reports in that time.

const TS_MOD: i128 = 1 << 32;
/// Seconds that two ways of reckoning may differ before the publisher's reports are not believed.
const BELIEVED_S: i128 = 3;

/// Signed distance on the 32-bit circle, in [-2**31, 2**31).
pub fn ts_delta(newer: u32, older: u32) -> i64 {
    i64::from(newer.wrapping_sub(older).cast_signed())
}

/// A sender report: at NTP time `ntp` (RFC 3550 4: 32.32 bits) this stream's clock showed `rtp`.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    pub ntp: u64,
    pub rtp: u32,
    pub received_at: f64,
}

/// Incoming RTP time plus an offset; the offset changes with the source.
pub struct TimestampMap {
    clock_rate: u32,
    first: u32,
    offset: u32,
    last: Option<u32>, // newest sent
    last_at: f64,
    reference: Option<ClockReading>, // the publisher's wall clock against the time that this subscriber sees
}

impl TimestampMap {
    pub fn new(clock_rate: u32, first: u32) -> Self {
        Self { clock_rate, first, offset: 0, last: None, last_at: 0.0, reference: None }
    }

    pub fn fetch(&self) -> u64 {
        u64::from(self.offset)
    }

    /// The source is gone; nothing is known of the next one's clock.
    pub fn leave(&mut self) {
        self.reference = None;
    }

    /// Another source starts with `timestamp`; `clock` is its last sender report.
    ///
    /// With reports of both sources the same moment of capture keeps its time; else the time that passed here
    /// decides. Never backwards, and never twice the same: a second frame with one timestamp would be one frame.
    pub fn begin(&mut self, timestamp: u32, now: f64, clock: Option<ClockReading>) {
        let out = match self.last {
            None => self.first,
            Some(last) => {
                let passed = ((now - self.last_at) * f64::from(self.clock_rate)) as i128;
                let passed = passed.max(1);
                let mut step = passed;
                if let (Some(clock), Some(reference)) = (clock, self.reference) {
                    let reported = i128::from(self.since_last(timestamp, clock, reference, last));
                    if (reported - passed).abs() <= BELIEVED_S * i128::from(self.clock_rate) {
                        step = reported.max(1);
                    }
                }
                (i128::from(last) + step).rem_euclid(TS_MOD) as u32
            }
        };
        self.offset = out.wrapping_sub(timestamp);
        if let Some(clock) = clock {
            self.report(clock);
        }
    }

    /// RTP units from the newest packet sent to the moment `timestamp` names in `clock`'s stream.
    fn since_last(&self, timestamp: u32, clock: ClockReading, reference: ClockReading, last: u32) -> i64 {
        let ntp = i128::from(clock.ntp) - i128::from(reference.ntp);
        let between = (ntp * i128::from(self.clock_rate)) >> 32;
        let expected = i128::from(reference.rtp) + between + i128::from(ts_delta(timestamp, clock.rtp));
        ts_delta(expected.rem_euclid(TS_MOD) as u32, last)
    }

    /// For a packet that is not late.
    pub fn forward(&mut self, timestamp: u32, now: f64) -> u32 {
        let out = timestamp.wrapping_add(self.offset);
        if self.last.is_none_or(|last| ts_delta(out, last) > 0) {
            self.last = Some(out);
            self.last_at = now;
        }
        out
    }

    pub fn late(&self, timestamp: u32) -> u32 {
        timestamp.wrapping_add(self.offset)
    }

    /// The current source's sender report came.
    pub fn report(&mut self, clock: ClockReading) {
        self.reference = Some(ClockReading { rtp: clock.rtp.wrapping_add(self.offset), ..clock });
    }

    /// (NTP, RTP) of a sender report to the subscriber, at `now`; `None` before the publisher's first.
    pub fn reading(&self, now: f64) -> Option<(u64, u32)> {
        let reference = self.reference?;
        let elapsed = (now - reference.received_at).max(0.0);
        let ntp = reference.ntp.wrapping_add((elapsed * 4_294_967_296.0) as u64);
        let units = (elapsed * f64::from(self.clock_rate)) as u64;
        Some((ntp, reference.rtp.wrapping_add(units as u32)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_by_what_passed_or_by_what_the_reports_say() {
        let mut map = TimestampMap::new(90_000, 1_000);
        map.begin(50_000, 0.0, None);
        assert_eq!(map.forward(50_000, 0.0), 1_000);
        map.begin(7, 0.5, None);
        assert_eq!(map.forward(7, 0.5), 46_000);
        assert_eq!(map.reading(1.0), None);

        let clock = ClockReading { ntp: 10 << 32, rtp: 7, received_at: 0.5 };
        map.report(clock);
        assert_eq!(map.reading(1.5), Some((11 << 32, 136_000)));
        let other = ClockReading { ntp: 11 << 32, rtp: u32::MAX, received_at: 1.5 };
        map.begin(u32::MAX, 1.6, Some(other));
        assert_eq!(map.forward(u32::MAX, 1.6), 136_000);
        assert_eq!(map.late(0), 136_001);
    }
}
