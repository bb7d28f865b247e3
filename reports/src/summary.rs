//! The measured load in numbers, and what is said about the objectives.

mod judge;
mod stretch;
mod sums;

use model::new_histogram;
use record::derived::{
    BreakdownFile, BytesFile, ConnectionsFile, CountsFile, GeneratorFile, PercentilesFile, SCHEMA_VERSION,
    SummaryFile,
};
use record::{Run, WhatRecord};

use self::stretch::{Stretch, stretches};
use self::sums::{Sum, Sums};
use crate::balance::imbalance;
use crate::findings::grid::Grid;
use crate::findings::windows::windows;
use crate::monitor::Monitored;

pub(crate) use self::judge::{NO_SUCCESS, limits};
pub(crate) use self::sums::busiest_worker;

/// What stands before all figures of a run in which the generator was the limit.
const GENERATOR_LIMITED: &str = "generator-limited: the figures are the generator's and not the target's";

/// The measured load in numbers; the same as stands in `summary.json`.
pub type Summary = SummaryFile;

/// Sums up the measured load of `run`.
#[must_use]
pub fn summary(run: &Run) -> Summary {
    let measured = Measured::new(run);
    let (verdict, reasons) = measured.judge(run);
    let whole = &measured.whole;
    let counts = &whole.all.counts;
    // Percentiles over different rates would describe none of them.
    let even = measured.stretches.is_empty();
    let percentiles = |histogram| PercentilesFile::new(histogram).filter(|_| even);
    let limited = !measured.limits(run).is_empty();
    let mut warnings = run.machine.warnings.clone();
    if limited {
        warnings.insert(0, GENERATOR_LIMITED.to_owned());
    }
    warnings.extend(run.gaps.iter().cloned());
    warnings.extend(run.events.iter().filter_map(|event| match &event.what {
        WhatRecord::Warning { text } => Some(text.clone()),
        _ => None,
    }));
    SummaryFile {
        schema_version: SCHEMA_VERSION,
        kind: if run.injections.is_empty() { "load" } else { "rehearsal" }.to_owned(),
        run_id: run.plan.run_id.clone(),
        seed: run.plan.seed.parse().unwrap_or(0),
        verdict: verdict.as_str().to_owned(),
        reasons,
        warnings,
        loop_kind: if run.plan.is_open() { "open" } else { "closed" }.to_owned(),
        duration_s: whole.length_s,
        offered_rate_hz: whole.per_second(counts.due()),
        throughput_hz: whole.per_second(whole.done.answered),
        goodput_hz: whole.per_second(whole.done.good),
        requests: CountsFile::new(counts),
        status: counts.status.iter().map(|(status, count)| (status.to_string(), *count)).collect(),
        latency_us: percentiles(&whole.all.latency),
        latency_good_us: percentiles(&whole.latency_good),
        service_time_us: percentiles(&whole.service),
        send_lag_us: PercentilesFile::new(&whole.send_lag),
        breakdown_us: breakdown(run, &whole.all, even),
        bytes: run.totals.as_ref().map(|t| BytesFile { received: t.bytes_received, sent: t.bytes_sent }),
        connections: run.totals.as_ref().map(|totals| ConnectionsFile {
            opened: totals.connections_opened,
            reused_requests_min: totals.reused_requests_min,
            reused_requests_max: totals.reused_requests_max,
        }),
        generator: generator(run, &measured, limited),
        by_request: whole.by_request(run, even),
        by_stage: measured.stretches.iter().map(|(stretch, sums)| sums.stage(run, stretch)).collect(),
        imbalance: run.totals.as_ref().and_then(|totals| imbalance(&totals.served_by)),
        served_by: run.totals.as_ref().map(|totals| totals.served_by.clone()).unwrap_or_default(),
        monitor: Monitored::new(run).and_then(|seen| seen.file(&Grid::new(run))),
        sessions: run.totals.as_ref().map(|totals| totals.sessions.clone()).unwrap_or_default(),
    }
}

fn generator(run: &Run, measured: &Measured, limited: bool) -> GeneratorFile {
    let own = GeneratorFile {
        own_lag_us: PercentilesFile::new(&measured.whole.own_lag),
        loop_gaps_us: PercentilesFile::new(&measured.whole.loop_gaps),
        limited,
        ..GeneratorFile::default()
    };
    let Some(totals) = &run.totals else { return own };
    let sent: u64 = run.bins.iter().map(|bin| bin.counts.sent()).sum();
    let round = |value: f64| (value * 1e4).round() / 1e4;
    let thread_time_s = totals.wall_s * totals.threads as f64;
    GeneratorFile {
        threads: Some(totals.threads),
        cpu_fraction: (thread_time_s > 0.0).then(|| round(totals.cpu_s / thread_time_s)),
        cpu_us_per_request: (sent > 0).then(|| round(totals.cpu_s * 1e6 / sent as f64)),
        busiest_worker: Some(round(measured.whole.busiest_worker.unwrap_or(totals.busiest_worker))),
        moderated_waits: totals.moderated_waits,
        rss_bytes_max: Some(totals.rss_bytes_max),
        headroom: totals.headroom.clone(),
        ..own
    }
}

fn breakdown(run: &Run, all: &Sum, even: bool) -> BreakdownFile {
    let mut dns = new_histogram();
    for event in &run.events {
        if let WhatRecord::Resolved { took_s, .. } = event.what {
            dns.saturating_record(crate::findings::grid::whole(took_s * 1e6).max(1) as u64);
        }
    }
    let of_requests = if even { all.breakdown() } else { BreakdownFile::default() };
    BreakdownFile { dns: PercentilesFile::new(&dns), ..of_requests }
}

/// The measured load, added up.
pub(crate) struct Measured {
    pub(crate) whole: Sums,
    /// Where the rate differed, each stretch by itself; empty where it was the same all the time.
    pub(crate) stretches: Vec<(Stretch, Sums)>,
}

impl Sums {
    /// One request, or all.
    fn of(&self, request: Option<usize>) -> &Sum {
        request.map_or(&self.all, |index| &self.of_request[index])
    }
}

impl Measured {
    pub(crate) fn new(run: &Run) -> Self {
        let grid = Grid::new(run);
        let all = windows(run);
        let measured = |at_s: f64| (0.0..grid.measured_s).contains(&at_s);
        let mut whole = Sums::over(run, &grid, &all, &measured);
        whole.length_s = crate::findings::tidy(grid.measured_s);
        let stretches = stretches(run).into_iter().filter(|stretch| stretch.times[0].start < grid.measured_s);
        let stretches = stretches
            .map(|stretch| {
                let sums = Sums::over(run, &grid, &all, &|at_s| measured(at_s) && stretch.holds(at_s));
                (stretch, sums)
            })
            .collect();
        Self { whole, stretches }
    }
}
