//! Threads, phases, and the merging of what the workers saw.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use model::{
    Arrivals, Event, Histogram, Interval, LoadTotals, Phase, Plan, Sink, Stage, What, new_histogram,
};
use nix::sys::resource::{UsageWho, getrusage};
use rustix::thread::{CpuSet, sched_setaffinity, set_current_timer_slack};

use crate::LoadError;
use crate::live::Live;
use crate::worker::{Worker, WorkerTotals};

/// First thing that every thread of the load does: joins the client's network.
pub type Enter = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

/// A generator whose requests leave this late at the 99th percentile is a part of what it measures.
const LATE: Duration = Duration::from_millis(10);
/// A worker that has the CPU for more than this share of the time may be the limit.
const BUSY: f64 = 0.9;

/// How a load is driven.
#[derive(Clone)]
pub struct Options {
    /// Where requests go; connections are spread over them.
    pub addresses: Vec<SocketAddr>,
    /// The Host header field.
    pub authority: String,
    /// Worker threads, at least 1.
    pub workers: usize,
    /// Worker `i` runs on `cpus[i % len]`; anywhere when empty.
    pub cpus: Vec<usize>,
    /// When the first request may fall due: the load's time zero.
    pub start: Instant,
    /// First thing that every thread of the load does.
    pub enter: Enter,
    /// The state of the load while it goes on.
    pub live: Arc<Live>,
}

/// Drives the load of `plan` to its end, or until `stop` is set.
///
/// Emits `PhaseBegan` at the phases' times, `IntervalClosed` once per second of load in order, `Warning`s, and
/// `LoadFinished` at the end. What the target does wrong is counted and is no error.
///
/// # Errors
///
/// When the plan is empty, or a thread cannot be set up.
pub fn run(
    plan: &Plan,
    options: &Options,
    sink: &dyn Sink,
    stop: &AtomicBool,
) -> Result<LoadTotals, LoadError> {
    check(plan, options)?;
    let stages = all_stages(plan);
    let phases = plan.phases();
    let (sender, receiver) = channel();
    let workers = options.workers;
    let began = Instant::now();
    let (ended, lag) = thread::scope(|scope| {
        let mut handles = Vec::new();
        for id in 0..workers {
            // The remainder goes to the first workers, so that every connection asked for is opened.
            let slots = plan.connections / workers + usize::from(id < plan.connections % workers);
            let (sender, stages) = (sender.clone(), &stages);
            handles.push(scope.spawn(move || {
                set_up_thread(options, id)?;
                let worker =
                    Worker::new(id, plan, stages, options, slots.max(1), sender).map_err(io::Error::from)?;
                let totals = worker.run(phases.load_to, stop).map_err(io::Error::from)?;
                Ok((totals, thread_cpu()?))
            }));
        }
        drop(sender);
        let lag = collect(plan, options, workers, &receiver, sink, stop);
        (handles.into_iter().map(join).collect::<Result<Vec<_>, LoadError>>(), lag)
    });
    let totals = totals(ended?, options, began, stop.load(Ordering::Relaxed));
    for warning in warnings(&totals, &lag) {
        sink.emit(Event { at: Instant::now(), what: What::Warning(warning) });
    }
    sink.emit(Event { at: Instant::now(), what: What::LoadFinished(Box::new(totals.clone())) });
    Ok(totals)
}

fn check(plan: &Plan, options: &Options) -> Result<(), LoadError> {
    let wrong = |why: &str| Err(LoadError::Plan(why.to_owned()));
    if plan.scenario.requests.is_empty() {
        return wrong("its scenario has no request");
    }
    if plan.stages.is_empty() {
        return wrong("it has no stage");
    }
    if options.addresses.is_empty() {
        return wrong("there is no address to send to");
    }
    if options.workers == 0 || plan.connections == 0 {
        return wrong("it needs at least one worker and one connection");
    }
    Ok(())
}

/// Warm-up, the stages, cool-down: the load as the workers see it.
fn all_stages(plan: &Plan) -> Vec<Stage> {
    let hold = |arrivals: Arrivals, at_end: bool| match arrivals {
        Arrivals::Ramp { from, to } | Arrivals::Step { from, to, .. } => {
            Arrivals::Constant { rate: if at_end { to } else { from } }
        }
        other => other,
    };
    let mut stages = Vec::new();
    if let Some(first) = plan.stages.first() {
        stages.push(Stage { duration: plan.warm_up, arrivals: hold(first.arrivals, false) });
    }
    stages.extend(&plan.stages);
    if let Some(last) = plan.stages.last() {
        stages.push(Stage { duration: plan.cool_down, arrivals: hold(last.arrivals, true) });
    }
    stages.retain(|stage| !stage.duration.is_zero());
    stages
}

fn set_up_thread(options: &Options, id: usize) -> io::Result<()> {
    (options.enter)()?;
    // The default slack lets the kernel wake us 50 us late on purpose.
    set_current_timer_slack(NonZeroU64::new(1))?;
    if !options.cpus.is_empty() {
        let mut set = CpuSet::new();
        set.set(options.cpus[id % options.cpus.len()]);
        // Where affinity may not be set the load is only less even, which the send lag shows.
        let _ = sched_setaffinity(None, &set);
    }
    Ok(())
}

