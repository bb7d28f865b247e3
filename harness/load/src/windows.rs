//! One worker's samples, one interval a second. An interval is closed when everything that fell due in it is settled, so
//! the number of open ones is bounded by the timeout and not by the length of the load.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use model::{Interval, LOOP_GAP, Outcome, Sample};

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
    /// When the load ends: what is done later is done in no interval.
    end: Duration,
    /// Index of the first open interval.
    first: u64,
    open: VecDeque<Open>,
}

impl Windows {
    pub(crate) fn new(start: Instant, requests: usize, end: Duration) -> Self {
        Self { start, requests, end, first: 0, open: VecDeque::new() }
    }

    /// An arrival has fallen due, `own_lag` before it was seen, and will be settled later.
    pub(crate) fn due(&mut self, due: Duration, own_lag: Duration) {
        let open = self.at(due);
        open.unsettled += 1;
        open.interval.own_lag.saturating_record(micros(own_lag));
    }

    /// The worker should have looked at `planned` and did `now`. What it does after the end is no part of the load.
    pub(crate) fn gap(&mut self, planned: Duration, now: Duration) {
        let gap = now.saturating_sub(planned);
        if gap >= LOOP_GAP && now < self.end {
            self.at(now).interval.loop_gaps.saturating_record(micros(gap));
        }
    }

    /// Until `end`, in the window that ends there or goes on, the worker needed the CPU for so much of its time.
    pub(crate) fn effort(&mut self, end: Duration, share: f64) {
        let within = end.saturating_sub(Duration::from_nanos(1));
        self.at(within).interval.worker_cpu.saturating_record(micros(LENGTH.mul_f64(share)));
    }

    /// An arrival is settled.
    pub(crate) fn settle(&mut self, sample: &Sample) {
        let open = self.at(sample.due);
        open.unsettled -= 1;
        open.interval.add(sample);
        // What is given up may be done in the future, where there is no interval yet.
        if matches!(sample.outcome, Outcome::Answered { .. }) && sample.done < self.end {
            self.at(sample.done).interval.add_done(sample);
        }
    }

    /// The load ends already now.
    pub(crate) fn end(&mut self, now: Duration) {
        self.end = self.end.min(now);
    }

    /// The next interval in which nothing is unsettled and nothing more falls due, which is known of the time before
    /// `until`, and of all time when the load is over (`last`). Intervals without arrivals are given too, so that a
    /// silence is seen as one.
    pub(crate) fn close(&mut self, until: Duration, last: bool) -> Option<Interval> {
        let from = LENGTH * u32::try_from(self.first).unwrap_or(u32::MAX);
        if until < from + LENGTH && !(last && (from < until || !self.open.is_empty())) {
            return None;
        }
        self.at(from);
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

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Parts;

    fn sample(due_ms: u64) -> Sample {
        let due = Duration::from_millis(due_ms);
        let outcome = Outcome::Answered { status: 200 };
        Sample { request: 0, due, sent: Some(due), done: due, outcome, parts: Parts::default() }
    }

    #[test]
    fn an_interval_is_closed_when_all_that_fell_due_in_it_is_settled() {
        let mut windows = Windows::new(Instant::now(), 1, LENGTH * 3);
        for due_ms in [100, 900, 1_500] {
            windows.due(Duration::from_millis(due_ms), Duration::ZERO);
        }
        windows.settle(&sample(100));
        windows.settle(&sample(1_500));
        let later = Duration::from_secs(3);
        assert!(windows.close(later, false).is_none(), "900 ms is not settled");
        windows.settle(&sample(900));
        assert!(windows.close(Duration::from_millis(999), false).is_none(), "more may fall due");
        let counts: Vec<u64> = std::iter::from_fn(|| windows.close(later, false))
            .map(|interval| interval.counts().due())
            .collect();
        assert_eq!(counts, [2, 1, 0]);
    }

    #[test]
    fn the_last_interval_may_be_cut_short_and_none_begins_at_the_end() {
        for (length_ms, expected) in [(2_000, 2), (2_200, 3)] {
            let until = Duration::from_millis(length_ms);
            let mut windows = Windows::new(Instant::now(), 1, until);
            assert_eq!(std::iter::from_fn(|| windows.close(until, true)).count(), expected, "{length_ms} ms");
        }
    }

    #[test]
    fn a_short_gap_is_none_and_one_after_the_end_makes_no_interval() {
        let mut windows = Windows::new(Instant::now(), 1, LENGTH * 2);
        windows.gap(LENGTH * 99 / 100, LENGTH);
        windows.gap(LENGTH * 3 / 2, LENGTH * 3 / 2 + LOOP_GAP * 9 / 10);
        windows.gap(LENGTH * 199 / 100, LENGTH * 2);
        let closed = std::iter::from_fn(|| windows.close(LENGTH * 2, true));
        assert_eq!(closed.map(|interval| interval.loop_gaps.len()).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn an_answer_counts_as_done_when_it_came_and_not_after_the_end() {
        let mut windows = Windows::new(Instant::now(), 1, LENGTH * 2);
        for (due_ms, done_ms) in [(100, 1_500), (200, 1_999), (1_800, 2_100)] {
            let due = Duration::from_millis(due_ms);
            windows.due(due, Duration::ZERO);
            windows.settle(&Sample { done: Duration::from_millis(done_ms), ..sample(due_ms) });
        }
        let intervals: Vec<Interval> = std::iter::from_fn(|| windows.close(LENGTH * 2, true)).collect();
        let done = |interval: &Interval| interval.requests[0].bins.iter().map(|bin| bin.done.good).sum();
        assert_eq!(intervals.iter().map(|interval| interval.counts().due()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(intervals.iter().map(done).collect::<Vec<u64>>(), [0, 2]);
    }

    #[test]
    fn what_is_given_up_makes_no_interval_after_the_end() {
        let mut windows = Windows::new(Instant::now(), 1, LENGTH * 60);
        windows.due(LENGTH / 2, Duration::ZERO);
        let (done, outcome) = (LENGTH * 30, Outcome::Unsent);
        windows.settle(&Sample { sent: None, done, outcome, ..sample(500) });
        windows.end(LENGTH);
        assert_eq!(std::iter::from_fn(|| windows.close(LENGTH, true)).count(), 1);
    }

    #[test]
    fn open_intervals_are_bounded_by_the_timeout_and_not_by_the_length() {
        let mut windows = Windows::new(Instant::now(), 1, LENGTH * 900);
        let timeout_ms = 5_000;
        // Every arrival is settled a timeout late, for a quarter of an hour.
        for due_ms in (0..900_000).step_by(500) {
            windows.due(Duration::from_millis(due_ms), Duration::ZERO);
            if let Some(settled) = due_ms.checked_sub(timeout_ms) {
                windows.settle(&sample(settled));
            }
            while windows.close(Duration::from_millis(due_ms), false).is_some() {}
            assert!(windows.open.len() <= 7, "{} are open at {due_ms} ms", windows.open.len());
        }
    }
}
