//! The live line of a run: what was asked, what came back, which faults are in force.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use load::Live;
use model::{Event, Plan, Sink, What};

use crate::interrupt::Interrupt;
use crate::view::{Subject, View};

/// How often the line is drawn on a terminal, and how often one is printed elsewhere.
const DRAW_EVERY: Duration = Duration::from_millis(200);
const PRINT_EVERY: Duration = Duration::from_secs(5);

/// Faults in force by injection, with their names.
pub(crate) type InForce = Arc<Mutex<BTreeMap<usize, String>>>;

/// Draws the state of a load until it is dropped.
pub(crate) struct Progress {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    in_force: InForce,
    names: Vec<String>,
    bar: ProgressBar,
    /// In place of the bar.
    view: Option<View>,
}

impl Progress {
    /// Begins to draw a load that starts at `start` and lasts `length`: in a view of the whole terminal, if it is wanted
    /// and can be had, or else in a line. `injections` are the names of the faults in order.
    pub(crate) fn begin(
        plan: &Plan,
        start: Instant,
        live: &Arc<Live>,
        injections: Vec<String>,
        view_for: Option<&Interrupt>,
    ) -> Self {
        let (label, length) = (plan.name.clone(), plan.phases().load_to);
        let in_force = InForce::default();
        let done = Arc::new(AtomicBool::new(false));
        let view = view_for.and_then(|interrupt| {
            let subject = Subject {
                label: label.clone(),
                start,
                length,
                live: Arc::clone(live),
                requests: plan.scenario.requests.iter().map(|request| request.name.clone()).collect(),
                in_force: Arc::clone(&in_force),
                interrupt: interrupt.clone(),
            };
            View::begin(subject).ok()
        });
        if view.is_some() {
            let bar = ProgressBar::hidden();
            return Self { done, thread: None, in_force, names: injections, bar, view };
        }
        let bar = ProgressBar::new(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
        let style = ProgressStyle::with_template("{prefix} {bar:20} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_prefix(label.clone());
        let drawing = Drawing {
            bar: bar.clone(),
            label,
            start,
            length,
            live: Arc::clone(live),
            in_force: Arc::clone(&in_force),
            done: Arc::clone(&done),
        };
        let thread = thread::spawn(move || drawing.run());
        Self { done, thread: Some(thread), in_force, names: injections, bar, view: None }
    }

    /// Prints a line that stays, above the live one.
    pub(crate) fn say(&self, line: &str) {
        match &self.view {
            Some(view) => view.say(line),
            None if self.bar.is_hidden() => eprintln!("{line}"),
            None => self.bar.println(line),
        }
    }
}

impl Sink for Progress {
    fn emit(&self, event: Event) {
        let name = |injection: &usize| self.names.get(*injection).cloned().unwrap_or_default();
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        match &event.what {
            What::FaultInjected { injection, targets, effect } => {
                in_force.insert(*injection, name(injection));
                self.say(&format!("  fault   {} on {}: {effect}", name(injection), targets.join(", ")));
            }
            What::FaultHealed { injection } => {
                in_force.remove(injection);
                self.say(&format!("  healed  {}", name(injection)));
            }
            What::FaultVoid { injection, reason } => {
                in_force.remove(injection);
                self.say(&format!("  void    {}: {reason}", name(injection)));
            }
            What::HealFailed { injection, left, remedy } => {
                self.say(&format!("  NOT HEALED  {}: {left}; undo it by: {remedy}", name(injection)));
            }
            What::AlertReceived { alert, about, firing } => {
                let about = about.as_ref().map_or(String::new(), |node| format!(" about {node}"));
                self.say(&format!("  alert   {alert}{about}{}", if *firing { "" } else { " is over" }));
            }
            What::Warning(text) => self.say(&format!("  warning: {text}")),
            _ => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A line less is no reason to fail.
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

struct Drawing {
    bar: ProgressBar,
    label: String,
    start: Instant,
    length: Duration,
    live: Arc<Live>,
    in_force: InForce,
    done: Arc<AtomicBool>,
}

impl Drawing {
    fn run(&self) {
        let plain = self.bar.is_hidden() || !std::io::stderr().is_terminal();
        let mut printed = Instant::now();
        while !self.done.load(Ordering::Relaxed) {
            let elapsed = self.start.elapsed().min(self.length);
            let line = self.line(elapsed);
            if !plain {
                self.bar.set_position(u64::try_from(elapsed.as_millis()).unwrap_or_default());
                self.bar.set_message(line);
            } else if printed.elapsed() >= PRINT_EVERY {
                eprintln!("{} {line}", self.label);
                printed = Instant::now();
            }
            thread::sleep(DRAW_EVERY);
        }
    }

    fn line(&self, elapsed: Duration) -> String {
        let now = self.live.snapshot();
        let in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let faults: Vec<&str> = in_force.values().map(String::as_str).collect();
        let faults = if faults.is_empty() { String::new() } else { format!("  [{}]", faults.join(", ")) };
        let limited = if now.generator_limited { "  generator-limited" } else { "" };
        format!(
            "{:.0}/{:.0} s  offered {:.0}/s  goodput {:.0}/s  p50 {:.1} ms  p99 {:.1} ms  failed {}{limited}{faults}",
            elapsed.as_secs_f64(),
            self.length.as_secs_f64(),
            now.offered_hz,
            now.goodput_hz,
            now.p50_us / 1e3,
            now.p99_us / 1e3,
            now.failed,
        )
    }
}
