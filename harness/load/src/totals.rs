//! What the generator says of itself at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Headroom, Histogram, LoadTotals, SessionTotals};

use crate::collect::Lateness;
use crate::connection::Traffic;
use crate::run::Options;
use crate::thread_state::peak_resident_bytes;
use crate::ways::Ways;

/// Requests that leave this late at the 99th percentile are late enough to doubt the result.
const LATE: Duration = Duration::from_millis(10);
/// A worker that has the CPU for more than this share of the time may be the limit.
const BUSY: f64 = 0.9;
/// More CPU time than this taken by other machines makes figures of this one doubtful.
const STOLEN: f64 = 0.1;

/// What one worker knows at its end.
#[derive(Debug, Default)]
pub(crate) struct WorkerTotals {
    pub(crate) traffic: Traffic,
    pub(crate) ways: Ways,
    /// Fewest and most requests that one socket carried, of each connection.
    pub(crate) carried: Vec<u64>,
    /// Share of the load's time in which it needed a CPU: it had one, or waited for one. A quota shows only in the waiting.
    pub(crate) busy: f64,
    /// Waits that it paused before.
    pub(crate) moderated_waits: u64,
    pub(crate) sessions: Vec<SessionTotals>,
}

/// A worker that has ended.
pub(crate) struct Ended {
    pub(crate) totals: WorkerTotals,
    /// CPU time of its thread.
    pub(crate) cpu: Duration,
    /// Whether it ran where it was asked to.
    pub(crate) pinned: bool,
    /// What its thread saw of the machine.
    pub(crate) headroom: Headroom,
}

/// Of the workers, the share of the time in which the busiest one needed a CPU.
fn busiest(ended: &[Ended]) -> f64 {
    ended.iter().map(|ended| ended.totals.busy).fold(0.0, f64::max)
}

