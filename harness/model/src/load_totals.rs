//! What the generator knows at the end of a load beside its intervals.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::generator::Headroom;

/// Totals of one load: the generator's own state and what no interval holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadTotals {
    /// Worker threads.
    pub threads: usize,
    /// From the first due time to the end of the last request.
    pub wall: Duration,
    /// User and system time of the worker threads, added up.
    pub cpu: Duration,
    /// Share of the busiest worker's wall time in which it needed the CPU, 0 to 1; spinning until a due time is not
    /// counted.
    pub busiest_worker: f64,
    /// Largest resident size of the process, in bytes.
    pub rss_bytes_max: u64,
    /// Bytes read from connections.
    pub bytes_received: u64,
    /// Bytes written to connections.
    pub bytes_sent: u64,
    /// Connections opened, failed attempts not counted.
    pub connections_opened: u64,
    /// Fewest requests that one connection slot carried.
    pub reused_requests_min: u64,
    /// Most requests that one connection slot carried.
    pub reused_requests_max: u64,
    /// Answers by the value of `X-Served-By`; at most a few dozen different values are kept.
    pub served_by: BTreeMap<String, u64>,
    /// How much of the machine there was.
    pub headroom: Headroom,
    /// Whether it was ended before its time.
    pub interrupted: bool,
}
