use std::collections::BTreeMap;

use model::{Counts, Histogram};
use serde::{Deserialize, Serialize};

use crate::events::{HeadroomRecord, SessionTotalsRecord};

/// `summary.json`: the measured load in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryFile {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// "load", or "rehearsal" when faults were scheduled.
    pub kind: String,
    /// Name of the run.
    pub run_id: String,
    /// The run's seed.
    pub seed: u64,
    /// "pass", "unknown" or "fail".
    pub verdict: String,
    /// Why.
    pub reasons: Vec<String>,
    /// What makes the result less sure without deciding it.
    pub warnings: Vec<String>,
    /// "open", or "closed" when due times depended on responses.
    pub loop_kind: String,
    /// Length of the measured load.
    pub duration_s: f64,
    /// Due per second.
    pub offered_rate_hz: f64,
    /// Answers per second, of those that came in this time, whenever they fell due.
    pub throughput_hz: f64,
    /// Good answers per second, likewise.
    pub goodput_hz: f64,
    /// What became of the arrivals.
    pub requests: CountsFile,
    /// Answers by status code.
    pub status: BTreeMap<String, u64>,
    /// done - due over every due arrival, failures and unsent ones included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency_us: Option<PercentilesFile>,
    /// done - due over the good ones.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency_good_us: Option<PercentilesFile>,
    /// done - sent over all that were sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service_time_us: Option<PercentilesFile>,
    /// sent - due: the generator's own share.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub send_lag_us: Option<PercentilesFile>,
    /// Where service time went.
    #[serde(default)]
    pub breakdown_us: BreakdownFile,
    /// Bytes over the whole load.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<BytesFile>,
    /// Connections over the whole load.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connections: Option<ConnectionsFile>,
    /// The generator over the whole load.
    pub generator: GeneratorFile,
    /// The same by request.
    pub by_request: BTreeMap<String, RequestSummaryFile>,
    /// The same by stretch of one rate, where stages, steps or a ramp gave the load different ones. Latency and service
    /// time are then only here: percentiles over different rates would describe none of them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub by_stage: Vec<StageSummaryFile>,
    /// Answers over the whole load by the value of `X-Served-By`.
    pub served_by: BTreeMap<String, u64>,
    /// What the design's own monitor saw of the web servers; absent where it has none, or was not to be shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub monitor: Option<MonitoredFile>,
    /// What became of the sessions over the whole load, by name. The due times of their later steps depended on responses.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub sessions: BTreeMap<String, SessionTotalsRecord>,
    /// How evenly they were spread; absent with fewer than two backends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub imbalance: Option<ImbalanceFile>,
}

/// The answers of the web servers as the design's own monitor counted them, and the generator's count over the same
/// stretch of the measured load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonitoredFile {
    /// Beginning of the stretch, from the start of the measured load.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// Answers of all web servers; a part of one stands for an edge between two looks of the monitor.
    pub requests: f64,
    /// The same per second.
    pub requests_hz: f64,
    /// Answers of each web server.
    pub by_server: BTreeMap<String, f64>,
    /// Answers that came in the stretch, whatever with.
    pub answered: u64,
    /// The same per second.
    pub answered_hz: f64,
    /// requests / answered; absent when nothing was answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ratio: Option<f64>,
}

/// How unevenly answers were spread over backends. Shares are fractions from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImbalanceFile {
    /// Number of backends that answered.
    pub backends: usize,
    /// Share of the one with the fewest answers.
    pub share_min: f64,
    /// 1 / backends.
    pub share_mean: f64,
    /// Share of the one with the most.
    pub share_max: f64,
    /// The most over the mean: 1 when even. The capacity that is needed beyond an even spread.
    pub max_to_mean: f64,
    /// Gini coefficient: 0 when even, near 1 when one backend answers all.
    pub gini: f64,
}

/// Counts of arrivals. `no_port` is part of `unsent`, `tls` of `other`; `due = sent + unsent`,
/// `sent = answered + timed_out + refused + reset + malformed + other`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of model::Counts and documented there")]
pub struct CountsFile {
    pub due: u64,
    pub sent: u64,
    pub answered: u64,
    pub good: u64,
    pub unsent: u64,
    pub no_port: u64,
    pub timed_out: u64,
    pub refused: u64,
    pub reset: u64,
    pub malformed: u64,
    pub other: u64,
    pub tls: u64,
}

