//! Loads that are spoiled at random, as by a neighbour that takes the machine away for a while.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How often a load meets a stall that has nothing to do with it. A load begins with a request after
/// [`Spoiled::APART`] without one.
#[derive(Debug, Clone, Copy)]
pub struct Spoiled {
    /// Probability for each load.
    pub share: f64,
    /// How long the stall is.
    pub stall: Duration,
    /// The stall begins at a random moment of this time after the load's first request.
    pub within: Duration,
    /// Of the random numbers that decide.
    pub seed: u64,
}

impl Spoiled {
    /// Silence that separates two loads.
    pub const APART: Duration = Duration::from_millis(150);
}

/// Decides which loads are spoiled.
pub(crate) struct Spoiling {
    spoiled: Spoiled,
    last_arrival: Instant,
    random: ChaCha8Rng,
}

impl Spoiling {
    pub(crate) fn new(spoiled: Spoiled, now: Instant) -> Self {
        Self { spoiled, last_arrival: now, random: ChaCha8Rng::seed_from_u64(spoiled.seed) }
    }

    /// From when to when there is a stall, when this request begins a load that is spoiled.
    pub(crate) fn stall(&mut self, arrived: Instant) -> Option<(Instant, Instant)> {
        let silence = arrived.saturating_duration_since(self.last_arrival);
        self.last_arrival = arrived;
        let Spoiled { share, stall, within, .. } = self.spoiled;
        if silence < Spoiled::APART || !self.random.random_bool(share) {
            return None;
        }
        let from = arrived + within.mul_f64(self.random.random());
        Some((from, from + stall))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_loads_are_spoiled_and_each_once_at_most() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let spoiled = Spoiled { share: 0.3, stall: ms(1_000), within: ms(500), seed: 7 };
        let mut spoiling = Spoiling::new(spoiled, start);
        let mut stalls = 0;
        for load in 1..=1_000u32 {
            let begun = start + ms(2_000) * load;
            for request in 0..10 {
                let arrived = begun + ms(20) * request;
                let Some((from, to)) = spoiling.stall(arrived) else { continue };
                assert_eq!((request, to - from), (0, ms(1_000)));
                assert!((begun..begun + ms(500)).contains(&from));
                stalls += 1;
            }
        }
        // Three standard deviations of a binomial distribution: 3 * sqrt(1000 * 0.3 * 0.7) = 43.
        assert!((257..=343).contains(&stalls), "{stalls} of 1000");
    }
}
