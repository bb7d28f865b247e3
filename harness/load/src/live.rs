//! The state of a load while it goes on, for a line on the terminal. Not for results.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::{Histogram, Outcome, Sample, new_histogram};

use crate::ways::WayCounts;

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
    sums: Mutex<Detail>,
    /// By worker, as each last told.
    ways: Mutex<Vec<WayCounts>>,
}

/// What became of an arrival, as the live view tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the variants are those of model::Outcome, with errors told from good answers"
)]
pub enum Kind {
    Good,
    Answered,
    TimedOut,
    Refused,
    Reset,
    Malformed,
    Tls,
    Other,
    Unsent,
    NoPort,
}

impl Kind {
    /// Every kind, good ones first.
    pub const ALL: [Kind; 10] = [
        Kind::Good,
        Kind::Answered,
        Kind::TimedOut,
        Kind::Refused,
        Kind::Reset,
        Kind::Malformed,
        Kind::Tls,
        Kind::Other,
        Kind::Unsent,
        Kind::NoPort,
    ];

    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Answered { .. } if outcome.is_good() => Kind::Good,
            Outcome::Answered { .. } => Kind::Answered,
            Outcome::TimedOut => Kind::TimedOut,
            Outcome::Refused => Kind::Refused,
            Outcome::Reset => Kind::Reset,
            Outcome::Malformed => Kind::Malformed,
            Outcome::Tls => Kind::Tls,
            Outcome::Other => Kind::Other,
            Outcome::Unsent => Kind::Unsent,
            Outcome::NoPort => Kind::NoPort,
        }
    }

    /// The word that metrics use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Good => "good",
            Kind::Answered => "error_status",
            Kind::TimedOut => "timed_out",
            Kind::Refused => "refused",
            Kind::Reset => "reset",
            Kind::Malformed => "malformed",
            Kind::Tls => "tls",
            Kind::Other => "other",
            Kind::Unsent => "unsent",
            Kind::NoPort => "no_port",
        }
    }
}

/// How many arrivals became what, in the order of [`Kind::ALL`].
pub type Tally = [u64; Kind::ALL.len()];

/// Everything since the start of the load that takes more than a number to say.
#[derive(Debug, Clone)]
pub struct Detail {
    /// By request, in the scenario's order; requests that nothing became of yet may be missing at the end.
    pub by_request: Vec<Tally>,
    /// Latency of every arrival, in microseconds.
    pub latency: Histogram,
    /// Answers by backend, by name.
    pub backends: Vec<(String, u64)>,
}

impl Default for Detail {
    fn default() -> Self {
        Self { by_request: Vec::new(), latency: new_histogram(), backends: Vec::new() }
    }
}

impl Detail {
    /// All requests together.
    #[must_use]
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.by_request.iter().for_each(|tally| merge(&mut total, tally));
        total
    }
}

fn merge(into: &mut Tally, from: &Tally) {
    into.iter_mut().zip(from).for_each(|(sum, count)| *sum += count);
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
    /// Answers per second, of about the last second.
    pub throughput_hz: f64,
    /// Good answers per second, of about the last second.
    pub goodput_hz: f64,
    /// Median latency of about the last second, in microseconds.
    pub p50_us: f64,
    /// 99th percentile of the latency of about the last second, in microseconds.
    pub p99_us: f64,
    /// Longest latency of about the last second, in microseconds.
    pub max_us: f64,
    /// Longest `sent - due` of about the last second, in microseconds.
    pub send_lag_us: f64,
    /// Whether the generator, and not the target, was the limit of about the last second.
    pub generator_limited: bool,
}

/// What one worker saw since its last flush.
#[derive(Debug)]
pub(crate) struct Slice {
    at: Instant,
    /// When it was flushed.
    until: Instant,
    pub(crate) due: u64,
    /// Those that the worker saw later than their objectives allow.
    pub(crate) late: u64,
    pub(crate) sent: u64,
    /// CPU time that the worker needed.
    pub(crate) needed: Duration,
    tallies: Vec<Tally>,
    latency: Histogram,
    /// Longest `sent - due`.
    lag: Duration,
    worker: usize,
    /// The worker's answers by backend since its beginning.
    pub(crate) ways: WayCounts,
}

impl Slice {
    pub(crate) fn new(worker: usize, at: Instant) -> Self {
        Self {
            at,
            until: at,
            due: 0,
            late: 0,
            sent: 0,
            needed: Duration::ZERO,
            tallies: Vec::new(),
            latency: new_histogram(),
            lag: Duration::ZERO,
            worker,
            ways: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, sample: &Sample) {
        if self.tallies.len() <= sample.request {
            self.tallies.resize(sample.request + 1, Tally::default());
        }
        self.tallies[sample.request][Kind::of(sample.outcome) as usize] += 1;
        self.lag = self.lag.max(sample.send_lag().unwrap_or_default());
        self.latency
            .saturating_record(u64::try_from(sample.latency().as_micros()).unwrap_or(u64::MAX).max(1));
    }

    pub(crate) fn worker(&self) -> usize {
        self.worker
    }

    fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.tallies.iter().for_each(|tally| merge(&mut total, tally));
        total
    }

    pub(crate) fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) >= FLUSH_EVERY
    }
}

