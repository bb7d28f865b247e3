//! What happened during a run, told by whoever made or saw it to whoever wants to know.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::interval::Interval;
use crate::load_totals::LoadTotals;

/// A stretch of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The design comes up.
    Up,
    /// Load that is not judged.
    WarmUp,
    /// The load that is measured, faults included.
    Measure,
    /// Load after the schedule's end, for the last recovery.
    CoolDown,
    /// The design is taken down.
    Down,
}

impl Phase {
    /// The word that records use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Up => "up",
            Phase::WarmUp => "warm-up",
            Phase::Measure => "measure",
            Phase::CoolDown => "cool-down",
            Phase::Down => "down",
        }
    }
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// A phase began (and the one before it ended).
    PhaseBegan(Phase),
    /// A process was started.
    ProcessStarted {
        /// Its node.
        node: String,
        /// Its name on the node.
        process: String,
        /// Its process id.
        pid: u32,
    },
    /// A process answered its own protocol for the first time since it was started.
    ProcessReady {
        /// Its node.
        node: String,
        /// Its name on the node.
        process: String,
    },
    /// A process died, asked to or not.
    ProcessDied {
        /// Its node.
        node: String,
        /// Its name on the node.
        process: String,
        /// How it ended: "signal 9", "exit status 1".
        status: String,
    },
    /// A fault is in force and its effect was seen.
    FaultInjected {
        /// Index into the timeline's injections.
        injection: usize,
        /// What it hit: `server1/mariadbd`, `server2`.
        targets: Vec<String>,
        /// The proof: "process 41 is gone".
        effect: String,
    },
    /// A fault did nothing or could not be applied; the injection says nothing about the design.
    FaultVoid {
        /// Index into the timeline's injections.
        injection: usize,
        /// Why.
        reason: String,
    },
    /// A fault was undone and that was seen.
    FaultHealed {
        /// Index into the timeline's injections.
        injection: usize,
    },
    /// A fault could not be undone.
    HealFailed {
        /// Index into the timeline's injections.
        injection: usize,
        /// What is left.
        left: String,
        /// The command that undoes it.
        remedy: String,
    },
    /// The design's own monitoring told somebody that something is wrong, or that it is well again.
    AlertReceived {
        /// The rule's name: "DatabaseDown".
        alert: String,
        /// The node that it is about, where it names one.
        about: Option<String>,
        /// Whether it began; else it is over.
        firing: bool,
    },
    /// A name was asked for and answered.
    Resolved {
        /// The name.
        name: String,
        /// Its addresses.
        addresses: Vec<SocketAddr>,
        /// How long the answer took.
        took: Duration,
    },
    /// A window of the load is complete.
    IntervalClosed(Box<Interval>),
    /// The load ended.
    LoadFinished(Box<LoadTotals>),
    /// Something that makes the result less sure.
    Warning(String),
    /// The run was ended from outside by this signal.
    Interrupted {
        /// Signal number.
        signal: i32,
    },
}

/// Something that happened, and when.
#[derive(Debug, Clone)]
pub struct Event {
    /// When, on the one clock of the run.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// Takes events: the record, the terminal, a test.
pub trait Sink: Send + Sync {
    /// Takes one event. Must not block for long and must not fail: losing the record must not change the run.
    fn emit(&self, event: Event);
}

/// Takes events and forgets them.
pub struct NullSink;

impl Sink for NullSink {
    fn emit(&self, _event: Event) {}
}

impl<F: Fn(Event) + Send + Sync> Sink for F {
    fn emit(&self, event: Event) {
        self(event);
    }
}
