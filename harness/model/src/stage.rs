//! What load is asked for: stretches of a run and the way requests arrive in them.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use crate::replay::Replay;

/// How requests arrive during a [`Stage`]. All but [`Arrivals::Closed`] are open: a due time never depends on a
/// response. Rates are in arrivals per second.
#[derive(Debug, Clone, PartialEq)]
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
    /// The rate jumps from `base` to `peak`, is held there, and falls back.
    Spike {
        /// Arrivals per second before and after.
        base: f64,
        /// Arrivals per second meanwhile.
        peak: f64,
        /// When the spike begins, from the beginning of the stage.
        at: Duration,
        /// How long it lasts; it ends within the stage.
        hold: Duration,
    },
    /// The rate swings around a mean, like day and night: `mean + amplitude sin(2 pi t / period)`. It begins at the mean
    /// and rises.
    Sine {
        /// Arrivals per second in the mean.
        mean: f64,
        /// How far the rate goes above and below the mean; at most `mean`.
        amplitude: f64,
        /// Time from one crest to the next.
        period: Duration,
    },
    /// What an access log holds, when it holds it.
    Replay(Arc<Replay>),
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
        match self {
            Arrivals::Constant { rate } | Arrivals::Poisson { rate } => Some(*rate),
            Arrivals::Ramp { from, to } | Arrivals::Step { from, to, .. } => Some(from.max(*to)),
            Arrivals::Spike { base, peak, .. } => Some(base.max(*peak)),
            Arrivals::Sine { mean, amplitude, .. } => Some(mean + amplitude),
            Arrivals::Replay(replay) => Some(replay.peak_rate()),
            Arrivals::Closed { .. } => None,
        }
    }

    /// The lowest rate asked for, in arrivals per second; `None` for a closed loop and for a log, which may pause.
    #[must_use]
    pub fn lowest_rate(&self) -> Option<f64> {
        match self {
            Arrivals::Constant { rate } | Arrivals::Poisson { rate } => Some(*rate),
            Arrivals::Ramp { from, to } | Arrivals::Step { from, to, .. } => Some(from.min(*to)),
            Arrivals::Spike { base, peak, .. } => Some(base.min(*peak)),
            Arrivals::Sine { mean, amplitude, .. } => Some(mean - amplitude),
            Arrivals::Replay(_) | Arrivals::Closed { .. } => None,
        }
    }

    /// What goes on before the stage (`at_end` false) or after it: arrivals at the rate of its edge. For a log that is
    /// its mean rate; a sine is held where it is cut off.
    #[must_use]
    pub fn held(&self, at_end: bool, duration: Duration) -> Arrivals {
        let rate = match self {
            Arrivals::Constant { .. } | Arrivals::Poisson { .. } | Arrivals::Closed { .. } => {
                return self.clone();
            }
            Arrivals::Ramp { from, to } => {
                if at_end {
                    *to
                } else {
                    *from
                }
            }
            Arrivals::Step { from, to, steps } => {
                if at_end && *steps > 1 {
                    *to
                } else {
                    *from
                }
            }
            Arrivals::Spike { base, .. } => *base,
            Arrivals::Sine { mean, .. } if !at_end => *mean,
            Arrivals::Sine { mean, amplitude, period } => {
                let turns = duration.as_secs_f64() / period.as_secs_f64();
                mean + amplitude * (TAU * turns).sin()
            }
            Arrivals::Replay(replay) => replay.mean_rate(),
        };
        // Below zero only by rounding, in the trough of a sine.
        Arrivals::Constant { rate: rate.max(0.0) }
    }
}

/// A stretch of the run with one kind of arrivals.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// How long arrivals fall due.
    pub duration: Duration,
    /// How they arrive.
    pub arrivals: Arrivals,
}

impl Stage {
    /// What makes the stage one that no run can have, if anything does: a rate that is no number, below 0 or nowhere
    /// above it, a spike outside the stage, a swing below zero.
    ///
    /// # Errors
    ///
    /// Says what is wrong and what is expected.
    pub fn check(&self) -> Result<(), String> {
        if self.duration.is_zero() {
            return Err("a load of 0 s measures nothing: give it a time".to_owned());
        }
        match &self.arrivals {
            Arrivals::Spike { at, hold, .. } if *at + *hold > self.duration => {
                let (at, hold, duration) = (*at, *hold, self.duration);
                return Err(format!(
                    "a spike that lasts {hold:?} from {at:?} on ends after the stage's {duration:?}"
                ));
            }
            Arrivals::Spike { hold, .. } if hold.is_zero() => {
                return Err("a spike of 0 s is none".to_owned());
            }
            Arrivals::Sine { period, .. } if period.is_zero() => {
                return Err("a sine needs a period above 0 s".to_owned());
            }
            Arrivals::Sine { mean, amplitude, .. } if !(*amplitude >= 0.0 && amplitude <= mean) => {
                return Err(format!(
                    "an amplitude of {amplitude} around a mean of {mean}: use 0 to {mean}, since no rate is below 0"
                ));
            }
            _ => {}
        }
        let (low, high) = (self.arrivals.lowest_rate(), self.arrivals.peak_rate());
        if let Some(wrong) = low.filter(|low| *low < 0.0 || low.is_nan()) {
            return Err(format!("a rate of {wrong}: use 0 or more arrivals per second"));
        }
        match high.filter(|high| !(*high > 0.0 && high.is_finite())) {
            Some(wrong) => Err(format!("a rate of {wrong}: use more than 0 arrivals per second")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn a_stage_that_no_run_can_have_says_why() {
        let spike = |at, hold| Arrivals::Spike { base: 1.0, peak: 9.0, at: S(at), hold: S(hold) };
        let sine = |amplitude, period| Arrivals::Sine { mean: 5.0, amplitude, period: S(period) };
        for (arrivals, expected) in [
            (spike(8, 3), "ends after"),
            (spike(8, 0), "is none"),
            (sine(6.0, 1), "below 0"),
            (sine(-1.0, 1), "below 0"),
            (sine(1.0, 0), "period"),
            (Arrivals::Constant { rate: -1.0 }, "0 or more"),
            (Arrivals::Constant { rate: f64::NAN }, "0 or more"),
            (Arrivals::Constant { rate: 0.0 }, "more than 0"),
            (Arrivals::Ramp { from: 0.0, to: f64::INFINITY }, "more than 0"),
        ] {
            let why = Stage { duration: S(10), arrivals }.check().unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
        for arrivals in [spike(7, 3), sine(5.0, 60), Arrivals::Ramp { from: 0.0, to: 1.0 }] {
            assert_eq!(Stage { duration: S(10), arrivals }.check(), Ok(()));
        }
    }

    #[test]
    fn what_goes_on_around_a_stage_has_the_rate_of_its_edge() {
        let ten = S(10);
        let spike = Arrivals::Spike { base: 2.0, peak: 9.0, at: S(1), hold: S(1) };
        assert_eq!(spike.held(true, ten), Arrivals::Constant { rate: 2.0 });
        let sine = Arrivals::Sine { mean: 5.0, amplitude: 3.0, period: S(40) };
        assert_eq!(sine.held(false, ten), Arrivals::Constant { rate: 5.0 });
        // A quarter of a period is the crest.
        assert_eq!(sine.held(true, ten), Arrivals::Constant { rate: 8.0 });
        let step = Arrivals::Step { from: 1.0, to: 4.0, steps: 3 };
        assert_eq!(step.held(true, ten), Arrivals::Constant { rate: 4.0 });
    }
}
