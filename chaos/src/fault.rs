//! What a fault is, and the steps of its life.

use model::{FaultKind, Injection, Inventory, Process, Selector, Target};
use reach::ReachError;
use thiserror::Error;

use crate::keys::{Keys, ScheduleError};
use crate::node::Site;
use crate::patience::Patience;
use crate::select;

/// What a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Processes.
    Process,
    /// A node as a whole.
    Node,
    /// Nothing at all.
    Nothing,
}

/// Why a fault could not be applied, proven or undone on a node.
#[derive(Debug, Error)]
pub enum FaultError {
    /// There is nothing to hit.
    #[error("{target} is not running: {reason}")]
    NotRunning {
        /// The process.
        target: String,
        /// What its node answered.
        reason: String,
    },
    /// Hitting it would hit more than was asked for.
    #[error("{target} is left alone: {reason}")]
    Refused {
        /// The process.
        target: String,
        /// What its node answered.
        reason: String,
    },
    /// The node cannot be reached, or the command did not end.
    #[error("{node}: {source}")]
    Reach {
        /// The node.
        node: String,
        /// What happened.
        source: ReachError,
    },
    /// A command on a node failed.
    #[error("{node}: {what}: {complaint}")]
    Command {
        /// The node.
        node: String,
        /// What the command was for.
        what: String,
        /// How it ended and what it said last.
        complaint: String,
    },
    /// The node lacks what the fault needs.
    #[error("{node}: {what}; {remedy}")]
    Unsupported {
        /// The node.
        node: String,
        /// What is missing.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// It was applied, but the effect was not seen.
    #[error("no effect: {0}")]
    NoEffect(String),
    /// It was undone, but that was not seen.
    #[error("{0}")]
    StillThere(String),
    /// A target that the inventory does not have, or a fault that the registry does not have.
    #[error("{0}")]
    Unknown(String),
    /// Nobody is the primary.
    #[error("none of {0} says that it is the primary")]
    NoPrimary(String),
}

/// All that a fault is told about one injection.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// Index into the timeline's injections; names what the fault leaves in the kernel.
    pub index: usize,
    /// What was asked.
    pub injection: &'a Injection,
    /// Whom it hits; the primary has been found by now.
    pub targets: Vec<Target>,
    /// What is up.
    pub inventory: &'a Inventory,
    /// Deadlines.
    pub patience: Patience,
}

impl<'a> Context<'a> {
    /// The targets as processes on their nodes.
    ///
    /// # Errors
    ///
    /// When the inventory does not have one, or a target is a whole node.
    pub fn sites(&self) -> Result<Vec<Site<'a>>, FaultError> {
        self.targets.iter().map(|target| Site::of(target, self.inventory)).collect()
    }
}

/// What was learned while a fault was in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aftermath {
    /// Why the injection says nothing about the design, where it did nothing.
    pub void: Option<String>,
    /// What a reader of the result should know.
    pub remarks: Vec<String>,
}

/// One injection's steps, in the order in which [`Guard`](crate::Guard) takes them. The pre-check is behind it when
/// a `Harm` exists.
pub trait Harm: Send {
    /// Arms the undo where it survives our death.
    ///
    /// # Errors
    ///
    /// When it cannot be armed; nothing is applied then.
    fn arm(&mut self) -> Result<(), FaultError>;

    /// Applies the fault.
    ///
    /// # Errors
    ///
    /// When a node refuses; the guard undoes what was applied.
    fn apply(&mut self) -> Result<(), FaultError>;

    /// Looks for the effect and returns the proof in words: "process group 41 is gone".
    ///
    /// # Errors
    ///
    /// When the effect is not there; the guard undoes what was applied.
    fn verify(&mut self) -> Result<String, FaultError>;

    /// Undoes the fault, however far it came, and disarms the undo. May be called again after an error.
    ///
    /// # Errors
    ///
    /// When a node refuses.
    fn undo(&mut self) -> Result<(), FaultError>;

    /// Looks whether it is undone.
    ///
    /// # Errors
    ///
    /// When something is left.
    fn verify_undone(&mut self) -> Result<Aftermath, FaultError>;

    /// The command that undoes it, with the node to run it on, for a person.
    fn remedy(&self) -> String;
}

/// A kind of harm: the one file that knows it.
pub trait Fault: Send + Sync {
    /// The word in schedules and reports.
    fn name(&self) -> &'static str;

    /// Its colour in charts: of the palette of Okabe and Ito ("Color Universal Design", 2008), which people with any
    /// kind of colour vision can tell apart, as `#rrggbb`.
    fn colour(&self) -> &'static str;

    /// What it hits.
    fn scope(&self) -> Scope {
        Scope::Process
    }

    /// Whether it never hits anything but a primary.
    fn primary_only(&self) -> bool {
        false
    }

    /// Whom it hits when the schedule does not say.
    fn default_select(&self) -> Selector {
        if self.primary_only() { select::primary() } else { Selector::default() }
    }

    /// Reads its own keys from an injection.
    ///
    /// # Errors
    ///
    /// When one holds something else than it should.
    fn read(&self, keys: &mut Keys<'_>) -> Result<FaultKind, ScheduleError>;

    /// Its own keys in words, for a timeline.
    fn detail(&self, _kind: &FaultKind) -> String {
        String::new()
    }

    /// What the inventory lacks for hitting this process and undoing it; `None` when nothing.
    fn lacks(&self, _process: &Process) -> Option<&'static str> {
        None
    }

    /// Pre-checks one injection, changing nothing, and returns its steps.
    ///
    /// # Errors
    ///
    /// When there is nothing to hit, or a node lacks what is needed.
    fn prepare<'a>(&self, context: &Context<'a>) -> Result<Box<dyn Harm + 'a>, FaultError>;

    /// Pre-checks, arms the undo, applies and verifies: from then on the guard holds the fault.
    ///
    /// # Errors
    ///
    /// When any of these fails; what was applied has been undone, or the error says what is left.
    fn inject<'a>(&self, context: &Context<'a>) -> Result<crate::Guard<'a>, crate::InjectError> {
        crate::Guard::inject(self.prepare(context)?)
    }
}
