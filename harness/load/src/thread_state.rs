//! What a worker asks of the system for its own thread, and what the system says of it.

use std::io;
use std::num::NonZeroU64;
use std::time::Duration;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity, set_current_timer_slack};

use crate::LoadError;
use crate::headroom::run_queue_wait;

/// Files that a run has open beside its connections: the record, logs, event loops.
const OTHER_FILES: u64 = 256;

/// Asks to be woken on time: the default slack lets the kernel be 50 us late on purpose.
pub(crate) fn be_punctual() -> io::Result<()> {
    Ok(set_current_timer_slack(NonZeroU64::new(1))?)
}

/// Keeps the thread of worker `id` on its CPU. Where that may not be had the load is only less even, so it is no
/// error; the caller says so. `false` when it failed.
pub(crate) fn pin(id: usize, cpus: &[usize]) -> bool {
    if cpus.is_empty() {
        return true;
    }
    let cpu = cpus[id % cpus.len()];
    let mut set = CpuSet::new();
    if cpu >= CpuSet::MAX_CPU {
        return false;
    }
    set.set(cpu);
    sched_setaffinity(None, &set).is_ok()
}

/// User and system time of the calling thread.
pub(crate) fn cpu_time() -> io::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).map_err(io::Error::from)?;
    let time = |value: nix::sys::time::TimeVal| {
        let micros = u64::try_from(value.tv_usec()).unwrap_or(0);
        Duration::from_secs(u64::try_from(value.tv_sec()).unwrap_or(0)) + Duration::from_micros(micros)
    };
    Ok(time(usage.user_time()) + time(usage.system_time()))
}

/// CPU time that the calling thread has needed so far: used, less what was spent `spinning`, and waited for.
pub(crate) fn needed_time(spinning: Duration) -> Duration {
    let used = cpu_time().unwrap_or_default().saturating_sub(spinning);
    used + run_queue_wait().unwrap_or_default()
}

/// Makes room for the files of `connections` sockets, as far as the hard limit goes.
pub(crate) fn allow_files(connections: usize) -> Result<(), LoadError> {
    let needed = connections as u64 + OTHER_FILES;
    let error = |errno: nix::Error| LoadError::system("read the limit of open files")(errno.into());
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(error)?;
    if soft >= needed {
        return Ok(());
    }
    if hard < needed {
        return Err(LoadError::Plan(format!(
            "{connections} connections need {needed} open files and this process may have {hard}: use fewer \
             connections, or raise the limit (`ulimit -Hn`)"
        )));
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard)
        .map_err(|errno| LoadError::system("raise the limit of open files")(errno.into()))
}

/// Largest resident size of the process so far: VmHWM of `proc_pid_status(5)`.
pub(crate) fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
