//! The measured load in numbers, and what is said about the objectives.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{
    Counts, Histogram, Limit, Metric, Objective, PartHistograms, Verdict, allowed_lag, new_histogram,
};
use record::derived::{
    BreakdownFile, BytesFile, ConnectionsFile, CountsFile, GeneratorFile, PercentilesFile,
    RequestSummaryFile, SCHEMA_VERSION, SummaryFile,
};
use record::{Run, WhatRecord};

use crate::findings::grid::Grid;
use crate::findings::windows::{Window, merged, windows};
use crate::words;

/// The measured load in numbers; the same as stands in `summary.json`.
pub type Summary = SummaryFile;

/// How the reason begins when there was no objective.
pub(crate) const NOTHING_ASKED: &str = "No objective was asked for";

/// Sums up the measured load of `run`.
#[must_use]
pub fn summary(run: &Run) -> Summary {
    let measured = Measured::new(run);
    let (verdict, reasons) = measured.judge(run);
    let per_second =
        |count: u64| if measured.length_s > 0.0 { count as f64 / measured.length_s } else { 0.0 };
    let counts = &measured.counts;
    let mut warnings = run.machine.warnings.clone();
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
        duration_s: measured.length_s,
        offered_rate_hz: per_second(counts.due()),
        throughput_hz: per_second(counts.answered()),
        goodput_hz: per_second(counts.good),
        requests: CountsFile::new(counts),
        status: counts.status.iter().map(|(status, count)| (status.to_string(), *count)).collect(),
        latency_us: PercentilesFile::new(&measured.latency),
        latency_good_us: PercentilesFile::new(&measured.latency_good),
        service_time_us: PercentilesFile::new(&measured.service),
        send_lag_us: PercentilesFile::new(&measured.send_lag),
        breakdown_us: breakdown(run, &measured.parts),
        bytes: run.totals.as_ref().map(|t| BytesFile { received: t.bytes_received, sent: t.bytes_sent }),
        connections: run.totals.as_ref().map(|totals| ConnectionsFile {
            opened: totals.connections_opened,
            reused_requests_min: totals.reused_requests_min,
            reused_requests_max: totals.reused_requests_max,
        }),
        generator: generator(run, &measured),
        by_request: measured.by_request,
        served_by: run.totals.as_ref().map(|totals| totals.served_by.clone()).unwrap_or_default(),
    }
}

fn generator(run: &Run, measured: &Measured) -> GeneratorFile {
    let own = GeneratorFile {
        own_lag_us: PercentilesFile::new(&measured.own_lag),
        loop_gaps_us: PercentilesFile::new(&measured.loop_gaps),
        limited: !measured.limits(run).is_empty(),
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
        busiest_worker: Some(round(totals.busiest_worker)),
        rss_bytes_max: Some(totals.rss_bytes_max),
        headroom: totals.headroom.clone(),
        ..own
    }
}

/// The measured load, added up.
struct Measured {
    length_s: f64,
    counts: Counts,
    latency: Histogram,
    latency_good: Histogram,
    service: Histogram,
    send_lag: Histogram,
    own_lag: Histogram,
    parts: PartHistograms,
    loop_gaps: Histogram,
    by_request: BTreeMap<String, RequestSummaryFile>,
}

