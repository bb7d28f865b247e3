//! The service levels asked for, and what is said about them.

use std::time::Duration;

use thiserror::Error;

/// What an [`Objective`] is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// A percentile of latency over every due arrival, 0 to 100.
    Latency(f64),
    /// Share of due arrivals that were not good, 0 to 1.
    Errors,
    /// Share of due arrivals that were good, 0 to 1.
    Goodput,
}

/// Which side of the bound is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `<`
    Below,
    /// `>=`
    AtLeast,
}

/// One service level: `p99<50ms`, `errors<0.1%`, `goodput>=99%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// What is held against the bound.
    pub metric: Metric,
    /// Which side is good.
    pub comparator: Comparator,
    /// Microseconds for latency, a fraction from 0 to 1 otherwise.
    pub bound: f64,
}

/// Why an objective could not be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("objective `{text}`: {reason}; write it like p99<50ms, errors<0.1% or goodput>=99%")]
pub struct ObjectiveError {
    text: String,
    reason: &'static str,
}

impl std::str::FromStr for Objective {
    type Err = ObjectiveError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason| ObjectiveError { text: text.to_owned(), reason };
        let (name, comparator, bound) = match (text.split_once(">="), text.split_once('<')) {
            (Some((name, bound)), _) => (name.trim(), Comparator::AtLeast, bound.trim()),
            (None, Some((name, bound))) => (name.trim(), Comparator::Below, bound.trim()),
            _ => return Err(error("has neither < nor >=")),
        };
        let metric = match name {
            "errors" => Metric::Errors,
            "goodput" => Metric::Goodput,
            _ => {
                let digits = name.strip_prefix('p').ok_or_else(|| error("names no known metric"))?;
                let percentile: f64 =
                    digits.parse().map_err(|_| error("has a percentile that is not a number"))?;
                if !(0.0..=100.0).contains(&percentile) {
                    return Err(error("has a percentile outside 0 to 100"));
                }
                Metric::Latency(percentile)
            }
        };
        let bound = match metric {
            Metric::Latency(_) => micros(bound).ok_or_else(|| error("has a bound without us, ms or s"))?,
            Metric::Errors | Metric::Goodput => {
                let percent = bound.strip_suffix('%').and_then(|digits| digits.trim().parse::<f64>().ok());
                percent.ok_or_else(|| error("has a bound without %"))? / 100.0
            }
        };
        if !bound.is_finite() || bound < 0.0 {
            return Err(error("has a bound that no run can meet"));
        }
        Ok(Self { metric, comparator, bound })
    }
}

fn micros(text: &str) -> Option<f64> {
    let scale = |suffix: &str, factor: f64| {
        text.strip_suffix(suffix)
            .and_then(|digits| digits.trim().parse::<f64>().ok())
            .map(|value| value * factor)
    };
    scale("us", 1.0).or_else(|| scale("ms", 1e3)).or_else(|| scale("s", 1e6))
}

impl std::fmt::Display for Objective {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let comparator = match self.comparator {
            Comparator::Below => "<",
            Comparator::AtLeast => ">=",
        };
        match self.metric {
            Metric::Latency(percentile) => {
                let bound = Duration::from_secs_f64(self.bound / 1e6);
                write!(f, "p{percentile}{comparator}{bound:?}")
            }
            Metric::Errors => write!(f, "errors{comparator}{}%", self.bound * 100.0),
            Metric::Goodput => write!(f, "goodput{comparator}{}%", self.bound * 100.0),
        }
    }
}

/// What a run says about its objectives. The order is that of severity: the worst is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every objective was met.
    Pass,
    /// The run cannot say: the generator or the machine was the limit, or there were too few samples.
    Unknown,
    /// An objective was broken.
    Fail,
}

impl Verdict {
    /// The word that records and reports use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Unknown => "unknown",
            Verdict::Fail => "fail",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_read_as_people_write_them() {
        let parse = |text: &str| text.parse::<Objective>();
        let p99 = parse("p99<50ms").unwrap();
        assert_eq!(
            p99,
            Objective { metric: Metric::Latency(99.0), comparator: Comparator::Below, bound: 5e4 }
        );
        assert_eq!(p99.to_string(), "p99<50ms");
        let errors = parse("errors < 0.1%").unwrap();
        assert_eq!((errors.metric, errors.bound), (Metric::Errors, 0.001));
        let goodput = parse("goodput>=99%").unwrap();
        assert_eq!((goodput.comparator, goodput.bound), (Comparator::AtLeast, 0.99));
        assert_eq!(parse("p99.9<1s").unwrap().bound, 1e6);
    }

    #[test]
    fn what_is_not_an_objective_says_how_to_write_one() {
        for text in ["", "p99", "q99<1ms", "p101<1ms", "p99<50", "errors<1", "pxx<1ms", "p99<-1ms"] {
            let error = text.parse::<Objective>().unwrap_err().to_string();
            assert!(error.contains("write it like"), "{error}");
        }
    }

    #[test]
    fn the_worst_verdict_is_the_greatest() {
        assert!(Verdict::Fail > Verdict::Unknown && Verdict::Unknown > Verdict::Pass);
    }
}
