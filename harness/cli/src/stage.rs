//! `--stage`: a stretch of the load in a few words.

use std::time::Duration;

use anyhow::anyhow;
use model::{Arrivals, Stage};

use crate::failure::{Code, Failure};

/// Rates above this are beyond what one machine can send or any clock can pace.
const HIGHEST_RATE: f64 = 10e6;
/// How each kind is written.
const KINDS: [&str; 6] = [
    "constant:RATE:TIME",
    "poisson:RATE:TIME",
    "ramp:FROM:TO:TIME",
    "step:FROM:TO:STEPS:TIME",
    "spike:BASE:PEAK:AT:FOR:TIME",
    "sine:MEAN:AMPLITUDE:PERIOD:TIME",
];

fn input(message: String) -> Failure {
    Failure::new(Code::Input, anyhow!(message))
}

/// Refuses what no run can have.
pub(crate) fn check_stage(stage: &Stage) -> Result<(), Failure> {
    if stage.duration.is_zero() {
        return Err(input("a load of 0 s measures nothing: set --duration".to_owned()));
    }
    stage.check().map_err(input)?;
    match stage.arrivals.peak_rate().filter(|rate| *rate > HIGHEST_RATE) {
        Some(rate) => Err(input(format!("a rate of {rate}: use at most {HIGHEST_RATE} arrivals per second"))),
        None => Ok(()),
    }
}

/// Reads one `--stage`.
pub(crate) fn parse_stage(text: &str) -> Result<Stage, Failure> {
    let wrong = |why: &str| {
        let kind = text.split(':').next().unwrap_or_default();
        let usage = KINDS.iter().find(|usage| usage.split(':').next() == Some(kind));
        let usage = usage.map_or_else(|| KINDS.join(", "), |usage| (*usage).to_owned());
        input(format!("--stage {text}: {why}; write {usage}"))
    };
    let number = |word: &str| word.parse::<f64>().map_err(|_| wrong(&format!("`{word}` is no rate")));
    let time =
        |word: &str| humantime::parse_duration(word).map_err(|_| wrong(&format!("`{word}` is no time")));
    let words: Vec<&str> = text.split(':').collect();
    let (arrivals, duration): (Arrivals, Duration) = match words[..] {
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
        ["spike", base, peak, at, hold, duration] => {
            let (base, peak) = (number(base)?, number(peak)?);
            (Arrivals::Spike { base, peak, at: time(at)?, hold: time(hold)? }, time(duration)?)
        }
        ["sine", mean, amplitude, period, duration] => {
            let (mean, amplitude) = (number(mean)?, number(amplitude)?);
            (Arrivals::Sine { mean, amplitude, period: time(period)? }, time(duration)?)
        }
        _ => return Err(wrong("is no stage")),
    };
    let stage = Stage { duration, arrivals };
    stage.check().map_err(|why| wrong(&why))?;
    Ok(stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_read_as_the_help_says() {
        let stage = |text| parse_stage(text).unwrap();
        assert_eq!(stage("ramp:10:100:30s").arrivals, Arrivals::Ramp { from: 10.0, to: 100.0 });
        assert_eq!(stage("step:10:50:5:1m").duration, Duration::from_secs(60));
        let seconds = Duration::from_secs;
        assert_eq!(
            stage("spike:50:500:10s:5s:30s").arrivals,
            Arrivals::Spike { base: 50.0, peak: 500.0, at: seconds(10), hold: seconds(5) }
        );
        assert_eq!(
            stage("sine:100:80:1m:10m"),
            Stage {
                duration: seconds(600),
                arrivals: Arrivals::Sine { mean: 100.0, amplitude: 80.0, period: seconds(60) }
            }
        );
    }

    #[test]
    fn what_is_no_stage_says_how_that_kind_is_written() {
        for (wrong, expected) in [
            ("ramp:10:30s", "write ramp:FROM:TO:TIME"),
            ("step:1:2:0:3s", "STEPS is at least 1"),
            ("constant:x:3s", "`x` is no rate"),
            ("sine:1:2s", "write sine:MEAN:AMPLITUDE:PERIOD:TIME"),
            ("sine:1:2:1s:3s", "no rate is below 0"),
            ("spike:1:2:8s:3s:10s", "ends after"),
            ("burst:1:2s", "spike:BASE:PEAK:AT:FOR:TIME"),
            ("", "constant:RATE:TIME"),
        ] {
            let failure = parse_stage(wrong).unwrap_err();
            assert_eq!(failure.code, Code::Input as u8);
            let failure = failure.to_string();
            assert!(failure.contains("--stage") && failure.contains(expected), "{failure}");
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