pub(crate) fn totals(
    ended: Vec<Ended>,
    steal: Option<f64>,
    options: &Options,
    interrupted: bool,
) -> LoadTotals {
    let mut totals = LoadTotals {
        threads: options.workers,
        wall: options.start.elapsed(),
        busiest_worker: busiest(&ended),
        moderated_waits: ended.iter().map(|ended| ended.totals.moderated_waits).sum(),
        cpu: ended.iter().map(|ended| ended.cpu).sum(),
        rss_bytes_max: peak_resident_bytes().unwrap_or(0),
        headroom: headroom(&ended, steal),
        sessions: sessions(&ended),
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

/// The longest of the workers' waits, and what one of them saw of the rest, which they share.
fn headroom(ended: &[Ended], steal: Option<f64>) -> Headroom {
    let first = ended.first().map(|ended| ended.headroom.clone()).unwrap_or_default();
    Headroom {
        steal,
        run_queue_wait: ended.iter().filter_map(|ended| ended.headroom.run_queue_wait).max(),
        ..first
    }
}

/// What makes the result less sure. Arrivals that left late because the worker was late are told from those that
/// waited for a connection: the first is this machine's fault, the second the target's or the plan's.
pub(crate) fn warnings(
    ended: &[Ended],
    late: &Lateness,
    steal: Option<f64>,
    connections: usize,
) -> Vec<String> {
    let p99 = |lag: &Histogram| Duration::from_micros(lag.value_at_percentile(99.0));
    let mut warnings = Vec::new();
    if p99(&late.own_lag) > LATE {
        warnings.push(format!(
            "the generator was late: it saw 1 % of the arrivals more than {:.1?} after they fell due; give it a core \
             of its own or lower the rate",
            p99(&late.own_lag)
        ));
    } else if p99(&late.send_lag) > LATE {
        warnings.push(format!(
            "1 % of the requests waited more than {:.1?} for one of the {connections} connections: the target kept \
             them all busy; use more connections if the target is to be seen without that queue",
            p99(&late.send_lag)
        ));
    }
    if let Some(steal) = steal.filter(|steal| *steal > STOLEN) {
        warnings.push(format!(
            "the host gave {:.0} % of this machine's CPU time to others during the load: measure again when it is \
             quiet, or elsewhere",
            steal * 100.0
        ));
    }
    let busy = busiest(ended);
    if busy > BUSY {
        warnings.push(format!(
            "the generator's busiest worker needed the CPU for {:.0} % of its time: use more workers, lower the rate, or \
             give it a core of its own",
            busy * 100.0
        ));
    }
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    for (said, count) in ended.iter().flat_map(|ended| &ended.totals.traffic.tls_faults) {
        *faults.entry(said).or_default() += count;
    }
    warnings.extend(faults.into_iter().map(|(said, count)| format!("TLS failed {count} times: {said}")));
    warnings.extend(session_warnings(&sessions(ended)));
    if ended.iter().any(|ended| !ended.pinned) {
        warnings.push("a worker could not be kept on its CPU: the load may be less even".to_owned());
    }
    warnings
}

/// What became of the sessions of all workers.
fn sessions(ended: &[Ended]) -> Vec<SessionTotals> {
    let mut all: Vec<SessionTotals> = Vec::new();
    for of_worker in ended.iter().map(|ended| &ended.totals.sessions) {
        if all.is_empty() {
            all.clone_from(of_worker);
        } else {
            all.iter_mut().zip(of_worker).for_each(|(all, one)| all.merge(one));
        }
    }
    all
}

/// Names the steps that ended sessions before their time.
fn session_warnings(sessions: &[SessionTotals]) -> Vec<String> {
    let failing = sessions.iter().filter(|session| !session.failed.is_empty());
    let warning = |session: &SessionTotals| {
        let failed: u64 = session.failed.values().sum();
        let reasons: Vec<String> =
            session.failed.iter().map(|(reason, count)| format!("{reason} ({count})")).collect();
        let (name, started) = (&session.name, session.started);
        format!("{failed} of {started} sessions {name} ended early: {}", reasons.join("; "))
    };
    failing.map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::new_histogram;

    fn ended(busy: f64) -> Ended {
        let totals = WorkerTotals {
            traffic: Traffic { received: 10, sent: 20, opened: 1, ..Traffic::default() },
            ways: Ways::default(),
            carried: vec![3, 5],
            busy,
            moderated_waits: 0,
            sessions: Vec::new(),
        };
        Ended { totals, cpu: Duration::from_secs(1), pinned: true, headroom: Headroom::default() }
    }

    fn late(own_us: u64, send_us: u64) -> Lateness {
        let lag = |us| {
            let mut lag = new_histogram();
            lag.record_n(us, 100).unwrap();
            lag
        };
        Lateness { send_lag: lag(send_us), own_lag: lag(own_us) }
    }

    #[test]
    fn a_load_without_trouble_has_no_warning() {
        assert_eq!(warnings(&[ended(0.5)], &late(50, 60), Some(0.01), 64), [""; 0]);
    }

    #[test]
    fn a_late_generator_is_told_from_busy_connections() {
        let own = warnings(&[ended(0.5)], &late(20_000, 20_000), None, 64);
        assert!(own.len() == 1 && own[0].starts_with("the generator was late"), "{own:?}");
        let queued = warnings(&[ended(0.5)], &late(50, 20_000), None, 64);
        assert!(queued.len() == 1 && queued[0].contains("64 connections"), "{queued:?}");
    }

    #[test]
    fn the_busiest_worker_counts_and_not_the_mean() {
        let said = warnings(&[ended(0.1), ended(0.95)], &late(50, 60), None, 64);
        assert!(said.len() == 1 && said[0].contains("95 %"), "{said:?}");
    }

    #[test]
    fn time_that_the_host_took_away_is_said() {
        let said = warnings(&[ended(0.5)], &late(50, 60), Some(0.25), 64);
        assert!(said.len() == 1 && said[0].contains("25 %"), "{said:?}");
    }
}
