//! A load from its plan to its totals: checks, threads, and what they share.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use model::{Event, Headroom, Interval, LoadTotals, Plan, Protocol, Sink, Stage, What};

use crate::LoadError;
use crate::address::Targets;
use crate::collect::Collector;
use crate::headroom::{cpu_times, headroom, run_queue_wait};
use crate::live::Live;
use crate::preflight::{check_sources, means, preflight};
use crate::thread_state::{self, allow_files};
use crate::tls::TlsClient;
use crate::totals::{Ended, totals, warnings};
use crate::worker::Worker;

/// First thing that every thread of the load does: joins the client's network.
pub type Enter = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

/// How a load is driven.
#[derive(Clone)]
pub struct Options {
    /// Where requests go; connections are spread over them.
    pub targets: Arc<Targets>,
    /// The Host header field.
    pub authority: String,
    /// Worker threads, at least 1; no more than there are connections are used.
    pub workers: usize,
    /// Worker `i` runs on `cpus[i % len]`; anywhere when empty.
    pub cpus: Vec<usize>,
    /// Whether workers spend the last stretch before a due time awake: punctual within microseconds, for a whole CPU.
    pub precise: bool,
    /// Header field of the answers that tells which way they took, such as `X-Served-By`.
    pub way: String,
    /// When the first request may fall due: the load's time zero. Connections are opened before it.
    pub start: Instant,
    /// First thing that every thread of the load does.
    pub enter: Enter,
    /// The state of the load while it goes on.
    pub live: Arc<Live>,
}

/// What ends a load before its time.
#[derive(Clone, Copy)]
pub(crate) struct Stop<'a> {
    asked: &'a AtomicBool,
    /// A worker failed: its share of the load is missing, so the others need not go on.
    failed: &'a AtomicBool,
}

impl Stop<'_> {
    pub(crate) fn is_set(&self) -> bool {
        self.asked.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }
}

/// Drives the load of `plan` to its end, or until `stop` is set.
///
/// Emits `PhaseBegan` at the phases' times, `IntervalClosed` once per second of load in order, `Warning`s, and
/// `LoadFinished` at the end. What the target does wrong is counted and is no error. After `stop` what is on its way
/// is given the timeout, but at most 1 s.
///
/// # Errors
///
/// When the plan cannot be run, or a thread cannot be set up.
pub fn run(
    plan: &Plan,
    options: &Options,
    sink: &dyn Sink,
    stop: &AtomicBool,
) -> Result<LoadTotals, LoadError> {
    check(plan, options)?;
    if !plan.transport.sources.is_empty() {
        check_sources(plan, options)?;
    }
    let tls = TlsClient::new(&plan.transport)?;
    // A worker without a connection would have a share of the load and nothing to send it on.
    let options = &Options { workers: options.workers.min(plan.connections), ..options.clone() };
    let stages = all_stages(plan);
    let failed = AtomicBool::new(false);
    let stop = Stop { asked: stop, failed: &failed };
    let (sender, receiver) = channel();
    if plan.transport.tls.as_ref().is_some_and(|tls| tls.insecure) {
        let said = "certificates were not checked (--insecure): anybody may have answered".to_owned();
        sink.emit(Event { at: Instant::now(), what: What::Warning(said) });
    }
    let doubts = preflight(plan, &means(plan, options));
    if let Some(why) = doubts.impossible {
        return Err(LoadError::Impossible(why));
    }
    for warning in doubts.warnings {
        sink.emit(Event { at: Instant::now(), what: What::Warning(warning) });
    }
    let before = cpu_times();
    let (ended, late) = thread::scope(|scope| {
        let mut handles = Vec::new();
        for id in 0..options.workers {
            let (sender, stages, tls) = (sender.clone(), &stages, tls.as_ref());
            handles.push(scope.spawn(move || {
                let failing = RaiseUnlessDone(stop.failed);
                let ended = work(id, Task { plan, stages, options, tls }, sender, stop)?;
                failing.done();
                Ok(ended)
            }));
        }
        drop(sender);
        let late = Collector::new(plan, options, sink).collect(&receiver, stop);
        (handles.into_iter().map(join).collect::<Result<Vec<_>, LoadError>>(), late)
    });
    let ended = ended?;
    let steal = before.zip(cpu_times()).and_then(|(before, after)| after.stolen_since(&before));
    let warnings = warnings(&ended, &late, steal, plan.connections);
    let totals = totals(ended, steal, options, stop.asked.load(Ordering::Relaxed));
    let now = Instant::now();
    for warning in warnings {
        sink.emit(Event { at: now, what: What::Warning(warning) });
    }
    sink.emit(Event { at: now, what: What::LoadFinished(Box::new(totals.clone())) });
    Ok(totals)
}

