//! What the terminal view shows: plain data that is drawn from and nothing else.

use std::collections::VecDeque;
use std::time::Duration;

use load::{Detail, Snapshot, Tally};
use model::Histogram;

/// Columns that are remembered: as many as a very wide terminal has.
const COLUMNS: usize = 400;
/// Rows of the heat strip at most: from 10 us to 100 s in thirds of a decade.
pub(super) const BUCKETS: usize = 21;
const LOWEST_US: f64 = 10.0;

/// One step of time, a column of the charts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Column {
    pub(super) offered_hz: f64,
    pub(super) throughput_hz: f64,
    pub(super) goodput_hz: f64,
    /// Arrivals settled, by latency: see [`bucket_top_us`].
    pub(super) latency: [u64; BUCKETS],
}

/// Everything that one frame shows.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) label: String,
    pub(super) elapsed: Duration,
    pub(super) length: Duration,
    /// How much time a column holds.
    pub(super) step: Duration,
    pub(super) now: Snapshot,
    pub(super) total: Tally,
    pub(super) latency_us: Option<[u64; 5]>,
    /// By name.
    pub(super) requests: Vec<(String, Tally)>,
    pub(super) backends: Vec<(String, u64)>,
    /// CPU time of the process per time, in CPUs.
    pub(super) cpu: f64,
    pub(super) columns: VecDeque<Column>,
    pub(super) faults: Vec<String>,
    /// The last things said.
    pub(super) said: VecDeque<String>,
    /// A stop was asked for.
    pub(super) ending: bool,
    /// What was settled by the last column.
    pub(super) seen: [u64; BUCKETS],
}

/// Upper end of a bucket, in microseconds; the last has none.
pub(super) fn bucket_top_us(bucket: usize) -> f64 {
    LOWEST_US * 10f64.powf((bucket + 1) as f64 / 3.0)
}

/// Every value by bucket.
fn buckets(histogram: &Histogram) -> [u64; BUCKETS] {
    let mut counts = [0; BUCKETS];
    for step in histogram.iter_recorded() {
        let value = step.value_iterated_to() as f64;
        let bucket = (0..BUCKETS - 1).find(|bucket| value <= bucket_top_us(*bucket)).unwrap_or(BUCKETS - 1);
        counts[bucket] += step.count_since_last_iteration();
    }
    counts
}

impl State {
    /// Takes what there is to say now, for the numbers.
    pub(super) fn update(&mut self, elapsed: Duration, now: Snapshot, detail: &Detail, names: &[String]) {
        self.elapsed = elapsed.min(self.length);
        self.now = now;
        self.total = detail.total();
        self.latency_us = (!detail.latency.is_empty()).then(|| {
            [50.0, 90.0, 99.0, 99.9, 100.0].map(|percentile| detail.latency.value_at_percentile(percentile))
        });
        self.requests = names.iter().cloned().zip(detail.by_request.iter().copied()).collect();
        self.backends.clone_from(&detail.backends);
    }

    /// Closes a column of the charts with what came since the last one.
    pub(super) fn close_column(&mut self, detail: &Detail) {
        let all = buckets(&detail.latency);
        let mut latency = all;
        latency.iter_mut().zip(&self.seen).for_each(|(count, seen)| *count = count.saturating_sub(*seen));
        self.seen = all;
        let Snapshot { offered_hz, throughput_hz, goodput_hz, .. } = self.now;
        self.columns.push_back(Column { offered_hz, throughput_hz, goodput_hz, latency });
        if self.columns.len() > COLUMNS {
            self.columns.pop_front();
        }
    }

    /// Remembers a line for as long as there is room for it.
    pub(super) fn say(&mut self, line: &str) {
        self.said.push_back(line.trim().to_owned());
        if self.said.len() > 8 {
            self.said.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_holds_only_what_came_since_the_last_one() {
        let mut state = State::default();
        let mut detail = Detail::default();
        detail.latency.record_n(1_000, 5).unwrap();
        state.close_column(&detail);
        detail.latency.record_n(500_000, 2).unwrap();
        state.close_column(&detail);
        let sums: Vec<u64> = state.columns.iter().map(|column| column.latency.iter().sum()).collect();
        assert_eq!(sums, [5, 2]);
        let filled = state.columns[1].latency.iter().position(|count| *count > 0).unwrap();
        assert!(bucket_top_us(filled) >= 500_000.0 && bucket_top_us(filled - 1) < 500_000.0);
    }

    #[test]
    fn memory_is_bounded_however_long_the_run_is() {
        let mut state = State::default();
        for second in 0..10_000 {
            state.close_column(&Detail::default());
            state.say(&format!("line {second}"));
        }
        assert_eq!((state.columns.len(), state.said.len()), (COLUMNS, 8));
    }
}
