//! A fixed window of the load, with what is kept of the samples that fell due in it.

use std::time::{Duration, Instant};

use crate::outcome::{Counts, Outcome, Parts, Sample};

/// An HDR histogram of microseconds.
pub type Histogram = hdrhistogram::Histogram<u32>;

/// A worker that does not look for this long has a gap.
pub const LOOP_GAP: Duration = Duration::from_millis(1);

/// Longest time a histogram holds, 1 hour; longer ones are recorded as this.
const HIGHEST_US: u64 = 3_600_000_000;

/// An empty histogram of 1 us to 1 hour with 3 significant digits: every value is kept within 0.1 %.
#[must_use]
pub fn new_histogram() -> Histogram {
    let mut histogram = match Histogram::new_with_bounds(1, HIGHEST_US, 3) {
        Ok(histogram) => histogram,
        Err(_) => unreachable!("the bounds are constants that HdrHistogram accepts"),
    };
    // Starts small and grows only as far as the values seen need.
    histogram.auto(true);
    histogram
}

/// Answers by when they were done and not by when they fell due: what a target got done in a time. Above its capacity the two
/// differ, as what waited is answered when no more falls due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Answers, whatever their status.
    pub answered: u64,
    /// Good ones among them.
    pub good: u64,
}

impl Done {
    /// Adds another worker's, or another request's.
    pub fn merge(&mut self, other: &Self) {
        self.answered += other.answered;
        self.good += other.good;
    }
}

/// Counts of the arrivals of one request that fell due in one bin, 100 ms as a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bin {
    /// What became of them.
    pub counts: Counts,
    /// Due time of the first good one, from the start of the load.
    pub first_good: Option<Duration>,
    /// Due time of the last good one, from the start of the load.
    pub last_good: Option<Duration>,
    /// What was done in it, whenever it fell due.
    pub done: Done,
}

/// What one request did in one [`Interval`].
#[derive(Debug, Clone)]
pub struct RequestInterval {
    /// Equal parts of the interval, in order.
    pub bins: Vec<Bin>,
    /// Latency (`done - due`) of the good arrivals, in microseconds.
    pub good: Histogram,
    /// Latency of the others: how long a user waited to be failed.
    pub failed: Histogram,
    /// Service time (`done - sent`) of all that were sent.
    pub service: Histogram,
    /// Where the service time went: see [`crate::Parts`].
    pub parts: PartHistograms,
}

/// Distributions of the parts of the service time, in microseconds, each over the requests that had that part.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields are those of Parts and documented there")]
pub struct PartHistograms {
    pub connect: Histogram,
    pub handshake: Histogram,
    pub first_byte: Histogram,
    pub transfer: Histogram,
}

impl Default for PartHistograms {
    fn default() -> Self {
        Self {
            connect: new_histogram(),
            handshake: new_histogram(),
            first_byte: new_histogram(),
            transfer: new_histogram(),
        }
    }
}

impl PartHistograms {
    /// The parts with the names that records use.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &Histogram); 4] {
        [
            ("connect", &self.connect),
            ("handshake", &self.handshake),
            ("first_byte", &self.first_byte),
            ("transfer", &self.transfer),
        ]
    }

    /// The part that records call `name`.
    pub fn by_name(&mut self, name: &str) -> Option<&mut Histogram> {
        match name {
            "connect" => Some(&mut self.connect),
            "handshake" => Some(&mut self.handshake),
            "first_byte" => Some(&mut self.first_byte),
            "transfer" => Some(&mut self.transfer),
            _ => None,
        }
    }

    fn add(&mut self, parts: &Parts) {
        for (histogram, part) in [
            (&mut self.connect, parts.connect),
            (&mut self.handshake, parts.handshake),
            (&mut self.first_byte, parts.first_byte),
            (&mut self.transfer, parts.transfer),
        ] {
            if let Some(part) = part {
                histogram.saturating_record(micros(part));
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.connect, &other.connect),
            (&mut self.handshake, &other.handshake),
            (&mut self.first_byte, &other.first_byte),
            (&mut self.transfer, &other.transfer),
        ] {
            add_histogram(mine, theirs);
        }
    }
}