fn check(plan: &Plan, options: &Options) -> Result<(), LoadError> {
    let wrong = |why: &str| Err(LoadError::Plan(why.to_owned()));
    if plan.scenario.requests.is_empty() {
        return wrong("its scenario has no request");
    }
    let requests = plan.scenario.requests.iter().map(|request| request.weight);
    let sessions = plan.scenario.sessions.iter().map(|session| session.weight);
    let weights: Vec<f64> = requests.chain(sessions).collect();
    if weights.iter().any(|weight| !(*weight >= 0.0 && weight.is_finite()))
        || weights.iter().all(|weight| *weight == 0.0)
    {
        return wrong("every request and session needs a weight above 0");
    }
    if !plan.scenario.sessions.is_empty() && plan.transport.protocol == Protocol::WebSocket {
        return wrong("a session is a sequence of HTTP requests: it cannot go over WebSocket connections");
    }
    if plan.stages.iter().all(|stage| stage.duration.is_zero()) {
        return wrong("it has no stage that lasts");
    }
    let rate = |stage: &Stage| stage.arrivals.peak_rate().is_none_or(|rate| rate > 0.0 && rate.is_finite());
    if !plan.stages.iter().all(rate) {
        return wrong("every open stage needs a rate above 0");
    }
    if plan.timeout.is_zero() {
        return wrong("it needs a timeout above 0");
    }
    if options.targets.list().is_empty() {
        return wrong("there is no address to send to");
    }
    if options.workers == 0 || plan.connections == 0 {
        return wrong("it needs at least one worker and one connection");
    }
    allow_files(plan.connections)
}

/// Warm-up, the stages, cool-down: the load as the workers see it.
fn all_stages(plan: &Plan) -> Vec<Stage> {
    let mut stages = Vec::new();
    if let Some(first) = plan.stages.first() {
        stages.push(Stage { duration: plan.warm_up, arrivals: first.arrivals.held(false, first.duration) });
    }
    stages.extend_from_slice(&plan.stages);
    if let Some(last) = plan.stages.last() {
        stages.push(Stage { duration: plan.cool_down, arrivals: last.arrivals.held(true, last.duration) });
    }
    stages.retain(|stage| !stage.duration.is_zero());
    stages
}

/// What all workers share.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) stages: &'a [Stage],
    pub(crate) options: &'a Options,
    pub(crate) tls: Option<&'a TlsClient>,
}

/// One worker thread.
fn work(id: usize, task: Task<'_>, intervals: Sender<Interval>, stop: Stop<'_>) -> io::Result<Ended> {
    let Task { plan, options, .. } = task;
    (options.enter)()?;
    thread_state::be_punctual()?;
    let pinned = thread_state::pin(id, &options.cpus);
    // The remainder goes to the first workers, so that every connection asked for is opened.
    let (each, more) = (plan.connections / options.workers, plan.connections % options.workers);
    let connections = each + usize::from(id < more);
    let waited = run_queue_wait();
    let worker = Worker::new(id, &task, connections, intervals)?;
    let totals = worker.run(plan.phases().load_to, stop)?;
    let cpu = thread_state::cpu_time()?;
    let run_queue_wait = run_queue_wait().zip(waited).map(|(after, before)| after.saturating_sub(before));
    Ok(Ended { totals, cpu, pinned, headroom: Headroom { run_queue_wait, ..headroom() } })
}

fn join(handle: ScopedJoinHandle<'_, io::Result<Ended>>) -> Result<Ended, LoadError> {
    match handle.join() {
        Ok(result) => result.map_err(LoadError::system("run a worker of the load")),
        Err(_) => Err(LoadError::Panicked),
    }
}

/// Raises a flag when it is dropped before it is done: by an error or a panic.
struct RaiseUnlessDone<'a>(&'a AtomicBool);

impl RaiseUnlessDone<'_> {
    fn done(self) {
        std::mem::forget(self);
    }
}

impl Drop for RaiseUnlessDone<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
