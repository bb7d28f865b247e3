//! What goes wrong in a synthetic run, as plain data with known answers.

use model::Outcome;

/// For a while, some arrivals end otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Harm {
    /// From, in seconds from the start of the measured load.
    pub from_s: f64,
    /// Until.
    pub to_s: f64,
    /// Which requests of the scenario.
    pub requests: &'static [usize],
    /// Every how many-th of their arrivals: 1 is every one.
    pub every: u64,
    /// What becomes of them.
    pub outcome: Outcome,
    /// How long that takes, in microseconds; as long as ever when absent.
    pub latency_us: Option<u64>,
}

impl Harm {
    /// Whether the `turn`-th arrival, due `at_s` after the start of the measured load, is hit.
    pub(super) fn hits(&self, at_s: f64, request: usize, turn: u64) -> bool {
        let turn = turn / 10 + turn % 10;
        (self.from_s..self.to_s).contains(&at_s)
            && self.requests.contains(&request)
            && turn.is_multiple_of(self.every)
    }
}

const ALL: &[usize] = &[0, 1, 2];
const READ: usize = 0;
const WRITE: usize = 1;
const UNAVAILABLE: Outcome = Outcome::Answered { status: 503 };

fn harm(from_s: f64, to_s: f64, requests: &'static [usize], outcome: Outcome, latency_us: u64) -> Harm {
    Harm { from_s, to_s, requests, every: 1, outcome, latency_us: Some(latency_us) }
}

/// The one server's losses: orders for 12.7 s, everything for 10.4 s, everything for 11.2 s.
pub(super) fn simple() -> Vec<Harm> {
    vec![
        harm(8.0, 8.1, &[READ, WRITE], Outcome::Reset, 2_000),
        harm(8.1, 20.7, &[READ, WRITE], UNAVAILABLE, 1_500),
        harm(30.0, 40.4, ALL, Outcome::Refused, 400),
        harm(51.0, 61.2, ALL, Outcome::Refused, 400),
        harm(61.2, 62.2, &[READ, WRITE], UNAVAILABLE, 1_500),
    ]
}

/// The three servers' losses: writes for 12.7 s, half of everything for 0.6 s, half of everything for 0.6 s with a
/// moment of slow answers behind it.
pub(super) fn distributed() -> Vec<Harm> {
    vec![
        harm(8.0, 20.7, &[WRITE], UNAVAILABLE, 1_500),
        Harm { every: 2, ..harm(30.0, 30.6, ALL, UNAVAILABLE, 900) },
        Harm { every: 2, ..harm(51.0, 51.6, ALL, UNAVAILABLE, 900) },
        harm(51.6, 54.0, &[READ], Outcome::Answered { status: 200 }, 180_000),
    ]
}
