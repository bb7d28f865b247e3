//! Sums over a part of the measured load.

use std::collections::BTreeMap;

use model::{Counts, Done, Histogram, PartHistograms};
use record::Run;
use record::derived::{BreakdownFile, CountsFile, PercentilesFile, RequestSummaryFile, StageSummaryFile};

use super::stretch::Stretch;
use crate::findings::grid::Grid;
use crate::findings::windows::{Window, merged};

/// What became of the arrivals of one request, or of all, and how long they took.
#[derive(Debug, Clone)]
pub(crate) struct Sum {
    pub(crate) counts: Counts,
    /// Latency of every due arrival.
    pub(crate) latency: Histogram,
    /// Where the time went of what was sent.
    pub(crate) parts: PartHistograms,
}

impl Sum {
    /// Where the time went, without the name's lookup, which is no request's own.
    pub(crate) fn breakdown(&self) -> BreakdownFile {
        let PartHistograms { connect, handshake, first_byte, transfer } = &self.parts;
        BreakdownFile {
            dns: None,
            connect: PercentilesFile::new(connect),
            handshake: PercentilesFile::new(handshake),
            first_byte: PercentilesFile::new(first_byte),
            transfer: PercentilesFile::new(transfer),
        }
    }
}

/// The sums over one part of the measured load.
pub(crate) struct Sums {
    pub(crate) length_s: f64,
    pub(crate) all: Sum,
    /// What was done in this part, whenever it fell due.
    pub(crate) done: Done,
    /// In the plan's order.
    pub(crate) of_request: Vec<Sum>,
    pub(crate) latency_good: Histogram,
    pub(crate) service: Histogram,
    pub(crate) send_lag: Histogram,
    pub(crate) own_lag: Histogram,
    pub(crate) loop_gaps: Histogram,
    /// Share of this part's time in which the busiest worker needed the CPU; none in older records, and where the part is
    /// too short to have a window.
    pub(crate) busiest_worker: Option<f64>,
}

impl Sums {
    /// Over the windows and bins whose middle `holds`.
    pub(crate) fn over(run: &Run, grid: &Grid, all: &[Window<'_>], holds: &dyn Fn(f64) -> bool) -> Self {
        let within: Vec<&Window<'_>> =
            all.iter().filter(|window| holds(f64::midpoint(window.from_s, window.to_s))).collect();
        let columns: Vec<usize> =
            grid.measured().filter(|column| holds(grid.start_of(*column) + grid.bin_s / 2.0)).collect();
        let of_request: Vec<Sum> = (0..run.plan.requests.len())
            .map(|index| {
                let mut counts = Counts::default();
                columns.iter().for_each(|column| counts.merge(&grid.rows[index][*column].counts));
                let of = || within.iter().map(|window| &window.of.requests[index]);
                let latency = merged(of().flat_map(|request| [&request.good, &request.failed]));
                Sum { counts, latency, parts: sum_of_parts(of().map(|request| &request.parts)) }
            })
            .collect();
        let mut done = Done::default();
        columns.iter().for_each(|column| done.merge(&grid.all[*column].done));
        let mut counts = Counts::default();
        of_request.iter().for_each(|sum| counts.merge(&sum.counts));
        let requests = || within.iter().flat_map(|window| &window.of.requests);
        Self {
            length_s: crate::findings::tidy(columns.len() as f64 * grid.bin_s),
            all: Sum {
                counts,
                latency: merged(of_request.iter().map(|sum| &sum.latency)),
                parts: sum_of_parts(of_request.iter().map(|sum| &sum.parts)),
            },
            done,
            of_request,
            latency_good: merged(requests().map(|request| &request.good)),
            service: merged(requests().map(|request| &request.service)),
            send_lag: merged(within.iter().map(|window| &window.of.send_lag)),
            own_lag: merged(within.iter().map(|window| &window.of.own_lag)),
            loop_gaps: merged(within.iter().map(|window| &window.of.loop_gaps)),
            busiest_worker: mean(within.iter().filter_map(|window| busiest_worker(window))),
        }
    }

    /// `count` per second.
    pub(crate) fn per_second(&self, count: u64) -> f64 {
        if self.length_s > 0.0 { count as f64 / self.length_s } else { 0.0 }
    }

    /// The requests by name; without latency where it would be summed over different rates.
    pub(crate) fn by_request(&self, run: &Run, with_latency: bool) -> BTreeMap<String, RequestSummaryFile> {
        let file = |sum: &Sum| RequestSummaryFile {
            requests: CountsFile::new(&sum.counts),
            latency_us: PercentilesFile::new(&sum.latency).filter(|_| with_latency),
            breakdown_us: if with_latency { sum.breakdown() } else { BreakdownFile::default() },
        };
        let named = run.plan.requests.iter().zip(&self.of_request);
        named.map(|(request, sum)| (request.name.clone(), file(sum))).collect()
    }

    /// As one of the stretches of a load.
    pub(crate) fn stage(&self, run: &Run, stretch: &Stretch) -> StageSummaryFile {
        let counts = &self.all.counts;
        StageSummaryFile {
            name: stretch.name.clone(),
            from_s: stretch.times.first().map_or(0.0, |time| crate::findings::tidy(time.start)),
            to_s: stretch.times.last().map_or(0.0, |time| crate::findings::tidy(time.end)),
            duration_s: self.length_s,
            offered_rate_hz: self.per_second(counts.due()),
            throughput_hz: self.per_second(self.done.answered),
            goodput_hz: self.per_second(self.done.good),
            requests: CountsFile::new(counts),
            latency_us: PercentilesFile::new(&self.all.latency),
            latency_good_us: PercentilesFile::new(&self.latency_good),
            service_time_us: PercentilesFile::new(&self.service),
            generator_limited: !self.limits(run).is_empty(),
            by_request: self.by_request(run, true),
        }
    }
}

/// Share of a window's time in which the busiest worker needed the CPU.
pub(crate) fn busiest_worker(window: &Window<'_>) -> Option<f64> {
    let needed = &window.of.worker_cpu;
    (!needed.is_empty()).then(|| needed.max() as f64 / 1e6)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

fn sum_of_parts<'a>(parts: impl Iterator<Item = &'a PartHistograms>) -> PartHistograms {
    let mut all = PartHistograms::default();
    for parts in parts {
        for (name, histogram) in parts.named() {
            // As in `merged`: the sum resizes itself.
            let _ = all.by_name(name).map(|sum| sum.add(histogram));
        }
    }
    all
}
