use serde::{Deserialize, Serialize};

use super::summary::PercentilesFile;

/// `ceiling.json`: the highest load that a target sustains, with every trial that says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CeilingFile {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// "ceiling".
    pub kind: String,
    /// The design's name, or the address that was loaded.
    pub target: String,
    /// Nodes of a design, the client not counted; absent for an address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nodes: Option<usize>,
    /// All randomness came from it.
    pub seed: u64,
    /// "rough", "quick" or "full".
    pub mode: String,
    /// What a load had to meet to be sustained: `p99<50ms`.
    pub objectives: Vec<String>,
    /// "found", "`at_least`", "`no_passing_load`", "`generator_limited`", "`too_noisy`", "deadline" or "interrupted".
    pub verdict: String,
    /// The verdict in words, with what to do next.
    pub reasons: Vec<String>,
    /// What makes the result less sure: what the last trial that passed at the lower bound was warned of, else the last trial.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Highest load below [`Self::upper_hz`] that was sustained; absent when none was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lower_hz: Option<f64>,
    /// Lowest load that was not; absent when all were.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upper_hz: Option<f64>,
    /// (upper - lower) / upper; absent without both bounds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub width: Option<f64>,
    /// Width that was aimed at.
    pub goal_width: f64,
    /// Whether both bounds are known, as close as was aimed at, and confirmed.
    pub regular: bool,
    /// Good per second at the lower bound: the median of its trials.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub goodput_at_lower_hz: Option<f64>,
    /// What most failing trials at the upper bound broke, without its bound: "p99", "read:p99"; "backlog" when requests
    /// piled up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub binding: Option<String>,
    /// Share of the trials far below the lower bound that failed all the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spurious_failures: Option<f64>,
    /// Whether the lower bound held for a longer time at the end; absent when that was not tried.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub soaked: Option<bool>,
    /// The scalability law fitted to the passing trials, as a description; absent with too few.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scalability: Option<ScalabilityFile>,
    /// Offered load above which latency rises steeply (Kneedle, S = 1), as a description; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub knee_hz: Option<f64>,
    /// How long all of it took.
    pub search_s: f64,
    /// In the order in which they were made.
    pub trials: Vec<TrialFile>,
}

/// One load offered for some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialFile {
    /// Seconds since the search began.
    pub at_s: f64,
    /// "bracket", "narrow", "confirm", "noise", "beyond" or "soak".
    pub phase: String,
    /// Offered load.
    pub rate_hz: f64,
    /// How long it was offered, unless it was cut short.
    pub duration_s: f64,
    /// "pass", "fail" or "invalid".
    pub verdict: String,
    /// What was broken, or why it does not count; empty when it passed.
    pub reason: String,
    /// Good per second: of a trial that passed those that fell due in it, as all were answered in time, of another one those
    /// that came in it.
    pub goodput_hz: f64,
    /// Over every arrival; absent when nothing fell due.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency_us: Option<PercentilesFile>,
    /// From the end of a trial that failed until the target served a small load again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recovered_s: Option<f64>,
    /// Bounds as they stood after this trial.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lower_hz: Option<f64>,
    /// See [`Self::lower_hz`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upper_hz: Option<f64>,
}

/// N. J. Gunther's universal scalability law, X(N) = gamma N / (1 + alpha (N - 1) + beta N (N - 1)), where N is the
/// mean number of requests on their way (Little's law: throughput times mean latency). Never the ceiling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScalabilityFile {
    /// Throughput of one request at a time, per second.
    pub gamma_hz: f64,
    /// Contention.
    pub alpha: f64,
    /// Coherency.
    pub beta: f64,
    /// Loads that it was fitted to.
    pub points: usize,
}
