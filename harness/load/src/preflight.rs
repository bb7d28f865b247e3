//! What can be said of a load before it begins: limits of this machine that it would run into.

use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use model::Plan;

use crate::LoadError;
use crate::address::Target;
use crate::headroom::local_ports;
use crate::run::Options;

/// A closed connection's local port rests this long (`TCP_TIMEWAIT_LEN` of Linux).
const TIME_WAIT: Duration = Duration::from_secs(60);
/// More requests per second than a worker has been seen to send on any machine; see docs/performance.md.
const WORKER_LIMIT: f64 = 2e6;

/// What `options` gives a load to do with, in the network that its workers will enter.
pub(crate) fn means(plan: &Plan, options: &Options) -> Means {
    let enter = Arc::clone(&options.enter);
    let read = thread::spawn(move || enter().ok().and_then(|()| local_ports()));
    let ports = read.join().ok().flatten().map(|(low, high)| u64::from(high.saturating_sub(low)) + 1);
    let targets = options.targets.list();
    let tcp = targets.iter().filter(|target| matches!(target, Target::Tcp(_))).count() as u64;
    let over_unix = tcp < targets.len() as u64;
    Means {
        workers: options.workers,
        // Unix sockets need no ports.
        ports: ports.filter(|_| !over_unix),
        pairs: tcp.max(1) * (plan.transport.sources.len() as u64).max(1),
    }
}

/// Whether connections can leave from every source address that was asked for, in the network that workers will enter.
///
/// # Errors
///
/// [`LoadError::Plan`] with the address that is none of this machine's, or from which no target can be reached.
pub(crate) fn check_sources(plan: &Plan, options: &Options) -> Result<(), LoadError> {
    let targets = options.targets.list();
    let sources = plan.transport.sources.clone();
    if let Some(lost) =
        sources.iter().find(|source| !targets.iter().any(|target| target.can_be_reached_from(**source)))
    {
        return Err(LoadError::Plan(format!("no target can be reached from the source address {lost}")));
    }
    let enter = Arc::clone(&options.enter);
    // Where the network cannot be entered the workers say so.
    let bound = thread::spawn(move || {
        let _ = enter();
        let bound = |source: &IpAddr| TcpListener::bind((*source, 0)).err().map(|error| (*source, error));
        sources.iter().filter_map(bound).find(|(_, error)| error.kind() == ErrorKind::AddrNotAvailable)
    });
    match bound.join() {
        Ok(None) => Ok(()),
        Ok(Some((source, error))) => Err(LoadError::Plan(format!(
            "connections cannot leave from the source address {source}: {error}"
        ))),
        Err(_) => Err(LoadError::Panicked),
    }
}

/// What a load has to do with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Means {
    pub(crate) workers: usize,
    /// Local ports, if they are limited: `net.ipv4.ip_local_port_range`, for each pair of addresses.
    pub(crate) ports: Option<u64>,
    /// Pairs of a local and a target's address and port.
    pub(crate) pairs: u64,
}

/// What speaks against a load.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    /// What may become its limit.
    pub(crate) warnings: Vec<String>,
    /// What certainly makes it impossible.
    pub(crate) impossible: Option<String>,
}

/// What speaks against driving `plan` with `means`.
pub(crate) fn preflight(plan: &Plan, means: &Means) -> Doubts {
    let mut doubts = Doubts::default();
    let peak = plan.stages.iter().filter_map(|stage| stage.arrivals.peak_rate()).fold(0.0, f64::max);
    let workers = exact(means.workers as u64);
    if peak > WORKER_LIMIT * workers {
        doubts.impossible = Some(format!(
            "a rate of {peak:.0}/s is more than {} workers can send ({WORKER_LIMIT:.0}/s each at the very most): use \
             --workers or a lower rate",
            means.workers
        ));
    }
    if let Some(ports) = means.ports {
        let all = ports.saturating_mul(means.pairs);
        if plan.connections as u64 > all {
            doubts.impossible = Some(format!(
                "{} connections need as many local ports, but there are {all} ({ports} of net.ipv4.ip_local_port_range \
                 for each pair of addresses): use fewer connections, widen the range, or add addresses with --source",
                plan.connections
            ));
        }
        if let Some(requests) = connection_life(plan) {
            let opened = (peak / requests).min(plan.transport.opens_per_s.unwrap_or(f64::INFINITY));
            let sustained = exact(all) / TIME_WAIT.as_secs_f64();
            let length: Duration = plan.stages.iter().map(|stage| stage.duration).sum();
            let needed = opened * length.min(TIME_WAIT).as_secs_f64();
            if needed > exact(all) {
                doubts.warnings.push(format!(
                    "up to {opened:.0} new connections a second may run out of local ports: one rests for \
                     {} s after its connection if this side closes it, and {all} ports sustain {sustained:.0}/s; keep \
                     connections alive, widen net.ipv4.ip_local_port_range, or add addresses with --source",
                    TIME_WAIT.as_secs()
                ));
            }
        }
    }
    doubts
}