/// A window of the load. A sample belongs to the interval and the bin in which it fell due, whenever it was done.
#[derive(Debug, Clone)]
pub struct Interval {
    /// When the window began.
    pub start: Instant,
    /// Offset of `start` from the start of the load.
    pub offset: Duration,
    /// How long it is; 1 s as a rule.
    pub length: Duration,
    /// In the order of [`crate::Scenario::requests`].
    pub requests: Vec<RequestInterval>,
    /// `sent - due` of all that were sent: waiting for a worker and for a free connection.
    pub send_lag: Histogram,
    /// From an arrival's due time to when its worker saw it: how late the generator was by itself.
    pub own_lag: Histogram,
    /// Stretches of at least [`LOOP_GAP`] in which a worker did not look at its sockets and its clock although there
    /// was something to do: the generator's own stalls. A stretch counts in the window in which it ended.
    pub loop_gaps: Histogram,
    /// CPU time that each worker needed (see [`crate::LoadTotals::busiest_worker`]), in microseconds for a second of the
    /// window: one value for each worker, 1,000,000 for one that needed the CPU all the time.
    pub worker_cpu: Histogram,
}

impl Interval {
    /// An empty window of `bins` equal bins for `requests` requests.
    #[must_use]
    pub fn new(start: Instant, offset: Duration, length: Duration, requests: usize, bins: usize) -> Self {
        let request = || RequestInterval {
            bins: vec![Bin::default(); bins],
            good: new_histogram(),
            failed: new_histogram(),
            service: new_histogram(),
            parts: PartHistograms::default(),
        };
        Self {
            start,
            offset,
            length,
            requests: (0..requests).map(|_| request()).collect(),
            send_lag: new_histogram(),
            own_lag: new_histogram(),
            loop_gaps: new_histogram(),
            worker_cpu: new_histogram(),
        }
    }

    /// Keeps what is kept of `sample`, which must have fallen due in this window.
    pub fn add(&mut self, sample: &Sample) {
        let position = self.bin_at(sample.request, sample.due);
        let request = &mut self.requests[sample.request];
        let bin = &mut request.bins[position];
        bin.counts.add(sample.outcome);
        if sample.outcome.is_good() {
            bin.first_good = Some(bin.first_good.map_or(sample.due, |first| first.min(sample.due)));
            bin.last_good = Some(bin.last_good.map_or(sample.due, |last| last.max(sample.due)));
            request.good.saturating_record(micros(sample.latency()));
        } else {
            request.failed.saturating_record(micros(sample.latency()));
        }
        if let Some(service) = sample.service_time() {
            request.service.saturating_record(micros(service));
            request.parts.add(&sample.parts);
        }
        if let Some(lag) = sample.send_lag() {
            self.send_lag.saturating_record(micros(lag));
        }
    }

    /// Counts the answer that `sample` may be, which must have been done in this window.
    pub fn add_done(&mut self, sample: &Sample) {
        if matches!(sample.outcome, Outcome::Answered { .. }) {
            let position = self.bin_at(sample.request, sample.done);
            let done = Done { answered: 1, good: u64::from(sample.outcome.is_good()) };
            self.requests[sample.request].bins[position].done.merge(&done);
        }
    }

    /// The bin of a request that holds `when`, a time since the start of the load. In 64 bits, since this is done for each
    /// request and a division of 128 takes as long as a histogram's record.
    fn bin_at(&self, request: usize, when: Duration) -> usize {
        let bins = self.requests[request].bins.len();
        let into = nanos(when.saturating_sub(self.offset)).min(nanos(self.length));
        let position = into.saturating_mul(bins as u64) / nanos(self.length).max(1);
        usize::try_from(position).unwrap_or(bins).min(bins - 1)
    }

