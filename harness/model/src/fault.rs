//! Harm: what is asked for, to whom, when, and for how long.

use std::time::Duration;

use crate::design::Role;

/// Which way dropped traffic was going, seen from the selected node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// To the node.
    In,
    /// From the node.
    Out,
}

/// A kind of harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing happens: the control.
    Noop,
    /// SIGKILL; the process stays dead until the injection ends, then its start command runs.
    Kill,
    /// SIGTERM: the process ends in good order and stays away until the injection ends.
    Term,
    /// SIGSTOP until the injection ends, then SIGCONT.
    Pause,
    /// Stopped by its stop command, away until the injection ends, then started again.
    Restart,
    /// The database that is primary at that time is restarted.
    RestartPrimary,
    /// Packets are dropped without a word.
    Drop {
        /// Which way.
        direction: Direction,
        /// Only traffic with this node; all traffic when absent.
        peer: Option<String>,
        /// Only traffic to or from this TCP or UDP port; all ports when absent.
        port: Option<u16>,
    },
}

impl FaultKind {
    /// The word that schedules and reports use.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            FaultKind::Noop => "noop",
            FaultKind::Kill => "kill",
            FaultKind::Term => "term",
            FaultKind::Pause => "pause",
            FaultKind::Restart => "restart",
            FaultKind::RestartPrimary => "restart-primary",
            FaultKind::Drop { .. } => "drop",
        }
    }
}

/// Whom a fault hits: the processes (or, for network faults, the nodes that run them) that fit every field given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// On this node.
    pub node: Option<String>,
    /// With this role.
    pub role: Option<Role>,
    /// Of this part.
    pub part: Option<String>,
    /// Only the database that is primary when the injection begins.
    pub primary: bool,
    /// Every process of the nodes of those that fit, as when the whole server dies.
    pub whole_node: bool,
    /// Which of those that fit.
    pub pick: Pick,
}

/// Which of the nodes that fit a [`Selector`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pick {
    /// Every one.
    #[default]
    All,
    /// One node, drawn by the run's seed.
    Random,
    /// The first node of the topology that fits.
    First,
    /// The last node of the topology that fits.
    Last,
}

/// Fault + selector + at + for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// Names the injection in tables; unique in its schedule.
    pub name: String,
    /// The kind of harm.
    pub fault: FaultKind,
    /// Whom it hits.
    pub select: Selector,
    /// Whether it is left out of a design that has nothing it could hit.
    pub if_present: bool,
    /// When it begins, from the start of the measured load.
    pub at: Duration,
    /// How long it is in force.
    pub hold: Duration,
}

/// The list of injections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    /// Names the schedule: "kill-database".
    pub name: String,
    /// What it teaches, in one sentence.
    pub teaches: String,
    /// In order of time.
    pub injections: Vec<Injection>,
}

/// A process or, for network faults, a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The node's name.
    pub node: String,
    /// The process on it; `None` for the node as a whole.
    pub process: Option<String>,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.process {
            Some(process) => write!(f, "{}/{process}", self.node),
            None => f.write_str(&self.node),
        }
    }
}

/// An injection with every random choice made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedInjection {
    /// What was asked.
    pub injection: Injection,
    /// Whom it hits. For the primary these are the candidates: which one it is, is asked when the time comes.
    pub targets: Vec<Target>,
}
