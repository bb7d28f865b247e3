//! One worker's samples, one interval a second. An interval is closed when everything that fell due in it is settled, so
//! the number of open ones is bounded by the timeout and not by the length of the load.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use model::{Interval, Sample};

/// Length of an interval, and of the bins in it.
pub(crate) const LENGTH: Duration = Duration::from_secs(1);
const BINS: usize = 10;

#[derive(Debug)]
struct Open {
    interval: Interval,
    unsettled: u64,
}

/// The open intervals of one worker.
#[derive(Debug)]
pub(crate) struct Windows {
    start: Instant,
    requests: usize,
    /// Index of the first open interval.
    first: u64,
    open: VecDeque<Open>,
}

impl Windows {
    pub(crate) fn new(start: Instant, requests: usize) -> Self {
        Self { start, requests, first: 0, open: VecDeque::new() }
    }

    /// An arrival has fallen due and will be settled later.
    pub(crate) fn due(&mut self, due: Duration) {
        self.at(due).unsettled += 1;
    }

    /// An arrival is settled.
    pub(crate) fn settle(&mut self, sample: &Sample) {
        let open = self.at(sample.due);
        open.unsettled -= 1;
        open.interval.add(sample);
    }

    /// The next interval in which nothing more falls due before `until` and nothing is unsettled. Intervals without
    /// arrivals are given too, so that a silence is seen as one.
    pub(crate) fn close(&mut self, until: Duration) -> Option<Interval> {
        let end = LENGTH * u32::try_from(self.first + 1).unwrap_or(u32::MAX);
        if until < end {
            return None;
        }
        self.at(end - LENGTH);
        if self.open.front()?.unsettled > 0 {
            return None;
        }
        self.first += 1;
        self.open.pop_front().map(|open| open.interval)
    }

    fn at(&mut self, due: Duration) -> &mut Open {
        let index = due.as_secs() / LENGTH.as_secs();
        let position = usize::try_from(index.saturating_sub(self.first)).unwrap_or(0);
        while self.open.len() <= position {
            let number =
                u32::try_from(self.first).unwrap_or(u32::MAX) + u32::try_from(self.open.len()).unwrap_or(0);
            let offset = LENGTH * number;
            let interval = Interval::new(self.start + offset, offset, LENGTH, self.requests, BINS);
            self.open.push_back(Open { interval, unsettled: 0 });
        }
        &mut self.open[position]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Outcome;

    fn sample(due_ms: u64) -> Sample {
        let due = Duration::from_millis(due_ms);
        Sample { request: 0, due, sent: Some(due), done: due, outcome: Outcome::Answered { status: 200 } }
    }

    #[test]
    fn an_interval_is_closed_when_all_that_fell_due_in_it_is_settled() {
        let mut windows = Windows::new(Instant::now(), 1);
        for due_ms in [100, 900, 1_500] {
            windows.due(Duration::from_millis(due_ms));
        }
        windows.settle(&sample(100));
        windows.settle(&sample(1_500));
        let later = Duration::from_secs(3);
        assert!(windows.close(later).is_none(), "900 ms is not settled");
        windows.settle(&sample(900));
        assert!(windows.close(Duration::from_millis(999)).is_none(), "more may fall due");
        let counts: Vec<u64> =
            std::iter::from_fn(|| windows.close(later)).map(|interval| interval.counts().due()).collect();
        assert_eq!(counts, [2, 1, 0]);
    }
}
