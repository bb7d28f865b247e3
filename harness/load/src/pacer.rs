//! Turns stages into due times, purely.
//!
//! Each open stage has a cumulative count of arrivals L(t). The arrival with number n of the stage falls due when
//! L(t) = n, so a due time is computed from its number and never from the one before: an error cannot add up.

mod curve;

use std::time::Duration;

use model::{Arrivals, Seed, Stage};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A stage with its place in the load, in seconds from the start.
#[derive(Debug, Clone)]
struct Segment {
    from: f64,
    length: f64,
    /// L(length): how many arrivals it has in all.
    total: f64,
    arrivals: Arrivals,
}

/// When an arrival falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// From the start of the load.
    pub(crate) at: Duration,
    /// What an access log says is sent: its distinct request.
    pub(crate) logged: Option<u32>,
}

/// The due times of the open stages of a load, in order, from the start of the load.
#[derive(Debug, Clone)]
pub struct Pacer {
    segments: Vec<Segment>,
    current: usize,
    /// How many arrivals the current segment has had: its L(t), which is fractional only for Poisson arrivals.
    count: f64,
    random: ChaCha8Rng,
}

impl Pacer {
    /// The due times of `stages`, one after the other. Closed stages have none.
    #[must_use]
    pub fn new(stages: &[Stage], seed: Seed) -> Self {
        let mut from = 0.0;
        let mut segments = Vec::new();
        for stage in stages {
            let length = stage.duration.as_secs_f64();
            let total = curve::total(&stage.arrivals, stage.duration);
            segments.push(Segment { from, length, total, arrivals: stage.arrivals.clone() });
            from += length;
        }
        let mut pacer = Self {
            segments,
            current: 0,
            count: 0.0,
            random: ChaCha8Rng::seed_from_u64(seed.stream("arrivals")),
        };
        pacer.enter(0);
        pacer
    }

    fn enter(&mut self, segment: usize) {
        self.current = segment;
        self.count = 0.0;
        if matches!(
            self.segments.get(segment).map(|segment| &segment.arrivals),
            Some(Arrivals::Poisson { .. })
        ) {
            self.count = exponential(&mut self.random);
        }
    }

    /// The next due time, with what the stage says is sent then.
    pub(crate) fn next_due(&mut self) -> Option<Due> {
        while !self.segments.get(self.current)?.has(self.count) {
            self.enter(self.current + 1);
        }
        let segment = &self.segments[self.current];
        let t = curve::when(&segment.arrivals, segment.length, self.count).min(segment.length);
        let logged = match &segment.arrivals {
            Arrivals::Replay(replay) => Some(replay.target_of(curve::number(self.count))),
            _ => None,
        };
        let at = Duration::from_secs_f64(segment.from + t);
        self.count += match segment.arrivals {
            Arrivals::Poisson { .. } => exponential(&mut self.random),
            _ => 1.0,
        };
        Some(Due { at, logged })
    }
}

impl Iterator for Pacer {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.next_due()?.at)
    }
}

impl Segment {
    /// Whether an arrival with this count belongs to the segment and not to the next. Decided by count and not by time,
    /// with room for rounding, so that 10 s at 4.9/s are 49 arrivals and not 50.
    fn has(&self, count: f64) -> bool {
        count < self.total - self.total * 1e-12
    }
}

/// A draw from the exponential distribution with mean 1, by inversion.
fn exponential(random: &mut impl Rng) -> f64 {
    // 1 - u lies in (0, 1], whose logarithm is finite.
    -(1.0 - random.random::<f64>()).ln()
}

#[cfg(test)]
mod tests;
