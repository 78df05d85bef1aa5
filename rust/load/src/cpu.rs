//! CPU of the server under test: of all its threads, to the nanosecond, without those that have ended.

use std::fs;

/// Nanoseconds of the processes together; one that is gone has none.
pub fn of(pids: &[u32]) -> u64 {
    pids.iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok()).flatten().map(task).sum()
}

fn task(entry: std::io::Result<fs::DirEntry>) -> u64 {
    let text = entry.and_then(|task| fs::read_to_string(task.path().join("schedstat"))).unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_uses_cpu_and_one_that_is_gone_none() {
        let before = of(&[std::process::id()]);
        while of(&[std::process::id()]) == before {
            std::hint::black_box((0..100_000_u64).sum::<u64>());
        }
        assert_eq!(of(&[u32::MAX]), 0);
    }
}
