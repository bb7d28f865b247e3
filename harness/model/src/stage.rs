//! What load is asked for: stretches of a run and the way requests arrive in them.

use std::time::Duration;

/// How requests arrive during a [`Stage`]. All but [`Arrivals::Closed`] are open: a due time never depends on a
/// response. Rates are in arrivals per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// Evenly spaced, `1 / rate` apart.
    Constant {
        /// Arrivals per second.
        rate: f64,
    },
    /// Exponentially distributed gaps with mean `1 / rate`: many independent users.
    Poisson {
        /// Mean arrivals per second.
        rate: f64,
    },
    /// The rate changes linearly over the stage.
    Ramp {
        /// Arrivals per second at the beginning.
        from: f64,
        /// Arrivals per second at the end.
        to: f64,
    },
    /// The rate changes in equal steps, each held for `duration / steps`; the first is at `from`, the last at `to`.
    Step {
        /// Arrivals per second of the first step.
        from: f64,
        /// Arrivals per second of the last step.
        to: f64,
        /// Number of steps, at least 1.
        steps: u32,
    },
    /// A fixed number of connections, each sending its next request when the last was answered. The due time of a
    /// request is the time it was sent, so a stall of the target is *not* seen as a user would see it.
    Closed {
        /// Pause between an answer and the next request of the same connection.
        think: Duration,
    },
}

impl Arrivals {
    /// Whether due times are independent of responses.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self, Arrivals::Closed { .. })
    }

    /// The highest rate asked for, in arrivals per second; `None` for a closed loop, which has none.
    #[must_use]
    pub fn peak_rate(&self) -> Option<f64> {
        match *self {
            Arrivals::Constant { rate } | Arrivals::Poisson { rate } => Some(rate),
            Arrivals::Ramp { from, to } | Arrivals::Step { from, to, .. } => Some(from.max(to)),
            Arrivals::Closed { .. } => None,
        }
    }
}

/// A stretch of the run with one kind of arrivals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// How long arrivals fall due.
    pub duration: Duration,
    /// How they arrive.
    pub arrivals: Arrivals,
}
