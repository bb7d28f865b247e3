//! The head of the page: what was done, on what, and how to do it again.

use serde::Serialize;

use crate::compare::Comparison;
use crate::words;

#[derive(Serialize)]
pub(super) struct Header {
    title: String,
    lead: String,
    table_title: &'static str,
    verdict: String,
    verdict_word: &'static str,
    /// Whether an objective was asked for, or broken without being asked.
    objectives: bool,
    reasons: Vec<String>,
    warnings: Vec<String>,
    facts: Vec<(String, String)>,
    commands: Vec<String>,
}

pub(super) fn header(comparison: &Comparison) -> Header {
    let names: Vec<&str> = comparison.file.designs.iter().map(|design| design.design.as_str()).collect();
    let faults = comparison.runs.iter().map(|report| report.run.injections.len()).max().unwrap_or(0);
    let title = match (names.as_slice(), faults) {
        ([one], 0) => format!("{one} under load"),
        ([one], _) => format!("{one} under load and faults"),
        _ => format!("{} side by side", words::list(&names)),
    };
    let mut warnings: Vec<String> = Vec::new();
    for warning in comparison.runs.iter().flat_map(|report| &report.summary.warnings) {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    let mut commands: Vec<String> = Vec::new();
    for command in comparison.runs.iter().map(|report| &report.run.machine.command) {
        if !command.is_empty() && !commands.contains(command) {
            commands.push(command.clone());
        }
    }
    Header {
        title,
        lead: lead(comparison, faults),
        table_title: match (names.len(), faults) {
            (_, 0) => "What came of the load",
            (1, _) => "What each fault did",
            _ => "What each fault did to each design",
        },
        verdict: comparison.file.verdict.clone(),
        verdict_word: match comparison.file.verdict.as_str() {
            "pass" => "Pass",
            "fail" => "Fail",
            _ => "Unknown",
        },
        objectives: comparison.file.verdict != "pass"
            || comparison.runs.iter().any(|report| !report.run.plan.objectives.is_empty()),
        reasons: reasons(comparison),
        warnings,
        facts: facts(comparison),
        commands,
    }
}

/// The reasons of all runs; what all say is said once.
fn reasons(comparison: &Comparison) -> Vec<String> {
    let of = |report: &crate::compare::RunReport| report.summary.reasons.clone();
    let first = comparison.runs.first().map(of).unwrap_or_default();
    if comparison.runs.iter().all(|report| of(report) == first) {
        return first;
    }
    comparison.file.reasons.clone()
}

fn lead(comparison: &Comparison, faults: usize) -> String {
    let Some(first) = comparison.runs.first() else { return String::new() };
    let rate = words::rate(first.summary.offered_rate_hz).replace("/s", " requests per second");
    let length = words::seconds(first.summary.duration_s);
    let each = if comparison.runs.len() > 1 { "Each design was given" } else { "It was given" };
    let broken = match faults {
        0 => String::new(),
        1 => ", while one thing was broken on purpose".to_owned(),
        many => format!(", while {many} things were broken on purpose, one after the other"),
    };
    let teaches = &first.run.plan.schedule.teaches;
    let teaches = if teaches.is_empty() { String::new() } else { format!(" The schedule shows {teaches}.") };
    format!("{each} {rate} for {length}{broken}.{teaches}")
}

fn facts(comparison: &Comparison) -> Vec<(String, String)> {
    let Some(report) = comparison.runs.first() else { return Vec::new() };
    let (run, machine) = (&report.run, &report.run.machine);
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let stages: Vec<String> = run.plan.stages.iter().map(stage).collect();
    let mix: Vec<String> = run
        .plan
        .requests
        .iter()
        .map(|r| format!("{} ({} {}, weight {})", r.name, r.method, r.path, r.weight))
        .collect();
    let components: Vec<String> =
        machine.components.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let mut facts = vec![
        fact("Begun", machine.started_utc.clone()),
        fact("Load", stages.join(", then ")),
        fact("Requests", mix.join("; ")),
        fact(
            "Client",
            format!(
                "{} connections{}, a request is given up after {}",
                run.plan.connections,
                if run.plan.keep_alive { " kept alive" } else { ", one request each" },
                words::seconds(run.plan.timeout_s)
            ),
        ),
        fact("Seed", run.plan.seed.clone()),
        fact(
            "Machine",
            format!(
                "{}: {} × {}, {:.1} GiB of memory, Linux {}",
                machine.host,
                machine.cores,
                machine.cpu_model,
                machine.memory_bytes as f64 / f64::from(1 << 30),
                machine.kernel
            ),
        ),
        fact("Versions", components.join(", ")),
    ];
    if !run.plan.objectives.is_empty() {
        facts.push(fact("Objectives", run.plan.objectives.join(", ")));
    }
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

fn stage(stage: &record::StageRecord) -> String {
    let length = words::seconds(stage.duration_s);
    let from = stage.rate_hz.map_or(String::new(), words::rate);
    let to = stage.to_hz.map_or(String::new(), words::rate);
    match stage.arrivals.as_str() {
        "closed" => format!("{length} closed loop"),
        "ramp" => format!("{length} from {from} to {to}"),
        "step" => format!("{length} from {from} to {to} in {} steps", stage.steps.unwrap_or(1)),
        "spike" => {
            let (at, hold) = (stage.at_s.unwrap_or(0.0), stage.for_s.unwrap_or(0.0));
            let (at, hold) = (words::seconds(at), words::seconds(hold));
            format!("{length} at {from} with a spike of {to} after {at} for {hold}")
        }
        "sine" => {
            let amplitude = stage.amplitude_hz.map_or(String::new(), words::rate);
            let period = stage.period_s.map_or(String::new(), words::seconds);
            format!("{length} at {from} ± {amplitude} in waves of {period}")
        }
        "replay" => {
            let log = stage.log.as_deref().unwrap_or("an access log");
            let pace = match stage.speed {
                Some(speed) if (speed - 1.0).abs() > f64::EPSILON => format!(" at {speed} times its pace"),
                _ => String::new(),
            };
            format!("{length} of {log}{pace}, {from} in the mean")
        }
        arrivals => format!("{length} at {from}, {arrivals} arrivals"),
    }
}
