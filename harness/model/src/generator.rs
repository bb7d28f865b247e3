//! What the generator says of itself, and by what it was the limit of a result.

use std::fmt;
use std::time::Duration;

use crate::interval::Histogram;
use crate::objective::{Metric, Objective};

/// The part of a latency objective that the generator's own lateness may take.
const LAG_SHARE: f64 = 0.05;
/// Lateness below this is never held against it: timers and schedulers of ordinary machines are no better.
const LAG_LEAST: Duration = Duration::from_millis(1);
/// Without a latency objective what is judged are outages, errors and goodput, in bins of due time as long as this. A
/// request that is sent late may meet what began after it fell due, which moves an edge by no more than a bin.
const LAG_WITHOUT_LATENCY: Duration = Duration::from_millis(100);
/// A worker that needs the CPU for more of its time than this has no room left.
const BUSY: f64 = 0.9;

/// How much of the machine a load had, beside what its intervals hold. Absent values could not be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Headroom {
    /// Share of all CPU time that the hypervisor gave to others during the load, 0 to 1 (`steal` of `proc_stat(5)`).
    pub steal: Option<f64>,
    /// Longest time that one worker was runnable and had no CPU (`schedstat`, second field), over the whole load.
    pub run_queue_wait: Option<Duration>,
    /// Local ports in use or waiting out their time (`TIME_WAIT`) at the end of the load.
    pub ports_used: Option<u64>,
    /// Local ports that there are: the size of `net.ipv4.ip_local_port_range`.
    pub ports: Option<u64>,
    /// Open files of the process at the end of the load.
    pub files_used: Option<u64>,
    /// Open files that it may have.
    pub files: Option<u64>,
}

/// By what the generator, and not the target, was the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// It saw arrivals too long after they fell due.
    Late {
        /// 99th percentile of its own lateness.
        p99: Duration,
        /// What the objectives leave room for.
        allowed: Duration,
    },
    /// A worker needed the CPU nearly all the time.
    Busy {
        /// Share of the busiest worker's time, 0 to 1, spinning not counted.
        share: f64,
    },
    /// Requests for which this machine had no local port left.
    Ports {
        /// How many.
        requests: u64,
    },
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: &Duration| time.as_secs_f64() * 1e3;
        match self {
            Limit::Late { p99, allowed } => write!(
                f,
                "the generator was late (p99 {:.1} ms, allowed {:.1} ms): lower the rate, or give it a core of its own",
                ms(p99),
                ms(allowed)
            ),
            Limit::Busy { share } => write!(
                f,
                "the generator's busiest worker needed the CPU for {:.0} % of its time: lower the rate or use more workers",
                share * 100.0
            ),
            Limit::Ports { requests } => write!(
                f,
                "{requests} requests found no free local port: keep connections alive, use more source addresses \
                 (--source), or widen net.ipv4.ip_local_port_range"
            ),
        }
    }
}

/// How late the generator itself may be, at the 99th percentile: 5 % of the tightest latency objective, at least 1 ms;
/// 100 ms where no latency is judged.
#[must_use]
pub fn allowed_lag<'a>(objectives: impl IntoIterator<Item = &'a Objective>) -> Duration {
    let latency = |objective: &&Objective| matches!(objective.metric, Metric::Latency(_));
    let tightest = objectives.into_iter().filter(latency).map(|objective| objective.bound).reduce(f64::min);
    tightest.map_or(LAG_WITHOUT_LATENCY, |micros| {
        Duration::from_secs_f64(micros / 1e6).mul_f64(LAG_SHARE).max(LAG_LEAST)
    })
}

/// By what the generator was the limit: `own_lag` in microseconds is its lateness (see [`crate::Interval`]),
/// `busiest_worker` the share of time that its busiest worker needed the CPU, `no_port` the requests without a local
/// port. Empty when the result is the target's.
///
/// Arrivals that were seen in time and found every connection busy are the target's doing and not held against the
/// generator: they count with the time that they waited, so a target that is too slow fails its objectives.
#[must_use]
pub fn limits(own_lag: &Histogram, allowed: Duration, busiest_worker: f64, no_port: u64) -> Vec<Limit> {
    let mut limits = Vec::new();
    let p99 = Duration::from_micros(own_lag.value_at_percentile(99.0));
    if !own_lag.is_empty() && p99 > allowed {
        limits.push(Limit::Late { p99, allowed });
    }
    if busiest_worker > BUSY {
        limits.push(Limit::Busy { share: busiest_worker });
    }
    if no_port > 0 {
        limits.push(Limit::Ports { requests: no_port });
    }
    limits
}

/// Whether the generator is the limit of a stretch of the load that goes on: by the same rules as [`limits`], where `late` is
/// the share of the arrivals that were seen later than [`allowed_lag`].
#[must_use]
pub fn is_limit(late: f64, busiest_worker: f64, no_port: u64) -> bool {
    late > 0.01 || busiest_worker > BUSY || no_port > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::new_histogram;

    fn lag(us: u64) -> Histogram {
        let mut lag = new_histogram();
        lag.record_n(us, 100).unwrap();
        lag
    }

    #[test]
    fn the_allowed_lag_follows_the_tightest_latency_objective() {
        let objectives =
            |texts: &[&str]| -> Vec<Objective> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let allowed = |texts: &[&str]| allowed_lag(&objectives(texts));
        assert_eq!(allowed(&["p99<50ms", "p99.9<1s"]), Duration::from_micros(2_500));
        assert_eq!(allowed(&["p99<2ms"]), LAG_LEAST);
        assert_eq!(allowed(&["errors<1%"]), LAG_WITHOUT_LATENCY);
    }

    #[test]
    fn a_generator_with_room_is_no_limit() {
        assert_eq!(limits(&lag(900), LAG_LEAST, 0.85, 0), []);
        assert_eq!(limits(&new_histogram(), LAG_LEAST, 0.0, 0), []);
        assert!(!is_limit(0.009, 0.85, 0));
        assert!(is_limit(0.011, 0.0, 0) && is_limit(0.0, 0.95, 0) && is_limit(0.0, 0.0, 1));
    }

    #[test]
    fn each_limit_is_named_with_its_remedy() {
        let found = limits(&lag(2_000), LAG_LEAST, 0.95, 3);
        let said: Vec<String> = found.iter().map(Limit::to_string).collect();
        assert_eq!(said.len(), 3, "{said:?}");
        for (said, expected) in
            said.iter().zip(["core of its own", "95 %", "3 requests found no free local port"])
        {
            assert!(said.contains(expected), "{said}");
        }
    }
}
