//! The search itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::classify::{Class, Sums};
use super::{Found, Goal, Noise, Step, Verdict};

/// Trials in a row that may be invalid at one load.
const RETRIES: u32 = 3;
/// Share of all trials that may be invalid, of at least [`INVALID_LEAST`].
const INVALID_SHARE: f64 = 0.3;
const INVALID_LEAST: u32 = 8;
/// Loads up to this share of the lower bound have room enough to be sustained always.
const WITH_ROOM: f64 = 0.9;
/// Trials that only ask how noisy the machine is are made at this share of the lower bound.
const PROBE: f64 = 0.5;
/// Soaks that may fail at one load: one may be spoiled.
const SOAKS: u32 = 2;
/// So far beyond the upper bound no trial passes, unless the bounds are not the target's.
const BEYOND: f64 = 1.25;
/// Trials there,
const BEYOND_TRIALS: u32 = 2;
/// and where the machine has spoiled any trial: of three that are spoiled in ten, less than one in a hundred times all are.
const BEYOND_TRIALS_SPOILED: u32 = 4;

/// A trial to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask {
    /// Arrivals per second.
    pub rate_hz: f64,
    /// For how long.
    pub duration: Duration,
    /// What it is for: "bracket", "narrow", "confirm", "noise", "soak", "beyond".
    pub phase: &'static str,
    /// Its place on the grid.
    index: i32,
    /// What it counts for: longer for the sake of arrivals, it is one trial still.
    counts: Duration,
}

/// What a search knows at its end, or when it is ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ended {
    /// How it ended.
    pub found: Found,
    /// Highest load, below the upper bound, that was sustained.
    pub lower_hz: Option<f64>,
    /// Lowest load that was not.
    pub upper_hz: Option<f64>,
    /// Whether the lower bound held the soak; `None` when there was none.
    pub soaked: Option<bool>,
    /// How the trials with room enough went.
    pub noise: Noise,
}

/// A search under way.
#[derive(Debug, Clone)]
pub struct Search {
    goal: Goal,
    /// Distance of neighbours on the grid, of ln(load).
    unit: f64,
    least: i32,
    most: i32,
    trials: BTreeMap<i32, Vec<(f64, bool)>>,
    made: u32,
    invalid: u32,
    /// Invalid trials in a row, and whether the generator was the limit in all of them.
    in_a_row: (u32, bool),
    /// The highest load of a trial that counted. Where the generator could not drive less, it was the machine.
    driven: Option<i32>,
    spent: Duration,
    /// What a trial took beside its duration, at least.
    beside: Option<Duration>,
    /// Soaks by load: passed, failed.
    soaks: BTreeMap<i32, (u32, u32)>,
    /// Trials beyond the upper bound at this place that are still to be made.
    beyond: (Option<i32>, u32),
    ended: Option<Found>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    lower: Option<i32>,
    upper: Option<i32>,
}

enum Move {
    Try(i32),
    Done,
    End(Found),
}

impl Search {
    /// A search that knows nothing yet.
    #[must_use]
    pub fn new(goal: Goal) -> Self {
        let unit = -(-goal.width).ln_1p();
        let index = |hz: f64, round: fn(f64) -> f64| whole(round(hz.ln() / unit));
        let (least, most) = (index(goal.least_hz, f64::ceil), index(goal.most_hz, f64::floor));
        Self {
            unit,
            least,
            most: most.max(least),
            goal,
            trials: BTreeMap::new(),
            made: 0,
            invalid: 0,
            in_a_row: (0, true),
            driven: None,
            spent: Duration::ZERO,
            beside: None,
            soaks: BTreeMap::new(),
            beyond: (None, BEYOND_TRIALS),
            ended: None,
        }
    }

    /// The next trial to make; `None` when the search has ended.
    #[must_use]
    pub fn ask(&mut self) -> Option<Ask> {
        if self.ended.is_some() {
            return None;
        }
        if self.made >= INVALID_LEAST && f64::from(self.invalid) > f64::from(self.made) * INVALID_SHARE {
            return self.end(Found::TooNoisy);
        }
        if self.noise().too_much() == Some(true) {
            return self.end(Found::TooNoisy);
        }
        for at in 0..self.goal.steps.len() {
            match self.step(at) {
                Move::Done => {}
                Move::Try(index) => {
                    let Step { phase, trial, .. } = self.goal.steps[at];
                    return self.asking(index, trial, phase);
                }
                Move::End(found) => return self.end(found),
            }
        }
        self.after_the_bounds()
    }