/// The parts of the service time over all requests of these windows.
fn parts(windows: &[&Window<'_>]) -> PartHistograms {
    let mut all = PartHistograms::default();
    for request in windows.iter().flat_map(|window| &window.of.requests) {
        for (name, histogram) in request.parts.named() {
            // As in `merged`: the sum resizes itself.
            let _ = all.by_name(name).map(|sum| sum.add(histogram));
        }
    }
    all
}

fn breakdown(run: &Run, parts: &PartHistograms) -> BreakdownFile {
    let mut dns = new_histogram();
    for event in &run.events {
        if let WhatRecord::Resolved { took_s, .. } = event.what {
            dns.saturating_record(crate::findings::grid::whole(took_s * 1e6).max(1) as u64);
        }
    }
    BreakdownFile {
        dns: PercentilesFile::new(&dns),
        connect: PercentilesFile::new(&parts.connect),
        handshake: PercentilesFile::new(&parts.handshake),
        first_byte: PercentilesFile::new(&parts.first_byte),
        transfer: PercentilesFile::new(&parts.transfer),
    }
}

/// What the generator may be late when only outages and goodput are judged: one bin. A request that is sent late may meet
/// a fault that began after it fell due, which moves an edge by no more than a bin as long as the lateness is less.
const LAG_WITHOUT_LATENCY: Duration = Duration::from_millis(100);

impl Measured {
    fn new(run: &Run) -> Self {
        let grid = Grid::new(run);
        let all = windows(run);
        let within: Vec<&Window<'_>> = all.iter().filter(|w| w.is_within(0.0, grid.measured_s)).collect();
        let mut counts = Counts::default();
        let mut by_request = BTreeMap::new();
        for (index, request) in run.plan.requests.iter().enumerate() {
            let mut own = Counts::default();
            grid.rows[index][grid.measured()].iter().for_each(|cell| own.merge(&cell.counts));
            counts.merge(&own);
            let of = within.iter().map(|window| &window.of.requests[index]);
            let latency = merged(of.flat_map(|request| [&request.good, &request.failed]));
            let file = RequestSummaryFile {
                requests: CountsFile::new(&own),
                latency_us: PercentilesFile::new(&latency),
            };
            by_request.insert(request.name.clone(), file);
        }
        let sum = |of: &dyn Fn(&Window<'_>) -> Histogram| {
            let mut sum = new_histogram();
            // As in `merged`: the sum resizes itself.
            within.iter().for_each(|window| {
                let _ = sum.add(of(window));
            });
            sum
        };
        Self {
            length_s: crate::findings::tidy(grid.measured_s),
            counts,
            latency: sum(&|window| window.every()),
            latency_good: sum(&|window| window.good()),
            service: sum(&|window| merged(window.of.requests.iter().map(|request| &request.service))),
            send_lag: sum(&|window| window.of.send_lag.clone()),
            own_lag: sum(&|window| window.of.own_lag.clone()),
            parts: parts(&within),
            loop_gaps: sum(&|window| window.of.loop_gaps.clone()),
            by_request,
        }
    }

    /// By what the generator was the limit. A generator that is late measures itself: beside a latency objective, or
    /// where latency is the result, its lateness must be small.
    fn limits(&self, run: &Run) -> Vec<Limit> {
        let objectives: Vec<Objective> = objectives(run).collect();
        let latency = objectives.iter().any(|objective| matches!(objective.metric, Metric::Latency(_)));
        let allowed =
            if latency || run.injections.is_empty() { allowed_lag(&objectives) } else { LAG_WITHOUT_LATENCY };
        let busiest = run.totals.as_ref().map_or(0.0, |totals| totals.busiest_worker);
        model::limits(&self.own_lag, allowed, busiest, self.counts.no_port)
    }

    fn judge(&self, run: &Run) -> (Verdict, Vec<String>) {
        let mut verdict = Verdict::Pass;
        let mut reasons = Vec::new();
        let mut say = |worse: Verdict, reason: String| {
            verdict = verdict.max(worse);
            reasons.push(reason);
        };
        let interrupted = run.totals.as_ref().is_none_or(|totals| totals.interrupted);
        if interrupted {
            let reason = "the run did not end in good order: no objective is judged".to_owned();
            return (Verdict::Unknown, vec![reason]);
        }
        let limits: Vec<String> = self.limits(run).iter().map(Limit::to_string).collect();
        if !limits.is_empty() {
            return (Verdict::Unknown, limits);
        }
        if self.counts.due() == 0 {
            return (Verdict::Unknown, vec!["no request fell due: there is nothing to judge".to_owned()]);
        }
        if self.counts.good == 0 {
            say(Verdict::Fail, "no request succeeded".to_owned());
        }
        for objective in objectives(run) {
            let (worse, reason) = self.hold(&objective);
            say(worse, reason);
        }
        for injection in crate::findings::findings(run).injections.iter().filter(|i| i.verdict == "void") {
            say(Verdict::Unknown, format!("{} {}", injection.name, injection.sentence));
        }
        if reasons.is_empty() {
            reasons.push(format!("{NOTHING_ASKED}: set one with --slo, such as --slo 'p99<50ms'"));
        }
        (verdict, reasons)
    }

    /// One objective held against what was measured.
    fn hold(&self, objective: &Objective) -> (Verdict, String) {
        let due = self.counts.due();
        let share = |part: u64| part as f64 / due.max(1) as f64;
        let (found, text) = match objective.metric {
            Metric::Latency(percentile) => {
                let least = fewest_samples(percentile);
                if due < least {
                    let reason = format!(
                        "{objective}: {due} requests say nothing about p{percentile}, which needs {least}: run longer"
                    );
                    return (Verdict::Unknown, reason);
                }
                let us = self.latency.value_at_percentile(percentile);
                (us as f64, words::latency(us))
            }
            Metric::Errors => (share(self.counts.failed()), words::percent(share(self.counts.failed()))),
            Metric::Goodput => (share(self.counts.good), words::percent(share(self.counts.good))),
        };
        let met = objective.comparator.holds(found, objective.bound);
        let word = if met { "met" } else { "broken" };
        (if met { Verdict::Pass } else { Verdict::Fail }, format!("{objective} {word}: {text}"))
    }
}

fn objectives(run: &Run) -> impl Iterator<Item = Objective> + '_ {
    // The record was written from objectives, so each of them can be read again.
    run.plan.objectives.iter().filter_map(|text| text.parse().ok())
}

/// Arrivals below which even a percentile without a single exceedance cannot be said to hold with 95 % confidence:
/// `ln(1 - 0.95) / ln(p)`, the binomial early-stopping rule of MLPerf's LoadGen (`early_stopping.cc`) with no
/// exceedance allowed.
fn fewest_samples(percentile: f64) -> u64 {
    let p = percentile / 100.0;
    if p <= 0.0 || p >= 1.0 {
        return 1;
    }
    crate::findings::grid::whole((0.05f64.ln() / p.ln()).ceil()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_needs_as_many_samples_as_the_early_stopping_rule_says() {
        assert_eq!([95.0, 99.0, 99.9].map(fewest_samples), [59, 299, 2_995]);
    }
}
