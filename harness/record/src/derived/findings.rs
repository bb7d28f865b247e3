use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `findings.json`: what the faults did. Times ending in `_s` are seconds; those that name a moment count from the
/// start of the measured load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingsFile {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// "rehearsal", or "load" when no fault was scheduled.
    pub kind: String,
    /// Name of the run.
    pub run_id: String,
    /// The design, or the host of a URL.
    pub design: String,
    /// Whether the generator was the limit: figures are its own and not the design's then.
    #[serde(default)]
    pub generator_limited: bool,
    /// What the design did before the first fault.
    pub baseline: BaselineFile,
    /// What each fault did.
    pub injections: Vec<InjectionFile>,
    /// Stretches of the measured load without full service, over all requests together.
    pub outages: Vec<OutageFile>,
    /// The same for each request by itself.
    pub outages_by_request: BTreeMap<String, Vec<OutageFile>>,
    /// Every state of the measured load in order, over all requests together.
    pub states: Vec<StateFile>,
    /// The same for each request by itself.
    pub states_by_request: BTreeMap<String, Vec<StateFile>>,
    /// Availability over the measured load.
    pub availability: AvailabilityFile,
    /// Availability of each request by itself.
    pub availability_by_request: BTreeMap<String, AvailabilityFile>,
    /// Doubt of every moment: the width of a bin.
    pub resolution_s: f64,
    /// What makes the findings less sure.
    pub notes: Vec<String>,
}

/// The steady state before the first injection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BaselineFile {
    /// Its beginning.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// Good per second.
    pub goodput_hz: f64,
    /// Good share of the due ones, 0 to 1.
    pub good_share: f64,
    /// Median latency of good arrivals.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency_us_p50: Option<u64>,
    /// 99th percentile of the latency of good arrivals.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency_us_p99: Option<u64>,
}

/// What one fault did, from its injection to the next one or to the end of the load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InjectionFile {
    /// Names it in the schedule.
    pub name: String,
    /// The kind of harm.
    pub fault: String,
    /// The node it hit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub node: Option<String>,
    /// The process it hit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub process: Option<String>,
    /// Everything it hit.
    pub targets: Vec<String>,
    /// When its effect was seen.
    pub at_s: f64,
    /// When it was undone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub healed_s: Option<f64>,
    /// When users first felt it: the first arrival that failed, or latency above four times its baseline.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detected_s: Option<f64>,
    /// From the injection to that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub felt_after_s: Option<f64>,
    /// From the injection to the first alert that reached somebody; absent when none did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alerted_after_s: Option<f64>,
    /// That alert: "DatabaseDown (db1)".
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alert: Option<String>,
    /// When goodput was back at 95 % of its baseline and stayed for 5 s; absent when nothing had to recover or nothing did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recovered_s: Option<f64>,
    /// From the injection to that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recovery_s: Option<f64>,
    /// From the beginning of the undo to that; 0 when it recovered while the fault was still in force.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recovery_after_heal_s: Option<f64>,
    /// Longest time between two good arrivals of the request that was hit worst.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_gap_s: Option<f64>,
    /// Longest time between two good arrivals of any request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_gap_overall_s: Option<f64>,
    /// Time down of the request that was hit worst.
    pub outage_s: f64,
    /// Arrivals that were not good.
    pub requests_failed: u64,
    /// The same by what became of them: "503", "refused", "timed_out", ...
    pub failed_by_kind: BTreeMap<String, u64>,
    /// Good arrivals missing compared with the baseline.
    pub goodput_deficit_requests: f64,
    /// "survived", "degraded", "recovered-by-itself", "down-until-healed", "never-recovered" or "void".
    pub verdict: String,
    /// The same in a sentence.
    pub sentence: String,
    /// Each request by itself.
    pub by_request: BTreeMap<String, RequestFindingFile>,
}

/// What one fault did to one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestFindingFile {
    /// As for the injection.
    pub verdict: String,
    /// Time down.
    pub outage_s: f64,
    /// Longest time between two good ones; absent when there was none at all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_gap_s: Option<f64>,
    /// As for the injection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detected_s: Option<f64>,
    /// As for the injection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recovered_s: Option<f64>,
    /// Arrivals.
    pub requests_due: u64,
    /// Arrivals that were not good.
    pub requests_failed: u64,
    /// As for the injection.
    pub goodput_deficit_requests: f64,
}

/// A stretch without full service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutageFile {
    /// Its beginning.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// "down" or "degraded".
    pub state: String,
    /// Arrivals in it that were not good.
    pub requests_failed: u64,
}

/// A stretch of one state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateFile {
    /// Its beginning.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// "up", "degraded", "down" or "no-data".
    pub state: String,
}

/// Both ways to count availability, 0 to 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AvailabilityFile {
    /// Good arrivals per due arrival.
    pub by_request: f64,
    /// Time not down per time with data.
    pub by_time: f64,
}
