//! Numbers the due times and gives each its request.
//!
//! Every worker walks the same stream and takes its own share of it, so what is sent when does not depend on how many
//! workers there are.

use std::sync::Arc;
use std::time::Duration;

use model::{Arrivals, Replay, Scenario, Seed, Stage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::pacer::Pacer;

/// One request that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its place among all arrivals, from 0; its values are drawn from this.
    pub number: u64,
    /// When it is to be sent, from the start of the load.
    pub due: Duration,
    /// Index into the scenario's requests.
    pub request: usize,
    /// Its place among the arrivals of the same request, from 0.
    pub sequence: u64,
    /// What asks for it.
    pub origin: Origin,
}

/// What asks for an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The scenario's mix.
    Mix,
    /// An access log: the distinct request of the plan's [`model::Replay`].
    Log(u32),
    /// A session, by its index in the scenario: this is its first step.
    Session(u16),
    /// The answer to the step before, with what the session remembers of it.
    Step {
        /// Which of the worker's memories.
        memory: u32,
    },
}

/// The arrivals of a load's open stages, in order.
#[derive(Debug, Clone)]
pub struct ArrivalStream {
    pacer: Pacer,
    mix: Mix,
    replay: Option<Arc<Replay>>,
}

impl ArrivalStream {
    /// The arrivals of `stages`, mixed as `scenario` says.
    #[must_use]
    pub fn new(stages: &[Stage], scenario: &Scenario, seed: Seed) -> Self {
        Self {
            pacer: Pacer::new(stages, seed),
            mix: Mix::new(scenario, seed.stream("mix")),
            replay: replayed(stages).cloned(),
        }
    }

    /// One worker's share: every arrival whose number is `id` modulo `workers`.
    pub(crate) fn share(self, id: usize, workers: usize) -> Share {
        Share { stream: self, id: id as u64, workers: workers as u64 }
    }

    /// What a worker's closed stages send. Their numbers and sequences go on where those of the open stages end, and
    /// are dealt out among the workers, so that no value comes twice.
    pub(crate) fn closed_mix(mut self, id: usize, workers: usize, seed: Seed) -> Mix {
        while self.next().is_some() {}
        let mut mix = self.mix;
        mix.random = ChaCha8Rng::seed_from_u64(seed.stream(&format!("mix of worker {id}")));
        mix.stride = workers as u64;
        mix.number += id as u64;
        mix.sequences.iter_mut().for_each(|sequence| *sequence += id as u64);
        mix
    }
}

impl Iterator for ArrivalStream {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let due = self.pacer.next_due()?;
        Some(match (due.logged, &self.replay) {
            (Some(target), Some(replay)) => {
                self.mix.number(due.at, replay.describe(target).request, Origin::Log(target))
            }
            _ => self.mix.arrival(due.at),
        })
    }
}

/// The log that the stages replay: a load replays one at most.
pub(crate) fn replayed(stages: &[Stage]) -> Option<&Arc<Replay>> {
    stages.iter().find_map(|stage| match &stage.arrivals {
        Arrivals::Replay(replay) => Some(replay),
        _ => None,
    })
}

/// The arrivals that one worker sends.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    stream: ArrivalStream,
    id: u64,
    workers: u64,
}

impl Iterator for Share {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        loop {
            let arrival = self.stream.next()?;
            if self.workers == 1 || arrival.number % self.workers == self.id {
                return Some(arrival);
            }
        }
    }
}

/// Draws requests and sessions by weight.
#[derive(Debug, Clone)]
pub(crate) struct Mix {
    /// Cumulative weights, the last of which is 1.
    bounds: Vec<f64>,
    /// What is drawn: a request and what asks for it.
    entries: Vec<(usize, Origin)>,
    random: ChaCha8Rng,
    number: u64,
    sequences: Vec<u64>,
    stride: u64,
}

impl Mix {
    fn new(scenario: &Scenario, seed: u64) -> Self {
        let requests = scenario.requests.iter().enumerate().filter(|(_, request)| request.weight > 0.0);
        let requests = requests.map(|(index, request)| (request.weight, (index, Origin::Mix)));
        let sessions = (0u16..).zip(&scenario.sessions).filter_map(|(index, session)| {
            Some((session.weight, (session.steps.first()?.request, Origin::Session(index))))
        });
        let (weights, entries): (Vec<f64>, Vec<_>) = requests.chain(sessions).unzip();
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let bounds = weights.iter().map(|weight| {
            sum += weight / total;
            sum
        });
        Self {
            bounds: bounds.collect(),
            entries,
            random: ChaCha8Rng::seed_from_u64(seed),
            number: 0,
            sequences: vec![0; scenario.requests.len()],
            stride: 1,
        }
    }

