use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ceiling::CeilingFile;
use super::findings::{AvailabilityFile, InjectionFile};
use super::summary::PercentilesFile;

/// `comparison.json`: designs side by side under the same load and faults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonFile {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// "comparison".
    pub kind: String,
    /// The design that others are held against; absent for a lone one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub baseline: Option<String>,
    /// "pass", "unknown" or "fail": the worst of all runs.
    pub verdict: String,
    /// Why.
    pub reasons: Vec<String>,
    /// In the order given.
    pub designs: Vec<DesignFile>,
    /// Each other design against the baseline.
    pub pairs: Vec<PairFile>,
}

/// One design.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DesignFile {
    /// Its name.
    pub design: String,
    /// Servers that make it up, the client not counted.
    pub nodes: usize,
    /// The runs that tell of it.
    pub run_ids: Vec<String>,
    /// Its ceiling, without the trials; absent when it was not searched for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ceiling: Option<CeilingFile>,
    /// Whether the generator was the limit in one of its runs: its figures are not the design's then.
    #[serde(default)]
    pub generator_limited: bool,
    /// Good per second before the first fault.
    pub goodput_hz: f64,
    /// Latency of good arrivals before the first fault, at the load that all designs were given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency_at_matched_load_us: Option<PercentilesFile>,
    /// Over the measured load of all runs, faults included.
    pub availability: AvailabilityFile,
    /// The same for each request by itself.
    pub availability_by_request: BTreeMap<String, AvailabilityFile>,
    /// What each fault did.
    pub injections: Vec<InjectionFile>,
    /// What was hit, and whether the service needs it.
    pub spofs: Vec<SpofFile>,
    /// The verdict on the design in plain words.
    pub sentence: String,
}

/// Whether a component is a single point of failure, as far as the faults tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpofFile {
    /// `server1/mariadbd`.
    pub component: String,
    /// Longest time down of any request while it was away.
    pub outage_s: f64,
    /// Whether some request stayed down until the fault was undone.
    pub spof: bool,
    /// The requests that stayed down.
    pub requests: Vec<String>,
}

/// One metric of a design against the baseline's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairFile {
    /// What is compared: `latency_us_p99`, `outage_s kill-database`.
    pub metric: String,
    /// The design that is held against the baseline.
    pub design: String,
    /// The baseline's value.
    pub baseline: f64,
    /// The design's value.
    pub candidate: f64,
    /// candidate / baseline; absent when the baseline is 0.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ratio: Option<f64>,
    /// Low end of the 95 % interval of the ratio; absent with fewer than six runs of each, which give none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ratio_low: Option<f64>,
    /// High end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ratio_high: Option<f64>,
    /// "better", "worse", "equivalent" or "inconclusive".
    pub verdict: String,
}
