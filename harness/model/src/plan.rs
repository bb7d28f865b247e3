//! What is asked of a run, and the same with every time and random choice resolved.

use std::time::Duration;

use crate::design::Inventory;
use crate::fault::{ResolvedInjection, Schedule};
use crate::objective::Objective;
use crate::scenario::Scenario;
use crate::seed::Seed;
use crate::stage::Stage;
use crate::transport::Transport;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Names the run: a design, or the host of a URL.
    pub name: String,
    /// All randomness comes from it.
    pub seed: Seed,
    /// Where requests go: `http://host:port`.
    pub base_url: String,
    /// What is sent.
    pub scenario: Scenario,
    /// Load before the measurement, at the first stage's rate.
    pub warm_up: Duration,
    /// The measured load.
    pub stages: Vec<Stage>,
    /// Load after the measurement, at the last stage's rate.
    pub cool_down: Duration,
    /// Connections over all workers.
    pub connections: usize,
    /// Whether a connection serves more than one request.
    pub keep_alive: bool,
    /// How requests travel.
    pub transport: Transport,
    /// A request is given up when it was not answered this long after it fell due.
    pub timeout: Duration,
    /// Faults; empty for a plain load.
    pub schedule: Schedule,
    /// Service levels.
    pub objectives: Vec<Objective>,
}

impl Plan {
    /// When the phases begin, from the start of the load.
    #[must_use]
    pub fn phases(&self) -> Phases {
        let measure: Duration = self.stages.iter().map(|stage| stage.duration).sum();
        Phases {
            measure_from: self.warm_up,
            measure_to: self.warm_up + measure,
            load_to: self.warm_up + measure + self.cool_down,
        }
    }
}

/// When the phases of the load begin and end, from the start of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phases {
    /// End of the warm-up.
    pub measure_from: Duration,
    /// End of the measured load.
    pub measure_to: Duration,
    /// End of the cool-down.
    pub load_to: Duration,
}

/// The plan resolved: no choice is left but which database is primary when its time comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// What was asked.
    pub plan: Plan,
    /// The faults in order of time.
    pub injections: Vec<ResolvedInjection>,
    /// What is up; `None` for a plain load.
    pub inventory: Option<Inventory>,
}