    pub(crate) fn arrival(&mut self, due: Duration) -> Arrival {
        let last = self.bounds.len() - 1;
        let drawn = if last == 0 {
            0
        } else {
            let draw: f64 = self.random.random();
            self.bounds.iter().position(|bound| draw < *bound).unwrap_or(last)
        };
        let (request, origin) = self.entries[drawn];
        self.number(due, request, origin)
    }

    /// The next arrival, which is one of `request`.
    fn number(&mut self, due: Duration, request: usize, origin: Origin) -> Arrival {
        let arrival =
            Arrival { number: self.number, due, request, sequence: self.sequences[request], origin };
        self.number += self.stride;
        self.sequences[request] += self.stride;
        arrival
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Arrivals, Request};

    fn scenario(weights: &[f64]) -> Scenario {
        let request = |(index, weight): (usize, &f64)| Request {
            name: index.to_string(),
            weight: *weight,
            ..Request::default()
        };
        Scenario { requests: weights.iter().enumerate().map(request).collect(), ..Scenario::default() }
    }

    #[test]
    fn requests_are_drawn_by_weight_and_counted_by_kind() {
        let stage =
            Stage { duration: Duration::from_secs(10), arrivals: Arrivals::Constant { rate: 1000.0 } };
        let arrivals: Vec<Arrival> = ArrivalStream::new(&[stage], &scenario(&[3.0, 1.0]), Seed(7)).collect();
        let first: Vec<u64> = arrivals.iter().filter(|a| a.request == 0).map(|a| a.sequence).collect();
        // Binomial: 7,500 of 10,000 with a standard deviation of 43; the seed is fixed.
        assert!((7_300..7_700).contains(&first.len()), "{}", first.len());
        assert!(first.iter().copied().eq(0..first.len() as u64));
        assert!(arrivals.iter().map(|a| a.number).eq(0..10_000));
    }

    #[test]
    fn the_stream_is_the_same_for_everyone_who_walks_it() {
        let stage = Stage { duration: Duration::from_secs(1), arrivals: Arrivals::Poisson { rate: 500.0 } };
        let walk = || {
            ArrivalStream::new(std::slice::from_ref(&stage), &scenario(&[1.0, 1.0]), Seed(3))
                .collect::<Vec<_>>()
        };
        assert_eq!(walk(), walk());
    }

    #[test]
    fn the_workers_shares_are_the_whole_stream() {
        let stage = Stage { duration: Duration::from_secs(1), arrivals: Arrivals::Poisson { rate: 500.0 } };
        let stream = || ArrivalStream::new(std::slice::from_ref(&stage), &scenario(&[2.0, 1.0]), Seed(3));
        for workers in 1..5 {
            let mut together: Vec<Arrival> =
                (0..workers).flat_map(|id| stream().share(id, workers)).collect();
            together.sort_by_key(|arrival| arrival.number);
            assert!(together.into_iter().eq(stream()), "{workers} workers");
        }
    }

    #[test]
    fn no_sequence_comes_twice_when_closed_stages_follow_open_ones() {
        let stage = Stage { duration: Duration::from_secs(1), arrivals: Arrivals::Constant { rate: 50.0 } };
        let stream = || ArrivalStream::new(std::slice::from_ref(&stage), &scenario(&[1.0, 1.0]), Seed(3));
        let mut seen: Vec<(usize, u64)> = stream().map(|a| (a.request, a.sequence)).collect();
        for id in 0..3 {
            let mut mix = stream().closed_mix(id, 3, Seed(3));
            seen.extend((0..100).map(|_| mix.arrival(Duration::ZERO)).map(|a| (a.request, a.sequence)));
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn a_log_says_what_is_sent_and_its_rows_count_their_own() {
        let mut replay = Replay::new("log".into(), 1.0);
        let (a, b) = (replay.target(false, "/a", 0).unwrap(), replay.target(false, "/b", 1).unwrap());
        for (second, target) in [(0, a), (0, b), (1, a)] {
            replay.call(second, target).unwrap();
        }
        let stage = Stage { duration: Duration::from_secs(2), arrivals: Arrivals::Replay(Arc::new(replay)) };
        let arrivals: Vec<Arrival> = ArrivalStream::new(&[stage], &scenario(&[1.0, 1.0]), Seed(3)).collect();
        let of = |arrival: &Arrival| (arrival.request, arrival.sequence, arrival.origin);
        let all: Vec<_> = arrivals.iter().map(of).collect();
        assert_eq!(all, [(0, 0, Origin::Log(a)), (1, 0, Origin::Log(b)), (0, 1, Origin::Log(a))]);
        let due: Vec<f64> = arrivals.iter().map(|arrival| arrival.due.as_secs_f64()).collect();
        assert_eq!(due, [0.0, 0.5, 1.0]);
    }
}
