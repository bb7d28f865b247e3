//! What the generator knows at the end of a load beside its intervals.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::generator::Headroom;

/// What became of the sessions of one name. `started = completed + failed + unfinished`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionTotals {
    /// The session's name.
    pub name: String,
    /// Sessions that arrived.
    pub started: u64,
    /// Sessions whose last step was good.
    pub completed: u64,
    /// Sessions that a step ended, by the step's name and what was wrong.
    pub failed: BTreeMap<String, u64>,
    /// Sessions that had steps left when the load was over.
    pub unfinished: u64,
}

impl SessionTotals {
    /// Adds what another worker saw.
    pub fn merge(&mut self, other: &Self) {
        self.started += other.started;
        self.completed += other.completed;
        self.unfinished += other.unfinished;
        for (reason, count) in &other.failed {
            *self.failed.entry(reason.clone()).or_insert(0) += count;
        }
    }
}

/// Totals of one load: the generator's own state and what no interval holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadTotals {
    /// Worker threads.
    pub threads: usize,
    /// From the first due time to the end of the last request.
    pub wall: Duration,
    /// User and system time of the worker threads, added up.
    pub cpu: Duration,
    /// Share of the load's time, from the first due time to the end of the plan, in which the busiest worker needed the CPU:
    /// had it or waited for it, 0 to 1. Spinning until a due time is not counted.
    pub busiest_worker: f64,
    /// Waits before which a busy worker paused, so that several answers came together; of all workers, over the whole load.
    pub moderated_waits: u64,
    /// Largest resident size of the process, in bytes.
    pub rss_bytes_max: u64,
    /// Bytes read from connections.
    pub bytes_received: u64,
    /// Bytes written to connections.
    pub bytes_sent: u64,
    /// Connections opened, failed attempts not counted.
    pub connections_opened: u64,
    /// Fewest requests that one connection carried.
    pub reused_requests_min: u64,
    /// Most requests that one connection carried.
    pub reused_requests_max: u64,
    /// Answers by the value of `X-Served-By`; at most a few dozen different values are kept.
    pub served_by: BTreeMap<String, u64>,
    /// How much of the machine there was.
    pub headroom: Headroom,
    /// What became of the scenario's sessions, in its order.
    pub sessions: Vec<SessionTotals>,
    /// Whether it was ended before its time.
    pub interrupted: bool,
}
