//! The search for the highest load that a target sustains, purely: trials go in, the next one to make comes out.
//!
//! It follows MLRsearch (draft-ietf-bmwg-mlrsearch-15) with what a web stack needs beside it:
//!
//! - loads lie on a logarithmic grid, so that one that is visited again is the same and its trials add up;
//! - a load is *lower* or *upper* by the majority of its trials, so that a spoiled trial decides nothing (`classify`);
//! - bounds close in from below, by short trials first, since an overload may poison a stack;
//! - both bounds are confirmed by interleaved trials, and the lower one by a longer one, the soak;
//! - trials that fail far below the bound are counted, and a machine that spoils too many is called too noisy (`noise`); so is
//!   one on which a load far beyond the bound passes.
//!
//! The result is the two bounds, never a point between them.

mod classify;
mod noise;
mod search;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use noise::Noise;
pub use search::{Ask, Ended, Search};

/// What a search aims at.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// (upper - lower) / upper that is close enough.
    pub width: f64,
    /// Loads that are tried first, per second.
    pub start_hz: f64,
    /// No load below it is tried.
    pub least_hz: f64,
    /// No load above it is tried.
    pub most_hz: f64,
    /// Ever longer trials for ever closer bounds.
    pub steps: Vec<Step>,
    /// How long the lower bound has to hold at the end; zero for neither that nor trials that only ask about noise.
    pub soak: Duration,
    /// Arrivals that a trial needs to say anything: at a low load it is longer for them.
    pub fewest: f64,
    /// The search ends here whatever it knows: no trial begins that could not be over by then, as far as trials took before.
    pub deadline: Duration,
}

/// How close bounds are to come, and by what trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Its name in the record.
    pub phase: &'static str,
    /// Width in multiples of the goal's.
    pub widths: i32,
    /// How long a trial is.
    pub trial: Duration,
    /// Trials of that length that would decide for certain; more than half of them agreeing do.
    pub trials: u32,
}

impl Goal {
    /// About 40 s, to tell designs apart: bounds within 15 %, without soak and noise test.
    #[must_use]
    pub fn rough() -> Self {
        let step = |phase, widths, trials| Step { phase, widths, trial: Duration::from_secs(1), trials };
        let confirm = Step { trial: Duration::from_secs(2), ..step("confirm", 1, 3) };
        Self {
            width: 0.15,
            start_hz: 250.0,
            steps: vec![step("bracket", 5, 1), confirm],
            soak: Duration::ZERO,
            deadline: Duration::from_secs(45),
            ..Self::quick()
        }
    }

    /// One and a half to two minutes, longer where loads are spoiled, for a first idea: bounds within 5 %.
    #[must_use]
    pub fn quick() -> Self {
        let step =
            |phase, widths, ms, trials| Step { phase, widths, trial: Duration::from_millis(ms), trials };
        Self {
            width: 0.05,
            start_hz: 100.0,
            least_hz: 5.0,
            most_hz: 1e6,
            steps: vec![
                step("bracket", 14, 1_000, 2),
                step("narrow", 4, 1_500, 2),
                step("confirm", 1, 4_000, 3),
            ],
            soak: Duration::from_secs(8),
            fewest: 1.0,
            deadline: Duration::from_secs(300),
        }
    }

    /// About ten minutes, for a figure to be quoted: bounds within 2 %.
    #[must_use]
    pub fn full() -> Self {
        let step =
            |phase, widths, secs, trials| Step { phase, widths, trial: Duration::from_secs(secs), trials };
        Self {
            width: 0.02,
            steps: vec![
                step("bracket", 35, 2, 2),
                step("narrow", 8, 5, 2),
                step("narrow", 2, 5, 2),
                step("narrow", 1, 10, 5),
                step("confirm", 1, 10, 9),
            ],
            soak: Duration::from_secs(120),
            deadline: Duration::from_secs(1200),
            ..Self::quick()
        }
    }
}

/// What a trial says of its load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every objective was met.
    Pass,
    /// One was not.
    Fail,
    /// The generator was the limit, so the trial says nothing of the target.
    Limited,
    /// The machine or chance was in the way.
    Invalid,
}

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Both bounds are known and confirmed.
    Both,
    /// Every load that could be tried was sustained.
    AtLeast,
    /// No load that was tried was sustained.
    NoPassingLoad,
    /// Above the lower bound the generator was the limit.
    GeneratorLimited,
    /// Trials contradict one another too often.
    TooNoisy,
    /// Time was over before the bounds were close or confirmed.
    Deadline,
}

impl Found {
    /// The word that records use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Found::Both => "found",
            Found::AtLeast => "at_least",
            Found::NoPassingLoad => "no_passing_load",
            Found::GeneratorLimited => "generator_limited",
            Found::TooNoisy => "too_noisy",
            Found::Deadline => "deadline",
        }
    }
}