fn thread_cpu() -> io::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).map_err(io::Error::from)?;
    let time = |value: nix::sys::time::TimeVal| {
        let micros = u64::try_from(value.tv_usec()).unwrap_or(0);
        Duration::from_secs(u64::try_from(value.tv_sec()).unwrap_or(0)) + Duration::from_micros(micros)
    };
    Ok(time(usage.user_time()) + time(usage.system_time()))
}

type Ended = (WorkerTotals, Duration);

fn join(handle: ScopedJoinHandle<'_, io::Result<Ended>>) -> Result<Ended, LoadError> {
    match handle.join() {
        Ok(result) => result.map_err(LoadError::system("run a worker of the load")),
        Err(_) => Err(LoadError::Panicked),
    }
}

/// Tells the phases at their times and merges the workers' intervals until the last worker has ended. Returns the
/// send lag of the whole load.
fn collect(
    plan: &Plan,
    options: &Options,
    workers: usize,
    receiver: &Receiver<Interval>,
    sink: &dyn Sink,
    stop: &AtomicBool,
) -> Histogram {
    let phases = plan.phases();
    let mut to_come = vec![(Phase::Measure, phases.measure_from)];
    if !plan.warm_up.is_zero() {
        to_come.insert(0, (Phase::WarmUp, Duration::ZERO));
    }
    if !plan.cool_down.is_zero() {
        to_come.push((Phase::CoolDown, phases.measure_to));
    }
    let mut to_come = to_come.into_iter().peekable();
    let mut partial: BTreeMap<Duration, (Interval, usize)> = BTreeMap::new();
    let mut lag = new_histogram();
    loop {
        let now = Instant::now();
        while let Some((phase, at)) =
            to_come.next_if(|(_, at)| options.start + *at <= now && !stop.load(Ordering::Relaxed))
        {
            sink.emit(Event { at: options.start + at, what: What::PhaseBegan(phase) });
        }
        let wait = to_come.peek().map_or(Duration::from_millis(100), |(_, at)| {
            (options.start + *at).saturating_duration_since(now).min(Duration::from_millis(100))
        });
        match receiver.recv_timeout(wait) {
            Ok(interval) => {
                let offset = interval.offset;
                match partial.get_mut(&offset) {
                    Some((merged, seen)) => {
                        merged.merge(&interval);
                        *seen += 1;
                    }
                    None => {
                        partial.insert(offset, (interval, 1));
                    }
                }
                while let Some(entry) = partial.first_entry().filter(|entry| entry.get().1 == workers) {
                    close(entry.remove().0, &mut lag, sink);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // A worker that failed has left its share out.
    for (interval, _) in partial.into_values() {
        close(interval, &mut lag, sink);
    }
    lag
}

fn close(interval: Interval, lag: &mut Histogram, sink: &dyn Sink) {
    // Histograms that resize themselves accept each other's values.
    let _ = lag.add(&interval.send_lag);
    let at = interval.start + interval.length;
    sink.emit(Event { at, what: What::IntervalClosed(Box::new(interval)) });
}

fn totals(ended: Vec<Ended>, options: &Options, began: Instant, interrupted: bool) -> LoadTotals {
    let wall = options.start.elapsed();
    let mut totals = LoadTotals {
        threads: options.workers,
        wall,
        rss_bytes_max: peak_resident_bytes().unwrap_or(0),
        reused_requests_min: u64::MAX,
        interrupted,
        ..LoadTotals::default()
    };
    for (worker, cpu) in ended {
        totals.cpu += cpu;
        let busy = cpu.as_secs_f64() / began.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
        totals.busiest_worker = totals.busiest_worker.max(busy);
        totals.bytes_received += worker.traffic.received;
        totals.bytes_sent += worker.traffic.sent;
        totals.connections_opened += worker.traffic.opened;
        for carried in worker.carried {
            totals.reused_requests_min = totals.reused_requests_min.min(carried);
            totals.reused_requests_max = totals.reused_requests_max.max(carried);
        }
        for (way, count) in worker.ways.into_counts() {
            *totals.served_by.entry(way).or_insert(0) += count;
        }
    }
    totals
}

/// VmHWM of `proc_pid_status(5)`.
fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn warnings(totals: &LoadTotals, lag: &Histogram) -> Vec<String> {
    let mut warnings = Vec::new();
    let p99 = Duration::from_micros(lag.value_at_percentile(99.0));
    if p99 > LATE {
        warnings.push(format!(
            "requests left late: the send lag's 99th percentile is {p99:?}; the target kept every connection busy \
             (use more --connections) or the generator is the limit"
        ));
    }
    if totals.busiest_worker > BUSY {
        let busy = totals.busiest_worker * 100.0;
        warnings.push(format!("the busiest worker had the CPU {busy:.0} % of the time: use more --workers"));
    }
    warnings
}
