//! The page of one ceiling search.

use minijinja::value::{Serde, Value};
use record::derived::{CeilingFile, TrialFile};
use serde::Serialize;

use super::{Figure, TextTable, environment};
use crate::charts;
use crate::search;
use crate::words;
use crate::write::ReportError;

/// What the template is given.
#[derive(Serialize)]
struct Page {
    title: String,
    sentence: String,
    reasons: Vec<String>,
    warnings: Vec<String>,
    bounds: TextTable,
    facts: Vec<(&'static str, String)>,
    figures: Vec<Figure>,
    description: Vec<String>,
    count: String,
    trials: TextTable,
}

/// One search as one self-contained page: no network, no script, no outside font.
///
/// # Errors
///
/// When a chart cannot be drawn, or the page not be put together.
pub fn ceiling_page(file: &CeilingFile) -> Result<String, ReportError> {
    let page = Page {
        title: format!("The ceiling of {}", file.target),
        sentence: search::sentence(file),
        reasons: file.reasons.clone(),
        warnings: warnings(file),
        bounds: bounds(file),
        facts: facts(file),
        figures: charts::ceiling(file)?,
        description: search::description(file),
        count: search::trial_count(file),
        trials: trials(file),
    };
    Ok(environment()?.get_template("ceiling.html")?.render(Value::from(Serde(page)))?)
}

fn warnings(file: &CeilingFile) -> Vec<String> {
    let mut warnings: Vec<String> = file.warnings.iter().map(|warning| format!("{warning}.")).collect();
    if !file.regular {
        warnings.push("the bounds are not both known, as close as was aimed at, and confirmed.".to_owned());
    }
    if file.soaked == Some(false) {
        warnings.push(format!("{}.", search::soak(file)));
    }
    if let Some(share) = file.spurious_failures.filter(|share| *share > 0.0) {
        let share = words::percent(share);
        warnings.push(format!("{share} of the trials far below the lower bound failed all the same."));
    }
    warnings
}

fn bounds(file: &CeilingFile) -> TextTable {
    let row =
        |name: &str, hz: Option<f64>| vec![name.to_owned(), search::rate(hz), search::counts_at(file, hz)];
    TextTable {
        head: ["", "load", "trials"].map(str::to_owned).to_vec(),
        rows: vec![row("sustained", file.lower_hz), row("too much", file.upper_hz)],
    }
}

fn facts(file: &CeilingFile) -> Vec<(&'static str, String)> {
    let nodes = file.nodes.map_or(String::new(), |nodes| format!("{nodes} beside the client"));
    let mut facts = vec![
        ("Limited by", search::binding(file)),
        ("Goodput", search::goodput(file)),
        ("Width", search::width(file)),
        ("Objectives", file.objectives.join(", ")),
        ("Soak", search::soak(file).to_owned()),
        ("Search", format!("{}, {}", file.mode, search::trial_count(file))),
        ("Took", words::seconds(file.search_s)),
        ("Nodes", nodes),
        ("Seed", file.seed.to_string()),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

fn trials(file: &CeilingFile) -> TextTable {
    let head = [
        "trial", "at", "phase", "offered", "length", "verdict", "goodput", "p50", "p99", "lower", "upper",
        "why",
    ];
    let row = |(index, trial): (usize, &TrialFile)| {
        let times = trial.latency_us.as_ref();
        let time = |us: Option<u64>| us.map_or("–".to_owned(), words::latency);
        vec![
            (index + 1).to_string(),
            words::seconds(trial.at_s),
            trial.phase.clone(),
            search::rate(Some(trial.rate_hz)),
            words::seconds(trial.duration_s),
            trial.verdict.clone(),
            search::rate(Some(trial.goodput_hz)),
            time(times.map(|times| times.p50)),
            time(times.map(|times| times.p99)),
            search::rate(trial.lower_hz),
            search::rate(trial.upper_hz),
            trial.reason.clone(),
        ]
    };
    TextTable {
        head: head.map(str::to_owned).to_vec(),
        rows: file.trials.iter().enumerate().map(row).collect(),
    }
}
