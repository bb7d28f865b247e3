//! Designs side by side. A lone run is a comparison without a baseline: there is one way from records to a report.

use std::collections::BTreeSet;

use model::Verdict;
use record::Run;
use record::derived::{
    AvailabilityFile, CeilingFile, ComparisonFile, DesignFile, InjectionFile, PairFile, PercentilesFile,
    SCHEMA_VERSION, SpofFile,
};

use crate::findings::{Findings, Study, findings, tidy, tidy_share};
use crate::summary::{Summary, summary};
use crate::words;

/// A run with what it says.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// The record.
    pub run: Run,
    /// What its faults did.
    pub findings: Findings,
    /// Its measured load in numbers.
    pub summary: Summary,
}

/// Runs side by side.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The same as stands in `comparison.json`.
    pub file: ComparisonFile,
    /// In the order given.
    pub runs: Vec<RunReport>,
}

impl Comparison {
    /// What all runs say together about their objectives.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.file.verdict.as_str() {
            "pass" => Verdict::Pass,
            "fail" => Verdict::Fail,
            _ => Verdict::Unknown,
        }
    }

    /// The runs of one design.
    pub(crate) fn runs_of(&self, design: &str) -> impl Iterator<Item = &RunReport> {
        self.runs.iter().filter(move |report| report.findings.design == design)
    }
}

/// Compares `runs`: those of one design belong together, the first design is the baseline unless `baseline` names
/// another one of them.
#[must_use]
pub fn compare(runs: Vec<Run>, baseline: Option<&str>) -> Comparison {
    let runs: Vec<RunReport> = runs
        .into_iter()
        .map(|run| RunReport { findings: findings(&run), summary: summary(&run), run })
        .collect();
    let mut names: Vec<&str> = Vec::new();
    for report in &runs {
        if !names.contains(&report.findings.design.as_str()) {
            names.push(&report.findings.design);
        }
    }
    let designs: Vec<DesignFile> = names
        .iter()
        .map(|name| design(name, &runs.iter().filter(|r| r.findings.design == *name).collect::<Vec<_>>()))
        .collect();
    let baseline = baseline.filter(|name| names.contains(name)).or_else(|| names.first().copied());
    let baseline = baseline.filter(|_| names.len() > 1).map(str::to_owned);
    let verdict = |report: &RunReport| match report.summary.verdict.as_str() {
        "pass" => Verdict::Pass,
        "fail" => Verdict::Fail,
        _ => Verdict::Unknown,
    };
    let reason = |report: &RunReport| {
        let design = report.findings.design.clone();
        report.summary.reasons.iter().map(move |reason| format!("{design}: {reason}")).collect::<Vec<_>>()
    };
    let file = ComparisonFile {
        schema_version: SCHEMA_VERSION,
        kind: "comparison".to_owned(),
        verdict: runs.iter().map(verdict).max().unwrap_or(Verdict::Unknown).as_str().to_owned(),
        reasons: runs.iter().flat_map(reason).collect(),
        pairs: baseline.as_deref().map(|name| pairs(name, &designs)).unwrap_or_default(),
        baseline,
        designs,
    };
    Comparison { file, runs }
}