    /// Adds what another worker saw of the same window.
    pub fn merge(&mut self, other: &Interval) {
        for (mine, theirs) in self.requests.iter_mut().zip(&other.requests) {
            for (bin, their) in mine.bins.iter_mut().zip(&theirs.bins) {
                bin.counts.merge(&their.counts);
                bin.first_good = earliest(bin.first_good, their.first_good);
                bin.last_good = bin.last_good.max(their.last_good);
                bin.done.merge(&their.done);
            }
            for (histogram, their) in [
                (&mut mine.good, &theirs.good),
                (&mut mine.failed, &theirs.failed),
                (&mut mine.service, &theirs.service),
            ] {
                add_histogram(histogram, their);
            }
            mine.parts.merge(&theirs.parts);
        }
        add_histogram(&mut self.send_lag, &other.send_lag);
        add_histogram(&mut self.own_lag, &other.own_lag);
        add_histogram(&mut self.loop_gaps, &other.loop_gaps);
        add_histogram(&mut self.worker_cpu, &other.worker_cpu);
    }

    /// Counts over all requests and bins.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for request in &self.requests {
            request.bins.iter().for_each(|bin| counts.merge(&bin.counts));
        }
        counts
    }
}

fn earliest(left: Option<Duration>, right: Option<Duration>) -> Option<Duration> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (one, other) => one.or(other),
    }
}

fn add_histogram(into: &mut Histogram, from: &Histogram) {
    // Both grow without bound (`auto`), so addition cannot fail for range.
    if into.add(from).is_err() {
        unreachable!("histograms that resize themselves accept each other's values");
    }
}

/// Nanoseconds, of a window: far less than the 584 years that fit.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Whole microseconds; HdrHistogram's lowest value is 1, so a time below that counts as 1.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(HIGHEST_US).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(due_ms: u64, latency_ms: u64, good: bool) -> Sample {
        let due = Duration::from_millis(due_ms);
        Sample {
            request: 0,
            due,
            sent: Some(due),
            done: due + Duration::from_millis(latency_ms),
            outcome: Outcome::Answered { status: if good { 200 } else { 503 } },
            parts: Parts::default(),
        }
    }

    fn window(start: Instant) -> Interval {
        Interval::new(start, Duration::ZERO, Duration::from_secs(1), 1, 10)
    }

    #[test]
    fn a_sample_belongs_to_the_bin_in_which_it_fell_due() {
        let mut interval = window(Instant::now());
        interval.add(&sample(250, 5_000, true));
        let bins = &interval.requests[0].bins;
        assert_eq!(bins[2].counts.good, 1);
        assert_eq!(bins[2].first_good, Some(Duration::from_millis(250)));
        assert_eq!(interval.counts().due(), 1);
        let latency = interval.requests[0].good.max();
        assert!((5_000_000..5_010_000).contains(&latency), "{latency} us");
    }

    #[test]
    fn an_answer_is_done_in_the_bin_in_which_it_came_and_a_failure_in_none() {
        let mut interval = window(Instant::now());
        interval.add_done(&sample(250, 400, true));
        interval.add_done(&sample(0, 650, false));
        interval.add_done(&Sample { outcome: Outcome::Reset, ..sample(0, 650, false) });
        let bins = &interval.requests[0].bins;
        assert_eq!(bins[6].done, Done { answered: 2, good: 1 });
        assert!(bins.iter().enumerate().all(|(at, bin)| at == 6 || bin.done == Done::default()));
        assert_eq!(interval.counts().due(), 0, "it fell due elsewhere");
    }

    proptest! {
        #[test]
        fn merging_two_workers_is_one_worker_with_all_samples(
            samples in prop::collection::vec((0u64..1000, 1u64..10_000, any::<bool>(), any::<bool>()), 0..100)
        ) {
            let start = Instant::now();
            let (mut left, mut right, mut all) = (window(start), window(start), window(start));
            for (due, latency, good, to_left) in samples {
                let sample = sample(due, latency, good);
                for interval in [if to_left { &mut left } else { &mut right }, &mut all] {
                    interval.add(&sample);
                    interval.add_done(&sample);
                }
            }
            left.merge(&right);
            prop_assert_eq!(&left.requests[0].bins, &all.requests[0].bins);
            prop_assert_eq!(&left.requests[0].good, &all.requests[0].good);
            prop_assert_eq!(&left.requests[0].failed, &all.requests[0].failed);
            prop_assert_eq!(&left.send_lag, &all.send_lag);
        }
    }
}
