//! What the generator says of itself at the end.

use std::time::Duration;

use model::{Histogram, LoadTotals, new_histogram};

use crate::run::Options;
use crate::thread_state::peak_resident_bytes;
use crate::worker::WorkerTotals;

/// Requests that leave this late at the 99th percentile are late enough to doubt the result.
const LATE: Duration = Duration::from_millis(10);
/// A worker that has the CPU for more than this share of the time may be the limit.
const BUSY: f64 = 0.9;

/// A worker that has ended.
pub(crate) struct Ended {
    pub(crate) totals: WorkerTotals,
    /// CPU time of its thread.
    pub(crate) cpu: Duration,
    /// How long it ran.
    pub(crate) wall: Duration,
    /// Whether it ran where it was asked to.
    pub(crate) pinned: bool,
}

impl Ended {
    fn busy(&self) -> f64 {
        self.cpu.as_secs_f64() / self.wall.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

pub(crate) fn totals(ended: Vec<Ended>, options: &Options, interrupted: bool) -> LoadTotals {
    let mut totals = LoadTotals {
        threads: options.workers,
        wall: options.start.elapsed(),
        busiest_worker: ended.iter().map(Ended::busy).fold(0.0, f64::max),
        cpu: ended.iter().map(|ended| ended.cpu).sum(),
        rss_bytes_max: peak_resident_bytes().unwrap_or(0),
        interrupted,
        ..LoadTotals::default()
    };
    let carried = || ended.iter().flat_map(|ended| &ended.totals.carried);
    totals.reused_requests_min = carried().copied().min().unwrap_or(0);
    totals.reused_requests_max = carried().copied().max().unwrap_or(0);
    for Ended { totals: worker, .. } in ended {
        totals.bytes_received += worker.traffic.received;
        totals.bytes_sent += worker.traffic.sent;
        totals.connections_opened += worker.traffic.opened;
        for (way, count) in worker.ways.into_counts() {
            *totals.served_by.entry(way).or_insert(0) += count;
        }
    }
    totals
}

/// What makes the result less sure. Arrivals that left late because the worker was late are told from those that
/// waited for a connection: the first is this machine's fault, the second the target's or the plan's.
pub(crate) fn warnings(ended: &[Ended], send_lag: &Histogram, connections: usize) -> Vec<String> {
    let mut own_lag = new_histogram();
    for worker in ended {
        // Histograms of the same bounds accept each other's values.
        let _ = own_lag.add(&worker.totals.own_lag);
    }
    let p99 = |lag: &Histogram| Duration::from_micros(lag.value_at_percentile(99.0));
    let mut warnings = Vec::new();
    if p99(&own_lag) > LATE {
        warnings.push(format!(
            "the generator was late: it saw 1 % of the arrivals more than {:.1?} after they fell due; give it a core \
             of its own or lower the rate",
            p99(&own_lag)
        ));
    } else if p99(send_lag) > LATE {
        warnings.push(format!(
            "1 % of the requests waited more than {:.1?} for one of the {connections} connections: the target kept \
             them all busy; use more connections if the target is to be seen without that queue",
            p99(send_lag)
        ));
    }
    let busy = ended.iter().map(Ended::busy).fold(0.0, f64::max);
    if busy > BUSY {
        warnings.push(format!(
            "the generator's busiest worker had the CPU for {:.0} % of its time: use more workers or lower the rate",
            busy * 100.0
        ));
    }
    let without_port: u64 = ended.iter().map(|ended| ended.totals.without_port).sum();
    if without_port > 0 {
        warnings.push(format!(
            "{without_port} requests found no free local port: use keep-alive, or widen net.ipv4.ip_local_port_range"
        ));
    }
    if ended.iter().any(|ended| !ended.pinned) {
        warnings.push("a worker could not be kept on its CPU: the load may be less even".to_owned());
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Traffic;
    use crate::ways::Ways;

    fn ended(own_lag_us: u64, busy: f64) -> Ended {
        let mut own_lag = new_histogram();
        own_lag.record_n(own_lag_us, 100).unwrap();
        let totals = WorkerTotals {
            traffic: Traffic { received: 10, sent: 20, opened: 1 },
            ways: Ways::default(),
            carried: vec![3, 5],
            own_lag,
            without_port: 0,
        };
        let wall = Duration::from_secs(10);
        Ended { totals, cpu: wall.mul_f64(busy), wall, pinned: true }
    }

    fn lag(us: u64) -> Histogram {
        let mut lag = new_histogram();
        lag.record_n(us, 100).unwrap();
        lag
    }

    #[test]
    fn a_load_without_trouble_has_no_warning() {
        assert_eq!(warnings(&[ended(50, 0.5)], &lag(60), 64), [""; 0]);
    }

    #[test]
    fn a_late_generator_is_told_from_busy_connections() {
        let late = warnings(&[ended(20_000, 0.5)], &lag(20_000), 64);
        assert!(late.len() == 1 && late[0].starts_with("the generator was late"), "{late:?}");
        let queued = warnings(&[ended(50, 0.5)], &lag(20_000), 64);
        assert!(queued.len() == 1 && queued[0].contains("64 connections"), "{queued:?}");
    }

    #[test]
    fn the_busiest_worker_counts_and_not_the_mean() {
        let both = [ended(50, 0.1), ended(50, 0.95)];
        let said = warnings(&both, &lag(60), 64);
        assert!(said.len() == 1 && said[0].contains("95 %"), "{said:?}");
    }
}
