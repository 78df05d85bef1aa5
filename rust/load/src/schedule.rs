//! When each stream's next burst is due. Times are microseconds since the start of a window, absolute: being late once
//! does not make the rest late. Pure.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Bursts of many streams in the order of their times.
#[derive(Default)]
pub struct Schedule {
    due: BinaryHeap<Reverse<(u64, usize, u64)>>, // time, stream, number of the burst
    periods: Vec<(u64, u64)>,                    // offset, period
}

/// One burst of stream `stream`; the first has number 0.
#[derive(Debug, PartialEq, Eq)]
pub struct Burst {
    pub at_us: u64,
    pub stream: usize,
    pub number: u64,
}

impl Schedule {
    /// `streams`: offset of the first burst and period.
    pub fn new(streams: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let periods: Vec<_> = streams.into_iter().map(|(offset, period)| (offset, period.max(1))).collect();
        let due = periods.iter().enumerate().map(|(stream, (offset, _))| Reverse((*offset, stream, 0)));
        Self { due: due.collect(), periods }
    }

    /// When something is to be sent next; `None` without streams.
    pub fn next_at(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((at, _, _))| *at)
    }

    /// The next burst, once its time has come.
    pub fn take(&mut self, now_us: u64) -> Option<Burst> {
        let Reverse((at_us, stream, number)) = *self.due.peek()?;
        if at_us > now_us {
            return None;
        }
        self.due.pop();
        let (offset, period) = *self.periods.get(stream)?;
        self.due.push(Reverse((offset + (number + 1) * period, stream, number + 1)));
        Some(Burst { at_us, stream, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(schedule: &mut Schedule, now: u64) -> Vec<(u64, usize, u64)> {
        std::iter::from_fn(|| schedule.take(now)).map(|one| (one.at_us, one.stream, one.number)).collect()
    }

    #[test]
    fn streams_take_turns_by_their_times() {
        let mut schedule = Schedule::new([(0, 20), (5, 40)]);
        assert_eq!(taken(&mut schedule, 0), [(0, 0, 0)]);
        assert_eq!(schedule.next_at(), Some(5));
        assert_eq!(taken(&mut schedule, 45), [(5, 1, 0), (20, 0, 1), (40, 0, 2), (45, 1, 1)]);
    }

    #[test]
    fn whoever_is_late_sends_what_was_missed_and_is_on_time_again() {
        let mut schedule = Schedule::new([(0, 10)]);
        assert_eq!(taken(&mut schedule, 33).len(), 4);
        assert_eq!(schedule.next_at(), Some(40));
    }

    #[test]
    fn nothing_is_due_without_streams() {
        let mut schedule = Schedule::new([]);
        assert_eq!((schedule.next_at(), schedule.take(9)), (None, None));
    }
}
