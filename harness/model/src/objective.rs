//! The service levels asked for, and what is said about them.

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
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

impl Comparator {
    /// Whether `found` is on the good side of `bound`.
    #[must_use]
    pub fn holds(self, found: f64, bound: f64) -> bool {
        match self {
            Comparator::Below => found < bound,
            Comparator::AtMost => found <= bound,
            Comparator::AtLeast => found >= bound,
            Comparator::Above => found > bound,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Comparator::Below => "<",
            Comparator::AtMost => "<=",
            Comparator::AtLeast => ">=",
            Comparator::Above => ">",
        }
    }
}

/// One service level: `p99<50ms`, `errors<0.1%`, `goodput>=99%`, or that of one request: `read:p99<20ms`.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The request that it is about; `None` for all of them together.
    pub request: Option<String>,
    /// What is held against the bound.
    pub metric: Metric,
    /// Which side is good.
    pub comparator: Comparator,
    /// Microseconds for latency, a fraction from 0 to 1 otherwise.
    pub bound: f64,
}

/// Why an objective could not be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "objective `{text}`: {reason}; write it like p99<50ms, errors<0.1%, goodput>=99%, or read:p99<20ms for one request"
)]
pub struct ObjectiveError {
    text: String,
    reason: &'static str,
}

impl std::str::FromStr for Objective {
    type Err = ObjectiveError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).map_err(|reason| ObjectiveError { text: text.to_owned(), reason })
    }
}

fn read(text: &str) -> Result<Objective, &'static str> {
    // From the right, since the name of a request may hold anything.
    let at = text.rfind(['<', '>']).ok_or("has none of <, <=, >= and >")?;
    let (name, rest) = (text[..at].trim(), &text[at..]);
    let (comparator, bound) = [Comparator::AtMost, Comparator::AtLeast, Comparator::Below, Comparator::Above]
        .into_iter()
        .find_map(|comparator| Some((comparator, rest.strip_prefix(comparator.as_str())?.trim())))
        .ok_or("has none of <, <=, >= and >")?;
    let (request, name) = match name.rsplit_once(':') {
        Some((request, name)) => (Some(request.trim()), name.trim()),
        None => (None, name),
    };
    if request == Some("") {
        return Err("names no request before its colon");
    }
    let metric = metric(name)?;
    let below = matches!(comparator, Comparator::Below | Comparator::AtMost);
    let bound = match metric {
        Metric::Latency(_) => micros(bound).ok_or("has a bound without us, ms or s")?,
        Metric::Errors | Metric::Goodput => {
            let percent = bound.strip_suffix('%').and_then(|digits| digits.trim().parse::<f64>().ok());
            percent.ok_or("has a bound without %")? / 100.0
        }
    };
    match metric {
        Metric::Latency(_) | Metric::Errors if !below => return Err("asks for the worse side: use < or <="),
        Metric::Goodput if below => return Err("asks for the worse side: use >= or >"),
        Metric::Errors | Metric::Goodput if bound > 1.0 => return Err("has a share above 100%"),
        _ => {}
    }
    let never = match comparator {
        Comparator::Below => bound <= 0.0,
        Comparator::AtMost => bound < 0.0 || (bound == 0.0 && matches!(metric, Metric::Latency(_))),
        Comparator::AtLeast => bound < 0.0,
        Comparator::Above => !(0.0..1.0).contains(&bound),
    };
    if never || !bound.is_finite() {
        return Err("has a bound that no run can meet");
    }
    Ok(Objective { request: request.map(str::to_owned), metric, comparator, bound })
}

fn metric(name: &str) -> Result<Metric, &'static str> {
    match name {
        "errors" => return Ok(Metric::Errors),
        "goodput" => return Ok(Metric::Goodput),
        "max" => return Ok(Metric::Latency(100.0)),
        _ => {}
    }
    let digits =
        name.strip_prefix('p').ok_or("names no known metric: p and a percentile, max, errors or goodput")?;
    let percentile: f64 = digits.parse().map_err(|_| "has a percentile that is not a number")?;
    if !(0.0..=100.0).contains(&percentile) {
        return Err("has a percentile outside 0 to 100 (p99.9 is written with its point)");
    }
    Ok(Metric::Latency(percentile))
}

fn micros(text: &str) -> Option<f64> {
    let scale = |suffix: &str, factor: f64| {
        text.strip_suffix(suffix)
            .and_then(|digits| digits.trim().parse::<f64>().ok())
            .map(|value| value * factor)
    };
    scale("us", 1.0).or_else(|| scale("µs", 1.0)).or_else(|| scale("ms", 1e3)).or_else(|| scale("s", 1e6))
}

