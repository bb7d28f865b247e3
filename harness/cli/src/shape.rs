//! The shape of the load on the command line: what `load`, `rehearse` and `compare` share.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use model::{Arrivals, Objective, Scenario, Seed, Stage};

use crate::failure::{Code, Failure, OrFail};
use crate::stage::{check_stage, parse_stage};

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
    /// poisson:RATE:TIME, ramp:FROM:TO:TIME, step:FROM:TO:STEPS:TIME, spike:BASE:PEAK:AT:FOR:TIME or
    /// sine:MEAN:AMPLITUDE:PERIOD:TIME
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["rate", "duration", "closed"])]
    pub(crate) stage: Vec<String>,
    /// An access log of nginx or Apache whose GET and HEAD requests are sent with its timing; --duration ends it earlier
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "stage", "closed", "arrivals", "scenario"])]
    pub(crate) replay: Option<PathBuf>,
    /// How many times faster than the log
    #[arg(
        long,
        value_name = "FACTOR",
        default_value_t = 1.0,
        requires = "replay",
        allow_negative_numbers = true
    )]
    pub(crate) speed: f64,
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
    /// A service level, repeated for more: p99<50ms, errors<0.1%, goodput>=99%, read:p99<20ms for one request
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

/// What is sent when.
pub(crate) struct Asked {
    pub(crate) stages: Vec<Stage>,
    pub(crate) scenario: Scenario,
    /// Those of the command line and those of the scenario.
    pub(crate) objectives: Vec<Objective>,
    /// What makes it other than it was asked for, to be said before it begins.
    pub(crate) notes: Vec<String>,
}

fn input(message: String) -> Failure {
    Failure::new(Code::Input, anyhow!(message))
}

impl ShapeArgs {
    /// What is sent when: the stages asked for and their scenario. `rate`, `duration` and `otherwise` are the verb's
    /// defaults.
    pub(crate) fn asked(
        &self,
        rate: f64,
        duration: Duration,
        otherwise: impl FnOnce() -> Result<Scenario, Failure>,
    ) -> Result<Asked, Failure> {
        self.check()?;
        let (stages, scenario, notes) = match &self.replay {
            None => (self.stages(rate, duration)?, self.scenario(otherwise)?, Vec::new()),
            Some(path) => self.replayed(path)?,
        };
        let objectives = [&self.slo[..], &scenario.objectives].concat();
        for request in objectives.iter().filter_map(|objective| objective.request.as_ref()) {
            if !scenario.requests.iter().any(|known| known.name == *request) {
                let names: Vec<&str> = scenario.requests.iter().map(|known| known.name.as_str()).collect();
                let names = names.join(", ");
                return Err(input(format!(
                    "an objective is about the request `{request}`: there are {names}"
                )));
            }
        }
        Ok(Asked { stages, scenario, objectives, notes })
    }

    /// An access log in place of stages and scenario.
    fn replayed(&self, path: &Path) -> Result<(Vec<Stage>, Scenario, Vec<String>), Failure> {
        let name = path.display().to_string();
        let file = File::open(path)
            .with_context(|| format!("cannot read the access log {name}"))
            .or_fail(Code::Input)?;
        let log = load::read_access_log(BufReader::new(file), &name, self.speed).or_fail(Code::Input)?;
        let duration = self.duration.unwrap_or(log.replay.length());
        let stages = vec![Stage { duration, arrivals: Arrivals::Replay(log.replay) }];
        stages.iter().try_for_each(check_stage)?;
        Ok((stages, log.scenario, log.notes))
    }

    fn check(&self) -> Result<(), Failure> {
        if self.connections == 0 {
            return Err(input("--connections 0: a load needs at least one connection".to_owned()));
        }
        if self.timeout.is_zero() {
            return Err(input("--timeout 0s: every request would be given up at once".to_owned()));
        }
        Ok(())
    }

    fn stages(&self, rate: f64, duration: Duration) -> Result<Vec<Stage>, Failure> {
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
    fn scenario(&self, otherwise: impl FnOnce() -> Result<Scenario, Failure>) -> Result<Scenario, Failure> {
        let Some(path) = &self.scenario else { return otherwise() };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the scenario {}", path.display()))
            .or_fail(Code::Input)?;
        load::parse_scenario(&text, &path.display().to_string(), &load::Surroundings::of(path))
            .or_fail(Code::Input)
    }
}
