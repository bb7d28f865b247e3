//! Loads that are spoiled at random, as by a neighbour that takes the machine away for a while.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How often a load meets a stall that has nothing to do with it. A load begins with the first request, and
/// with one after [`Spoiled::APART`] without any, of which none was in a stall; it ends the stall of the load before it.
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
    /// When the last request came.
    last: Option<Instant>,
    stall: Option<(Instant, Instant)>,
    random: ChaCha8Rng,
}

impl Spoiling {
    pub(crate) fn new(spoiled: Spoiled) -> Self {
        Self { spoiled, last: None, stall: None, random: ChaCha8Rng::seed_from_u64(spoiled.seed) }
    }

    /// From when to when there is a stall in the load that this request belongs to.
    pub(crate) fn stall(&mut self, arrived: Instant) -> Option<(Instant, Instant)> {
        let Spoiled { share, stall, within, .. } = self.spoiled;
        // Nobody asks a server that does not answer, so a stall makes a silence of its own.
        let stalled_until = self.stall.filter(|(from, _)| *from <= arrived).map(|(_, to)| to);
        let silent_from = self.last.max(stalled_until);
        self.last = Some(arrived);
        if silent_from.is_none_or(|from| arrived.saturating_duration_since(from) >= Spoiled::APART) {
            let spoiled = self.random.random_bool(share);
            let from = arrived + within.mul_f64(self.random.random());
            self.stall = spoiled.then_some((from, from + stall));
        }
        self.stall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_loads_are_spoiled_and_each_once_at_most() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let spoiled = Spoiled { share: 0.3, stall: ms(1_000), within: ms(500), seed: 7 };
        let mut spoiling = Spoiling::new(spoiled);
        let mut stalls = 0;
        for load in 1..=1_000u32 {
            let begun = start + ms(5_000) * load;
            for request in 0..10 {
                let arrived = begun + ms(20) * request;
                let Some((from, to)) = spoiling.stall(arrived) else { continue };
                assert_eq!(to - from, ms(1_000));
                assert!((begun..begun + ms(500)).contains(&from));
                stalls += u32::from(request == 0);
            }
            // A client with all its requests in a stall asks again after it: that is no new load.
            if let Some((_, to)) = spoiling.stall(begun + ms(200)) {
                assert_eq!(spoiling.stall(to + ms(1)), Some((to - ms(1_000), to)));
            }
        }
        // Three standard deviations of a binomial distribution: 3 * sqrt(1000 * 0.3 * 0.7) = 43.
        assert!((257..=343).contains(&stalls), "{stalls} of 1000");
    }
}
