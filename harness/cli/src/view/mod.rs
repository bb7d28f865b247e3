//! The terminal view of a load: rates, a heat strip of latency, what became of requests. `q` ends the run.
//!
//! ```text
//!   state    what there is to show, as plain data
//!   draw     a state -> cells, purely
//!   charts   the two charts of it
//!   screen   the terminal: taken, and given back whatever happens
//! ```

mod charts;
mod draw;
mod screen;
mod state;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use load::Live;
use nix::sys::resource::{UsageWho, getrusage};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use self::screen::Screen;
use self::state::State;
use crate::interrupt::Interrupt;
use crate::progress::InForce;

/// How often a frame is drawn.
const FRAME: Duration = Duration::from_millis(200);
/// A column of the charts holds at least this much time ...
const SHORTEST_STEP: Duration = Duration::from_millis(500);
/// ... and so much that the whole run takes no more columns than this.
const COLUMNS: u32 = 120;

/// What a view needs to know of its load.
pub(crate) struct Subject {
    pub(crate) label: String,
    /// When the load starts.
    pub(crate) start: Instant,
    pub(crate) length: Duration,
    pub(crate) live: Arc<Live>,
    /// The requests, in the scenario's order.
    pub(crate) requests: Vec<String>,
    pub(crate) in_force: InForce,
    pub(crate) interrupt: Interrupt,
}

/// Draws a load until it is dropped. Then the terminal is as it was, and what was said meanwhile is printed.
pub(crate) struct View {
    done: Arc<AtomicBool>,
    said: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl View {
    /// Takes the terminal.
    pub(crate) fn begin(subject: Subject) -> io::Result<Self> {
        let screen = Screen::take()?;
        let (done, said) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let drawing = Drawing { subject, done: Arc::clone(&done), said: Arc::clone(&said) };
        // A view that cannot be drawn is no reason to end the load.
        let thread = thread::spawn(move || drop(drawing.run(screen)));
        Ok(Self { done, said, thread: Some(thread) })
    }

    /// Shows a line, and keeps it for the end.
    pub(crate) fn say(&self, line: &str) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        for line in self.said.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            eprintln!("{line}");
        }
    }
}

struct Drawing {
    subject: Subject,
    done: Arc<AtomicBool>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Drawing {
    fn run(&self, mut screen: Screen) -> io::Result<()> {
        let Subject { label, start, length, live, requests, in_force, interrupt } = &self.subject;
        let mut state = State {
            label: label.clone(),
            length: *length,
            step: SHORTEST_STEP.max(*length / COLUMNS),
            ..State::default()
        };
        let (mut heard, mut next_column) = (0, *start + state.step);
        let mut cpu = Cpu::new();
        while !self.done.load(Ordering::Relaxed) {
            let detail = live.detail();
            state.update(start.elapsed(), live.snapshot(), &detail, requests);
            let now = Instant::now();
            if now >= next_column {
                state.close_column(&detail);
                state.cpu = cpu.since_last();
                next_column = (next_column + state.step).max(now);
            }
            state.faults =
                in_force.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
            let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            said.iter().skip(heard).for_each(|line| state.say(line));
            heard = said.len();
            drop(said);
            state.ending = interrupt.flag.load(Ordering::Relaxed);
            screen.draw(|area, buffer| draw::draw(&state, area, buffer))?;
            let until = Instant::now() + FRAME;
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                if !event::poll(left)? {
                    break;
                }
                if asks_to_end(&event::read()?) {
                    interrupt.ask();
                }
            }
        }
        Ok(())
    }
}

/// In raw mode ctrl-C is a key and sends no signal.
fn asks_to_end(event: &Event) -> bool {
    let Event::Key(key) = event else { return false };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && (matches!(key.code, KeyCode::Char('q' | 'Q')) && !control
            || key.code == KeyCode::Char('c') && control)
}

/// The CPU time that the whole process takes.
struct Cpu {
    at: Instant,
    used: Duration,
}

impl Cpu {
    fn new() -> Self {
        Self { at: Instant::now(), used: used() }
    }

    /// CPUs in use since the last call.
    fn since_last(&mut self) -> f64 {
        let (at, used) = (Instant::now(), used());
        let share = used.saturating_sub(self.used).as_secs_f64() / (at - self.at).as_secs_f64().max(1e-3);
        (self.at, self.used) = (at, used);
        share
    }
}

fn used() -> Duration {
    let micros = |time: nix::sys::time::TimeVal| {
        let micros = u64::try_from(time.tv_usec()).unwrap_or(0);
        Duration::from_secs(u64::try_from(time.tv_sec()).unwrap_or(0)) + Duration::from_micros(micros)
    };
    getrusage(UsageWho::RUSAGE_SELF)
        .map(|usage| micros(usage.user_time()) + micros(usage.system_time()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