impl Live {
    pub(crate) fn flush(&self, mut slice: Slice) {
        self.due.fetch_add(slice.due, Ordering::Relaxed);
        self.sent.fetch_add(slice.sent, Ordering::Relaxed);
        let total = slice.total();
        let good = total[Kind::Good as usize];
        self.good.fetch_add(good, Ordering::Relaxed);
        self.failed.fetch_add(total.iter().sum::<u64>() - good, Ordering::Relaxed);
        self.add_up(&mut slice);
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

    fn add_up(&self, slice: &mut Slice) {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        if sums.by_request.len() < slice.tallies.len() {
            sums.by_request.resize(slice.tallies.len(), Tally::default());
        }
        sums.by_request.iter_mut().zip(&slice.tallies).for_each(|(sum, tally)| merge(sum, tally));
        // Histograms that resize themselves accept each other's values.
        let _ = sums.latency.add(&slice.latency);
        drop(sums);
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        if ways.len() <= slice.worker {
            ways.resize(slice.worker + 1, Vec::new());
        }
        ways[slice.worker] = std::mem::take(&mut slice.ways);
    }

    /// Everything since the start of the load. Copies a histogram: for a few times a second.
    #[must_use]
    pub fn detail(&self) -> Detail {
        let mut detail = self.sums.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut backends: BTreeMap<String, u64> = BTreeMap::new();
        for (way, count) in self.ways.lock().unwrap_or_else(PoisonError::into_inner).iter().flatten() {
            *backends.entry(String::from_utf8_lossy(way).into_owned()).or_default() += count;
        }
        detail.backends = backends.into_iter().collect();
        detail
    }

    /// What there is to say now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latency = new_histogram();
        let (mut due, mut late, mut total, mut lag) = (0u64, 0u64, Tally::default(), Duration::ZERO);
        // By worker: the CPU time that it needed, and in how long.
        let mut needed: BTreeMap<usize, (Duration, Duration)> = BTreeMap::new();
        // What fell due since the last flush is in no slice yet, so that time does not count either.
        let (mut since, mut until) = (now, now - RECENT);
        for slice in
            recent.iter().filter(|slice| now.saturating_duration_since(slice.at) <= RECENT + FLUSH_EVERY)
        {
            since = since.min(slice.at);
            until = until.max(slice.until);
            due += slice.due;
            late += slice.late;
            let (cpu, wall) = needed.entry(slice.worker).or_default();
            *cpu += slice.needed;
            *wall += slice.until.saturating_duration_since(slice.at);
            merge(&mut total, &slice.total());
            lag = lag.max(slice.lag);
            // Histograms that resize themselves accept each other's values.
            let _ = latency.add(&slice.latency);
        }
        let seconds = until.saturating_duration_since(since).as_secs_f64().max(FLUSH_EVERY.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "for display")]
        let per_second = |count: u64| count as f64 / seconds;
        #[expect(clippy::cast_precision_loss, reason = "for display")]
        let percentile = |p: f64| latency.value_at_percentile(p) as f64;
        let busiest = needed.values().map(|(cpu, wall)| cpu.as_secs_f64() / wall.as_secs_f64().max(1e-9));
        #[expect(clippy::cast_precision_loss, reason = "arrivals of a second, far below 2^52")]
        let late = late as f64 / due.max(1) as f64;
        Snapshot {
            due: self.due.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            good: self.good.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            offered_hz: per_second(due),
            throughput_hz: per_second(total[Kind::Good as usize] + total[Kind::Answered as usize]),
            goodput_hz: per_second(total[Kind::Good as usize]),
            p50_us: percentile(50.0),
            p99_us: percentile(99.0),
            max_us: percentile(100.0),
            send_lag_us: lag.as_secs_f64() * 1e6,
            generator_limited: model::is_limit(
                late,
                busiest.fold(0.0, f64::max),
                total[Kind::NoPort as usize],
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Parts;

    fn sample(request: usize, outcome: Outcome, latency_ms: u64) -> Sample {
        let done = Duration::from_millis(latency_ms);
        Sample { request, due: Duration::ZERO, sent: None, done, outcome, parts: Parts::default() }
    }

    #[test]
    fn what_workers_tell_is_added_up_by_request_kind_and_backend() {
        let live = Live::default();
        for worker in 0..2 {
            let mut slice = Slice::new(worker, Instant::now());
            slice.due = 3;
            slice.add(&sample(0, Outcome::Answered { status: 200 }, 10));
            slice.add(&sample(1, Outcome::Answered { status: 503 }, 20));
            slice.add(&sample(1, Outcome::Reset, 30));
            slice.ways = vec![(b"s1".as_slice().into(), 2 + worker as u64)];
            live.flush(slice);
        }
        let (snapshot, detail) = (live.snapshot(), live.detail());
        assert_eq!((snapshot.due, snapshot.good, snapshot.failed), (6, 2, 4));
        let at = |request: usize, kind: Kind| detail.by_request[request][kind as usize];
        assert_eq!((at(0, Kind::Good), at(1, Kind::Answered), at(1, Kind::Reset)), (2, 2, 2));
        assert_eq!((detail.total().iter().sum::<u64>(), detail.latency.len()), (6, 6));
        assert_eq!(detail.backends, [("s1".to_owned(), 5)]);
        assert!(snapshot.throughput_hz > snapshot.goodput_hz && snapshot.goodput_hz > 0.0);
    }

    #[test]
    fn a_generator_that_is_late_or_busy_or_has_no_ports_is_the_limit_now() {
        let limited = |change: fn(&mut Slice)| {
            let live = Live::default();
            let mut slice = Slice::new(0, Instant::now() - Duration::from_millis(200));
            slice.due = 100;
            change(&mut slice);
            live.flush(slice);
            live.snapshot().generator_limited
        };
        assert!(!limited(|slice| (slice.late, slice.needed) = (1, Duration::from_millis(100))));
        assert!(limited(|slice| slice.late = 2));
        assert!(limited(|slice| slice.needed = Duration::from_secs(10)));
        assert!(limited(|slice| slice.add(&sample(0, Outcome::NoPort, 1))));
    }

    #[test]
    fn kinds_stand_in_their_order() {
        assert!(Kind::ALL.iter().enumerate().all(|(index, kind)| *kind as usize == index));
    }
}
