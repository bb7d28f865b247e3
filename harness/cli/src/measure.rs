//! One measured load with its faults: what `load` and `rehearse` have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use load::{Live, Options, Targets};
use model::{Event, Inventory, Plan, ResolvedInjection, Sink, What};
use record::Recorder;

use crate::connect::Destination;
use crate::failure::{Code, Failure};
use crate::interrupt::Interrupt;
use crate::metrics::Listening;
use crate::progress::Progress;

/// Workers need a moment to open their connections before the first request falls due.
const LEAD: Duration = Duration::from_millis(300);
/// A stack that fails more than this share of the warm-up is not in a steady state.
const STEADY_FAILURES: f64 = 0.01;

/// First thing a worker thread does: joins the client's network.
pub(crate) type Enter = Arc<dyn Fn() -> std::io::Result<()> + Send + Sync>;

/// What one load needs beside its plan.
pub(crate) struct Measurement<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) destination: Destination,
    /// Header field that tells which way an answer took.
    pub(crate) way: String,
    pub(crate) authority: String,
    pub(crate) enter: Enter,
    pub(crate) workers: usize,
    pub(crate) cpus: Vec<usize>,
    pub(crate) precise: bool,
    pub(crate) injections: &'a [ResolvedInjection],
    /// Where faults are injected; `None` for a plain load.
    pub(crate) inventory: Option<&'a Inventory>,
    /// What is done beside the load, and beside the faults, from the start of the measured load on.
    pub(crate) beside: Option<&'a (dyn Fn(Instant) + Sync)>,
    /// What makes the load other than it was asked for.
    pub(crate) notes: Vec<String>,
    pub(crate) recorder: &'a Recorder,
    pub(crate) interrupt: &'a Interrupt,
    /// Whether the load is shown in a view of the whole terminal.
    pub(crate) view: bool,
    /// Who answers scrapers meanwhile.
    pub(crate) metrics: Option<Listening>,
}

/// How a measured load went.
pub(crate) struct Measured {
    /// What could not be healed, with its remedy.
    pub(crate) unhealed: Vec<String>,
    /// Why nothing was injected, when the stack was failing before the first fault.
    pub(crate) unsteady: Option<String>,
}

/// Passes events to the record and to the terminal.
struct Tee<'a>(&'a Recorder, &'a Progress);

impl Sink for Tee<'_> {
    fn emit(&self, event: Event) {
        self.1.emit(event.clone());
        self.0.emit(event);
    }
}

impl Measurement<'_> {
    /// Drives the load and, meanwhile, the faults.
    pub(crate) fn run(self) -> Result<Measured, Failure> {
        let live = Arc::new(Live::default());
        let start = Instant::now() + LEAD;
        let phases = self.plan.phases();
        let names = self.injections.iter().map(|resolved| resolved.injection.name.clone()).collect();
        let requests = || self.plan.scenario.requests.iter().map(|request| request.name.clone()).collect();
        let _serving = self.metrics.as_ref().map(|metrics| metrics.serve(&live, requests())).transpose()?;
        let view_for = self.view.then_some(self.interrupt);
        let progress = Progress::begin(self.plan, start, &live, names, view_for);
        let tee = Tee(self.recorder, &progress);
        let targets = Arc::new(Targets::new(self.destination.targets.clone()));
        let done = AtomicBool::new(false);
        for note in &self.notes {
            tee.emit(Event { at: Instant::now(), what: What::Warning(note.clone()) });
        }
        let options = Options {
            targets: Arc::clone(&targets),
            authority: self.authority.clone(),
            workers: self.workers,
            cpus: self.cpus.clone(),
            precise: self.precise,
            way: self.way.clone(),
            start,
            enter: Arc::clone(&self.enter),
            live: Arc::clone(&live),
        };
        let (totals, chaos) = thread::scope(|scope| {
            let faults = scope.spawn(|| self.inject(start + phases.measure_from, &live, &tee));
            let following = self
                .destination
                .name
                .as_ref()
                .map(|(name, found)| scope.spawn(|| name.follow(found, &targets, &tee, &done)));
            let totals = load::run(self.plan, &options, &tee, &self.interrupt.flag);
            done.store(true, Ordering::Relaxed);
            // It ends by the flag; what it had to say it has said.
            let _ = following.map(thread::ScopedJoinHandle::join);
            (totals, faults.join())
        });
        let (unhealed, unsteady) =
            chaos.map_err(|_| Failure::new(Code::Bug, anyhow!("the fault thread panicked")))?;
        if let Some(signal) = self.interrupt.signal() {
            tee.emit(Event { at: Instant::now(), what: What::Interrupted { signal } });
        }
        if let Some(trouble) = self.recorder.trouble() {
            progress.say(&format!("  warning: the record is incomplete: {trouble}"));
        }
        totals.map_err(|error| {
            let code = match error {
                load::LoadError::Plan(_) | load::LoadError::Impossible(_) => Code::Input,
                _ => Code::Environment,
            };
            Failure::new(code, error)
        })?;
        Ok(Measured { unhealed, unsteady })
    }

    /// Waits for the measured load, looks whether the stack is healthy, and breaks it on schedule.
    fn inject(&self, measure_from: Instant, live: &Live, sink: &dyn Sink) -> (Vec<String>, Option<String>) {
        let Some(inventory) = self.inventory else { return (Vec::new(), None) };
        while Instant::now() < measure_from {
            if self.interrupt.flag.load(Ordering::Relaxed) {
                return (Vec::new(), None);
            }
            thread::sleep(Duration::from_millis(5));
        }
        if let Some(why) = unsteady(live) {
            // The load ends too: there is nothing to learn from breaking what is broken.
            self.interrupt.flag.store(true, Ordering::Relaxed);
            return (Vec::new(), Some(why));
        }
        let outcome = thread::scope(|scope| {
            if let Some(work) = self.beside {
                scope.spawn(move || work(measure_from));
            }
            // Its first act is to heal every node, by commands that cost each a moment of its share of the machine.
            if self.injections.is_empty() {
                return chaos::Outcome::default();
            }
            chaos::run(self.injections, inventory, measure_from, sink, &self.interrupt.flag)
        });
        let tell = |unhealed: &chaos::Unhealed| format!("{}; undo it by: {}", unhealed.left, unhealed.remedy);
        (outcome.unhealed.iter().map(tell).collect(), None)
    }
}

/// Why a stack is not in a steady state at the end of its warm-up.
fn unsteady(live: &Live) -> Option<String> {
    let warm_up = live.snapshot();
    let settled = warm_up.good + warm_up.failed;
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts far below 2^52")]
    let failed = warm_up.failed as f64 / settled.max(1) as f64;
    if warm_up.due > 0 && settled == 0 {
        return Some(format!("none of the warm-up's {} requests was answered", warm_up.due));
    }
    (failed > STEADY_FAILURES).then(|| {
        format!(
            "{:.1} % of the warm-up's {settled} requests failed before any fault was injected",
            failed * 100.0
        )
    })
}
