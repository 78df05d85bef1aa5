//! Whether packets take longer and longer: the sign of a queue that grows.
//!
//! draft-ietf-rmcat-gcc-02, 5.1 to 5.4, with libwebrtc's line through the last delays in place of the Kalman filter of
//! 5.3, and its numbers; where each is from, `plain/trendline.py` says. Times in milliseconds here, as there.

use std::collections::VecDeque;

const BURST_MS: f64 = 5.0;
const LONGEST_BURST_MS: f64 = 100.0;
/// Groups that the line goes through, and how much of the smoothed delay is kept at each.
const WINDOW: usize = 20;
const KEPT: f64 = 0.9;
const MOST_WEIGHT: f64 = 60.0;
const GAIN: f64 = 4.0;
const THRESHOLD: f64 = 12.5;
const THRESHOLD_MIN: f64 = 6.0;
const THRESHOLD_MAX: f64 = 600.0;
const RISING: f64 = 0.0087;
const FALLING: f64 = 0.039;
const OUTLIER: f64 = 15.0;
const OVER_MS: f64 = 10.0;
/// A gap in either clock after which everything begins anew: somebody slept.
const GAP_MS: f64 = 3_000.0;

/// 5.4: of the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    #[default]
    Normal,
    Over,
    Under,
}

#[derive(Clone, Copy)]
struct Group {
    first_sent: f64,
    sent: f64,
    first_arrived: f64,
    arrived: f64,
}

/// Of one subscriber's link. Packets come in the order in which they were sent.
pub struct DelayGradient {
    pub usage: Usage,
    group: Option<Group>,
    before: Option<Group>,
    deltas: f64,
    accumulated: f64,
    smoothed: f64,
    line: VecDeque<(f64, f64)>, // since the first arrival, delay
    began: f64,
    slope: f64,
    threshold: f64,
    judged_at: Option<f64>,
    over_ms: Option<f64>, // how long the slope has been above the threshold
    over_groups: u32,
}

impl Default for DelayGradient {
    fn default() -> Self {
        Self {
            usage: Usage::Normal,
            group: None,
            before: None,
            deltas: 0.0,
            accumulated: 0.0,
            smoothed: 0.0,
            line: VecDeque::new(),
            began: 0.0,
            slope: 0.0,
            threshold: THRESHOLD,
            judged_at: None,
            over_ms: None,
            over_groups: 0,
        }
    }
}

impl DelayGradient {
    /// One packet more.
    pub fn delivered(&mut self, sent_ms: f64, arrived_ms: f64) {
        let begins =
            Group { first_sent: sent_ms, sent: sent_ms, first_arrived: arrived_ms, arrived: arrived_ms };
        let Some(group) = &mut self.group else {
            self.group = Some(begins);
            return;
        };
        if (sent_ms - group.sent).abs() > GAP_MS
            || (arrived_ms - group.arrived).abs() > GAP_MS
            || sent_ms < group.first_sent
        {
            self.restart();
            self.group = Some(begins);
            return;
        }
        if sent_ms - group.first_sent <= BURST_MS || is_burst(group, sent_ms, arrived_ms) {
            group.sent = group.sent.max(sent_ms);
            group.arrived = group.arrived.max(arrived_ms);
            return;
        }
        let group = *group;
        let before = self.before.replace(group);
        self.group = Some(begins);
        if let Some(before) = before {
            let (sent_delta, arrived_delta) = (group.sent - before.sent, group.arrived - before.arrived);
            if arrived_delta >= 0.0 {
                self.follow(arrived_delta - sent_delta, sent_delta, group.arrived);
            }
        }
    }

    fn restart(&mut self) {
        *self = Self { threshold: self.threshold, began: self.began, ..Self::default() };
    }

    /// 5.3: one group took `delta` longer than the one before.
    fn follow(&mut self, delta: f64, sent_delta: f64, arrived: f64) {
        if self.deltas == 0.0 {
            self.began = arrived;
        }
        self.deltas = (self.deltas + 1.0).min(MOST_WEIGHT);
        self.accumulated += delta;
        self.smoothed = KEPT * self.smoothed + (1.0 - KEPT) * self.accumulated;
        self.line.push_back((arrived - self.began, self.smoothed));
        if self.line.len() > WINDOW {
            self.line.pop_front();
        }
        let slope = if self.line.len() == WINDOW { slope(&self.line) } else { None };
        self.judge(slope.unwrap_or(self.slope), sent_delta, arrived);
    }

    /// 5.4: over-use must last, and grow.
    fn judge(&mut self, slope: f64, sent_delta: f64, arrived: f64) {
        let weighed = self.deltas * slope * GAIN;
        if weighed > self.threshold {
            let over = self.over_ms.map_or(sent_delta / 2.0, |over| over + sent_delta);
            self.over_ms = Some(over);
            self.over_groups += 1;
            if over > OVER_MS && self.over_groups > 1 && slope >= self.slope {
                self.over_ms = Some(0.0);
                self.over_groups = 0;
                self.usage = Usage::Over;
            }
        } else {
            self.over_ms = None;
            self.over_groups = 0;
            self.usage = if weighed < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.slope = slope;
        self.adapt(weighed.abs(), arrived);
    }

    /// 5.4: the threshold follows, so that flows which fill the queue do not starve this one.
    fn adapt(&mut self, weighed: f64, arrived: f64) {
        let passed = self.judged_at.map_or(0.0, |at| (arrived - at).min(100.0));
        self.judged_at = Some(arrived);
        if weighed > self.threshold + OUTLIER {
            return;
        }
        let gain = if weighed < self.threshold { FALLING } else { RISING };
        let moved = self.threshold + gain * (weighed - self.threshold) * passed;
        self.threshold = moved.clamp(THRESHOLD_MIN, THRESHOLD_MAX);
    }
}

/// Packets that waited for one another, somewhere on the way, and then came at once.
fn is_burst(group: &Group, sent_ms: f64, arrived_ms: f64) -> bool {
    let (arrived_delta, sent_delta) = (arrived_ms - group.arrived, sent_ms - group.sent);
    arrived_delta - sent_delta < 0.0
        && arrived_delta <= BURST_MS
        && arrived_ms - group.first_arrived < LONGEST_BURST_MS
}

/// Of the line with the least squares; `None` where all came at one time.
fn slope(line: &VecDeque<(f64, f64)>) -> Option<f64> {
    let (mut mean_x, mut mean_y) = (0.0, 0.0);
    for (x, y) in line {
        mean_x += x;
        mean_y += y;
    }
    mean_x /= line.len() as f64;
    mean_y /= line.len() as f64;
    let (mut rise, mut run) = (0.0, 0.0);
    for (x, y) in line {
        rise += (x - mean_x) * (y - mean_y);
        run += (x - mean_x) * (x - mean_x);
    }
    if run > 0.0 { Some(rise / run) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_that_grow_are_over_use_and_that_shrink_under_use() {
        let mut gradient = DelayGradient::default();
        let (mut way, mut seen) = (50.0, Vec::new());
        for number in 0..60 {
            way += if number >= 40 {
                -4.0
            } else if number >= 20 {
                4.0
            } else {
                0.0
            };
            let sent = f64::from(number) * 33.0;
            gradient.delivered(sent, sent + way);
            seen.push(gradient.usage);
        }
        assert!(seen[..20].iter().all(|usage| *usage == Usage::Normal));
        assert!(seen[20..40].contains(&Usage::Over));
        assert_eq!(seen.last(), Some(&Usage::Under));
        gradient.delivered(60_000.0, 60_050.0);
        assert_eq!(gradient.usage, Usage::Normal);
    }
}
