//! The state of a load while it goes on, for a line on the terminal. Not for results.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::{Histogram, Sample, new_histogram};

/// How often a worker adds what it has.
pub(crate) const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// What counts as "now".
const RECENT: Duration = Duration::from_secs(1);

/// The state of a load, shared between its workers and whoever shows it.
#[derive(Debug, Default)]
pub struct Live {
    due: AtomicU64,
    sent: AtomicU64,
    good: AtomicU64,
    failed: AtomicU64,
    recent: Mutex<VecDeque<Slice>>,
}

/// What [`Live`] says at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Snapshot {
    /// Arrivals that have fallen due.
    pub due: u64,
    /// Requests sent.
    pub sent: u64,
    /// Good answers.
    pub good: u64,
    /// Arrivals that were not good.
    pub failed: u64,
    /// Arrivals per second, of about the last second.
    pub offered_hz: f64,
    /// Good answers per second, of about the last second.
    pub goodput_hz: f64,
    /// Median latency of about the last second, in microseconds.
    pub p50_us: f64,
    /// 99th percentile of the latency of about the last second, in microseconds.
    pub p99_us: f64,
}

/// What one worker saw since its last flush.
#[derive(Debug)]
pub(crate) struct Slice {
    at: Instant,
    /// When it was flushed.
    until: Instant,
    pub(crate) due: u64,
    pub(crate) sent: u64,
    good: u64,
    failed: u64,
    latency: Histogram,
}

impl Slice {
    pub(crate) fn new(at: Instant) -> Self {
        Self { at, until: at, due: 0, sent: 0, good: 0, failed: 0, latency: new_histogram() }
    }

    pub(crate) fn add(&mut self, sample: &Sample) {
        if sample.outcome.is_good() {
            self.good += 1;
        } else {
            self.failed += 1;
        }
        self.latency
            .saturating_record(u64::try_from(sample.latency().as_micros()).unwrap_or(u64::MAX).max(1));
    }

    pub(crate) fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) >= FLUSH_EVERY
    }
}

impl Live {
    pub(crate) fn flush(&self, mut slice: Slice) {
        self.due.fetch_add(slice.due, Ordering::Relaxed);
        self.sent.fetch_add(slice.sent, Ordering::Relaxed);
        self.good.fetch_add(slice.good, Ordering::Relaxed);
        self.failed.fetch_add(slice.failed, Ordering::Relaxed);
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        slice.until = now;
        recent.push_back(slice);
        while recent
            .front()
            .is_some_and(|slice| now.saturating_duration_since(slice.at) > RECENT + FLUSH_EVERY)
        {
            recent.pop_front();
        }
    }

    /// What there is to say now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latency = new_histogram();
        let (mut due, mut good) = (0u64, 0u64);
        // What fell due since the last flush is in no slice yet, so that time does not count either.
        let (mut since, mut until) = (now, now - RECENT);
        for slice in
            recent.iter().filter(|slice| now.saturating_duration_since(slice.at) <= RECENT + FLUSH_EVERY)
        {
            since = since.min(slice.at);
            until = until.max(slice.until);
            due += slice.due;
            good += slice.good;
            // Histograms that resize themselves accept each other's values.
            let _ = latency.add(&slice.latency);
        }
        let seconds = until.saturating_duration_since(since).as_secs_f64().max(FLUSH_EVERY.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "for display")]
        let per_second = |count: u64| count as f64 / seconds;
        #[expect(clippy::cast_precision_loss, reason = "for display")]
        let percentile = |p: f64| latency.value_at_percentile(p) as f64;
        Snapshot {
            due: self.due.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            good: self.good.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            offered_hz: per_second(due),
            goodput_hz: per_second(good),
            p50_us: percentile(50.0),
            p99_us: percentile(99.0),
        }
    }
}
