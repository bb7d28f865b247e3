//! How long each step of a fault may take before it counts as failed.

use std::time::Duration;

/// Deadlines of the steps of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A command that looks or asks the kernel for something. Nodes of a lab have a fifth of a core, shared with what
    /// they serve, so this is long.
    pub command: Duration,
    /// From a signal to its proof: gone, or stopped.
    pub effect: Duration,
    /// A start or stop command, and a process that was asked to end in good order.
    pub service: Duration,
    /// From a start to the part's own readiness.
    pub ready: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            command: Duration::from_secs(10),
            effect: Duration::from_secs(5),
            service: Duration::from_secs(30),
            ready: Duration::from_secs(60),
        }
    }
}
