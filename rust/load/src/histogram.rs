//! Latencies in steps of 10 µs up to a second. Pure.

const STEP_NS: u64 = 10_000;
const STEPS: usize = 100_000;

pub struct Histogram {
    counts: Vec<u32>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; STEPS], total: 0 }
    }
}

impl Histogram {
    /// Longer than a second counts as a second.
    pub fn add(&mut self, ns: u64) {
        let step = usize::try_from(ns / STEP_NS).unwrap_or(STEPS).min(STEPS - 1);
        self.counts[step] += 1;
        self.total += 1;
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    /// Milliseconds that a share of all stays within; 0 of nothing.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (step, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return (step as u64 * STEP_NS + STEP_NS / 2) as f64 / 1e6;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_all_that_was_added() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile_ms(0.5), 0.0);
        (1..=100).for_each(|ms| histogram.add(ms * 1_000_000));
        assert_eq!(histogram.total(), 100);
        assert!((histogram.quantile_ms(0.5) - 50.005).abs() < 1e-9);
        assert!((histogram.quantile_ms(0.99) - 99.005).abs() < 1e-9);
        histogram.add(u64::MAX);
        assert!(histogram.quantile_ms(1.0) > 999.0);
    }
}