impl CountsFile {
    /// From the model's counts.
    #[must_use]
    pub fn new(counts: &Counts) -> Self {
        Self {
            due: counts.due(),
            sent: counts.sent(),
            answered: counts.answered(),
            good: counts.good,
            unsent: counts.unsent,
            no_port: counts.no_port,
            timed_out: counts.timed_out,
            refused: counts.refused,
            reset: counts.reset,
            malformed: counts.malformed,
            other: counts.other,
            tls: counts.tls,
        }
    }
}

/// A distribution in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are percentiles")]
pub struct PercentilesFile {
    pub min: u64,
    pub mean: f64,
    pub p50: u64,
    pub p90: u64,
    pub p95: u64,
    pub p99: u64,
    pub p99_9: u64,
    pub p99_99: u64,
    pub max: u64,
}

impl PercentilesFile {
    /// From a histogram of microseconds; `None` when it is empty.
    #[must_use]
    pub fn new(histogram: &Histogram) -> Option<Self> {
        if histogram.is_empty() {
            return None;
        }
        let at = |percentile| histogram.value_at_percentile(percentile);
        Some(Self {
            min: histogram.min(),
            mean: (histogram.mean() * 10.0).round() / 10.0,
            p50: at(50.0),
            p90: at(90.0),
            p95: at(95.0),
            p99: at(99.0),
            p99_9: at(99.9),
            p99_99: at(99.99),
            max: histogram.max(),
        })
    }
}

/// Where service time went, each part over the requests that had it. Their sum is the service time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BreakdownFile {
    /// Asking a DNS server, over the answers and not the requests.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dns: Option<PercentilesFile>,
    /// Until the connection stood, for requests that opened one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connect: Option<PercentilesFile>,
    /// TLS and the WebSocket upgrade, likewise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub handshake: Option<PercentilesFile>,
    /// From the request to the first byte of its answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_byte: Option<PercentilesFile>,
    /// From there to the last byte.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transfer: Option<PercentilesFile>,
}

impl BreakdownFile {
    /// Whether nothing is known of any part.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Bytes over the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BytesFile {
    /// Read from connections.
    pub received: u64,
    /// Written to connections.
    pub sent: u64,
}

/// How connections were used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionsFile {
    /// Opened.
    pub opened: u64,
    /// Fewest requests that one slot carried.
    pub reused_requests_min: u64,
    /// Most requests that one slot carried.
    pub reused_requests_max: u64,
}

/// The generator's own state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GeneratorFile {
    /// Worker threads.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub threads: Option<usize>,
    /// Share of the workers' time in which they had a CPU.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cpu_fraction: Option<f64>,
    /// CPU time for one request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cpu_us_per_request: Option<f64>,
    /// Share of the busiest worker's time in which it needed a CPU.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub busiest_worker: Option<f64>,
    /// Waits before which a busy worker paused, so that several answers came together, over the whole load.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub moderated_waits: Option<u64>,
    /// From an arrival's due time to when its worker saw it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub own_lag_us: Option<PercentilesFile>,
    /// Stalls of 1 ms and more of a worker's event loop.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub loop_gaps_us: Option<PercentilesFile>,
    /// How much of the machine there was.
    #[serde(flatten)]
    pub headroom: HeadroomRecord,
    /// Largest resident size.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rss_bytes_max: Option<u64>,
    /// Whether the generator itself was the limit, so that the run says nothing about the target.
    pub limited: bool,
}

/// One request's share of a summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestSummaryFile {
    /// Counts.
    pub requests: CountsFile,
    /// done - due over every due arrival.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency_us: Option<PercentilesFile>,
    /// Where its time went.
    #[serde(skip_serializing_if = "BreakdownFile::is_empty", default)]
    pub breakdown_us: BreakdownFile,
}

/// A stretch of the measured load with a rate of its own: a stage, a step, a part of a ramp.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageSummaryFile {
    /// "stage 2, step 1 of 3, 100.0/s".
    pub name: String,
    /// Its beginning, from the start of the measured load.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
    /// How long it was; less than from beginning to end for the crests of waves.
    pub duration_s: f64,
    /// Due per second.
    pub offered_rate_hz: f64,
    /// Answers per second, of those that came in this time, whenever they fell due.
    pub throughput_hz: f64,
    /// Good answers per second, likewise.
    pub goodput_hz: f64,
    /// Counts.
    pub requests: CountsFile,
    /// done - due over every due arrival.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency_us: Option<PercentilesFile>,
    /// done - due over the good ones.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latency_good_us: Option<PercentilesFile>,
    /// done - sent over all that were sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service_time_us: Option<PercentilesFile>,
    /// Whether the generator was the limit in it, so that its figures are not the target's.
    #[serde(default)]
    pub generator_limited: bool,
    /// The same by request.
    pub by_request: BTreeMap<String, RequestSummaryFile>,
}