    /// The bounds are known and confirmed: what is left to ask.
    fn after_the_bounds(&mut self) -> Option<Ask> {
        if self.goal.soak.is_zero() {
            return self.end(Found::Both);
        }
        let Bounds { lower, upper } = self.bounds();
        let lower = lower.unwrap_or(self.least);
        if self.noise().too_much().is_none() {
            let probe = self.index(self.hz(lower) * PROBE).max(self.least);
            return self.asking(probe, self.goal.steps[0].trial, "noise");
        }
        // Neither the generator nor the user has to be able to offer more than the bounds need.
        if self.beyond.0 != upper {
            let spoiled = self.noise().failed > 0;
            self.beyond = (upper, if spoiled { BEYOND_TRIALS_SPOILED } else { BEYOND_TRIALS });
        }
        let beyond = upper.map(|upper| self.index(self.hz(upper) * BEYOND));
        if let Some(beyond) = beyond.filter(|beyond| self.beyond.1 > 0 && *beyond <= self.most)
            && let Some(step) = self.goal.steps.last()
        {
            // As long as those that confirmed the bound: a shorter one might see less of a pile that grows slowly.
            return self.asking(beyond, step.trial, "beyond");
        }
        match self.soaks.get(&lower) {
            Some((passed, _)) if *passed > 0 => self.end(Found::Both),
            _ => self.asking(lower, self.goal.soak, "soak"),
        }
    }

    /// Tells how a trial went and how long it took in all.
    pub fn tell(&mut self, ask: &Ask, verdict: Verdict, took: Duration) {
        self.spent += took;
        // One that was cut short says nothing of it.
        if let Some(beside) = took.checked_sub(ask.duration) {
            self.beside = Some(self.beside.map_or(beside, |known| known.min(beside)));
        }
        self.made += 1;
        let driven = self.driven.is_some_and(|driven| ask.index <= driven);
        let verdict = match verdict {
            Verdict::Limited if driven && ask.phase != "beyond" => Verdict::Invalid,
            verdict => verdict,
        };
        if matches!(verdict, Verdict::Pass | Verdict::Fail) {
            self.driven = self.driven.max(Some(ask.index));
        }
        match (ask.phase, verdict) {
            ("beyond", Verdict::Fail) => {
                self.in_a_row = (0, true);
                self.beyond.1 = self.beyond.1.saturating_sub(1);
                return;
            }
            ("beyond", Verdict::Pass) => {
                self.ended = Some(Found::TooNoisy);
                return;
            }
            ("beyond", Verdict::Limited) => {
                self.beyond.1 = 0;
                return;
            }
            _ => {}
        }
        let good = match verdict {
            Verdict::Pass => true,
            Verdict::Fail => false,
            Verdict::Limited | Verdict::Invalid => {
                self.invalid += 1;
                let (row, limited) = self.in_a_row;
                self.in_a_row = (row + 1, limited && verdict == Verdict::Limited);
                if row + 1 >= RETRIES {
                    let limited = self.in_a_row.1;
                    self.ended = Some(if limited { Found::GeneratorLimited } else { Found::TooNoisy });
                }
                return;
            }
        };
        self.in_a_row = (0, true);
        if ask.phase == "soak" {
            let (passed, failed) = self.soaks.entry(ask.index).or_default();
            *(if good { passed } else { failed }) += 1;
        } else {
            self.trials.entry(ask.index).or_default().push((ask.counts.as_secs_f64(), good));
        }
    }

    /// The generator cannot offer the load that was asked for, and none above it.
    pub fn cannot_offer(&mut self, ask: &Ask) {
        if ask.phase == "beyond" {
            self.beyond.1 = 0;
        } else {
            self.ended = Some(Found::GeneratorLimited);
        }
    }

    /// The target serves no more, so nothing more can be asked: where nothing ever passed, no load does.
    pub fn give_up(&mut self) {
        let passed = self.trials.values().flatten().any(|(_, good)| *good);
        self.ended = Some(if passed { Found::Deadline } else { Found::NoPassingLoad });
    }

    /// What is known now.
    #[must_use]
    pub fn ended(&self) -> Ended {
        let Bounds { lower, upper } = self.bounds();
        let soak = lower.and_then(|lower| self.soaks.get(&lower));
        Ended {
            found: self.ended.unwrap_or(Found::Deadline),
            lower_hz: lower.map(|index| self.hz(index)),
            upper_hz: upper.map(|index| self.hz(index)),
            soaked: soak.map(|(passed, _)| *passed > 0),
            noise: self.noise(),
        }
    }

    fn end(&mut self, found: Found) -> Option<Ask> {
        self.ended = Some(found);
        None
    }

    /// A trial, unless it could not be over before the deadline.
    fn asking(&mut self, index: i32, duration: Duration, phase: &'static str) -> Option<Ask> {
        let rate_hz = self.hz(index);
        let counts = duration;
        let duration = duration.max(Duration::from_secs_f64(self.goal.fewest / rate_hz));
        if self.spent + duration + self.beside.unwrap_or_default() > self.goal.deadline {
            let noisy = self.noise().likely_too_much();
            return self.end(if noisy { Found::TooNoisy } else { Found::Deadline });
        }
        Some(Ask { rate_hz, duration, phase, index, counts })
    }

