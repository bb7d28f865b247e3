//! The shape of the load on the command line: what `load`, `rehearse` and `compare` share.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use model::{Arrivals, Objective, Scenario, Seed, Stage};

use crate::failure::{Code, Failure, OrFail};

/// Rates above this are beyond what one machine can send or any clock can pace.
const HIGHEST_RATE: f64 = 10e6;

/// How arrivals are spaced.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Spacing {
    /// Evenly
    Constant,
    /// Like many independent users
    Poisson,
}

/// The shape of the load
#[derive(Debug, Clone, Args)]
pub(crate) struct ShapeArgs {
    /// Arrivals per second
    #[arg(long, value_name = "PER_SECOND", allow_negative_numbers = true)]
    pub(crate) rate: Option<f64>,
    /// How long the measured load lasts
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// How arrivals are spaced
    #[arg(long, value_enum, default_value = "constant")]
    pub(crate) arrivals: Spacing,
    /// A stretch of the load in place of --rate and --duration, repeated for more: constant:RATE:TIME,
    /// poisson:RATE:TIME, ramp:FROM:TO:TIME or step:FROM:TO:STEPS:TIME
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["rate", "duration", "closed"])]
    pub(crate) stage: Vec<String>,
    /// Closed loop: each connection sends its next request when the last was answered. Hides stalls from the figures
    #[arg(long, conflicts_with = "rate")]
    pub(crate) closed: bool,
    /// Pause of a closed loop between an answer and the next request
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "0s", requires = "closed")]
    pub(crate) think: Duration,
    /// Connections over all workers
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) connections: usize,
    /// A new connection for every request
    #[arg(long)]
    pub(crate) no_keep_alive: bool,
    /// A request is given up this long after it fell due
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "5s")]
    pub(crate) timeout: Duration,
    /// Load before the measurement, not judged
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) warm_up: Option<Duration>,
    /// What is sent: a TOML file of weighted requests
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// A service level, repeated for more: p99<50ms, errors<0.1%, goodput>=99%
    #[arg(long, value_name = "OBJECTIVE", value_parser = parse_objective)]
    pub(crate) slo: Vec<Objective>,
    /// All randomness comes from it
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Where the record of the run is kept
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

fn parse_objective(text: &str) -> Result<Objective, String> {
    text.parse::<Objective>().map_err(|error| error.to_string())
}

fn input(message: String) -> Failure {
    Failure::new(Code::Input, anyhow!(message))
}

impl ShapeArgs {
    /// The stages asked for; `rate` and `duration` are the verb's defaults.
    pub(crate) fn stages(&self, rate: f64, duration: Duration) -> Result<Vec<Stage>, Failure> {
        if self.connections == 0 {
            return Err(input("--connections 0: a load needs at least one connection".to_owned()));
        }
        if self.timeout.is_zero() {
            return Err(input("--timeout 0s: every request would be given up at once".to_owned()));
        }
        let stages = if self.stage.is_empty() {
            let rate = self.rate.unwrap_or(rate);
            let arrivals = match (self.closed, self.arrivals) {
                (true, _) => Arrivals::Closed { think: self.think },
                (false, Spacing::Constant) => Arrivals::Constant { rate },
                (false, Spacing::Poisson) => Arrivals::Poisson { rate },
            };
            vec![Stage { duration: self.duration.unwrap_or(duration), arrivals }]
        } else {
            self.stage.iter().map(|text| parse_stage(text)).collect::<Result<_, _>>()?
        };
        stages.iter().try_for_each(check_stage)?;
        Ok(stages)
    }

    pub(crate) fn seed(&self) -> Seed {
        Seed(self.seed)
    }

    /// The scenario of `--scenario`, or `otherwise`.
    pub(crate) fn scenario(&self, otherwise: Scenario) -> Result<Scenario, Failure> {
        let Some(path) = &self.scenario else { return Ok(otherwise) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the scenario {}", path.display()))
            .or_fail(Code::Input)?;
        load::parse_scenario(&text, &path.display().to_string()).or_fail(Code::Input)
    }
}

fn check_stage(stage: &Stage) -> Result<(), Failure> {
    if stage.duration.is_zero() {
        return Err(input("a load of 0 s measures nothing: set --duration".to_owned()));
    }
    let (low, high) = match stage.arrivals {
        Arrivals::Constant { rate } | Arrivals::Poisson { rate } => (rate, rate),
        Arrivals::Ramp { from, to } | Arrivals::Step { from, to, .. } => (from.min(to), from.max(to)),
        Arrivals::Closed { .. } => return Ok(()),
    };
    if !(low >= 0.0 && high > 0.0 && high <= HIGHEST_RATE) {
        return Err(input(format!(
            "a rate of {}: use more than 0 and at most {HIGHEST_RATE} arrivals per second",
            if low < 0.0 { low } else { high }
        )));
    }
    Ok(())
}

fn parse_stage(text: &str) -> Result<Stage, Failure> {
    let wrong = |why: &str| {
        input(format!(
            "--stage {text}: {why}; write constant:RATE:TIME, poisson:RATE:TIME, ramp:FROM:TO:TIME or step:FROM:TO:STEPS:TIME"
        ))
    };
    let number = |word: &str| word.parse::<f64>().map_err(|_| wrong(&format!("`{word}` is no rate")));
    let time =
        |word: &str| humantime::parse_duration(word).map_err(|_| wrong(&format!("`{word}` is no time")));
    let words: Vec<&str> = text.split(':').collect();
    let (arrivals, duration) = match words[..] {
        ["constant", rate, duration] => (Arrivals::Constant { rate: number(rate)? }, time(duration)?),
        ["poisson", rate, duration] => (Arrivals::Poisson { rate: number(rate)? }, time(duration)?),
        ["ramp", from, to, duration] => {
            (Arrivals::Ramp { from: number(from)?, to: number(to)? }, time(duration)?)
        }
        ["step", from, to, steps, duration] => {
            let steps: u32 = steps.parse().map_err(|_| wrong("STEPS is a whole number"))?;
            if steps == 0 {
                return Err(wrong("STEPS is at least 1"));
            }
            (Arrivals::Step { from: number(from)?, to: number(to)?, steps }, time(duration)?)
        }
        _ => return Err(wrong("is no stage")),
    };
    Ok(Stage { duration, arrivals })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_read_as_the_help_says() {
        let stage = |text| parse_stage(text).unwrap();
        assert_eq!(stage("ramp:10:100:30s").arrivals, Arrivals::Ramp { from: 10.0, to: 100.0 });
        assert_eq!(stage("step:10:50:5:1m").duration, Duration::from_secs(60));
        for wrong in ["ramp:10:30s", "step:1:2:0:3s", "constant:x:3s", "sine:1:2s", ""] {
            let failure = parse_stage(wrong).unwrap_err();
            assert_eq!(failure.code, Code::Input as u8);
            assert!(failure.to_string().contains("--stage"), "{failure}");
        }
    }

    #[test]
    fn a_rate_that_no_run_can_have_is_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            let stage = Stage { duration: Duration::from_secs(1), arrivals: Arrivals::Constant { rate } };
            assert!(check_stage(&stage).is_err(), "{rate}");
        }
    }
}
