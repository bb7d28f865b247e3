//! Side-by-side runs against whatever other load generators are installed, alternating, one server for all.

pub mod clients;
pub mod server;
pub mod table;

use std::error::Error;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};

use clients::{Case, Client};

/// What one run of one client cost and brought.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Requests that were answered.
    pub requests: f64,
    /// How long the client ran, in seconds.
    pub wall_s: f64,
    /// CPU time in user mode, in seconds.
    pub user_s: f64,
    /// CPU time in the kernel, in seconds.
    pub system_s: f64,
}

impl Run {
    /// Requests per second of the client's CPU time: what is left of a figure when the server is the limit.
    #[must_use]
    pub fn per_core_second(&self) -> f64 {
        self.requests / (self.user_s + self.system_s)
    }
}

/// Runs `client` once on CPU `cpu` for `length`.
///
/// # Errors
///
/// When it cannot be run, or says nothing that can be understood.
pub fn run(client: &Client, case: &Case, cpu: usize, length: Duration) -> Result<Run, Box<dyn Error>> {
    let arguments = client.arguments(case, length);
    let before = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let began = Instant::now();
    let output = Command::new("taskset")
        .args(["-c", &cpu.to_string(), &client.program])
        .args(&arguments)
        .stdin(Stdio::null())
        .output()?;
    let wall_s = began.elapsed().as_secs_f64();
    let after = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let requests = client.requests(&text).ok_or_else(|| {
        format!(
            "{} {}: cannot be understood: {text}{}",
            client.name,
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        )
    })?;
    let spent = |of: fn(&Usage) -> nix::sys::time::TimeVal| seconds(of(&after)) - seconds(of(&before));
    Ok(Run { requests, wall_s, user_s: spent(Usage::user_time), system_s: spent(Usage::system_time) })
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a bench, far below 2^52")]
fn seconds(time: nix::sys::time::TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

/// System calls per request, counted in a run of its own: by the kernel (`perf stat`) where that is allowed, else by `strace`,
/// which slows a client down so much that it finds more answers at each wait and waits less often. `None` where there is
/// neither.
///
/// # Errors
///
/// When the client cannot be run under it.
pub fn system_calls(client: &Client, case: &Case, length: Duration) -> Result<Option<f64>, Box<dyn Error>> {
    const PERF: [&str; 5] =
        ["perf", "stat", "--field-separator=,", "--event=raw_syscalls:sys_enter", "--output"];
    const STRACE: [&str; 6] = ["strace", "-f", "-c", "-U", "calls,name", "-o"];
    // `12345,,raw_syscalls:sys_enter,...`
    let counted = count_calls(&PERF, client, case, length, |line| {
        line.contains("raw_syscalls:sys_enter").then(|| line.split(',').next()?.parse().ok())?
    })?;
    if counted.is_some() {
        return Ok(counted);
    }
    count_calls(&STRACE, client, case, length, |line| {
        line.trim_end().ends_with("total").then(|| line.split_whitespace().next()?.parse().ok())?
    })
}

/// Runs the client under `counter`, whose last option names the file of its summary; `count` reads the number from a line.
fn count_calls(
    counter: &[&str],
    client: &Client,
    case: &Case,
    length: Duration,
    count: impl FnMut(&str) -> Option<f64>,
) -> Result<Option<f64>, Box<dyn Error>> {
    let summary = tempfile::NamedTempFile::new()?;
    let output = Command::new(counter[0])
        .args(&counter[1..])
        .arg(summary.path())
        // As in the runs that are timed: what a client finds at a wait depends on where it runs.
        .args(["taskset", "-c", "1", &client.program])
        .args(client.arguments(case, length))
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else { return Ok(None) };
    let Some(requests) = client.requests(&String::from_utf8_lossy(&output.stdout)) else { return Ok(None) };
    let text = std::fs::read_to_string(summary.path())?;
    Ok(text.lines().find_map(count).map(|calls: f64| calls / requests))
}
