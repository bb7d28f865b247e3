//! `events.jsonl`: one object per event.

use std::collections::BTreeMap;
use std::path::Path;

use model::{LoadTotals, What};
use serde::{Deserialize, Serialize};

use crate::{RecordError, files};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// When, in seconds from the run's epoch.
    pub at_s: f64,
    /// What.
    #[serde(flatten)]
    pub what: WhatRecord,
}

/// What happened. The fields are those of [`model::What`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are those of model::What and documented there")]
pub enum WhatRecord {
    PhaseBegan {
        phase: String,
    },
    ProcessStarted {
        node: String,
        process: String,
        pid: u32,
    },
    ProcessReady {
        node: String,
        process: String,
    },
    ProcessDied {
        node: String,
        process: String,
        status: String,
    },
    FaultInjected {
        injection: usize,
        targets: Vec<String>,
        effect: String,
    },
    FaultVoid {
        injection: usize,
        reason: String,
    },
    FaultHealed {
        injection: usize,
    },
    HealFailed {
        injection: usize,
        left: String,
        remedy: String,
    },
    AlertReceived {
        alert: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<String>,
        firing: bool,
    },
    /// The first window of the load began. Written by the record itself; the bins count from here.
    LoadStarted {
        /// Width of a bin, in seconds.
        bin_s: f64,
    },
    Resolved {
        name: String,
        addresses: Vec<String>,
        took_s: f64,
    },
    LoadFinished(TotalsRecord),
    Warning {
        text: String,
    },
    Interrupted {
        signal: i32,
    },
    /// An event of a later version of this program.
    #[serde(other)]
    Unknown,
}

/// Totals of one load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TotalsRecord {
    /// Worker threads.
    pub threads: usize,
    /// From the first due time to the end of the last request, in seconds.
    pub wall_s: f64,
    /// User and system time of the workers, in seconds.
    pub cpu_s: f64,
    /// Share of the busiest worker's time in which it had a CPU or waited for one, 0 to 1.
    pub busiest_worker: f64,
    /// Waits before which a busy worker paused, so that several answers came together. Earlier versions did not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub moderated_waits: Option<u64>,
    /// Largest resident size of the process.
    pub rss_bytes_max: u64,
    /// Bytes read from connections.
    pub bytes_received: u64,
    /// Bytes written to connections.
    pub bytes_sent: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// Fewest requests that one connection slot carried.
    pub reused_requests_min: u64,
    /// Most requests that one connection slot carried.
    pub reused_requests_max: u64,
    /// Answers by the value of `X-Served-By`.
    pub served_by: BTreeMap<String, u64>,
    /// How much of the machine there was.
    #[serde(flatten)]
    pub headroom: HeadroomRecord,
    /// What became of the scenario's sessions, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sessions: BTreeMap<String, SessionTotalsRecord>,
    /// Whether the load was ended before its time.
    pub interrupted: bool,
}

/// What became of the sessions of one name: `started = completed + failed + unfinished`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTotalsRecord {
    /// Sessions that arrived.
    pub started: u64,
    /// Sessions whose last step was good.
    pub completed: u64,
    /// Sessions that a step ended, by the step's name and what was wrong.
    pub failed: BTreeMap<String, u64>,
    /// Sessions that had steps left when the load was over.
    pub unfinished: u64,
}

impl SessionTotalsRecord {
    fn new(totals: &model::SessionTotals) -> Self {
        Self {
            started: totals.started,
            completed: totals.completed,
            failed: totals.failed.clone(),
            unfinished: totals.unfinished,
        }
    }
}

/// How much of the machine a load had: [`model::Headroom`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of model::Headroom and documented there")]
pub struct HeadroomRecord {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub steal: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run_queue_wait_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ports_used: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ports: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub files_used: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub files: Option<u64>,
}

impl HeadroomRecord {
    fn new(headroom: &model::Headroom) -> Self {
        Self {
            steal: headroom.steal,
            run_queue_wait_s: headroom.run_queue_wait.map(|wait| files::tidy_seconds(wait.as_secs_f64())),
            ports_used: headroom.ports_used,
            ports: headroom.ports,
            files_used: headroom.files_used,
            files: headroom.files,
        }
    }
}

impl TotalsRecord {
    fn new(totals: &LoadTotals) -> Self {
        Self {
            threads: totals.threads,
            wall_s: files::tidy_seconds(totals.wall.as_secs_f64()),
            cpu_s: files::tidy_seconds(totals.cpu.as_secs_f64()),
            busiest_worker: totals.busiest_worker,
            moderated_waits: Some(totals.moderated_waits),
            rss_bytes_max: totals.rss_bytes_max,
            bytes_received: totals.bytes_received,
            bytes_sent: totals.bytes_sent,
            connections_opened: totals.connections_opened,
            reused_requests_min: totals.reused_requests_min,
            reused_requests_max: totals.reused_requests_max,
            served_by: totals.served_by.clone(),
            headroom: HeadroomRecord::new(&totals.headroom),
            sessions: totals
                .sessions
                .iter()
                .map(|session| (session.name.clone(), SessionTotalsRecord::new(session)))
                .collect(),
            interrupted: totals.interrupted,
        }
    }
}

impl WhatRecord {
    /// `None` for intervals, which have files of their own.
    pub(crate) fn new(what: &What) -> Option<Self> {
        Some(match what.clone() {
            What::PhaseBegan(phase) => Self::PhaseBegan { phase: phase.as_str().to_owned() },
            What::ProcessStarted { node, process, pid } => Self::ProcessStarted { node, process, pid },
            What::ProcessReady { node, process } => Self::ProcessReady { node, process },
            What::ProcessDied { node, process, status } => Self::ProcessDied { node, process, status },
            What::FaultInjected { injection, targets, effect } => {
                Self::FaultInjected { injection, targets, effect }
            }
            What::FaultVoid { injection, reason } => Self::FaultVoid { injection, reason },
            What::FaultHealed { injection } => Self::FaultHealed { injection },
            What::HealFailed { injection, left, remedy } => Self::HealFailed { injection, left, remedy },
            What::AlertReceived { alert, about, firing } => Self::AlertReceived { alert, about, firing },
            What::LoadFinished(totals) => Self::LoadFinished(TotalsRecord::new(&totals)),
            What::Resolved { name, addresses, took } => Self::Resolved {
                name,
                addresses: addresses.iter().map(ToString::to_string).collect(),
                took_s: files::tidy_seconds(took.as_secs_f64()),
            },
            What::Warning(text) => Self::Warning { text },
            What::Interrupted { signal } => Self::Interrupted { signal },
            What::IntervalClosed(_) => return None,
        })
    }
}

/// Reads `events.jsonl`, in order of time; the flag tells of a last line cut short.
pub(crate) fn read(path: &Path, text: &str) -> Result<(Vec<EventRecord>, bool), RecordError> {
    let (lines, cut) = files::complete_lines(text);
    let mut events = lines
        .map(|(number, line)| {
            serde_json::from_str(line)
                .map_err(|error| RecordError::malformed(path, number, format!("not an event: {error}")))
        })
        .collect::<Result<Vec<EventRecord>, _>>()?;
    // Emitters stamp their events and hand them over on different threads, so neighbours may be swapped.
    events.sort_by(|left, right| left.at_s.total_cmp(&right.at_s));
    Ok((events, cut))
}