fn design(name: &str, runs: &[&RunReport]) -> DesignFile {
    let injections: Vec<InjectionFile> =
        runs.iter().flat_map(|report| report.findings.injections.iter().cloned()).collect();
    let nodes =
        runs.iter().filter_map(|report| report.run.inventory.as_ref()).next().map_or(0, |inventory| {
            let client = inventory.client.as_deref();
            inventory.nodes.iter().filter(|node| Some(node.name.as_str()) != client).count()
        });
    let latencies: Vec<model::Histogram> =
        runs.iter().map(|report| Study::new(&report.run).steady.latency).collect();
    let goodput: f64 = runs.iter().map(|report| report.findings.baseline.goodput_hz).sum();
    let requests: BTreeSet<&String> =
        runs.iter().flat_map(|report| report.findings.availability_by_request.keys()).collect();
    DesignFile {
        design: name.to_owned(),
        nodes,
        run_ids: runs.iter().map(|report| report.run.plan.run_id.clone()).collect(),
        ceiling: runs.iter().find_map(|report| report.run.ceiling.clone()).map(without_trials),
        generator_limited: runs.iter().any(|report| report.summary.generator.limited),
        goodput_hz: tidy(goodput / runs.len().max(1) as f64),
        // Over different rates there is no one load that it would be matched at.
        latency_at_matched_load_us: PercentilesFile::new(&crate::findings::windows::merged(&latencies))
            .filter(|_| runs.iter().all(|report| report.summary.by_stage.is_empty())),
        availability: mean_availability(&mut runs.iter().map(|report| &report.findings.availability)),
        availability_by_request: requests
            .into_iter()
            .map(|request| {
                let of =
                    runs.iter().filter_map(|report| report.findings.availability_by_request.get(request));
                (request.clone(), mean_availability(&mut of.into_iter()))
            })
            .collect(),
        spofs: injections.iter().filter(|injection| injection.verdict != "void").map(spof).collect(),
        sentence: sentence(&injections),
        injections,
    }
}

/// The trials stand in the search's own file.
fn without_trials(ceiling: CeilingFile) -> CeilingFile {
    CeilingFile { trials: Vec::new(), ..ceiling }
}

/// Over runs of the same length, as those of one comparison are.
fn mean_availability(of: &mut dyn Iterator<Item = &AvailabilityFile>) -> AvailabilityFile {
    let all: Vec<&AvailabilityFile> = of.collect();
    let count = all.len().max(1) as f64;
    AvailabilityFile {
        by_request: tidy_share(all.iter().map(|one| one.by_request).sum::<f64>() / count),
        by_time: tidy_share(all.iter().map(|one| one.by_time).sum::<f64>() / count),
    }
}

fn spof(injection: &InjectionFile) -> SpofFile {
    let component = match (&injection.node, &injection.process) {
        (Some(node), Some(process)) => format!("{node}/{process}"),
        (Some(node), None) => node.clone(),
        _ => injection.targets.join(" + "),
    };
    let stays = |verdict: &str| matches!(verdict, "down-until-healed" | "never-recovered");
    let requests: Vec<String> = injection
        .by_request
        .iter()
        .filter(|(_, of)| stays(&of.verdict) && of.outage_s > 0.0)
        .map(|(name, _)| name.clone())
        .collect();
    SpofFile { component, outage_s: injection.outage_s, spof: !requests.is_empty(), requests }
}

/// The requests that a fault took down: `None` when it was all of them.
pub(crate) fn down_requests(injection: &InjectionFile) -> Option<Vec<&str>> {
    let down: Vec<&str> = injection
        .by_request
        .iter()
        .filter(|(_, of)| of.outage_s > 0.0)
        .map(|(name, _)| name.as_str())
        .collect();
    (down.len() < injection.by_request.len()).then_some(down)
}

/// What a design did under its faults, in plain words: "kept serving through kill-web, losing 24 requests; went down
/// in kill-database (write, 12.7 s), until the fault was undone".
fn sentence(injections: &[InjectionFile]) -> String {
    let told = injections.iter().filter(|injection| injection.verdict != "void");
    let (through, down): (Vec<&InjectionFile>, Vec<&InjectionFile>) =
        told.partition(|injection| injection.outage_s == 0.0);
    let mut parts = Vec::new();
    if !through.is_empty() {
        let names: Vec<&str> = through.iter().map(|injection| injection.name.as_str()).collect();
        let lost: u64 = through.iter().map(|injection| injection.requests_failed).sum();
        let lost =
            if lost == 0 { "losing nothing".to_owned() } else { format!("losing {}", words::requests(lost)) };
        parts.push(format!("kept serving through {}, {lost}", words::list(&names)));
    }
    if !down.is_empty() {
        parts.push(format!("went down in {}", falls(&down)));
    }
    if parts.is_empty() {
        let void = if injections.is_empty() { "." } else { " that had an effect." };
        return format!("was given no fault{void}");
    }
    parts.join("; ") + "."
}

