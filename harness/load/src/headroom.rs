//! What the system says of the room that a load had: CPU time taken by others, ports, files.

use std::fs;
use std::time::Duration;

use model::Headroom;
use nix::sys::resource::{Resource, getrlimit};

/// CPU time of the whole machine since it was started, in the kernel's ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpuTimes {
    all: u64,
    stolen: u64,
}

impl CpuTimes {
    /// The share of CPU time that the hypervisor gave to others since `before`.
    pub(crate) fn stolen_since(&self, before: &Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "ticks of one load, far below 2^52")]
        Some(self.stolen.saturating_sub(before.stolen) as f64 / all as f64)
    }
}

/// The first line of `proc_stat(5)`.
pub(crate) fn cpu_times() -> Option<CpuTimes> {
    parse_cpu_times(&fs::read_to_string("/proc/stat").ok()?)
}

fn parse_cpu_times(stat: &str) -> Option<CpuTimes> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // user nice system idle iowait irq softirq steal; guest time is part of user time.
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
    (ticks.len() == 8).then(|| CpuTimes { all: ticks.iter().sum(), stolen: ticks[7] })
}

/// How long the calling thread has been runnable without a CPU: the second field of its `schedstat`.
pub(crate) fn run_queue_wait() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// Ports and files, as the calling thread's network and its process have them.
pub(crate) fn headroom() -> Headroom {
    let sockets = fs::read_to_string("/proc/thread-self/net/sockstat").ok();
    Headroom {
        ports_used: sockets.as_deref().and_then(parse_ports_used),
        ports: local_ports().map(|(low, high)| u64::from(high.saturating_sub(low)) + 1),
        files_used: fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64),
        files: getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft),
        ..Headroom::default()
    }
}

/// The first and the last local port of the calling thread's network: `ip_local_port_range` of `ip(7)`.
pub(crate) fn local_ports() -> Option<(u16, u16)> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut words = text.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// TCP sockets that hold a port: those in use and those in `TIME_WAIT`.
fn parse_ports_used(sockstat: &str) -> Option<u64> {
    let line = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let value = |name: &str| words.chunks(2).find(|pair| pair[0] == name)?.get(1)?.parse::<u64>().ok();
    Some(value("inuse")? + value("tw")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_a_share_of_all_time() {
        let before = parse_cpu_times("cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n").unwrap();
        let after = parse_cpu_times("cpu  20 0 20 130 0 0 0 30 5 0\n").unwrap();
        assert_eq!(after.stolen_since(&before), Some(0.3));
        assert_eq!(before.stolen_since(&before), None, "no time has passed");
        assert_eq!(parse_cpu_times("cpu 1 2 3\n"), None);
    }

    #[test]
    fn ports_in_use_and_waiting_are_counted() {
        let text = "sockets: used 12\nTCP: inuse 7 orphan 0 tw 30 alloc 9 mem 0\nUDP: inuse 0 mem 0\n";
        assert_eq!(parse_ports_used(text), Some(37));
        assert_eq!(parse_ports_used("sockets: used 12\n"), None);
    }

    #[test]
    fn this_machine_says_what_it_has() {
        let here = headroom();
        assert!(here.ports.is_some_and(|ports| ports > 0) && here.files_used < here.files, "{here:?}");
    }
}