impl Objective {
    /// What is measured, without the bound: "p99", "read:p99", "errors".
    #[must_use]
    pub fn measure(&self) -> String {
        let request = self.request.as_ref().map_or(String::new(), |request| format!("{request}:"));
        match self.metric {
            Metric::Latency(percentile) => format!("{request}p{percentile}"),
            Metric::Errors => format!("{request}errors"),
            Metric::Goodput => format!("{request}goodput"),
        }
    }
}

impl std::fmt::Display for Objective {
    /// As it is read: what stands in a record is an objective again.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (measure, comparator) = (self.measure(), self.comparator.as_str());
        // 0.07 * 100 is not quite 7.
        let tidy = |value: f64| (value * 1e9).round() / 1e9;
        match self.metric {
            Metric::Latency(_) => {
                let (value, unit) = match self.bound {
                    us if us >= 1e6 => (us / 1e6, "s"),
                    us if us >= 1e3 => (us / 1e3, "ms"),
                    us => (us, "us"),
                };
                let value = tidy(value);
                write!(f, "{measure}{comparator}{value}{unit}")
            }
            Metric::Errors | Metric::Goodput => {
                write!(f, "{measure}{comparator}{}%", tidy(self.bound * 100.0))
            }
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
    use proptest::prelude::*;

    fn parse(text: &str) -> Objective {
        text.parse().unwrap()
    }

    #[test]
    fn objectives_read_as_people_write_them() {
        let p99 = parse("p99<50ms");
        let expected = Objective {
            request: None,
            metric: Metric::Latency(99.0),
            comparator: Comparator::Below,
            bound: 5e4,
        };
        assert_eq!(p99, expected);
        assert_eq!(p99.to_string(), "p99<50ms");
        let errors = parse("errors < 0.1%");
        assert_eq!((errors.metric, errors.bound), (Metric::Errors, 0.001));
        let goodput = parse("goodput>=99%");
        assert_eq!((goodput.comparator, goodput.bound), (Comparator::AtLeast, 0.99));
        assert_eq!(parse("p99.9<1s").bound, 1e6);
        assert_eq!(parse("p50 <= 5 ms").comparator, Comparator::AtMost);
        assert_eq!(parse("errors<=0%").bound, 0.0);
        assert_eq!(parse("goodput>99.9%").comparator, Comparator::Above);
        assert_eq!(parse("max<250us").metric, Metric::Latency(100.0));
    }

    #[test]
    fn an_objective_may_be_that_of_one_request() {
        let read = parse("read:p99<20ms");
        assert_eq!(read.request.as_deref(), Some("read"));
        assert_eq!((read.to_string(), read.measure()), ("read:p99<20ms".to_owned(), "read:p99".to_owned()));
        assert_eq!(parse("GET /a:b : errors<1%").request.as_deref(), Some("GET /a:b"));
    }

    #[test]
    fn what_is_not_an_objective_says_how_to_write_one() {
        for text in [
            "",
            "p99",
            "p99=5ms",
            "q99<1ms",
            "p101<1ms",
            "p99<50",
            "errors<1",
            "pxx<1ms",
            "p99<-1ms",
            "p99<0ms",
            "errors<0%",
            "goodput>100%",
            "goodput>=101%",
            ":p99<1ms",
            "p99>50ms",
            "goodput<99%",
            "errors>=1%",
        ] {
            let error = text.parse::<Objective>().unwrap_err().to_string();
            assert!(error.contains("write it like"), "{error}");
        }
        let turned = "goodput<99%".parse::<Objective>().unwrap_err().to_string();
        assert!(turned.contains("use >= or >"), "{turned}");
    }

    proptest! {
        // The record keeps objectives as text: one that could not be read again would silently not be judged.
        #[test]
        fn an_objective_printed_and_read_again_is_the_same(
            request in prop::option::of("[a-z]{1,8}"), bound in 1u32..100_000_000, kind in 0..3,
        ) {
            let (text, scale) = match kind {
                0 => (format!("p99.9<{bound}us"), 1.0),
                1 => (format!("errors<={}%", f64::from(bound) / 1e6), 1e-8),
                _ => (format!("goodput>={}%", f64::from(bound) / 1e6), 1e-8),
            };
            let objective = parse(&request.map_or(text.clone(), |request| format!("{request}:{text}")));
            let again = parse(&objective.to_string());
            prop_assert_eq!(&again.request, &objective.request);
            prop_assert!((again.bound - objective.bound).abs() <= 1e-9 * (1.0 + objective.bound));
            prop_assert!((objective.bound - f64::from(bound) * scale).abs() <= 1e-9 * (1.0 + objective.bound));
        }
    }

    #[test]
    fn the_worst_verdict_is_the_greatest() {
        assert!(Verdict::Fail > Verdict::Unknown && Verdict::Unknown > Verdict::Pass);
    }
}