/// Requests that a connection serves; `None` when it is kept alive without a bound.
fn connection_life(plan: &Plan) -> Option<f64> {
    if !plan.keep_alive {
        return Some(1.0);
    }
    plan.transport.requests_per_connection.map(|requests| exact(requests.max(1)))
}

#[expect(clippy::cast_precision_loss, reason = "for messages and bounds")]
fn exact(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Arrivals, Schedule, Seed, Stage, Transport};

    fn plan(rate: f64, seconds: u64, connections: usize, keep_alive: bool) -> Plan {
        Plan {
            name: "t".into(),
            seed: Seed(1),
            base_url: String::new(),
            scenario: model::Scenario::default(),
            warm_up: Duration::ZERO,
            stages: vec![Stage {
                duration: Duration::from_secs(seconds),
                arrivals: Arrivals::Constant { rate },
            }],
            cool_down: Duration::ZERO,
            connections,
            keep_alive,
            transport: Transport::default(),
            timeout: Duration::from_secs(1),
            schedule: Schedule::default(),
            objectives: Vec::new(),
        }
    }

    const MEANS: Means = Means { workers: 1, ports: Some(28_232), pairs: 1 };

    #[test]
    fn a_load_within_its_means_has_no_doubts() {
        assert_eq!(preflight(&plan(50_000.0, 60, 10_000, true), &MEANS), Doubts::default());
        // 470/s for a minute and more are 28,200 ports.
        assert_eq!(preflight(&plan(470.0, 600, 64, false), &MEANS), Doubts::default());
    }

    #[test]
    fn connections_that_are_closed_may_use_up_the_ports_and_the_warning_says_what_they_sustain() {
        let doubts = preflight(&plan(1_000.0, 60, 64, false), &MEANS);
        assert_eq!(doubts.impossible, None);
        assert!(doubts.warnings[0].contains("28232 ports sustain 471/s"), "{doubts:?}");
        // What is over before the ports are used up is fine, and so is a second address.
        assert_eq!(preflight(&plan(1_000.0, 20, 64, false), &MEANS), Doubts::default());
        let three = Means { pairs: 3, ..MEANS };
        assert_eq!(preflight(&plan(1_000.0, 60, 64, false), &three), Doubts::default());
        let mut tenth = plan(1_000.0, 60, 64, true);
        tenth.transport.requests_per_connection = Some(10);
        assert_eq!(preflight(&tenth, &MEANS), Doubts::default());
        tenth.transport.requests_per_connection = Some(1);
        assert_eq!(preflight(&tenth, &MEANS).warnings.len(), 1);
        tenth.transport.opens_per_s = Some(100.0);
        assert_eq!(preflight(&tenth, &MEANS), Doubts::default());
    }

    #[test]
    fn more_connections_than_ports_and_more_requests_than_workers_can_send_are_impossible() {
        let connections = preflight(&plan(10.0, 1, 30_000, true), &MEANS).impossible.unwrap();
        assert!(connections.contains("30000 connections") && connections.contains("28232"), "{connections}");
        let rate = preflight(&plan(5e6, 1, 64, true), &MEANS).impossible.unwrap();
        assert!(rate.contains("5000000/s") && rate.contains("--workers"), "{rate}");
        assert_eq!(preflight(&plan(5e6, 1, 64, true), &Means { workers: 3, ..MEANS }).impossible, None);
        // Over unix sockets there are no ports to run out of.
        let unix = Means { ports: None, ..MEANS };
        assert_eq!(preflight(&plan(1_000.0, 60, 30_000, false), &unix), Doubts::default());
    }
}
