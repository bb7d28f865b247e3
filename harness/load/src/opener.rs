//! When connections may be opened, where to and where from.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::Plan;

use crate::address::{Address, Target};
use crate::run::Options;

/// A target that refuses every connection is asked again this often by each worker, whatever falls due.
const ASK_AGAIN: Duration = Duration::from_millis(1);

/// What a worker may do about a connection that is not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    Open,
    /// Not before this time.
    Wait(Duration),
    /// The target refused a moment ago, and would again.
    Refused,
}

pub(crate) struct Opener<'a> {
    options: &'a Options,
    targets: Arc<[Target]>,
    version: usize,
    sources: Vec<IpAddr>,
    /// Between two openings; zero for no limit.
    spacing: Duration,
    /// No opening before this time, from the start of the load.
    next: Duration,
    count: usize,
    /// Refusals since the last connection that stood, and how many make a target one that refuses everything.
    refusals: usize,
    all: usize,
    last_refusal: Duration,
}

impl<'a> Opener<'a> {
    pub(crate) fn new(worker: usize, plan: &Plan, options: &'a Options, connections: usize) -> Self {
        let workers = u32::try_from(options.workers).unwrap_or(u32::MAX);
        let spacing = plan.transport.opens_per_s.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(1.0 / rate.max(f64::MIN_POSITIVE)).saturating_mul(workers)
        });
        Self {
            options,
            targets: options.targets.list(),
            version: options.targets.version(),
            sources: plan.transport.sources.clone(),
            spacing,
            // Workers take turns, so that they do not open in step.
            next: spacing.saturating_mul(u32::try_from(worker).unwrap_or(0)) / workers.max(1),
            count: worker,
            refusals: 0,
            all: connections.max(8),
            last_refusal: Duration::ZERO,
        }
    }

    /// Whether openings are limited in number per time.
    pub(crate) fn is_limited(&self) -> bool {
        !self.spacing.is_zero()
    }

    /// Whether a connection may be opened at `now`.
    pub(crate) fn permission(&self, now: Duration) -> Permission {
        if self.refusals >= self.all && now < self.last_refusal + ASK_AGAIN {
            Permission::Refused
        } else if now < self.next {
            Permission::Wait(self.next)
        } else {
            Permission::Open
        }
    }

    /// The ends of the next connection, which is opened at `now`.
    pub(crate) fn next(&mut self, now: Duration) -> Address<'_> {
        if self.version != self.options.targets.version() {
            self.version = self.options.targets.version();
            self.targets = self.options.targets.list();
        }
        // From its own time on, so that a late opening does not make the others late.
        self.next = (self.next + self.spacing).max(now.saturating_sub(self.spacing));
        // Counted over all workers, so that few connections are spread over the addresses too.
        let turn = self.count;
        self.count += self.options.workers;
        let target = &self.targets[turn % self.targets.len()];
        let fitting = || self.sources.iter().copied().filter(|source| target.can_be_reached_from(*source));
        let source = fitting().nth(turn % fitting().count().max(1));
        Address { target, source }
    }

    /// A connection stands.
    pub(crate) fn stands(&mut self) {
        self.refusals = 0;
    }

    /// A connection was refused.
    pub(crate) fn refused(&mut self, now: Duration) {
        self.refusals += 1;
        self.last_refusal = now;
    }
}