/// "kill-database (write, 12.7 s) and kill-web (everything, 10.4 s), each time until the fault was undone"
fn falls(down: &[&InjectionFile]) -> String {
    let end = |injection: &InjectionFile| match injection.verdict.as_str() {
        "recovered-by-itself" => "until it recovered by itself",
        "never-recovered" => "and did not recover",
        _ => "until the fault was undone",
    };
    let first = end(down[0]);
    let same = down.iter().all(|injection| end(injection) == first);
    let fall = |injection: &&InjectionFile| {
        let what = down_requests(injection).map_or("everything".to_owned(), |names| words::list(&names));
        let how = if same { String::new() } else { format!(", {}", end(injection)) };
        format!("{} ({what}, {}{how})", injection.name, words::seconds(injection.outage_s))
    };
    let falls: Vec<String> = down.iter().map(fall).collect();
    let each = if down.len() > 1 { "each time " } else { "" };
    let how = if same { format!(", {each}{first}") } else { String::new() };
    words::list(&falls) + &how
}

/// Every other design held against the baseline. One run of each gives no interval: what is served through by one and
/// takes the other down is told apart, everything else is inconclusive until there are six runs of each, the fewest
/// that give a 95 % interval of a median.
fn pairs(baseline: &str, designs: &[DesignFile]) -> Vec<PairFile> {
    let Some(base) = designs.iter().find(|design| design.design == baseline) else { return Vec::new() };
    let others = designs.iter().filter(|design| design.design != baseline);
    others.flat_map(|other| pairs_of(base, other)).collect()
}

fn pairs_of(base: &DesignFile, other: &DesignFile) -> Vec<PairFile> {
    // What the generator could not do says nothing of either. Of ceilings the search says itself where it was the limit.
    let limited = base.generator_limited || other.generator_limited;
    let pair = |metric: String, baseline: f64, candidate: f64, verdict: &str| PairFile {
        metric,
        design: other.design.clone(),
        baseline,
        candidate,
        ratio: (baseline > 0.0).then(|| tidy(candidate / baseline)),
        ratio_low: None,
        ratio_high: None,
        verdict: verdict.to_owned(),
    };
    let mut pairs = vec![pair("goodput_hz".to_owned(), base.goodput_hz, other.goodput_hz, "inconclusive")];
    if let (Some(left), Some(right)) = (&base.latency_at_matched_load_us, &other.latency_at_matched_load_us) {
        pairs.push(pair("latency_us_p50".to_owned(), left.p50 as f64, right.p50 as f64, "inconclusive"));
        pairs.push(pair("latency_us_p99".to_owned(), left.p99 as f64, right.p99 as f64, "inconclusive"));
    }
    if let (Some(left), Some(right)) = (bounds(base), bounds(other)) {
        let verdict = match (left.1 <= right.0, right.1 <= left.0) {
            (true, _) => "better",
            (_, true) => "worse",
            _ => "inconclusive",
        };
        pairs.push(pair("ceiling_lower_hz".to_owned(), left.0, right.0, verdict));
    }
    for left in &base.injections {
        let same = other.injections.iter().find(|right| right.name == left.name);
        for right in same.into_iter().filter(|right| right.verdict != "void" && left.verdict != "void") {
            let verdict = match (left.outage_s > 0.0, right.outage_s > 0.0) {
                (true, false) => "better",
                (false, true) => "worse",
                (false, false) => "equivalent",
                (true, true) => "inconclusive",
            };
            let verdict = if limited { "inconclusive" } else { verdict };
            pairs.push(pair(format!("outage_s {}", left.name), left.outage_s, right.outage_s, verdict));
            let (lost, lost_here) = (left.requests_failed as f64, right.requests_failed as f64);
            pairs.push(pair(format!("requests_failed {}", left.name), lost, lost_here, "inconclusive"));
        }
    }
    pairs
}

/// The confirmed bounds of a design's ceiling.
fn bounds(design: &DesignFile) -> Option<(f64, f64)> {
    let ceiling = design.ceiling.as_ref().filter(|ceiling| ceiling.regular)?;
    ceiling.lower_hz.zip(ceiling.upper_hz)
}