    fn hz(&self, index: i32) -> f64 {
        (f64::from(index) * self.unit).exp()
    }

    fn index(&self, hz: f64) -> i32 {
        whole((hz.ln() / self.unit).round())
    }

    fn class(&self, index: i32, step: &Step) -> Class {
        // A load that did not hold the soak is too much, whatever shorter trials said.
        if self.soaks.get(&index).is_some_and(|(passed, failed)| *passed == 0 && *failed >= SOAKS) {
            return Class::Upper;
        }
        let long = step.trial.as_secs_f64();
        let mut sums = Sums::default();
        for (seconds, good) in self.trials.get(&index).into_iter().flatten() {
            sums.add(*seconds, *good, long);
        }
        sums.class(long * f64::from(step.trials))
    }

    /// The bounds by the trials of one step: the lowest load that is too much, and the highest sustained one below it.
    fn bounds_of(&self, step: &Step) -> Bounds {
        let known: Vec<i32> = self.trials.keys().chain(self.soaks.keys()).copied().collect();
        let upper = known.iter().copied().filter(|index| self.class(*index, step) == Class::Upper).min();
        let below = |index: &i32| upper.is_none_or(|upper| *index < upper);
        let lower = known.iter().copied().filter(below);
        Bounds { lower: lower.filter(|index| self.class(*index, step) == Class::Lower).max(), upper }
    }

    /// The bounds by the strictest step that knows both, else by the one before.
    fn bounds(&self) -> Bounds {
        let mut best = Bounds { lower: None, upper: None };
        for step in &self.goal.steps {
            let bounds = self.bounds_of(step);
            best = Bounds { lower: bounds.lower.or(best.lower), upper: bounds.upper.or(best.upper) };
        }
        let ordered = best.lower.zip(best.upper).is_none_or(|(lower, upper)| lower < upper);
        if ordered { best } else { Bounds { lower: None, ..best } }
    }

    /// What a step asks next.
    fn step(&self, at: usize) -> Move {
        let step = &self.goal.steps[at];
        let Bounds { lower, upper } = self.bounds_of(step);
        if let (Some(lower), Some(upper)) = (lower, upper)
            && upper - lower <= step.widths
        {
            return Move::Done;
        }
        if upper == Some(self.least) {
            return Move::End(Found::NoPassingLoad);
        }
        if upper.is_none() && lower == Some(self.most) {
            return if at + 1 == self.goal.steps.len() { Move::End(Found::AtLeast) } else { Move::Done };
        }
        let open = |index: &i32| {
            self.class(*index, step) == Class::Undecided
                && upper.is_none_or(|upper| *index < upper)
                && lower.is_none_or(|lower| *index > lower)
        };
        // What is begun is decided, and what the step before found is asked again with longer trials, in turn.
        let before = at.checked_sub(1).map(|before| self.bounds_of(&self.goal.steps[before]));
        let found = before.map_or([None, None], |bounds| [bounds.lower, bounds.upper]);
        let begun = self.trials.keys().copied().filter(|index| self.long_trials(*index, step) > 0);
        let candidates = begun.chain(found.into_iter().flatten()).filter(open);
        if let Some(index) = candidates.min_by_key(|index| (self.long_trials(*index, step), *index)) {
            return Move::Try(index);
        }
        let double = whole((2f64.ln() / self.unit).round()).max(1);
        Move::Try(match (lower, upper) {
            // The lower half is the smaller one: overload costs more than room.
            (Some(lower), Some(upper)) => lower + (upper - lower) / 2,
            (Some(lower), None) => (lower + double).min(self.most),
            (None, Some(upper)) => (upper - double).max(self.least),
            (None, None) => self.index(self.goal.start_hz).clamp(self.least, self.most),
        })
    }

    fn long_trials(&self, index: i32, step: &Step) -> usize {
        let long = step.trial.as_secs_f64();
        self.trials
            .get(&index)
            .map_or(0, |trials| trials.iter().filter(|(seconds, _)| *seconds >= long).count())
    }

    /// How the trials went that had room enough.
    fn noise(&self) -> Noise {
        let mut noise = Noise::default();
        let Some(lower) = self.bounds().lower else { return noise };
        let limit = self.hz(lower) * WITH_ROOM;
        for (_, trials) in self.trials.iter().filter(|(index, _)| self.hz(**index) <= limit) {
            for (_, good) in trials {
                noise.trials += 1;
                noise.failed += u32::from(!good);
            }
        }
        // A soak that failed before one passed is one of them.
        if let Some((passed, failed)) = self.soaks.get(&lower).filter(|(passed, _)| *passed > 0) {
            noise.trials += passed + failed;
            noise.failed += failed;
        }
        noise
    }
}

#[expect(clippy::cast_possible_truncation, reason = "logarithms of rates on the grid are far below 2^31")]
fn whole(value: f64) -> i32 {
    value as i32
}
