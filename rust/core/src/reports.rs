//! How well a publisher's stream arrives: what receiver reports say (RFC 3550 6.4, A.3, A.8).

use crate::rtcp::ReportBlock;
use crate::sequence::SEQ_MOD;
use crate::timestamps::ClockReading;

/// Of one SSRC. Numbers are unrolled; packets that RTX brought back count as lost, as RFC 4588 wants.
pub struct ReceptionStatistics {
    clock_rate: u32,
    first: Option<i64>,
    highest: i64,
    received: i64,
    expected_before: i64,
    received_before: i64,
    jitter: f64, // RTP units
    transit: Option<f64>,
    timestamp: Option<u32>,
}

/// (expected, lost) since the last time.
pub type Interval = (i64, i64);

impl ReceptionStatistics {
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            first: None,
            highest: 0,
            received: 0,
            expected_before: 0,
            received_before: 0,
            jitter: 0.0,
            transit: None,
            timestamp: None,
        }
    }

    pub fn jitter_s(&self) -> f64 {
        self.jitter / f64::from(self.clock_rate)
    }

    pub fn restart(&mut self) {
        self.first = None;
        self.received = 0;
        self.expected_before = 0;
        self.received_before = 0;
        self.transit = None;
    }

    pub fn arrived(&mut self, number: i64, timestamp: u32, now: f64) {
        if self.first.is_none() {
            self.first = Some(number);
            self.highest = number;
        }
        self.highest = self.highest.max(number);
        self.received += 1;
        if self.timestamp == Some(timestamp) {
            return; // packets of one frame leave one after the other: that is no jitter of the network
        }
        let transit = now * f64::from(self.clock_rate) - f64::from(timestamp);
        if let Some(before) = self.transit {
            let change = (transit - before).abs();
            if change < f64::from(self.clock_rate) * 5.0 {
                // else the timestamp wrapped or jumped
                self.jitter += (change - self.jitter) / 16.0;
            }
        }
        self.transit = Some(transit);
        self.timestamp = Some(timestamp);
    }

    fn expected(&self) -> i64 {
        self.first.map_or(0, |first| self.highest - first + 1)
    }

    pub fn interval(&mut self) -> Interval {
        let expected = self.expected();
        let lost = (expected - self.expected_before) - (self.received - self.received_before);
        let result = (expected - self.expected_before, lost.max(0));
        self.expected_before = expected;
        self.received_before = self.received;
        result
    }

    /// RFC 3550 6.4.1; `interval` as the method of this name answered.
    pub fn block(&self, ssrc: u32, interval: Interval, clock: Option<ClockReading>, now: f64) -> ReportBlock {
        let (expected, lost) = interval;
        let fraction = if expected > 0 { (lost * 256 / expected).min(255) } else { 0 };
        let delay = |clock: ClockReading| ((now - clock.received_at) * 65_536.0) as i64 as u32;
        ReportBlock {
            ssrc,
            fraction_lost: fraction as u8,
            packets_lost: (self.expected() - self.received).clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest_sequence: (self.highest - SEQ_MOD) as u32,
            jitter: self.jitter as i64 as u32,
            last_sr: clock.map_or(0, |clock| (clock.ntp >> 16) as u32),
            delay_since_last_sr: clock.map_or(0, delay),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_counted_once_and_jitter_is_of_frames() {
        let mut statistics = ReceptionStatistics::new(90_000);
        for (number, timestamp, now) in [(65_546, 0, 0.0), (65_547, 0, 0.01), (65_549, 3_600, 0.05)] {
            statistics.arrived(number, timestamp, now);
        }
        let interval = statistics.interval();
        assert_eq!(interval, (4, 1));
        let clock = ClockReading { ntp: 5 << 32, rtp: 0, received_at: 0.0 };
        let block = statistics.block(9, interval, Some(clock), 0.5);
        assert_eq!((block.fraction_lost, block.packets_lost, block.highest_sequence), (64, 1, 13));
        assert_eq!((block.last_sr, block.delay_since_last_sr), (5 << 16, 32_768));
        assert_eq!(block.jitter, 56); // 900 / 16
        assert_eq!(statistics.interval(), (0, 0));
    }
}
