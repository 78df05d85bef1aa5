//! What all viewers of this process saw since the last look. Pure.

use std::collections::BTreeMap;

/// Latencies in milliseconds, up to a minute.
pub struct Histogram(Vec<u64>);

const LONGEST_MS: usize = 60_000;

impl Default for Histogram {
    fn default() -> Self {
        Self(vec![0; LONGEST_MS + 1])
    }
}

impl Histogram {
    fn add(&mut self, ns: u64) {
        self.0[usize::try_from(ns / 1_000_000).unwrap_or(LONGEST_MS).min(LONGEST_MS)] += 1;
    }

    #[cfg(test)]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Milliseconds that a share of all stays within; 0 of nothing.
    #[cfg(test)]
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = ((self.total() as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let found = self.0.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        found.unwrap_or(0) as f64
    }

    /// `[[ms, how many], …]`: histograms of several processes are added before anything is made of them.
    fn json(&self) -> String {
        let rows = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        let rows: Vec<String> = rows.map(|(ms, count)| format!("[{ms}, {count}]")).collect();
        format!("[{}]", rows.join(", "))
    }
}

#[derive(Default)]
pub struct Figures {
    pub parts: u64,
    pub bytes: u64,
    pub requests: u64,
    pub errors: u64,
    pub reconnects: u64,
    pub late: Histogram,
    pub longest_gap_ns: u64,
    statuses: BTreeMap<u16, u64>,
}

impl Figures {
    pub fn answered(&mut self, status: u16, bytes: usize) {
        self.requests += 1;
        self.bytes += bytes as u64;
        *self.statuses.entry(status).or_default() += 1;
    }

    /// A part came. `lag_ns`: after it was published; `gap_ns`: after the viewer's last one.
    pub fn fed(&mut self, lag_ns: Option<u64>, gap_ns: Option<u64>) {
        self.parts += 1;
        if let Some(lag) = lag_ns {
            self.late.add(lag);
        }
        self.longest_gap_ns = self.longest_gap_ns.max(gap_ns.unwrap_or(0));
    }

    /// One line. `viewers` who ever had a part; `hungry_ns`: how long the hungriest of them has waited.
    pub fn json(&self, viewers: usize, hungry_ns: u64) -> String {
        let statuses: Vec<String> =
            self.statuses.iter().map(|(status, count)| format!("\"{status}\": {count}")).collect();
        format!(
            "{{\"viewers\": {viewers}, \"parts\": {}, \"bytes\": {}, \"requests\": {}, \"errors\": {}, \
             \"reconnects\": {}, \"longest_gap_ms\": {}, \"statuses\": {{{}}}, \"late\": {}}}",
            self.parts,
            self.bytes,
            self.requests,
            self.errors,
            self.reconnects,
            self.longest_gap_ns.max(hungry_ns) / 1_000_000,
            statuses.join(", "),
            self.late.json(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_everything() {
        let mut figures = Figures::default();
        figures.answered(200, 70);
        figures.answered(503, 0);
        figures.fed(Some(12_900_000), Some(1_000_000_000));
        figures.fed(Some(u64::MAX), None);
        assert_eq!(
            figures.json(3, 2_000_000_000),
            "{\"viewers\": 3, \"parts\": 2, \"bytes\": 70, \"requests\": 2, \"errors\": 0, \"reconnects\": 0, \
             \"longest_gap_ms\": 2000, \"statuses\": {\"200\": 1, \"503\": 1}, \"late\": [[12, 1], [60000, 1]]}"
        );
        assert_eq!((figures.late.quantile_ms(0.5), figures.late.total()), (12.0, 2));
    }
}
